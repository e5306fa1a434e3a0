//! The difference of two values, as sets of fields.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::key::element;
use super::{Atom, ListAtom, MapAtom, Type};
use crate::fields::{FieldSet, Path, PathElement, same};

/// What one value has that another had not, and so on. No field is in two of the sets.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Comparison {
    pub(crate) added: FieldSet,
    pub(crate) modified: FieldSet,
    pub(crate) removed: FieldSet,
}

impl Comparison {
    /// What differs in fields that are not ignored.
    pub(crate) fn without(self, ignored: &FieldSet) -> Self {
        Self {
            added: self.added.without(ignored),
            modified: self.modified.without(ignored),
            removed: self.removed.without(ignored),
        }
    }

    /// The fields of the new value that are not as they were.
    pub(crate) fn changed(&self) -> FieldSet {
        self.added.union(&self.modified)
    }
}

/// Compares two values of one type.
pub(crate) fn compare(of: Type<'_>, old: &Value, new: &Value) -> Comparison {
    let mut comparison = Comparison::default();
    comparison.values(of, &Path::default(), Some(old), Some(new));
    comparison
}

impl Comparison {
    fn values(&mut self, of: Type<'_>, path: &Path, old: Option<&Value>, new: Option<&Value>) {
        let mut is_leaf = false;
        let mut forms: Vec<&Value> = [old, new].into_iter().flatten().collect();
        // A value that changes its form is compared as both; null takes the form of the other.
        if let [old, new] = forms[..]
            && (form(old) == form(new) || old.is_null() || new.is_null())
        {
            forms = vec![if new.is_null() { old } else { new }];
        }
        for form in forms {
            is_leaf |= match of.atom(form) {
                Atom::Scalar(_) => true,
                Atom::Map(map) => self.maps(&map, path, old, new),
                Atom::List(list) => self.lists(&list, path, old, new),
            };
        }
        match (old, new) {
            (None, _) => self.added.insert(path),
            (_, None) => self.removed.insert(path),
            (Some(old), Some(new)) if is_leaf && !same(old, new) => self.modified.insert(path),
            (Some(_), Some(_)) => {}
        }
    }

    /// Compares the entries of two maps, or says that the maps are leaves.
    fn maps(&mut self, map: &MapAtom<'_>, path: &Path, old: Option<&Value>, new: Option<&Value>) -> bool {
        let none = Map::new();
        let (old, new) = (named_entries(old).unwrap_or(&none), named_entries(new).unwrap_or(&none));
        if map.atomic || (old.is_empty() && new.is_empty()) {
            return true;
        }
        let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
        for name in names {
            let path = path.child(&PathElement::field(name));
            self.values(map.entry(name), &path, old.get(name), new.get(name));
        }
        false
    }

    /// Compares the entries of two lists, or says that the lists are leaves.
    fn lists(&mut self, list: &ListAtom<'_>, path: &Path, old: Option<&Value>, new: Option<&Value>) -> bool {
        let (old, new) = (entries(old), entries(new));
        if list.is_atomic() || (old.is_empty() && new.is_empty()) {
            return true;
        }
        let (old, new) = (by_element(list, old), by_element(list, new));
        let elements: BTreeSet<&PathElement> = old.keys().chain(new.keys()).collect();
        for element in elements {
            let (old, new) = (old.get(element), new.get(element));
            let [old, new] = [old, new].map(|entries| entries.map_or(&[][..], Vec::as_slice));
            self.entries(list.items, &path.child(element), old, new);
        }
        false
    }

    /// Compares the entries that go by one name. Where there are several, nobody can say which is meant, so they are one leaf.
    fn entries(&mut self, of: Type<'_>, path: &Path, old: &[&Value], new: &[&Value]) {
        match (old, new) {
            ([] | [_], [] | [_]) => self.values(of, path, old.first().copied(), new.first().copied()),
            ([_, _, ..], [_, _, ..]) => {
                let are_same = old.len() == new.len() && old.iter().zip(new).all(|(old, new)| same(old, new));
                if !are_same {
                    self.modified.insert(path);
                }
            }
            ([_, _, ..], _) => {
                if let Some(new) = new.first() {
                    self.values(of, path, None, Some(new));
                }
                self.removed.insert(path);
            }
            (_, [_, _, ..]) => {
                if let Some(old) = old.first() {
                    self.values(of, path, Some(old), None);
                }
                self.added.insert(path);
            }
        }
    }
}

fn named_entries(value: Option<&Value>) -> Option<&Map<String, Value>> {
    value.and_then(Value::as_object)
}

fn entries(value: Option<&Value>) -> &[Value] {
    value.and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn by_element<'v>(list: &ListAtom<'_>, entries: &'v [Value]) -> BTreeMap<PathElement, Vec<&'v Value>> {
    let mut by_element: BTreeMap<PathElement, Vec<&Value>> = BTreeMap::new();
    for entry in entries {
        if let Ok(element) = element(list, entry) {
            by_element.entry(element).or_default().push(entry);
        }
    }
    by_element
}

/// Which of the three forms a value has.
fn form(value: &Value) -> u8 {
    match value {
        Value::Object(_) => 0,
        Value::Array(_) => 1,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 2,
    }
}
