//! Lists in a strategic merge patch: entries that go by a key are merged, scalars are put together, other lists are replaced.

use std::mem::Discriminant;

use schema::{Schema, Shape};
use serde_json::{Map, Value};

use super::directives::{self, Directive, without_directives};
use super::order::{self, Items};
use super::{field_schema, maps};
use crate::error::Error;
use crate::typed::{go_text, go_type};

/// A list after a patch, and the entries by whose order those that the patch does not name find their place.
struct Merged {
    entries: Vec<Value>,
    order: Vec<Value>,
}

/// Merges a patch into a list.
pub(super) fn merge(schema: &Schema, current: Vec<Value>, patch: Vec<Value>) -> Result<Vec<Value>, Error> {
    merged(schema, current, patch).map(|merged| merged.entries)
}

fn merged(schema: &Schema, current: Vec<Value>, patch: Vec<Value>) -> Result<Merged, Error> {
    if !schema.strategic.merge {
        return Ok(Merged { entries: patch, order: current });
    }
    if current.is_empty() && patch.is_empty() {
        return Ok(Merged { entries: current, order: Vec::new() });
    }
    if are_maps(&[&current, &patch])? {
        of_maps(schema, current, patch)
    } else {
        Ok(of_scalars(current, patch))
    }
}

/// Merges the lists that have a `$setElementOrder`, and takes both out of the patch.
pub(super) fn merge_ordered(
    schema: &Schema,
    current: &mut Map<String, Value>,
    patch: &mut Map<String, Value>,
) -> Result<(), Error> {
    let names: Vec<String> =
        patch.keys().filter(|name| name.starts_with(directives::SET_ELEMENT_ORDER)).cloned().collect();
    for directive in names {
        let order = list(patch.remove(&directive).unwrap_or_default())?;
        let name = directives::order_of(&directive)?.unwrap_or_default();
        let ours = current.get(name).cloned().map(list).transpose()?;
        let theirs = patch.get(name).cloned().map(list).transpose()?;
        let schema = field_schema(schema, name)?;
        let key = schema.strategic.merge_key.as_deref();
        order::check(theirs.as_deref().unwrap_or_default(), &order, key)?;
        let Some(merged) = in_order(schema, ours, theirs, &order)? else { continue };
        current.insert(name.to_owned(), Value::Array(merged));
        patch.remove(name);
    }
    Ok(())
}

fn list(value: Value) -> Result<Vec<Value>, Error> {
    match value {
        Value::Array(entries) => Ok(entries),
        other => Err(bad_argument("[]interface {}", &other)),
    }
}

fn in_order(
    schema: &Schema,
    current: Option<Vec<Value>>,
    patch: Option<Vec<Value>>,
    order: &[Value],
) -> Result<Option<Vec<Value>>, Error> {
    let key = schema.strategic.merge_key.as_deref();
    let all = [current.clone().unwrap_or_default(), patch.clone().unwrap_or_default()];
    let merged = match (current, patch) {
        (None, None) => return Ok(None),
        (Some(current), None) => Merged { entries: current.clone(), order: current },
        (None, Some(patch)) => {
            Merged { entries: patch.into_iter().filter_map(without_directives).collect(), order: Vec::new() }
        }
        (Some(current), Some(patch)) => merged(schema, current, patch)?,
    };
    if all.iter().all(Vec::is_empty) {
        return Err(Error::Internal("no elements in any of the given slices".to_owned()));
    }
    are_maps(&[&all[0], &all[1]])?;
    let named = Items::named(&merged.entries, order, key)?;
    Ok(Some(order::sort(named, order, &merged.order, key)))
}

/// Puts two lists of scalars together.
fn of_scalars(current: Vec<Value>, patch: Vec<Value>) -> Merged {
    let mut all: Vec<Value> = Vec::new();
    for entry in current.iter().chain(&patch) {
        if !all.contains(entry) {
            all.push(entry.clone());
        }
    }
    let (named, others) = all.into_iter().partition(|entry| patch.contains(entry));
    let entries = order::sort(Items { named, others }, &patch, &current, None);
    Merged { entries, order: current }
}

/// Merges the maps of two lists by their key.
fn of_maps(schema: &Schema, current: Vec<Value>, patch: Vec<Value>) -> Result<Merged, Error> {
    let Some(key) = schema.strategic.merge_key.as_deref() else {
        return Err(Error::Internal("cannot merge lists without merge key for struct".to_owned()));
    };
    let Shape::List { items, .. } = &schema.shape else {
        return Ok(Merged { entries: patch, order: current });
    };
    let room = current.len();
    let (current, patch) = special_entries(current, patch, key)?;
    let mut merged = current.clone();
    let mut appended = Vec::new();
    for entry in &patch {
        let Value::Object(entry) = entry else { return Err(bad_argument("map[string]interface {}", entry)) };
        let value = entry.get(key).ok_or_else(|| order::no_key(entry, key))?;
        match merged.iter_mut().find(|other| other.get(key) == Some(value)) {
            Some(Value::Object(other)) => *other = maps(items, std::mem::take(other), entry.clone())?,
            _ => {
                merged.push(Value::Object(entry.clone()));
                appended.push(Value::Object(entry.clone()));
            }
        }
    }
    // A real server appends in the room that deleted entries leave, and by that tells the order of as many new ones.
    appended.truncate(room.saturating_sub(current.len()));
    let named = Items::named(&merged, &patch, Some(key))?;
    let entries = order::sort(named, &patch, &current, Some(key));
    Ok(Merged { entries, order: current.into_iter().chain(appended).collect() })
}

/// Does the directives among the entries of a patch: the list that is left to patch, and the patch without them.
fn special_entries(
    mut current: Vec<Value>,
    patch: Vec<Value>,
    key: &str,
) -> Result<(Vec<Value>, Vec<Value>), Error> {
    let mut replaces = false;
    let mut rest = Vec::new();
    for entry in patch {
        let Value::Object(fields) = &entry else {
            return Err(bad_argument("map[string]interface {}", &entry));
        };
        match directives::of_entry(fields)? {
            None => rest.push(entry),
            Some(Directive::Replace) => replaces = true,
            Some(Directive::Delete) => {
                let value = fields.get(key).ok_or_else(|| order::no_key(fields, key))?;
                current.retain(|other| other.get(key) != Some(value));
            }
        }
    }
    Ok(if replaces { (rest, Vec::new()) } else { (current, rest) })
}

/// Whether the entries are maps; all must be of one type.
fn are_maps(lists: &[&[Value]]) -> Result<bool, Error> {
    let mut first: Option<(&Value, Discriminant<Value>)> = None;
    for entry in lists.iter().copied().flatten() {
        let kind = std::mem::discriminant(entry);
        let (_, expected) = *first.get_or_insert((entry, kind));
        if entry.is_array() && expected == kind {
            return Err(Error::rejected());
        }
        if kind != expected {
            let lists: Vec<String> = lists.iter().map(|list| go_text(&Value::Array(list.to_vec()))).collect();
            return Err(Error::Internal(format!(
                "list element types are not identical: [{}]",
                lists.join(" ")
            )));
        }
    }
    Ok(first.is_some_and(|(entry, _)| entry.is_object()))
}

pub(super) fn bad_argument(expected: &str, actual: &Value) -> Error {
    Error::Internal(format!("expected a {expected}, but received a {}", go_type(actual)))
}
