//! What the store keeps: an object's bytes under its key, with the revision of its last write.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;

/// A number of the one sequence that counts the writes of all kinds; above 0, never used twice.
pub type Revision = u64;

/// What an entry of the map, of the window or of a table costs beside its bytes, roughly.
const OVERHEAD: usize = 200;

/// Which object; ordered by resource, then namespace, then name, as lists are.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Key {
    /// Group and plural, as in `apps/deployments`; the core group's is empty, as in `/pods`.
    pub resource: Arc<str>,
    /// Empty for an object of the cluster's scope.
    pub namespace: Arc<str>,
    /// The object's name.
    pub name: Arc<str>,
}

/// One state of one object; shared by the map, the window and all who read it.
#[derive(PartialEq, Eq, Debug)]
pub struct Object {
    /// Which object.
    pub key: Key,
    /// The write that made this state.
    pub revision: Revision,
    /// The object without its `metadata.resourceVersion`, which is the revision.
    pub json: Bytes,
}

impl Key {
    /// The key of these parts.
    pub fn new(
        resource: impl Into<Arc<str>>,
        namespace: impl Into<Arc<str>>,
        name: impl Into<Arc<str>>,
    ) -> Key {
        Key { resource: resource.into(), namespace: namespace.into(), name: name.into() }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.namespace {
            "" => write!(f, "{} {}", self.resource, self.name),
            namespace => write!(f, "{} {namespace}/{}", self.resource, self.name),
        }
    }
}

impl Object {
    /// How many bytes of memory this state takes, roughly.
    pub(crate) fn size(&self) -> usize {
        self.json.len() + self.key.name.len() + OVERHEAD
    }
}
