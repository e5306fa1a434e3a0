//! `kubectl apply` before it was done by the server kept the last configuration in an annotation.
//!
//! The manager `kubectl` (`kubectl apply --server-side`) does not conflict with what that annotation says, as long as the object is
//! still like that, and the annotation follows what it applies.

use schema::Schema;
use serde_json::Value;

use crate::apply::Apply;
use crate::conflict::Conflicts;
use crate::fields::{FieldSet, go_json};
use crate::typed::{Type, compare, fields_of, validate};

/// The manager for which the annotation counts.
const MANAGER: &str = "kubectl";

const ANNOTATION: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// All annotations of an object together may have this many bytes.
const MOST_BYTES: usize = 256 * 1024;

/// The conflicts with what is not in the annotation.
pub(crate) fn foreign(apply: &Apply<'_>, live: &Value, conflicts: Conflicts) -> Conflicts {
    if apply.manager != MANAGER {
        return conflicts;
    }
    match fields(apply.schema, apply.api_version, live) {
        Some(own) => conflicts.without(&own),
        None => conflicts,
    }
}

/// The fields of the last configuration that the object still has as they were applied; none if that cannot be told.
fn fields(schema: &Schema, api_version: &str, live: &Value) -> Option<FieldSet> {
    let of = Type::Known(schema);
    let last: Value = serde_json::from_str(annotation(live)?).ok()?;
    if last["apiVersion"] != api_version || validate(of, &last).is_err() {
        return None;
    }
    let comparison = compare(of, &last, live);
    let fields = fields_of(of, &last);
    Some(fields.difference(&comparison.changed()).difference(&comparison.removed))
}

/// The object with the annotation that it has after an apply of [`MANAGER`]; none comes where none was.
pub(crate) fn refresh(apply: &Apply<'_>, mut object: Value) -> Value {
    if apply.manager != MANAGER || annotation(&object).is_none() {
        return object;
    }
    let mut applied = apply.applied.clone();
    if let Some(annotations) = applied.pointer_mut("/metadata/annotations").and_then(Value::as_object_mut) {
        annotations.remove(ANNOTATION);
    }
    let Some(annotations) = object.pointer_mut("/metadata/annotations").and_then(Value::as_object_mut) else {
        return object;
    };
    annotations.insert(ANNOTATION.to_owned(), (go_json(&applied) + "\n").into());
    let bytes = |(name, value): (&String, &Value)| name.len() + value.as_str().map_or(0, str::len);
    if annotations.iter().map(bytes).sum::<usize>() > MOST_BYTES {
        annotations.remove(ANNOTATION);
    }
    object
}

fn annotation(object: &Value) -> Option<&str> {
    object["metadata"]["annotations"][ANNOTATION].as_str().filter(|text| !text.is_empty())
}
