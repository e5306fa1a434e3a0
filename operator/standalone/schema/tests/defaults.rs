//! Objects as they go in and as a kube-apiserver gives them back, recorded from one in `recorded/defaults.json`: defaults,
//! pruning and the one form of each value. Left out are `metadata`'s own fields, what admission plugins add, and what the API
//! server gives to a new object: a status, and the finalizer of a Namespace. A Service without an address has `None` here.

use schema::Catalog;
use serde_json::Value;

#[test]
fn objects_come_back_as_from_a_real_server() {
    let catalog = Catalog::new();
    let cases: Vec<Value> =
        serde_json::from_str(include_str!("recorded/defaults.json")).expect("the recording is a list");
    let mut differences = Vec::new();
    for case in cases {
        let mut object = case["in"].clone();
        let api_version = object["apiVersion"].as_str().expect("it is recorded");
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        let kind = object["kind"].as_str().expect("it is recorded");
        let resource = catalog.by_kind(group, version, kind).expect("it is served");
        for _ in 0..2 {
            resource.drop_nulls(&mut object);
            resource.default(&mut object);
            resource.prune(&mut object);
            resource.allocate(&mut object, None);
        }
        let mut expected = case["out"].clone();
        for object in [&mut object, &mut expected] {
            object["status"].take();
            object["spec"]["finalizers"].take();
        }
        if object != expected {
            differences.push(format!("{}\n  ours {object}\n  real {expected}", case["name"]));
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}
