//! Wrong JSON types, in the words of a kube-apiserver, recorded from one in `recorded/decoding.json`; null: it is taken.

use schema::Catalog;
use serde_json::Value;

#[test]
fn wrong_types_are_told_as_by_a_real_server() {
    let catalog = Catalog::new();
    let cases: Vec<Value> =
        serde_json::from_str(include_str!("recorded/decoding.json")).expect("the recording is a list");
    let mut differences = Vec::new();
    for case in &cases {
        let object = &case["in"];
        let api_version = object["apiVersion"].as_str().expect("it is recorded");
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        let kind = object["kind"].as_str().expect("it is recorded");
        let resource = catalog.by_kind(group, version, kind).expect("it is served");
        let found = resource.decode_errors(object);
        if found.as_deref() != case["message"].as_str() {
            differences.push(format!("{object}\n  ours {found:?}\n  real {}", case["message"]));
        }
    }
    assert!(differences.is_empty(), "{} of {}:\n{}", differences.len(), cases.len(), differences.join("\n"));
}
