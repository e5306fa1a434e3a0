//! The order of a merged list: what the patch names is in the patch's order; the others keep theirs, as near as can be to the
//! entries that they were next to.

use serde_json::{Map, Value};

use super::directives::{self, Directive};
use super::lists::bad_argument;
use crate::error::Error;
use crate::typed::go_text;

/// The entries of a merged list, apart: those that a patch or an order names, and the others.
pub(super) struct Items {
    pub(super) named: Vec<Value>,
    pub(super) others: Vec<Value>,
}

impl Items {
    /// Parts the entries by whether they are among `names`.
    pub(super) fn named(entries: &[Value], names: &[Value], key: Option<&str>) -> Result<Self, Error> {
        for entry in entries.iter().chain(names) {
            name(entry, key)?;
        }
        let (named, others) = entries.iter().cloned().partition(|entry| index(names, entry, key).is_some());
        Ok(Self { named, others })
    }
}

/// Puts the entries together: the named ones in their order, the others in theirs.
pub(super) fn sort(items: Items, names: &[Value], before: &[Value], key: Option<&str>) -> Vec<Value> {
    let Items { mut named, mut others } = items;
    named.sort_by_key(|entry| index(names, entry, key));
    others.sort_by_key(|entry| index(before, entry, key));
    let mut named = named.into_iter().peekable();
    let mut others = others.into_iter().peekable();
    let mut sorted = Vec::new();
    while let (Some(next), Some(other)) = (named.peek(), others.peek()) {
        let places = index(before, other, key).zip(index(before, next, key));
        let other_is_first = places.is_some_and(|(other, next)| other < next);
        sorted.extend(if other_is_first { others.next() } else { named.next() });
    }
    sorted.extend(named);
    sorted.extend(others);
    sorted
}

/// Checks that the entries of a patch are among those that `$setElementOrder` names, in that order. Deletions need not be; other
/// directives are refused after the last entry that is named, as a real server does it.
pub(super) fn check(patch: &[Value], order: &[Value], key: Option<&str>) -> Result<(), Error> {
    if patch.is_empty() || order.is_empty() {
        return Ok(());
    }
    let mut entries = Vec::new();
    for entry in patch {
        if !is_deletion(entry, key)? {
            entries.push(entry);
        }
    }
    let (mut entries, mut order_left) = (&entries[..], order);
    while let ([entry, entries_left @ ..], [next, rest @ ..]) = (entries, order_left) {
        if entry.get(directives::PATCH).is_some() {
            entries = entries_left;
            continue;
        }
        if name(entry, key)? == name(next, key)? {
            entries = entries_left;
        }
        order_left = rest;
    }
    if entries.is_empty() {
        return Ok(());
    }
    let [patch, order] = [patch, order].map(|list| go_text(&Value::Array(list.to_vec())));
    Err(Error::Internal(format!(
        "The order in patch list:\n{patch}\n doesn't match $setElementOrder list:\n{order}\n"
    )))
}

fn is_deletion(entry: &Value, key: Option<&str>) -> Result<bool, Error> {
    match entry {
        Value::Object(entry) => Ok(matches!(directives::of_map(entry), Ok(Some(Directive::Delete)))),
        other if key.is_some() => Err(bad_argument("map[string]interface {}", other)),
        _ => Ok(false),
    }
}

/// That by which an entry goes: the value of its key, or itself.
fn name<'v>(entry: &'v Value, key: Option<&str>) -> Result<&'v Value, Error> {
    match (entry, key) {
        (entry, None) => Ok(entry),
        (Value::Object(entry), Some(key)) => entry.get(key).ok_or_else(|| no_key(entry, key)),
        (other, Some(_)) => Err(bad_argument("map[string]interface {}", other)),
    }
}

fn index(entries: &[Value], entry: &Value, key: Option<&str>) -> Option<usize> {
    let name = name(entry, key).ok()?;
    entries.iter().position(|other| self::name(other, key).is_ok_and(|other| other == name))
}

pub(super) fn no_key(entry: &Map<String, Value>, key: &str) -> Error {
    let entry = go_text(&Value::Object(entry.clone()));
    Error::Internal(format!("map: {entry} does not contain declared merge key: {key}"))
}
