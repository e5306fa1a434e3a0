//! What the laws leave open, by example: the orders of lists, entries that are there twice, and what nobody manages.

use serde_json::{Value, json};

use super::generate::{apply, schema, sets, update};

fn example(spec: Value) -> Value {
    json!({"apiVersion": "example.com/v1", "kind": "Example", "metadata": {"name": "it"}, "spec": spec})
}

fn names(names: &str) -> Value {
    example(json!({"names": names.chars().map(String::from).collect::<Vec<_>>()}))
}

#[test]
fn entries_that_are_applied_take_their_order_with_them() {
    let table = [
        ("abcd", "db", "acdb"),
        ("abc", "xcya", "bxcya"),
        ("ab", "xy", "abxy"),
        ("abc", "cba", "cba"),
        ("ab", "bxa", "bxa"),
        ("abcde", "xdyb", "acxdeyb"),
        ("abcb", "b", "abc"),
    ];
    for (live, applied, merged) in table {
        let live = update(&schema(), None, &names(live), "two", "2026-01-01T00:00:00Z");
        let object =
            apply(&schema(), Some(&live), &names(applied), "one", true, "2026-01-02T00:00:00Z").unwrap();
        assert_eq!(object["spec"]["names"], names(merged)["spec"]["names"], "{applied} over {live}");
    }
}

#[test]
fn an_entry_that_is_there_twice_is_managed_as_one_and_whole() {
    let port = |name: &str| json!({"port": 80, "protocol": "TCP", "name": name});
    let twice = example(json!({"ports": [port("a"), port("b")]}));
    let set = patch::fields(&schema(), &twice).to_json();
    let key = r#"k:{"port":80,"protocol":"TCP"}"#;
    assert_eq!(set["f:spec"], json!({"f:ports": { key: {} }}));
    let once =
        update(&schema(), None, &example(json!({"ports": [port("a")]})), "one", "2026-01-01T00:00:00Z");
    let twice = update(&schema(), Some(&once), &twice, "two", "2026-01-02T00:00:00Z");
    let managed: Vec<Value> =
        sets(&twice).into_iter().map(|(_, set)| set.to_json()["f:spec"]["f:ports"][key].clone()).collect();
    assert_eq!(managed, [Value::Null, json!({})]);
}

#[test]
fn what_nobody_manages_stays_when_an_applier_gives_up_its_part() {
    let entry = |manager: &str| {
        let key = r#"k:{"port":80,"protocol":"TCP"}"#;
        json!({
            "manager": manager, "operation": "Apply", "apiVersion": "example.com/v1", "fieldsType": "FieldsV1",
            "fieldsV1": {"f:spec": {"f:ports": { key: {".": {}, "f:port": {}} }}},
        })
    };
    let mut live = example(json!({"ports": [{"port": 80, "name": "x"}]}));
    live["metadata"]["managedFields"] = json!([entry("one"), entry("two")]);
    let nothing = json!({"apiVersion": "example.com/v1", "kind": "Example", "metadata": {"name": "it"}});
    let object = apply(&schema(), Some(&live), &nothing, "one", false, "2026-01-02T00:00:00Z").unwrap();
    assert_eq!(object["spec"], json!({"ports": [{"port": 80, "name": "x"}]}));
}
