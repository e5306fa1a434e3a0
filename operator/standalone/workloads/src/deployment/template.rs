//! Whether two Pod templates are the same, and the hash that stands for one.

use std::fmt::Write;

use k8s_openapi::api::core::v1::PodTemplateSpec;
use serde_json::Value;

use crate::hash::fnv1a;

/// The label that tells the Pods of one template from those of another.
pub(super) const HASH_LABEL: &str = "pod-template-hash";

/// Letters and digits that form no words and are not taken for each other.
const ALPHABET: &[u8; 27] = b"bcdfghjklmnpqrstvwxz2456789";

/// How long a hash is.
const LENGTH: usize = 10;

/// Whether Pods of these templates are alike.
pub(super) fn same(one: &PodTemplateSpec, other: &PodTemplateSpec) -> bool {
    canonical(one) == canonical(other)
}

/// The hash of a template. `collisions` makes another one when that is taken.
pub(super) fn hash(template: &PodTemplateSpec, collisions: i32) -> String {
    let mut text = String::new();
    write_sorted(&mut text, &canonical(template));
    if collisions > 0 {
        let _ = write!(text, "#{collisions}"); // writing to a String cannot fail
    }
    let mut rest = fnv1a(text.as_bytes());
    let mut hash = String::with_capacity(LENGTH);
    for _ in 0..LENGTH {
        let index = rest % ALPHABET.len() as u64;
        hash.push(char::from(ALPHABET[index as usize]));
        rest /= ALPHABET.len() as u64;
    }
    hash
}

/// The template without the hash label, and without lists that are empty: they mean the same as none.
fn canonical(template: &PodTemplateSpec) -> Value {
    let mut template = template.clone();
    if let Some(meta) = &mut template.metadata {
        meta.creation_timestamp = None;
        if let Some(labels) = &mut meta.labels {
            labels.remove(HASH_LABEL);
        }
        meta.labels = meta.labels.take().filter(|labels| !labels.is_empty());
        meta.annotations = meta.annotations.take().filter(|annotations| !annotations.is_empty());
    }
    let mut value = serde_json::to_value(template).unwrap_or_default();
    drop_empty_lists(&mut value);
    value
}

fn drop_empty_lists(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields
                .retain(|_, field| !field.is_null() && field.as_array().is_none_or(|list| !list.is_empty()));
            fields.values_mut().for_each(drop_empty_lists);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_empty_lists),
        _ => {}
    }
}

/// JSON with the fields in order, however the map is built.
fn write_sorted(text: &mut String, value: &Value) {
    match value {
        Value::Object(fields) => {
            let mut sorted: Vec<_> = fields.iter().collect();
            sorted.sort_by_key(|(name, _)| *name);
            text.push('{');
            for (name, field) in sorted {
                let _ = write!(text, "{name:?}:");
                write_sorted(text, field);
                text.push(',');
            }
            text.push('}');
        }
        Value::Array(items) => {
            text.push('[');
            for item in items {
                write_sorted(text, item);
                text.push(',');
            }
            text.push(']');
        }
        other => {
            let _ = write!(text, "{other}");
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn template(value: Value) -> PodTemplateSpec {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn the_hash_label_and_empty_lists_make_no_difference() {
        let one = template(json!({
            "metadata": {"labels": {"app": "a"}},
            "spec": {"containers": [{"name": "c", "env": []}]}
        }));
        let other = template(json!({
            "metadata": {"creationTimestamp": null, "labels": {"app": "a", HASH_LABEL: "x"}},
            "spec": {"containers": [{"name": "c"}]}
        }));
        assert!(same(&one, &other));
        assert_eq!(hash(&one, 0), hash(&other, 0));
    }

    #[test]
    fn another_image_is_another_template() {
        let one = template(json!({"spec": {"containers": [{"name": "c", "image": "i:1"}]}}));
        let other = template(json!({"spec": {"containers": [{"name": "c", "image": "i:2"}]}}));
        assert!(!same(&one, &other));
        assert_ne!(hash(&one, 0), hash(&other, 0));
    }

    #[test]
    fn a_hash_is_stable_safe_and_another_after_a_collision() {
        let one = template(json!({"spec": {"containers": [{"name": "c", "image": "i"}]}}));
        assert_eq!(hash(&one, 0), hash(&one, 0));
        assert_ne!(hash(&one, 0), hash(&one, 1));
        assert_eq!(hash(&one, 0).len(), LENGTH);
        assert!(hash(&one, 0).bytes().all(|byte| ALPHABET.contains(&byte)));
    }
}
