//! Reading and writing `metadata` of an object that is plain JSON.

use serde_json::{Map, Value};

/// A text field of `metadata`; empty where it is left out.
pub(crate) fn text<'a>(object: &'a Value, field: &str) -> &'a str {
    object["metadata"][field].as_str().unwrap_or_default()
}

/// `metadata.name`.
pub(crate) fn name(object: &Value) -> &str {
    text(object, "name")
}

/// `metadata.namespace`.
pub(crate) fn namespace(object: &Value) -> &str {
    text(object, "namespace")
}

/// `metadata.uid`.
pub(crate) fn uid(object: &Value) -> &str {
    text(object, "uid")
}

/// `metadata.resourceVersion`.
pub(crate) fn resource_version(object: &Value) -> &str {
    text(object, "resourceVersion")
}

/// Whether its deletion has begun.
pub(crate) fn is_terminating(object: &Value) -> bool {
    object["metadata"]["deletionTimestamp"].is_string()
}

/// `metadata.generation`, if the object has one.
pub(crate) fn generation(object: &Value) -> Option<i64> {
    object["metadata"]["generation"].as_i64()
}

/// `metadata.finalizers`.
pub(crate) fn finalizers(object: &Value) -> Vec<String> {
    let finalizers = object["metadata"]["finalizers"].as_array().into_iter().flatten();
    finalizers.filter_map(|finalizer| finalizer.as_str().map(str::to_owned)).collect()
}

/// Replaces `metadata.finalizers`; none leave the field out.
pub(crate) fn set_finalizers(object: &mut Value, finalizers: Vec<String>) {
    if finalizers.is_empty() {
        remove(object, "finalizers");
    } else {
        set(object, "finalizers", finalizers.into());
    }
}

/// Sets a field of `metadata`.
pub(crate) fn set(object: &mut Value, field: &str, value: Value) {
    if let Some(metadata) = metadata(object) {
        metadata.insert(field.to_owned(), value);
    }
}

/// Removes a field of `metadata`.
pub(crate) fn remove(object: &mut Value, field: &str) -> Option<Value> {
    metadata(object)?.remove(field)
}

/// Makes a field of `metadata` what it is in another object, or absent as there.
pub(crate) fn copy(object: &mut Value, from: &Value, field: &str) {
    match &from["metadata"][field] {
        Value::Null => drop(remove(object, field)),
        value => set(object, field, value.clone()),
    }
}

/// Sets a label.
pub(crate) fn label(object: &mut Value, name: &str, value: &str) {
    let Some(metadata) = metadata(object) else { return };
    let labels = metadata.entry("labels").or_insert_with(|| Map::new().into());
    if let Some(labels) = labels.as_object_mut() {
        labels.insert(name.to_owned(), value.into());
    }
}

/// `metadata` as a map, made where it is left out or null; none where it, or the object, is something else.
fn metadata(object: &mut Value) -> Option<&mut Map<String, Value>> {
    let metadata = object.as_object_mut()?.entry("metadata").or_insert_with(|| Map::new().into());
    if metadata.is_null() {
        *metadata = Map::new().into();
    }
    metadata.as_object_mut()
}

/// Sets a field of the object, or removes it where `value` is null.
pub(crate) fn set_field(object: &mut Value, field: &str, value: Value) {
    let Some(fields) = object.as_object_mut() else { return };
    if value.is_null() {
        fields.remove(field);
    } else {
        fields.insert(field.to_owned(), value);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn metadata_is_made_where_it_is_missing() {
        let mut object = json!({"kind": "ConfigMap"});
        set(&mut object, "name", "a".into());
        assert_eq!(object, json!({"kind": "ConfigMap", "metadata": {"name": "a"}}));
    }

    #[test]
    fn metadata_that_is_not_a_map_is_left_alone() {
        let mut object = json!({"metadata": 5});
        set(&mut object, "name", "a".into());
        assert_eq!(object, json!({"metadata": 5}));
        assert_eq!(name(&object), "");
    }

    #[test]
    fn a_field_that_the_other_lacks_is_removed() {
        let mut object = json!({"metadata": {"uid": "a", "generation": 2}});
        copy(&mut object, &json!({"metadata": {"uid": "b"}}), "uid");
        copy(&mut object, &json!({"metadata": {"uid": "b"}}), "generation");
        assert_eq!(object, json!({"metadata": {"uid": "b"}}));
    }
}
