//! The difference between the objects that should be and those that are, as a value that effects consume whole.

use std::collections::BTreeMap;

use serde::Serialize;

/// What has to be written so that what is becomes what should be.
///
/// | desired | observed | ours | equal | goes to                                              |
/// |---------|----------|------|-------|------------------------------------------------------|
/// | yes     | no       |      |       | `create`                                             |
/// | yes     | yes      | yes  | no    | `update`                                             |
/// | yes     | yes      | yes  | yes   | nowhere                                              |
/// | yes     | yes      | no   |       | `taken`: reported as `NameTaken`, never written      |
/// | no      | yes      | yes  |       | `delete`                                             |
/// | no      | yes      | no   |       | nowhere                                              |
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Changes<K, D> {
    /// Objects that do not exist yet.
    pub create: Vec<D>,
    /// Objects of ours that differ.
    pub update: Vec<D>,
    /// Objects of ours that nothing wishes for any more.
    pub delete: Vec<K>,
    /// Names that somebody else's object has.
    pub taken: Vec<K>,
}

impl<K, D> Default for Changes<K, D> {
    fn default() -> Self {
        Self { create: Vec::new(), update: Vec::new(), delete: Vec::new(), taken: Vec::new() }
    }
}

impl<K: Ord + Clone, D: Clone> Changes<K, D> {
    /// Compares by key; `ours` and `differs` decide the columns of the table above.
    pub fn between<O>(
        desired: &BTreeMap<K, D>,
        observed: &BTreeMap<K, O>,
        ours: impl Fn(&O) -> bool,
        differs: impl Fn(&D, &O) -> bool,
    ) -> Self {
        let mut changes = Self::default();
        for (key, wish) in desired {
            match observed.get(key) {
                None => changes.create.push(wish.clone()),
                Some(object) if !ours(object) => changes.taken.push(key.clone()),
                Some(object) if differs(wish, object) => changes.update.push(wish.clone()),
                Some(_) => {}
            }
        }
        let unwished = observed.iter().filter(|(key, object)| ours(object) && !desired.contains_key(*key));
        changes.delete.extend(unwished.map(|(key, _)| key.clone()));
        changes
    }

    /// Whether nothing has to be written.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let Self { create, update, delete, taken: _ } = self;
        create.is_empty() && update.is_empty() && delete.is_empty()
    }
}
