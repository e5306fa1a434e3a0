//! One Blobstore that is open: its objects, and the keys that get at them. When it is dropped, no key does.

use std::sync::Arc;

use blobstore::{Access, AccessKey, Objects};

/// An open folder.
pub(super) struct Shelf {
    objects: Arc<Objects>,
    access: Arc<Access>,
    /// All that were admitted and not ended.
    keys: Vec<AccessKey>,
}

impl Shelf {
    /// Nobody gets at it yet.
    pub(super) fn new(objects: Objects, access: Arc<Access>) -> Self {
        Self { objects: Arc::new(objects), access, keys: Vec::new() }
    }

    /// How many objects there are.
    pub(super) fn count(&self) -> u64 {
        u64::try_from(self.objects.count()).unwrap_or(u64::MAX)
    }

    /// From now on this key opens it too.
    pub(super) fn admit(&mut self, key: &AccessKey) {
        if !self.keys.contains(key) {
            self.access.grant(key, Arc::clone(&self.objects));
            self.keys.push(key.clone());
        }
    }

    /// Whether another key opens it as well.
    pub(super) fn has_other_than(&self, key: &AccessKey) -> bool {
        self.keys.iter().any(|other| other != key)
    }

    /// Ends every key for which this holds.
    pub(super) fn end(&mut self, which: impl Fn(&AccessKey) -> bool) {
        for key in self.keys.extract_if(.., |key| which(key)) {
            self.access.revoke(&key);
        }
    }

    /// Whether requests are under way that began before their key ended.
    pub(super) fn is_in_use(&self) -> bool {
        Arc::strong_count(&self.objects) > 1 + self.keys.len()
    }
}

impl Drop for Shelf {
    fn drop(&mut self) {
        self.end(|_| true);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_admitted_once_ended_by_name_and_all_end_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let access = Arc::new(Access::default());
        let mut shelf = Shelf::new(Objects::open(folder.path()).unwrap(), Arc::clone(&access));
        let (old, new) = (AccessKey::generate(), AccessKey::generate());
        shelf.admit(&old);
        shelf.admit(&old);
        assert!(!shelf.has_other_than(&old) && !shelf.is_in_use());
        shelf.admit(&new);
        assert!(shelf.has_other_than(&new));
        shelf.end(|key| *key != new);
        assert!(!shelf.has_other_than(&new) && !shelf.is_in_use());
        let request = Arc::clone(&shelf.objects);
        assert!(shelf.is_in_use());
        drop(shelf);
        assert_eq!(Arc::strong_count(&request), 1, "no key is left");
    }
}
