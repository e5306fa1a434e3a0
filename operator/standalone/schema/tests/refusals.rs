//! What a kube-apiserver says of objects that are not right, recorded from one in `recorded/refusals.json`: new ones, and
//! new states of old ones. A custom kind's causes have no order on a real server.

use schema::{Catalog, FieldError};
use serde_json::Value;

#[test]
fn causes_are_those_of_a_real_server() {
    let catalog = Catalog::new();
    let cases: Vec<Value> =
        serde_json::from_str(include_str!("recorded/refusals.json")).expect("the recording is a list");
    let mut differences = Vec::new();
    for case in &cases {
        let mut new = case["new"].clone();
        let api_version = new["apiVersion"].as_str().expect("it is recorded");
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        let kind = new["kind"].as_str().expect("it is recorded");
        let resource = catalog.by_kind(group, version, kind).expect("it is served");
        resource.drop_nulls(&mut new);
        resource.default(&mut new);
        resource.prune(&mut new);
        let found = match (&case["old"], case["subresource"].as_str()) {
            (Value::Null, _) => {
                if resource.is_custom {
                    new["status"].take();
                }
                resource.allocate(&mut new, None);
                resource.validate(&new, None)
            }
            (old, Some("status")) => resource.validate_status(&new, old),
            (old, _) => {
                resource.allocate(&mut new, Some(old));
                resource.validate(&new, Some(old))
            }
        };
        let mut found: Vec<_> = found.iter().map(cause).collect();
        let mut expected: Vec<_> = case["causes"].as_array().into_iter().flatten().map(recorded).collect();
        if resource.is_custom {
            found.sort();
            expected.sort();
        }
        if found != expected {
            let object = case["new"].to_string();
            differences.push(format!("{object}\n  ours {found:?}\n  real {expected:?}"));
        }
    }
    assert!(differences.is_empty(), "{} of {}:\n{}", differences.len(), cases.len(), differences.join("\n"));
}

fn cause(error: &FieldError) -> [String; 3] {
    [error.reason.as_str().to_owned(), error.field.clone(), error.detail.clone()]
}

fn recorded(cause: &Value) -> [String; 3] {
    [0, 1, 2].map(|part| cause[part].as_str().expect("it is recorded").to_owned())
}
