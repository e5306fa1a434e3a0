//! An object before anything is written to it.
//!
//! A custom resource is then nothing. An object of a built-in kind is a Go struct, whose fields of struct type always are, so nobody
//! manages them for creating the object; nor what Go writes although it is nothing.

use schema::Schema;
use serde_json::{Value, json};

/// The fields that are there from the start.
const STRUCTS: [&str; 14] = [
    "deprecatedSource",
    "involvedObject",
    "metadata",
    "regarding",
    "source",
    "spec",
    "spec.strategy",
    "spec.template",
    "spec.template.metadata",
    "spec.template.spec",
    "status",
    "status.daemonEndpoints",
    "status.loadBalancer",
    "status.nodeInfo",
];

/// The lists that are null from the start.
const LISTS: [&str; 2] = ["spec.containers", "spec.template.spec.containers"];

/// What an object that is being created as `new` was before.
pub(crate) fn empty(schema: &Schema, new: &Value) -> Value {
    let mut empty = json!({});
    if schema.definition.is_none() {
        return empty;
    }
    for (name, value) in new.as_object().into_iter().flatten() {
        if value.is_null() || *value == "" {
            empty[name] = value.clone();
        }
    }
    for (paths, value) in [(&STRUCTS[..], json!({})), (&LISTS[..], Value::Null)] {
        for path in paths {
            put(&mut empty, new, path, &value);
        }
    }
    empty
}

/// Puts a value at a path that `new` has as well.
fn put(empty: &mut Value, new: &Value, path: &str, value: &Value) {
    let (parent, name) = path.rsplit_once('.').unwrap_or(("", path));
    let pointer = if parent.is_empty() { String::new() } else { format!("/{}", parent.replace('.', "/")) };
    let is_there = new.pointer(&pointer).is_some_and(|parent| parent.get(name).is_some());
    if is_there && let Some(parent) = empty.pointer_mut(&pointer).and_then(Value::as_object_mut) {
        parent.insert(name.to_owned(), value.clone());
    }
}
