//! What a real server answered, on a Deployment of one container.

use std::sync::LazyLock;

use schema::Catalog;
use serde_json::json;

use super::*;

fn deployment() -> Value {
    json!({
        "metadata": {"name": "web", "labels": {"a": "b"}},
        "spec": {
            "replicas": 2,
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%"}},
            "template": {"spec": {"containers": [
                {"name": "c", "image": "nginx", "ports": [{"containerPort": 80, "protocol": "TCP"}], "env": [{"name": "A", "value": "1"}]}
            ]}},
        },
    })
}

fn patched(patch: &str) -> Result<Value, Error> {
    static CATALOG: LazyLock<Catalog> = LazyLock::new(Catalog::new);
    let resource = CATALOG.by_kind("apps", "v1", "Deployment").unwrap();
    strategic_merge_patch(&resource.schema, &deployment(), &serde_json::from_str(patch).unwrap())
}

fn in_pod(patch: &str) -> String {
    format!(r#"{{"spec":{{"template":{{"spec":{{{patch}}}}}}}}}"#)
}

/// The containers after a patch of the Pod template, as `name=image`.
fn containers(patch: &str) -> Vec<String> {
    let patched = patched(&in_pod(patch)).unwrap();
    let containers = patched.pointer("/spec/template/spec/containers").and_then(Value::as_array).unwrap();
    containers
        .iter()
        .map(|container| {
            format!("{}={}", container["name"].as_str().unwrap(), container["image"].as_str().unwrap())
        })
        .collect()
}

#[test]
fn containers_are_merged_by_name() {
    assert_eq!(containers(r#""containers":[{"name":"b","image":"x"}]"#), ["b=x", "c=nginx"]);
    assert_eq!(containers(r#""containers":[{"name":"c","image":"x"}]"#), ["c=x"]);
    assert_eq!(containers(r#""containers":[]"#), ["c=nginx"]);
}

#[test]
fn directives_delete_and_replace_containers() {
    let new = r#"{"name":"n","image":"i"}"#;
    assert_eq!(containers(&format!(r#""containers":[{{"$patch":"delete","name":"c"}},{new}]"#)), ["n=i"]);
    assert_eq!(containers(&format!(r#""containers":[{{"$patch":"replace"}},{new}]"#)), ["n=i"]);
}

#[test]
fn the_order_of_a_list_can_be_set() {
    let patch = r#""$setElementOrder/containers":[{"name":"b"},{"name":"c"}],"containers":[{"name":"b","image":"x"}]"#;
    assert_eq!(containers(patch), ["b=x", "c=nginx"]);
    let patch = r#""$setElementOrder/containers":[{"name":"c"},{"name":"b"}],"containers":[{"name":"b","image":"x"}]"#;
    assert_eq!(containers(patch), ["c=nginx", "b=x"]);
}

#[test]
fn a_renamed_entry_comes_where_a_real_server_puts_it() {
    let patch = r#""$setElementOrder/containers":[{"name":"n"}],"containers":[{"name":"n","image":"i"},{"$patch":"delete","name":"c"}]"#;
    let catalog = Catalog::new();
    let schema = &catalog.by_kind("apps", "v1", "Deployment").unwrap().schema;
    let mut object = deployment();
    let containers =
        object.pointer_mut("/spec/template/spec/containers").and_then(Value::as_array_mut).unwrap();
    containers.push(json!({"name": "injected", "image": "x"}));
    let patched =
        strategic_merge_patch(schema, &object, &serde_json::from_str(&in_pod(patch)).unwrap()).unwrap();
    let names = patched.pointer("/spec/template/spec/containers").and_then(Value::as_array).unwrap();
    let names: Vec<&Value> = names.iter().map(|container| &container["name"]).collect();
    assert_eq!(names, ["injected", "n"]);
}

#[test]
fn maps_are_merged_replaced_emptied_and_cut_down() {
    let labels = |patch: &str| {
        patched(&format!(r#"{{"metadata":{{"labels":{patch}}}}}"#)).unwrap()["metadata"]["labels"].clone()
    };
    assert_eq!(labels(r#"{"q":"r"}"#), json!({"a": "b", "q": "r"}));
    assert_eq!(labels(r#"{"a":null,"x":null}"#), json!({}));
    assert_eq!(labels(r#"{"$patch":"replace","q":"r"}"#), json!({"q": "r"}));
    assert_eq!(labels(r#"{"$patch":"delete"}"#), json!({}));
    assert_eq!(labels(r#"{"$retainKeys":["z"],"z":"1"}"#), json!({"z": "1"}));
    assert_eq!(labels(r#"{"y":{"$patch":"delete"}}"#), json!({"a": "b"}));
    let strategy = patched(r#"{"spec":{"strategy":{"$retainKeys":["type"],"type":"Recreate"}}}"#).unwrap()["spec"]["strategy"].clone();
    assert_eq!(strategy, json!({"type": "Recreate"}));
}

#[test]
fn scalars_of_a_set_are_put_together_and_deleted() {
    let finalizers = |patch: &str| {
        patched(&format!(r#"{{"metadata":{{{patch}}}}}"#)).unwrap()["metadata"]["finalizers"].clone()
    };
    assert_eq!(finalizers(r#""finalizers":["a/b"],"$setElementOrder/finalizers":["a/b"]"#), json!(["a/b"]));
    assert_eq!(finalizers(r#""$deleteFromPrimitiveList/finalizers":["a/b"]"#), Value::Null);
}

#[test]
fn what_is_new_has_neither_nulls_nor_directives() {
    let patch =
        in_pod(r#""volumes":[{"name":"v","emptyDir":{"medium":null}},{"$patch":"delete","name":"w"}]"#);
    let volumes = patched(&patch).unwrap().pointer("/spec/template/spec/volumes").cloned();
    assert_eq!(volumes, Some(json!([{"name": "v", "emptyDir": {}}])));
}

#[test]
fn nothing_is_a_patch_of_nothing() {
    assert_eq!(patched("null"), Ok(deployment()));
    assert_eq!(patched("{}"), Ok(deployment()));
}

#[test]
fn malformed_patches_are_refused_in_the_words_of_a_real_server() {
    let element_order = "invalid patch format of setElementOrder list";
    let primitive_list = "invalid patch format of primitive list";
    let retain_keys = "invalid patch format of retainKeys";
    let table: [(u16, &str, &str); 22] = [
        (400, "[]", "json: cannot unmarshal array into Go value of type map[string]interface {}"),
        (400, "5", "json: cannot unmarshal number into Go value of type map[string]interface {}"),
        (400, r#"{"metadata":{"$deleteFromPrimitiveList":["a/b"]}}"#, primitive_list),
        (400, r#"{"metadata":{"$setElementOrder":["a/b"]}}"#, element_order),
        (400, r#"{"spec":{"strategy":{"$retainKeys":"type","type":"Recreate"}}}"#, retain_keys),
        (400, r#"{"spec":{"strategy":{"$retainKeys":["foo"],"type":"Recreate"}}}"#, retain_keys),
        (500, r#"{"$patch":"frob"}"#, "unknown patch type: frob in map: map[$patch:frob]"),
        (500, r#"{"metadata":{"$patch":"merge"}}"#, "unknown patch type: merge in map: map[$patch:merge]"),
        (
            500,
            r#"{"metadata":{"$setElementOrder/finalizers":"a"}}"#,
            "expected a []interface {}, but received a string",
        ),
        (
            500,
            r#"{"metadata":{"$setElementOrder/foo":["a"],"foo":["a"]}}"#,
            r#"unable to find api field in struct ObjectMeta for the json field "foo""#,
        ),
        (
            500,
            &in_pod(r#""containers":[{"image":"x"}]"#),
            "map: map[image:x] does not contain declared merge key: name",
        ),
        (
            500,
            &in_pod(r#""containers":[{"$patch":"delete"}]"#),
            "map: map[$patch:delete] does not contain declared merge key: name",
        ),
        (
            500,
            &in_pod(r#""containers":[{"$patch":"merge"},{"name":"n"}]"#),
            "merging lists cannot yet be specified in the patch",
        ),
        (
            500,
            &in_pod(r#""containers":[{"$patch":"frob","name":"n"}]"#),
            "unknown patch type: frob in map: map[$patch:frob name:n]",
        ),
        (
            500,
            &in_pod(r#""containers":["b"]"#),
            "list element types are not identical: [[map[env:[map[name:A value:1]] image:nginx name:c ports:[map[containerPort:80 protocol:TCP]]]] [b]]",
        ),
        (
            500,
            &in_pod(r#""containers":[null]"#),
            "list element types are not identical: [[map[env:[map[name:A value:1]] image:nginx name:c ports:[map[containerPort:80 protocol:TCP]]]] [<nil>]]",
        ),
        (
            500,
            &in_pod(
                r#""$setElementOrder/containers":[{"name":"b"}],"containers":[{"name":"q","image":"x"}]"#,
            ),
            "The order in patch list:\n[map[image:x name:q]]\n doesn't match $setElementOrder list:\n[map[name:b]]\n",
        ),
        (
            500,
            &in_pod(
                r#""$setElementOrder/containers":[{"name":"c"},{"name":"b"}],"containers":[{"name":"b","image":"x"},{"name":"c","image":"y"}]"#,
            ),
            "The order in patch list:\n[map[image:x name:b] map[image:y name:c]]\n doesn't match $setElementOrder list:\n[map[name:c] map[name:b]]\n",
        ),
        (
            500,
            &in_pod(
                r#""$setElementOrder/containers":[{"name":"c"}],"containers":[{"name":"c"},{"$patch":"replace"}]"#,
            ),
            "The order in patch list:\n[map[name:c] map[$patch:replace]]\n doesn't match $setElementOrder list:\n[map[name:c]]\n",
        ),
        (
            500,
            r#"{"metadata":{"$setElementOrder/finalizers":[],"finalizers":[]}}"#,
            "no elements in any of the given slices",
        ),
        (
            422,
            r#"{"metadata":{"finalizers":[["a"]],"$setElementOrder/finalizers":[["a"]]}}"#,
            "the server rejected our request due to an error in our request",
        ),
        (
            500,
            &in_pod(r#""containers":[{"name":"c","env":["x"]}]"#),
            "list element types are not identical: [[map[name:A value:1]] [x]]",
        ),
    ];
    for (code, patch, message) in table {
        let error = patched(patch).unwrap_err();
        assert_eq!((error.code(), error.to_string().as_str()), (code, message), "{patch}");
    }
}
