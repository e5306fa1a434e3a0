//! Laws of the three patches.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::generate::{object, schema};

/// The merge patch that leads from one value to another.
fn merge_diff(from: &Value, to: &Value) -> Value {
    let (Value::Object(from), Value::Object(to)) = (from, to) else { return to.clone() };
    let gone = from.keys().filter(|name| !to.contains_key(*name)).map(|name| (name.clone(), Value::Null));
    let changed = to.iter().filter(|(name, value)| from.get(*name) != Some(value));
    let changed = changed.map(|(name, value)| {
        (name.clone(), from.get(name).map_or(value.clone(), |from| merge_diff(from, value)))
    });
    Value::Object(gone.chain(changed).collect::<Map<_, _>>())
}

/// The JSON patch that leads from one object to another.
fn json_diff(from: &Value, to: &Value) -> Value {
    let (from, to) = (from.as_object().unwrap(), to.as_object().unwrap());
    let tests =
        from.iter().map(|(name, value)| json!({"op": "test", "path": format!("/{name}"), "value": value}));
    let removes = from.keys().map(|name| json!({"op": "remove", "path": format!("/{name}")}));
    let adds =
        to.iter().map(|(name, value)| json!({"op": "add", "path": format!("/{name}"), "value": value}));
    tests.chain(removes).chain(adds).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_merge_patch_of_the_difference_makes_the_other(from in object(), to in object()) {
        prop_assert_eq!(patch::merge_patch(&from, &merge_diff(&from, &to)).unwrap(), to);
    }

    #[test]
    fn a_json_patch_of_the_difference_makes_the_other(from in object(), to in object()) {
        prop_assert_eq!(patch::json_patch(&from, &json_diff(&from, &to)).unwrap(), to);
    }

    #[test]
    fn a_merge_patch_twice_is_once(object in object(), patch in object()) {
        let once = patch::merge_patch(&object, &patch).unwrap();
        prop_assert_eq!(patch::merge_patch(&once, &patch).unwrap(), once);
    }

    #[test]
    fn a_strategic_patch_by_a_directive_makes_the_other(from in object(), to in object()) {
        let mut replacing = to.clone();
        replacing["$patch"] = json!("replace");
        prop_assert_eq!(patch::strategic_merge_patch(&schema(), &from, &replacing).unwrap(), to);
    }

    #[test]
    fn a_strategic_patch_keeps_what_it_does_not_name(object in object()) {
        let patch = json!({"spec": {"ports": [{"port": 90}], "names": ["z"]}});
        let patched = patch::strategic_merge_patch(&schema(), &object, &patch).unwrap();
        for list in ["ports", "names"] {
            let before = object["spec"][list].as_array().cloned().unwrap_or_default();
            let after = patched["spec"][list].as_array().cloned().unwrap_or_default();
            prop_assert_eq!(after.len(), before.len() + 1);
            prop_assert!(before.iter().all(|entry| after.contains(entry)), "{before:?} became {after:?}");
        }
    }

    #[test]
    fn the_order_of_a_strategic_patch_is_the_order_of_the_list(object in object()) {
        let names = object["spec"]["names"].as_array().cloned().unwrap_or_default();
        if names.is_empty() {
            return Ok(());
        }
        let backwards: Vec<Value> = names.iter().rev().cloned().collect();
        let patch = json!({"spec": {"$setElementOrder/names": backwards}});
        let patched = patch::strategic_merge_patch(&schema(), &object, &patch).unwrap();
        prop_assert_eq!(patched["spec"]["names"].as_array().unwrap(), &backwards);
    }
}
