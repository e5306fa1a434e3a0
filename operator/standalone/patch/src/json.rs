//! The two patches that know nothing of Kubernetes: JSON Patch (RFC 6902) and JSON Merge Patch (RFC 7386), as a real server does them.

mod operation;

use serde_json::{Map, Value};

use crate::error::Error;
use operation::Operation;

/// The most operations of a JSON patch.
const MOST_OPERATIONS: usize = 10_000;

/// Does a JSON patch. Where a real server is more lenient than the RFC, so is this: `replace` adds what is not there, `add` without a
/// value adds null, a negative index counts from the end, `test` finds null where there is nothing.
///
/// # Errors
/// [`Error::BadRequest`] for what is no JSON patch, [`Error::TooLarge`], and [`Error::Unprocessable`] for one that does not fit.
pub fn json_patch(current: &Value, patch: &Value) -> Result<Value, Error> {
    let operations = match patch {
        Value::Null => &[][..],
        Value::Array(operations) => operations,
        other => return Err(undecodable(other, "Go value of type []handlers.jsonPatchOp")),
    };
    let operations = operations.iter().map(operation).collect::<Result<Vec<_>, _>>()?;
    if operations.len() > MOST_OPERATIONS {
        let given = operations.len();
        return Err(Error::TooLarge(format!(
            "Request entity too large: The allowed maximum operations in a JSON patch is {MOST_OPERATIONS}, got {given}"
        )));
    }
    let mut patched = current.clone();
    for operation in operations {
        operation.apply(&mut patched).ok_or_else(Error::rejected)?;
    }
    Ok(patched)
}

fn operation(json: &Value) -> Result<Operation<'_>, Error> {
    let operation = match json {
        Value::Null => &Map::new(),
        Value::Object(operation) => operation,
        other => return Err(undecodable(other, "Go value of type handlers.jsonPatchOp")),
    };
    for field in ["op", "path", "from"] {
        if let Some(value) = operation.get(field).filter(|value| !value.is_string() && !value.is_null()) {
            return Err(undecodable(value, &format!("Go struct field jsonPatchOp.{field} of type string")));
        }
    }
    Ok(Operation::new(json))
}

/// Does a JSON merge patch.
///
/// # Errors
/// [`Error::BadRequest`] for a patch that is no object.
pub fn merge_patch(current: &Value, patch: &Value) -> Result<Value, Error> {
    let patch = match patch {
        Value::Object(patch) => patch,
        Value::Null => return Err(Error::BadRequest("Invalid JSON Patch".to_owned())),
        other => return Err(undecodable(other, "Go value of type map[string]interface {}")),
    };
    let mut merged = current.as_object().cloned().unwrap_or_default();
    merge(&mut merged, patch);
    Ok(Value::Object(merged))
}

fn merge(current: &mut Map<String, Value>, patch: &Map<String, Value>) {
    for (name, value) in patch {
        match (current.get_mut(name), value) {
            (_, Value::Null) => {
                current.remove(name);
            }
            (Some(Value::Object(current)), Value::Object(patch)) => merge(current, patch),
            (_, value) => {
                current.insert(name.clone(), without_nulls(value));
            }
        }
    }
}

/// A new value has none of the nulls that delete, also not in the objects of its lists.
fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let fields = fields.iter().filter(|(_, value)| !value.is_null());
            Value::Object(fields.map(|(name, value)| (name.clone(), without_nulls(value))).collect())
        }
        Value::Array(entries) => entries.iter().map(without_nulls).collect(),
        scalar => scalar.clone(),
    }
}

fn undecodable(value: &Value, into: &str) -> Error {
    Error::BadRequest(format!(
        "error decoding patch: json: cannot unmarshal {} into {into}",
        json_type(value)
    ))
}

/// How Go's decoder names the type of a value.
pub(crate) fn json_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

#[cfg(test)]
mod tests;
