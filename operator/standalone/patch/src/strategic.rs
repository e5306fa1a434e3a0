//! Strategic merge patch: a merge patch that knows the keys of lists, with directives of its own.
//!
//! Maps are merged field by field here; what lists do is in `lists`, their order in `order`, and the directives in `directives`.

mod directives;
mod lists;
mod order;

use schema::{Schema, Shape};
use serde_json::{Map, Value};

use crate::error::Error;
use crate::json::json_type;
use directives::{Directive, discard_nulls, retain_keys, without_directives};

/// Does a strategic merge patch. Custom resources do not have it; the API answers 415 for them.
///
/// # Errors
/// [`Error::BadRequest`] for a malformed patch or directive; the rest a real server answers as an [`Error::Internal`].
pub fn strategic_merge_patch(schema: &Schema, current: &Value, patch: &Value) -> Result<Value, Error> {
    let patch = match patch {
        Value::Null => Map::new(),
        Value::Object(patch) => patch.clone(),
        other => {
            return Err(Error::BadRequest(format!(
                "json: cannot unmarshal {} into Go value of type map[string]interface {{}}",
                json_type(other)
            )));
        }
    };
    let current = current.as_object().cloned().unwrap_or_default();
    maps(schema, current, patch).map(Value::Object)
}

/// Merges a patch into a map.
fn maps(
    schema: &Schema,
    mut current: Map<String, Value>,
    mut patch: Map<String, Value>,
) -> Result<Map<String, Value>, Error> {
    match directives::of_map(&patch)? {
        Some(Directive::Replace) => {
            patch.remove(directives::PATCH);
            return Ok(patch);
        }
        Some(Directive::Delete) => return Ok(Map::new()),
        None => {}
    }
    retain_keys(&mut current, &mut patch)?;
    lists::merge_ordered(schema, &mut current, &mut patch)?;
    for (name, value) in patch {
        match directives::deleted_from(&name)? {
            Some(list) => delete_from(schema, &mut current, list, value)?,
            None => field(schema, &mut current, name, value)?,
        }
    }
    Ok(current)
}

/// Merges a patch into one field.
fn field(schema: &Schema, current: &mut Map<String, Value>, name: String, patch: Value) -> Result<(), Error> {
    let merged = match (current.remove(&name), patch) {
        (_, Value::Null) => return Ok(()),
        (Some(Value::Object(current)), Value::Object(patch)) => {
            let below = field_schema(schema, &name)?;
            Some(Value::Object(maps(below, current, patch)?))
        }
        (Some(Value::Array(current)), Value::Array(patch)) => {
            let below = field_schema(schema, &name)?;
            Some(Value::Array(lists::merge(below, current, patch)?))
        }
        (_, mut patch) => {
            discard_nulls(&mut patch);
            without_directives(patch)
        }
    };
    if let Some(merged) = merged {
        current.insert(name, merged);
    }
    Ok(())
}

/// Takes scalars out of a list.
fn delete_from(
    schema: &Schema,
    current: &mut Map<String, Value>,
    name: &str,
    deleted: Value,
) -> Result<(), Error> {
    match (current.get_mut(name), deleted) {
        (_, Value::Null) => {
            current.remove(name);
        }
        (Some(Value::Array(entries)), Value::Array(deleted)) => {
            field_schema(schema, name)?;
            entries.retain(|entry| !deleted.contains(entry));
        }
        _ => {}
    }
    Ok(())
}

/// The schema of a field of a struct.
fn field_schema<'s>(schema: &'s Schema, name: &str) -> Result<&'s Schema, Error> {
    match &schema.shape {
        Shape::Struct { fields, .. } => fields.get(name).ok_or_else(|| {
            let definition = schema.definition.as_deref().unwrap_or_default();
            Error::Internal(format!(
                "unable to find api field in struct {definition} for the json field {name:?}"
            ))
        }),
        Shape::Map { .. } => Err(not_a_struct("map")),
        Shape::List { .. } => Err(not_a_struct("slice")),
        Shape::Scalar(_) | Shape::Any => Err(not_a_struct("interface")),
    }
}

fn not_a_struct(kind: &str) -> Error {
    Error::Internal(format!("merging an object in json but data type is not struct, instead is: {kind}"))
}

#[cfg(test)]
mod tests;
