//! What a real server answered, on a Deployment cut down to what the patches touch.

use serde_json::json;

use super::*;

fn object() -> Value {
    json!({"metadata": {"labels": {"a": "b"}}, "spec": {"replicas": 2, "containers": [{"name": "c"}, {"name": "d"}]}})
}

#[test]
fn operations_do_what_a_real_server_does() {
    let table = [
        (
            r#"{"op":"add","path":"/metadata/labels/z","value":"1"}"#,
            "/metadata/labels",
            json!({"a": "b", "z": "1"}),
        ),
        (
            r#"{"op":"replace","path":"/metadata/labels/z","value":"1"}"#,
            "/metadata/labels",
            json!({"a": "b", "z": "1"}),
        ),
        (
            r#"{"op":"copy","from":"/metadata/labels/a","path":"/metadata/labels/c"}"#,
            "/metadata/labels",
            json!({"a": "b", "c": "b"}),
        ),
        (
            r#"{"op":"move","from":"/metadata/labels/a","path":"/metadata/labels/c"}"#,
            "/metadata/labels",
            json!({"c": "b"}),
        ),
        (r#"{"op":"add","path":"/metadata/labels/z"}"#, "/metadata/labels", json!({"a": "b", "z": null})),
        (
            r#"{"op":"add","path":"/metadata/labels/x~1y~0z","value":1}"#,
            "/metadata/labels",
            json!({"a": "b", "x/y~z": 1}),
        ),
        (
            r#"{"op":"replace","path":"/spec/containers/-1/name","value":"n"}"#,
            "/spec/containers/1",
            json!({"name": "n"}),
        ),
        (r#"{"op":"add","path":"/spec/containers/-","value":1}"#, "/spec/containers/2", json!(1)),
        (r#"{"op":"add","path":"/spec/containers/2","value":1}"#, "/spec/containers/2", json!(1)),
        (r#"{"op":"add","path":"/spec/containers/-1","value":1}"#, "/spec/containers/2", json!(1)),
        (r#"{"op":"add","path":"/spec/containers/1","value":1}"#, "/spec/containers/2", json!({"name": "d"})),
        (r#"{"op":"remove","path":"/spec/containers/0"}"#, "/spec/containers/0", json!({"name": "d"})),
        (r#"{"op":"test","path":"/metadata/nope","value":null}"#, "/spec/replicas", json!(2)),
        (r#"{"op":"replace","path":"","value":{"a":1}}"#, "/a", json!(1)),
    ];
    for (operation, pointer, expected) in table {
        let patch = json!([serde_json::from_str::<Value>(operation).unwrap()]);
        let patched = json_patch(&object(), &patch).unwrap();
        assert_eq!(patched.pointer(pointer), Some(&expected), "{operation}");
    }
}

#[test]
fn operations_that_do_not_fit_are_rejected_in_the_same_words() {
    let table = [
        r#"{"op":"test","path":"/spec/replicas","value":3}"#,
        r#"{"op":"test","path":"/spec/replicas","value":2.0}"#,
        r#"{"op":"test","path":"/metadata/labels"}"#,
        r#"{"op":"remove","path":"/metadata/nope"}"#,
        r#"{"op":"remove","path":"/metadata/nope/x"}"#,
        r#"{"op":"remove","path":"/spec/replicas/x"}"#,
        r#"{"op":"add","path":"","value":"1"}"#,
        r#"{"op":"replace","path":"","value":"1"}"#,
        r#"{"op":"frob","path":"/a"}"#,
        r#"{"path":"/a"}"#,
        r#"{"op":"add"}"#,
        r#"{"op":"move","path":"/a"}"#,
        r#"{"op":"move","from":"/metadata/labels/q","path":"/metadata/labels/r"}"#,
        r#"{"op":"copy","from":"/x/y","path":"/a"}"#,
        r#"{"op":"add","path":"/spec/containers/x","value":{}}"#,
        r#"{"op":"add","path":"/spec/containers/7","value":{}}"#,
        r#"{"op":"add","path":"/spec/containers/-4","value":{}}"#,
        r#"{"op":"remove","path":"/spec/containers/7"}"#,
        r#"{"op":"remove","path":"/spec/containers/-3"}"#,
        r#"{"op":"replace","path":"/spec/containers/7","value":1}"#,
        "null",
    ];
    for operation in table {
        let patch = json!([serde_json::from_str::<Value>(operation).unwrap()]);
        assert_eq!(json_patch(&object(), &patch), Err(Error::rejected()), "{operation}");
    }
}

#[test]
fn a_patch_of_the_wrong_form_is_a_bad_request() {
    let table = [
        (json!({}), "json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp"),
        (json!(5), "json: cannot unmarshal number into Go value of type []handlers.jsonPatchOp"),
        (json!([5]), "json: cannot unmarshal number into Go value of type handlers.jsonPatchOp"),
        (
            json!([{"op": 5}]),
            "json: cannot unmarshal number into Go struct field jsonPatchOp.op of type string",
        ),
    ];
    for (patch, message) in table {
        let error = json_patch(&object(), &patch).unwrap_err();
        assert_eq!(error, Error::BadRequest(format!("error decoding patch: {message}")));
    }
    assert_eq!(json_patch(&object(), &Value::Null), Ok(object()));
}

#[test]
fn ten_thousand_operations_are_enough() {
    let operation = json!({"op": "test", "path": "/spec/replicas", "value": 2});
    assert!(json_patch(&object(), &Value::Array(vec![operation.clone(); MOST_OPERATIONS])).is_ok());
    let error = json_patch(&object(), &Value::Array(vec![operation; MOST_OPERATIONS + 1])).unwrap_err();
    assert_eq!(error.code(), 413);
}

#[test]
fn a_merge_patch_deletes_by_null_and_brings_none() {
    let patch = json!({"metadata": {"labels": {"a": null, "b": "c"}}, "spec": {"containers": [null, {"x": null}], "new": {"y": null}}});
    let merged = merge_patch(&object(), &patch).unwrap();
    assert_eq!(
        merged,
        json!({"metadata": {"labels": {"b": "c"}}, "spec": {"replicas": 2, "containers": [null, {}], "new": {}}})
    );
}

#[test]
fn a_merge_patch_is_an_object() {
    let table = [
        (json!(null), "Invalid JSON Patch"),
        (
            json!([]),
            "error decoding patch: json: cannot unmarshal array into Go value of type map[string]interface {}",
        ),
        (
            json!("x"),
            "error decoding patch: json: cannot unmarshal string into Go value of type map[string]interface {}",
        ),
    ];
    for (patch, message) in table {
        assert_eq!(merge_patch(&object(), &patch), Err(Error::BadRequest(message.to_owned())));
    }
}
