//! Blobstores in the world: what of them Apps read, and the namespace whose uid stands in the tags of buckets.

use std::sync::Arc;

use crds::Blobstore;
use k8s_openapi::api::core::v1::Namespace;

use super::{World, replace, same, uid};
use crate::{ObjectKey, Unit};

/// A namespace that every Kubernetes cluster has from its beginning to its end.
const INSTALLATION: &str = "kube-system";

impl World {
    /// Which variables an App gets of a Blobstore, and from where.
    pub(super) fn set_blobstore(&mut self, key: ObjectKey, new: Option<Arc<Blobstore>>) {
        let old = replace(&mut self.blobstores, &key, new.clone());
        let unchanged = same(old.as_ref(), new.as_ref(), |blobstore| {
            let status = blobstore.status.as_ref();
            let credentials = status.map(|status| (&status.secret, &status.key_id));
            (blobstore.spec.local.is_some(), credentials)
        });
        if !unchanged {
            self.dirty.extend(self.index.apps_by_blobstore.of(&key).cloned().map(Unit::App));
        }
        self.dirty.insert(Unit::Blobstore(key));
    }

    /// The namespace whose uid tells this Kubernetes cluster from others.
    pub(crate) fn installation(&self) -> Option<String> {
        self.namespaces.get(INSTALLATION).map(|namespace| uid(&**namespace))
    }

    /// Marks every Blobstore if this is the namespace by which Kubernetes clusters are told apart, and another one than before.
    pub(super) fn touch_blobstores_of_installation(
        &mut self,
        name: &str,
        old: Option<&Arc<Namespace>>,
        new: Option<&Arc<Namespace>>,
    ) {
        if name == INSTALLATION && !same(old, new, |namespace| &namespace.metadata.uid) {
            self.dirty.extend(self.blobstores.keys().cloned().map(Unit::Blobstore));
        }
    }
}
