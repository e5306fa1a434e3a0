//! What an object may not hold goes, silently: fields that the schema does not know.
//!
//! Built-in kinds are decoded into types and written again, which loses more: see `encoding.rs`.

use serde_json::Value;

use crate::Resource;
use crate::encoding::encode;
use crate::structural::{Schema, Shape};

impl Resource {
    /// Removes unknown fields; built-in kinds get the one form in which a kube-apiserver stores an object.
    pub fn prune(&self, object: &mut Value) {
        if self.is_custom {
            prune(&self.schema, object);
            self.encode_metadata(object);
        } else {
            encode(&self.schema, object);
        }
    }
}

fn prune(schema: &Schema, value: &mut Value) {
    match (&schema.shape, value) {
        (Shape::Struct { fields, preserves_unknown, .. }, Value::Object(object)) => {
            object.retain(|name, _| *preserves_unknown || fields.contains_key(name));
            for (name, value) in object {
                if let Some(field) = fields.get(name) {
                    prune(field, value);
                }
            }
        }
        (Shape::Map { values, .. }, Value::Object(object)) => {
            object.values_mut().for_each(|value| prune(values, value));
        }
        (Shape::List { items, .. }, Value::Array(list)) => {
            list.iter_mut().for_each(|value| prune(items, value));
        }
        _ => {}
    }
}
