//! One test for each row of the table, and its law for any value.

use proptest::prelude::*;
use serde_json::{Map, json};

use super::*;

#[test]
fn fields_that_the_api_adds_do_not_count() {
    let desired = json!({ "spec": { "ports": [{ "port": 80 }] } });
    let observed =
        json!({ "spec": { "ports": [{ "port": 80, "protocol": "TCP" }], "clusterIP": "10.0.0.1" } });
    assert!(is_subset(&desired, &observed));
}

#[test]
fn a_field_that_has_another_value_or_is_gone_counts() {
    let desired = json!({ "spec": { "replicas": 2 } });
    assert!(!is_subset(&desired, &json!({ "spec": { "replicas": 3 } })));
    assert!(!is_subset(&desired, &json!({ "spec": {} })));
    assert!(!is_subset(&desired, &json!({})));
}

#[test]
fn a_list_of_another_length_counts() {
    assert!(!is_subset(&json!(["a"]), &json!(["a", "b"])));
    assert!(!is_subset(&json!(["a", "b"]), &json!(["a"])));
    assert!(!is_subset(&json!(["a", "b"]), &json!(["b", "a"])));
}

#[test]
fn what_is_empty_is_equal_to_what_is_absent_and_to_nothing_else() {
    let desired = json!({ "value": "", "args": [], "labels": {} });
    assert!(is_subset(&desired, &json!({})));
    assert!(!is_subset(&desired, &json!({ "value": "x" })));
    assert!(!is_subset(&json!({ "enabled": false }), &json!({})));
    assert!(!is_subset(&json!({ "replicas": 0 }), &json!({})));
}

#[test]
fn amounts_are_compared_by_value_and_only_where_amounts_are() {
    let resources = |cpu: &str| json!({ "resources": { "limits": { "cpu": cpu } } });
    assert!(is_subset(&resources("0.5"), &resources("500m")));
    assert!(!is_subset(&resources("0.5"), &resources("501m")));
    assert!(!is_subset(&resources("1"), &json!({ "resources": { "limits": {} } })));
    assert!(!is_subset(&json!({ "env": [{ "value": "0.5" }] }), &json!({ "env": [{ "value": "500m" }] })));
}

#[test]
fn other_owners_do_not_count() {
    let desired = json!({ "ownerReferences": [{ "uid": "a" }] });
    let observed = json!({ "ownerReferences": [{ "uid": "b" }, { "uid": "a", "kind": "App" }] });
    assert!(is_subset(&desired, &observed));
    assert!(!is_subset(&desired, &json!({ "ownerReferences": [{ "uid": "b" }] })));
}

#[test]
fn a_wish_that_leaves_a_field_out_has_another_hash() {
    let with = |replicas| k8s_openapi::api::apps::v1::Deployment {
        spec: Some(k8s_openapi::api::apps::v1::DeploymentSpec { replicas, ..Default::default() }),
        ..Default::default()
    };
    let (two, none) = (stamp(with(Some(2))), stamp(with(None)));
    assert!(holds(&with(None), &two));
    assert!(!holds(&none, &two));
    assert_eq!(stamp(with(Some(2))), two);
    assert_eq!(two.annotations()[SPEC_HASH].len(), 16);
}

/// Objects like those of the API: maps and lists with something in each.
fn any_object() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![any::<bool>().prop_map(Value::from), any::<i32>().prop_map(Value::from), text()];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..4).prop_map(Value::from),
            prop::collection::btree_map("[a-e]", inner, 1..4)
                .prop_map(|fields| Value::Object(fields.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

fn text() -> impl Strategy<Value = Value> {
    "[a-z]{1,4}".prop_map(Value::from)
}

/// The value with fields that nobody decided in each of its maps.
fn completed(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let fields = fields.iter().map(|(name, value)| (name.clone(), completed(value)));
            Value::Object(fields.chain([("added".to_owned(), json!({ "by": "the API" }))]).collect())
        }
        Value::Array(items) => items.iter().map(completed).collect(),
        leaf => leaf.clone(),
    }
}

/// Every value that differs from this one in a single leaf, or lacks it.
fn spoilt(value: &Value) -> Vec<Value> {
    match value {
        Value::Object(fields) => {
            let changed = fields.iter().flat_map(|(name, value)| {
                spoilt(value).into_iter().map(|value| with(fields, name, value)).collect::<Vec<_>>()
            });
            let lacking = fields.keys().map(|name| {
                Value::Object(fields.iter().filter(|(other, _)| *other != name).map(own).collect())
            });
            changed.chain(lacking).collect()
        }
        Value::Array(items) => (0..items.len())
            .flat_map(|index| {
                let replace = move |value| {
                    let mut items = items.clone();
                    items[index] = value;
                    Value::Array(items)
                };
                spoilt(&items[index]).into_iter().map(replace).collect::<Vec<_>>()
            })
            .collect(),
        Value::Bool(flag) => vec![Value::Bool(!flag)],
        leaf => vec![Value::String(format!("not {leaf}"))],
    }
}

fn with(fields: &Map<String, Value>, name: &str, value: Value) -> Value {
    let mut fields = fields.clone();
    fields.insert(name.to_owned(), value);
    Value::Object(fields)
}

fn own((name, value): (&String, &Value)) -> (String, Value) {
    (name.clone(), value.clone())
}

proptest! {
    #[test]
    fn a_wish_holds_in_what_the_api_makes_of_it(desired in any_object()) {
        prop_assert!(is_subset(&desired, &desired));
        prop_assert!(is_subset(&desired, &completed(&desired)));
    }

    #[test]
    fn a_wish_does_not_hold_where_a_decided_leaf_is_changed_or_gone(desired in any_object()) {
        for observed in spoilt(&desired) {
            prop_assert!(!is_subset(&desired, &completed(&observed)), "{observed}");
        }
    }
}
