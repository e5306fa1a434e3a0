//! The directives of a strategic merge patch, apart from `$setElementOrder`.

use serde_json::{Map, Value};

use crate::error::Error;
use crate::typed::go_text;

/// The field by which a map or an entry of a list says what becomes of it.
pub(super) const PATCH: &str = "$patch";
pub(super) const SET_ELEMENT_ORDER: &str = "$setElementOrder";
const RETAIN_KEYS: &str = "$retainKeys";
const DELETE_FROM_PRIMITIVE_LIST: &str = "$deleteFromPrimitiveList";

/// What `$patch` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Directive {
    /// The patch takes the place of what is there.
    Replace,
    /// What is there goes.
    Delete,
}

/// The directive of a map.
pub(super) fn of_map(patch: &Map<String, Value>) -> Result<Option<Directive>, Error> {
    match patch.get(PATCH) {
        None => Ok(None),
        Some(directive) if directive == "replace" => Ok(Some(Directive::Replace)),
        Some(directive) if directive == "delete" => Ok(Some(Directive::Delete)),
        Some(other) => Err(unknown(other, patch)),
    }
}

/// The directive of an entry of a list.
pub(super) fn of_entry(entry: &Map<String, Value>) -> Result<Option<Directive>, Error> {
    if entry.get(PATCH).is_some_and(|directive| directive == "merge") {
        return Err(Error::Internal("merging lists cannot yet be specified in the patch".to_owned()));
    }
    of_map(entry)
}

fn unknown(directive: &Value, patch: &Map<String, Value>) -> Error {
    let patch = go_text(&Value::Object(patch.clone()));
    Error::Internal(format!("unknown patch type: {} in map: {patch}", go_text(directive)))
}

/// The list of which this field of a patch is the deletions.
pub(super) fn deleted_from(name: &str) -> Result<Option<&str>, Error> {
    list_of(name, DELETE_FROM_PRIMITIVE_LIST, "invalid patch format of primitive list")
}

/// The list of which this field of a patch is the order.
pub(super) fn order_of(name: &str) -> Result<Option<&str>, Error> {
    list_of(name, SET_ELEMENT_ORDER, "invalid patch format of setElementOrder list")
}

fn list_of<'n>(name: &'n str, directive: &str, malformed: &str) -> Result<Option<&'n str>, Error> {
    let Some(rest) = name.strip_prefix(directive) else { return Ok(None) };
    let list = rest.strip_prefix('/').ok_or_else(|| Error::BadRequest(malformed.to_owned()))?;
    Ok(Some(list))
}

/// Does `$retainKeys`: every field that it does not name goes. What the patch brings must be named.
pub(super) fn retain_keys(
    current: &mut Map<String, Value>,
    patch: &mut Map<String, Value>,
) -> Result<(), Error> {
    let malformed = || Error::BadRequest("invalid patch format of retainKeys".to_owned());
    let Some(retained) = patch.remove(RETAIN_KEYS) else { return Ok(()) };
    let retained = retained.as_array().ok_or_else(malformed)?;
    let is_retained = |name: &String| retained.iter().any(|retained| retained == name);
    let is_directive =
        |name: &str| name.starts_with(DELETE_FROM_PRIMITIVE_LIST) || name.starts_with(SET_ELEMENT_ORDER);
    let mut brought = patch.iter().filter(|(name, value)| !value.is_null() && !is_directive(name));
    if !brought.all(|(name, _)| is_retained(name)) {
        return Err(malformed());
    }
    current.retain(|name, _| is_retained(name));
    Ok(())
}

/// Takes the nulls out of the maps of a new value.
pub(super) fn discard_nulls(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|_, value| !value.is_null());
            fields.values_mut().for_each(discard_nulls);
        }
        Value::Array(entries) => entries.iter_mut().for_each(discard_nulls),
        _ => {}
    }
}

/// A new value without the maps that are directives; none if it is one itself.
pub(super) fn without_directives(value: Value) -> Option<Value> {
    match value {
        Value::Object(fields) if fields.contains_key(PATCH) => None,
        Value::Object(fields) => {
            let fields =
                fields.into_iter().filter_map(|(name, value)| Some((name, without_directives(value)?)));
            Some(Value::Object(fields.collect()))
        }
        Value::Array(entries) => {
            Some(Value::Array(entries.into_iter().filter_map(without_directives).collect()))
        }
        scalar => Some(scalar),
    }
}
