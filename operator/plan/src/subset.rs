//! Whether an object is as it is wished for, although the API adds defaults to what it is given.
//!
//! In come the wish and the object; out comes whether every field that the wish decides is so. A field that an earlier wish
//! decided and this one leaves out would go unnoticed; the hash that [`stamp`] puts on an object tells the two apart.

mod quantity;

#[cfg(test)]
mod tests;

use aws_lc_rs::digest::{SHA256, digest};
use kube::ResourceExt;
use serde::Serialize;
use serde_json::Value;

use quantity::same_amount;

/// The annotation with the hash of the wish that an object was last written for.
pub const SPEC_HASH: &str = "flynn.io/spec-hash";

/// Puts the hash of the whole wish on it.
pub(crate) fn stamp<T: ResourceExt + Serialize>(mut wish: T) -> T {
    let text = serde_json::to_vec(&wish).expect("an object of the API is JSON");
    let hash = digest(&SHA256, &text);
    let hash = hash.as_ref()[..8].iter().map(|byte| format!("{byte:02x}")).collect();
    wish.annotations_mut().insert(SPEC_HASH.to_owned(), hash);
    wish
}

/// Whether `observed` has every field of `desired`.
pub(crate) fn holds<T: Serialize>(desired: &T, observed: &T) -> bool {
    let json = |object| serde_json::to_value(object).expect("an object of the API is JSON");
    is_subset(&json(desired), &json(observed))
}

/// Whether everything that `desired` decides is so in `observed`.
///
/// | desired                             | observed                                          |
/// |-------------------------------------|---------------------------------------------------|
/// | null, or an empty text, list or map | the same or absent: the API drops empty fields    |
/// | a map                               | a map in which every field holds                  |
/// | `limits`, `requests`                | a map of the same amounts: `0.5` is `500m`        |
/// | `ownerReferences`                   | a list that has each of them somewhere            |
/// | any other list                      | a list of the same length, in which each holds    |
/// | anything else                       | the same                                          |
pub(crate) fn is_subset(desired: &Value, observed: &Value) -> bool {
    match (desired, observed) {
        (desired, Value::Null) => is_empty(desired),
        (Value::Object(desired), Value::Object(observed)) => desired
            .iter()
            .all(|(name, value)| field_holds(name, value, observed.get(name).unwrap_or(&Value::Null))),
        (Value::Array(desired), Value::Array(observed)) => {
            desired.len() == observed.len()
                && desired.iter().zip(observed).all(|(desired, observed)| is_subset(desired, observed))
        }
        (Value::Null, _) => true,
        (desired, observed) => desired == observed,
    }
}

fn field_holds(name: &str, desired: &Value, observed: &Value) -> bool {
    match (name, desired, observed) {
        ("limits" | "requests", Value::Object(desired), Value::Object(observed)) => desired
            .iter()
            .all(|(name, amount)| observed.get(name).is_some_and(|other| same_amount(amount, other))),
        ("ownerReferences", Value::Array(desired), Value::Array(observed)) => {
            desired.iter().all(|desired| observed.iter().any(|observed| is_subset(desired, observed)))
        }
        _ => is_subset(desired, observed),
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}
