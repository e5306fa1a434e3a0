//! All names in their order, in memory: a lookup and a list never read the disk.

use std::collections::BTreeMap;
use std::ops::Bound;

use super::record::Entry;
use crate::{Directory, Name};

/// What can be found.
#[derive(Default)]
pub(crate) struct Index(BTreeMap<Name, Entry>);

impl Index {
    pub(crate) fn get(&self, name: &Name) -> Option<&Entry> {
        self.0.get(name)
    }

    /// Takes the entry in, and returns the one that it replaces.
    pub(crate) fn insert(&mut self, name: Name, entry: Entry) -> Option<Entry> {
        self.0.insert(name, entry)
    }

    pub(crate) fn remove(&mut self, name: &Name) {
        self.0.remove(name);
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// What is in a directory, in the order of bytes: whole names, and once each, with a slash at their end, the directories in it.
    ///
    /// Steps over the names below a directory, so that it costs what it returns and not what exists.
    pub(crate) fn list(&self, directory: &Directory) -> Vec<Vec<u8>> {
        let prefix = directory.as_bytes();
        let mut listed = Vec::new();
        let mut from = Bound::Included(prefix.to_vec());
        while let Some(name) = self.next(&from).filter(|name| name.starts_with(prefix)) {
            let slash = name[prefix.len()..].iter().position(|byte| *byte == b'/');
            let entry = slash.map_or(name, |slash| &name[..=prefix.len() + slash]).to_vec();
            from = match slash {
                Some(_) => Bound::Included(after_all_below(&entry)),
                None => Bound::Excluded(entry.clone()),
            };
            listed.push(entry);
        }
        listed
    }

    /// The name itself, if it is one, and all below it.
    pub(crate) fn subtree(&self, name: &Name) -> Vec<Name> {
        let directory = name.directory();
        let below = self.0.range::<[u8], _>((Bound::Included(directory.as_bytes()), Bound::Unbounded));
        let below =
            below.map(|(name, _)| name).take_while(|name| name.as_bytes().starts_with(directory.as_bytes()));
        self.0.get_key_value(name).map(|(name, _)| name).into_iter().chain(below).cloned().collect()
    }

    fn next(&self, from: &Bound<Vec<u8>>) -> Option<&[u8]> {
        let from = from.as_ref().map(Vec::as_slice);
        self.0.range::<[u8], _>((from, Bound::Unbounded)).next().map(|(name, _)| name.as_bytes())
    }
}

/// The least that comes after everything that begins with a directory, which ends with a slash.
fn after_all_below(directory: &[u8]) -> Vec<u8> {
    let mut after = directory.to_vec();
    if let Some(last) = after.last_mut() {
        *last += 1;
    }
    after
}
