//! The fields of a value: its leaves, and the entries of its shared lists and maps.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::key::element;
use super::{Atom, ListAtom, MapAtom, Type};
use crate::fields::{FieldSet, PathElement};

/// The fields that whoever applies this value owns.
pub(crate) fn fields_of(of: Type<'_>, value: &Value) -> FieldSet {
    below(of, value).1
}

/// Whether the value is a leaf, and the fields below it.
fn below(of: Type<'_>, value: &Value) -> (bool, FieldSet) {
    match (of.atom(value), value) {
        (Atom::Scalar(_), _) => (true, FieldSet::new()),
        (Atom::Map(map), _) if map.atomic => (true, FieldSet::new()),
        (Atom::List(list), _) if list.is_atomic() => (true, FieldSet::new()),
        (Atom::Map(map), Value::Object(entries)) => (false, of_map(&map, entries)),
        (Atom::List(list), Value::Array(entries)) => (false, of_list(&list, entries)),
        (Atom::Map(_) | Atom::List(_), _) => (false, FieldSet::new()),
    }
}

fn of_map(map: &MapAtom<'_>, entries: &Map<String, Value>) -> FieldSet {
    FieldSet::from_level(entries.iter().map(|(name, value)| {
        let (is_leaf, fields) = below(map.entry(name), value);
        let is_empty = value.is_null() || value.as_object().is_some_and(Map::is_empty);
        (PathElement::field(name), is_leaf || is_empty || !map.is_field(name), fields)
    }))
}

/// An entry that is there twice is a member without anything below it, as nobody can say which of the two is meant.
fn of_list(list: &ListAtom<'_>, entries: &[Value]) -> FieldSet {
    let entries = entries.iter().filter_map(|entry| Some((element(list, entry).ok()?, entry)));
    let entries: Vec<(PathElement, &Value)> = entries.collect();
    let mut seen = BTreeSet::new();
    let twice: BTreeSet<PathElement> = entries
        .iter()
        .map(|(element, _)| element)
        .filter(|element| !seen.insert(*element))
        .cloned()
        .collect();
    FieldSet::from_level(entries.into_iter().map(|(element, entry)| {
        let fields = if twice.contains(&element) { FieldSet::new() } else { below(list.items, entry).1 };
        (element, true, fields)
    }))
}
