//! The one JSON of each built-in object: what a kube-apiserver gives back after it has decoded and stored one.
//!
//! Unknown fields, nulls and zeros that say nothing go; fields that are always written come; amounts and instants get their
//! one form. What cannot be read is left as it is: `decode.rs` has told it before.

mod go;

use serde_json::{Map, Value};

use crate::quantity;
use crate::structural::{Format, Scalar, Schema, Shape};
use crate::time::{self, Precision};

/// Brings a value into its one form.
pub(crate) fn encode(schema: &Schema, value: &mut Value) {
    match &schema.shape {
        Shape::Struct { fields, .. } => {
            if value.is_null() {
                *value = Value::Object(Map::new());
            }
            if let Some(object) = value.as_object_mut() {
                object.retain(|name, _| fields.contains_key(name));
                let definition = schema.definition.as_deref().unwrap_or_default();
                for (name, field) in fields {
                    encode_field(definition, name, field, object);
                }
            }
        }
        Shape::Map { values, .. } => {
            value.as_object_mut().into_iter().flat_map(Map::values_mut).for_each(|value| {
                encode(values, value);
                round_up(values, value);
            });
        }
        Shape::List { items, .. } => {
            value.as_array_mut().into_iter().flatten().for_each(|value| encode(items, value));
        }
        Shape::Scalar(scalar) => encode_scalar(*scalar, schema, value),
        Shape::Any => {}
    }
}

fn encode_field(definition: &str, name: &str, field: &Schema, object: &mut Map<String, Value>) {
    let given = object.remove(name).filter(|value| !value.is_null()).map(|mut value| {
        encode(field, &mut value);
        value
    });
    let is_value = |value: &Value| match &field.shape {
        Shape::Struct { .. } | Shape::Any | Shape::Scalar(Scalar::IntOrString) => true,
        Shape::Scalar(_) => !is_zero(value) || go::is_pointer(definition, name),
        Shape::Map { .. } | Shape::List { .. } => !is_empty(value),
    };
    let written = given.filter(is_value).or_else(|| {
        let mut default = field.default.clone()?;
        encode(field, &mut default);
        Some(default)
    });
    if let Some(value) = written {
        object.insert(name.to_owned(), value);
    } else if go::is_null_when_empty(definition, name) {
        object.insert(name.to_owned(), Value::Null);
    }
}

fn encode_scalar(scalar: Scalar, schema: &Schema, value: &mut Value) {
    if value.is_null() {
        *value = match scalar {
            Scalar::String => Value::from(""),
            Scalar::Boolean => Value::from(false),
            Scalar::Integer | Scalar::Number | Scalar::IntOrString => Value::from(0),
        };
    }
    match (schema.format, &*value) {
        (Some(Format::Quantity), Value::String(_) | Value::Number(_)) => {
            if let Ok(text) = quantity::canonical(&plain(value)) {
                *value = Value::from(text);
            }
        }
        (Some(Format::DateTime), Value::String(text)) => {
            if let Ok(text) = time::canonical(text, precision(schema)) {
                *value = Value::from(text);
            }
        }
        (Some(Format::Byte), Value::String(text)) if text.contains(['\n', '\r']) => {
            *value = Value::from(text.replace(['\n', '\r'], ""));
        }
        _ => {}
    }
}

/// Amounts of resources are exact to a thousandth; they are the only amounts in maps.
fn round_up(values: &Schema, value: &mut Value) {
    if values.format == Some(Format::Quantity)
        && let Some(Ok(amount)) = value.as_str().map(quantity::Quantity::parse)
    {
        *value = Value::from(amount.in_milli().canonical());
    }
}

/// How exact an instant is.
pub(crate) fn precision(schema: &Schema) -> Precision {
    if schema.definition.as_deref() == Some("MicroTime") {
        Precision::Microseconds
    } else {
        Precision::Seconds
    }
}

/// A number or a text as text.
pub(crate) fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn is_zero(value: &Value) -> bool {
    match value {
        Value::Bool(is_set) => !is_set,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        _ => false,
    }
}

fn is_empty(value: &Value) -> bool {
    value.as_object().is_some_and(Map::is_empty) || value.as_array().is_some_and(Vec::is_empty)
}
