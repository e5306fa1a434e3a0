//! A value without some of its fields.

use serde_json::{Map, Value};

use super::key::element;
use super::{Atom, ListAtom, MapAtom, Type};
use crate::fields::{FieldSet, PathElement};

/// The value without the members of a set. What loses all its entries by that becomes null; the caller has the entry itself in the
/// set where it is to go as well.
pub(crate) fn remove(of: Type<'_>, value: &Value, set: &FieldSet) -> Value {
    match (of.atom(value), value) {
        (Atom::Map(map), Value::Object(entries)) if !map.atomic && !entries.is_empty() => {
            from_map(&map, entries, set)
        }
        (Atom::List(list), Value::Array(entries)) if !list.is_atomic() && !entries.is_empty() => {
            from_list(&list, entries, set)
        }
        (Atom::Scalar(_), scalar) => scalar.clone(),
        (Atom::Map(_) | Atom::List(_), _) => Value::Null,
    }
}

fn from_map(map: &MapAtom<'_>, entries: &Map<String, Value>, set: &FieldSet) -> Value {
    let kept = entries.iter().filter_map(|(name, value)| {
        let value = keep(map.entry(name), value, &PathElement::field(name), set)?;
        Some((name.clone(), value))
    });
    let kept: Map<String, Value> = kept.collect();
    if kept.is_empty() { Value::Null } else { Value::Object(kept) }
}

fn from_list(list: &ListAtom<'_>, entries: &[Value], set: &FieldSet) -> Value {
    let kept = entries.iter().filter_map(|entry| match element(list, entry) {
        Ok(element) => keep(list.items, entry, &element, set),
        Err(_) => Some(entry.clone()),
    });
    let kept: Vec<Value> = kept.collect();
    if kept.is_empty() { Value::Null } else { Value::Array(kept) }
}

fn keep(of: Type<'_>, value: &Value, element: &PathElement, set: &FieldSet) -> Option<Value> {
    if set.contains(std::slice::from_ref(element)) {
        return None;
    }
    Some(match set.below(element) {
        Some(below) => remove(of, value, below),
        None => value.clone(),
    })
}
