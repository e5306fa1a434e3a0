//! A map from a key to a set of values, for looking things up backwards.

use std::collections::{BTreeMap, BTreeSet};

/// Keys with no value left are forgotten.
#[derive(Debug)]
pub(crate) struct MultiMap<K, V>(BTreeMap<K, BTreeSet<V>>);

impl<K, V> Default for MultiMap<K, V> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<K: Ord + Clone, V: Ord> MultiMap<K, V> {
    /// Adds `value` under `key`.
    pub(crate) fn insert(&mut self, key: K, value: V) {
        self.0.entry(key).or_default().insert(value);
    }

    /// Takes `value` away from `key`.
    pub(crate) fn remove(&mut self, key: &K, value: &V) {
        if let Some(values) = self.0.get_mut(key) {
            values.remove(value);
            if values.is_empty() {
                self.0.remove(key);
            }
        }
    }

    /// The values under `key`, in order.
    pub(crate) fn of<'a>(&'a self, key: &K) -> impl Iterator<Item = &'a V> + Clone + use<'a, K, V> {
        self.0.get(key).into_iter().flatten()
    }

    /// Whether there is any value under `key`.
    pub(crate) fn contains(&self, key: &K) -> bool {
        self.0.contains_key(key)
    }

    /// Every key, in order.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &K> {
        self.0.keys()
    }
}
