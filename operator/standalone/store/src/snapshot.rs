//! The state at one revision: an immutable ordered map that shares its nodes with its neighbours in time.

use std::ops::Bound;
use std::sync::Arc;

use rpds::RedBlackTreeMapSync;

use crate::object::{Key, Object, Revision};

/// All objects as they were at one revision. Cloning is one counter, whatever the size; later writes do not show.
#[derive(Clone, Debug)]
pub struct Snapshot {
    objects: RedBlackTreeMapSync<Key, Arc<Object>>,
    revision: Revision,
    bytes: usize,
}

impl Snapshot {
    pub(crate) fn empty(revision: Revision) -> Snapshot {
        Snapshot { objects: RedBlackTreeMapSync::new_sync(), revision, bytes: 0 }
    }

    /// The last write that shows here.
    pub fn revision(&self) -> Revision {
        self.revision
    }

    /// The object of that key.
    pub fn get(&self, key: &Key) -> Option<&Arc<Object>> {
        self.objects.get(key)
    }

    /// A resource's objects by namespace, then name; of one namespace if one is given, and only those that come after
    /// the pair given, which need not be there itself.
    pub fn list<'a>(
        &'a self,
        resource: &str,
        namespace: Option<&str>,
        after: Option<(&str, &str)>,
    ) -> impl Iterator<Item = &'a Arc<Object>> + use<'a> {
        let first = Key::new(resource, namespace.unwrap_or_default(), "");
        let after =
            after.map(|(namespace, name)| Key::new(resource, namespace, name)).filter(|key| *key >= first);
        let namespace = namespace.is_some().then(|| first.namespace.clone());
        let resource = first.resource.clone();
        let start = after.map_or(Bound::Included(first), Bound::Excluded);
        self.objects
            .range::<Key, _>((start, Bound::Unbounded))
            .take_while(move |(key, _)| {
                key.resource == resource
                    && namespace.as_ref().is_none_or(|namespace| key.namespace == *namespace)
            })
            .map(|(_, object)| object)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<Object>> {
        self.objects.values()
    }

    /// What all objects together take, roughly.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(crate) fn insert(&mut self, object: Arc<Object>) {
        self.remove(&object.key);
        self.bytes += object.size();
        self.objects.insert_mut(object.key.clone(), object);
    }

    pub(crate) fn remove(&mut self, key: &Key) {
        if let Some(object) = self.objects.get(key) {
            self.bytes -= object.size();
            self.objects.remove_mut(key);
        }
    }

    pub(crate) fn advance(&mut self, revision: Revision) {
        self.revision = revision;
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn snapshot(keys: &[(&str, &str, &str)]) -> Snapshot {
        let mut snapshot = Snapshot::empty(1);
        for (resource, namespace, name) in keys {
            let key = Key::new(*resource, *namespace, *name);
            snapshot.insert(Arc::new(Object { key, revision: 1, json: Bytes::from_static(b"{}") }));
        }
        snapshot
    }

    fn names<'a>(objects: impl Iterator<Item = &'a Arc<Object>>) -> Vec<String> {
        objects.map(|object| format!("{}/{}", object.key.namespace, object.key.name)).collect()
    }

    const KEYS: &[(&str, &str, &str)] = &[
        ("/pods", "b", "x"),
        ("/pods", "a", "z"),
        ("/pods", "a", "y"),
        ("/pods", "a-1", "y"),
        ("/podsy", "a", "q"),
        ("/nodes", "", "n"),
    ];

    #[test]
    fn a_list_is_ordered_by_namespace_then_name_and_is_of_one_resource() {
        let snapshot = snapshot(KEYS);
        assert_eq!(names(snapshot.list("/pods", None, None)), ["a/y", "a/z", "a-1/y", "b/x"]);
        assert_eq!(names(snapshot.list("/nodes", None, None)), ["/n"]);
        assert_eq!(names(snapshot.list("/nodes", Some(""), None)), ["/n"]);
        assert!(names(snapshot.list("/services", None, None)).is_empty());
    }

    #[test]
    fn a_list_of_one_namespace_has_no_other() {
        assert_eq!(names(snapshot(KEYS).list("/pods", Some("a"), None)), ["a/y", "a/z"]);
    }

    #[test]
    fn a_list_goes_on_after_a_pair_that_need_not_be_there() {
        let snapshot = snapshot(KEYS);
        assert_eq!(names(snapshot.list("/pods", None, Some(("a", "y")))), ["a/z", "a-1/y", "b/x"]);
        assert_eq!(names(snapshot.list("/pods", None, Some(("a", "yy")))), ["a/z", "a-1/y", "b/x"]);
        assert_eq!(names(snapshot.list("/pods", Some("b"), Some(("a", "y")))), ["b/x"]);
        assert!(names(snapshot.list("/pods", Some("a"), Some(("a", "z")))).is_empty());
    }

    #[test]
    fn a_snapshot_does_not_see_what_comes_later() {
        let mut later = snapshot(KEYS);
        let earlier = later.clone();
        later.remove(&Key::new("/pods", "a", "y"));
        assert_eq!(names(earlier.list("/pods", Some("a"), None)), ["a/y", "a/z"]);
        assert_eq!(names(later.list("/pods", Some("a"), None)), ["a/z"]);
    }

    #[test]
    fn what_goes_is_no_longer_counted() {
        let mut snapshot = snapshot(KEYS);
        for (resource, namespace, name) in KEYS {
            snapshot.remove(&Key::new(*resource, *namespace, *name));
        }
        assert_eq!(snapshot.bytes(), 0);
    }
}
