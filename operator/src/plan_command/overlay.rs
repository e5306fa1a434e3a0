//! Lays a declared object over the one that exists, as `kubectl apply` would, and tells whether that changes it.

use plan::Object;
use serde_json::Value;

use super::kinds;

/// What is declared, with the identity, the status and the further labels and annotations of what exists.
pub(super) fn laid_over(existing: &Object, declared: &Object) -> Object {
    let (kind, before) = (declared.kind(), kinds::value(existing));
    let mut after = kinds::value(declared);
    let mut metadata = before["metadata"].clone();
    for field in ["labels", "annotations"] {
        let declared = after["metadata"][field].as_object().cloned().unwrap_or_default();
        let mut both = metadata[field].as_object().cloned().unwrap_or_default();
        both.extend(declared);
        metadata[field] = Value::Object(both);
    }
    after["metadata"] = metadata;
    after["status"] = before["status"].clone();
    // Both were objects of this kind, so their parts are parts of one.
    kinds::object(kind, after).unwrap_or_else(|_| declared.clone())
}

/// Whether everything that is declared is so already.
pub(super) fn is_so_already(existing: &Object, declared: &Object) -> bool {
    let (existing, declared) = (kinds::value(existing), kinds::value(declared));
    let metadata = ["labels", "annotations"]
        .iter()
        .all(|field| is_subset(&declared["metadata"][*field], &existing["metadata"][*field]));
    let rest = declared.as_object().into_iter().flatten();
    let mut rest = rest.filter(|(name, _)| !["metadata", "status"].contains(&name.as_str()));
    metadata && rest.all(|(name, value)| is_subset(value, &existing[name]))
}

/// The API adds defaults to what it is given and drops what is empty.
fn is_subset(declared: &Value, existing: &Value) -> bool {
    match (declared, existing) {
        (Value::Null, _) => true,
        (Value::Object(declared), Value::Object(existing)) => {
            declared.iter().all(|(name, value)| is_subset(value, existing.get(name).unwrap_or(&Value::Null)))
        }
        (Value::Array(declared), Value::Array(existing)) => {
            declared.len() == existing.len() && declared.iter().zip(existing).all(|(a, b)| is_subset(a, b))
        }
        (Value::Object(declared), Value::Null) => declared.is_empty(),
        (Value::Array(declared), Value::Null) => declared.is_empty(),
        (declared, existing) => declared == existing,
    }
}

#[cfg(test)]
mod tests {
    use plan::Kind;
    use serde_json::json;

    use super::*;

    fn route(host: &str, more: &Value) -> Object {
        let mut value = json!({"metadata": {"name": "a", "namespace": "b"}, "spec": {"app": "a", "http": {"host": host}}});
        for (name, field) in more.as_object().into_iter().flatten() {
            value["metadata"][name] = field.clone();
        }
        kinds::object(Kind::Route, value).unwrap()
    }

    #[test]
    fn what_the_api_added_is_no_difference() {
        let existing = route("a.com", &json!({"uid": "u", "labels": {"x": "y"}}));
        assert!(is_so_already(&existing, &route("a.com", &json!({}))));
        assert!(!is_so_already(&existing, &route("b.com", &json!({}))));
        assert!(!is_so_already(&existing, &route("a.com", &json!({"labels": {"x": "z"}}))));
    }

    #[test]
    fn an_object_keeps_its_identity() {
        let existing = route("a.com", &json!({"uid": "u", "creationTimestamp": "2026-01-01T00:00:00Z"}));
        let after = kinds::value(&laid_over(&existing, &route("b.com", &json!({"labels": {"x": "y"}}))));
        assert_eq!(after["metadata"]["uid"], "u");
        assert_eq!(after["metadata"]["labels"], json!({"x": "y"}));
        assert_eq!(after["spec"]["http"]["host"], "b.com");
    }
}
