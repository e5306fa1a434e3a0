//! What is filled in where an object leaves it out.
//!
//! Custom kinds: the defaults in their schemas. Built-in kinds: what the Go types always write, and what a kube-apiserver
//! computes (`built_in.rs`). Filling in twice is filling in once.

mod address;
mod built_in;

use serde_json::{Map, Value};

use crate::Resource;
use crate::encoding::encode;
use crate::structural::{Schema, Shape};

impl Resource {
    /// Drops the nulls of a custom object that are no values and for which nothing is filled in, as decoding one does. What
    /// applying leaves was not decoded again: its nulls stay, and are refused.
    pub fn drop_nulls(&self, object: &mut Value) {
        if self.is_custom {
            drop_nulls(&self.schema, object);
        }
    }

    /// Fills in what is left out; built-in kinds also get their one form (see [`Resource::prune`]).
    pub fn default(&self, object: &mut Value) {
        if self.is_custom {
            fill(&self.schema, object);
            self.encode_metadata(object);
        } else {
            encode(&self.schema, object);
            built_in::move_string_data(self, object);
            built_in::fill(&self.schema, object);
            built_in::fill_kind(self, object);
            // What came in may hold zeros that are not written.
            encode(&self.schema, object);
        }
    }

    /// `metadata` has a Go type in custom kinds as well.
    pub(crate) fn encode_metadata(&self, object: &mut Value) {
        let Shape::Struct { fields, .. } = &self.schema.shape else { return };
        if let (Some(schema), Some(metadata)) = (fields.get("metadata"), object.get_mut("metadata")) {
            encode(schema, metadata);
        }
    }
}

/// A null goes where it is no value and nothing is filled in.
fn drop_nulls(schema: &Schema, value: &mut Value) {
    let is_void = |schema: &Schema| !schema.nullable && schema.default.is_none();
    match (&schema.shape, value) {
        (Shape::Struct { fields, .. }, Value::Object(object)) => {
            object.retain(|name, value| !value.is_null() || !fields.get(name).is_some_and(is_void));
            for (name, value) in object {
                if let Some(field) = fields.get(name) {
                    drop_nulls(field, value);
                }
            }
        }
        (Shape::Map { values, .. }, Value::Object(object)) => {
            object.retain(|_, value| !value.is_null() || !is_void(values));
            object.values_mut().for_each(|value| drop_nulls(values, value));
        }
        (Shape::List { items, .. }, Value::Array(list)) => {
            list.iter_mut().for_each(|value| drop_nulls(items, value));
        }
        _ => {}
    }
}

/// The defaults of a structural schema. Null counts as left out where the field has a default and cannot be null.
fn fill(schema: &Schema, value: &mut Value) {
    match (&schema.shape, value) {
        (Shape::Struct { fields, .. }, Value::Object(object)) => {
            for (name, field) in fields {
                fill_field(name, field, object);
            }
        }
        (Shape::Map { values, .. }, Value::Object(object)) => {
            object.values_mut().for_each(|value| fill_entry(values, value));
        }
        (Shape::List { items, .. }, Value::Array(list)) => {
            list.iter_mut().for_each(|value| fill_entry(items, value));
        }
        _ => {}
    }
}

fn fill_field(name: &str, field: &Schema, object: &mut Map<String, Value>) {
    if name == "metadata" {
        return;
    }
    if let Some(default) = &field.default {
        let value = object.entry(name).or_insert_with(|| default.clone());
        if value.is_null() && !field.nullable {
            *value = default.clone();
        }
    }
    if let Some(value) = object.get_mut(name) {
        fill(field, value);
    }
}

fn fill_entry(schema: &Schema, value: &mut Value) {
    if let (Value::Null, Some(default), false) = (&*value, &schema.default, schema.nullable) {
        *value = default.clone();
    }
    fill(schema, value);
}
