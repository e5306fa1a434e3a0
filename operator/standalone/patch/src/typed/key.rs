//! How the entries of a shared list are told apart.

use schema::{ListType, Schema, Shape};
use serde_json::Value;

use super::{ListAtom, Type};
use crate::fields::{Literal, PathElement};

/// The path element of an entry of a list that is not atomic.
///
/// # Errors
/// Where the entry cannot be one of such a list; the message is the one that the API answers.
pub(crate) fn element(list: &ListAtom<'_>, entry: &Value) -> Result<PathElement, String> {
    match list.list_type {
        ListType::Atomic => Err("invalid indexing of non-associative list".to_owned()),
        ListType::Set => by_value(entry).map_err(str::to_owned),
        ListType::Map(keys) => by_keys(list.items, keys, entry),
    }
}

fn by_value(entry: &Value) -> Result<PathElement, &'static str> {
    match entry {
        Value::Object(_) => Err("associative list without keys has an element that's a map type"),
        Value::Array(_) => Err("not supported: associative list with lists as elements"),
        Value::Null => Err("associative list without keys has an element that's an explicit null"),
        scalar => Ok(PathElement::Value(Literal(scalar.clone()))),
    }
}

fn by_keys(items: Type<'_>, keys: &[String], entry: &Value) -> Result<PathElement, String> {
    let entry = match entry {
        Value::Null => return Err("associative list with keys may not have a null element".to_owned()),
        Value::Object(entry) => entry,
        _ => return Err("associative list with keys may not have non-map elements".to_owned()),
    };
    let value = |key: &String| entry.get(key).or_else(|| default(items, key)).cloned();
    let mut values: Vec<_> =
        keys.iter().filter_map(|key| Some((key.clone(), Literal(value(key)?)))).collect();
    values.sort();
    if values.is_empty() {
        let keys: Vec<String> = keys.iter().map(|key| format!("{key:?}")).collect();
        return Err(format!(
            "associative list with keys has an element that omits all key fields [{}] (and doesn't have default values for any key fields)",
            keys.join(" ")
        ));
    }
    Ok(PathElement::Key(values))
}

fn default<'a>(items: Type<'a>, key: &str) -> Option<&'a Value> {
    let Type::Known(Schema { shape: Shape::Struct { fields, .. }, .. }) = items else { return None };
    fields.get(key)?.default.as_ref()
}
