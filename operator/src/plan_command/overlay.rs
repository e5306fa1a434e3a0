//! Lays a document over the object that exists, as `kubectl apply` does.
//!
//! Three values are compared, of which the third says what the document no longer says:
//!
//! | document | last applied | live | comes out                       |
//! |----------|--------------|------|---------------------------------|
//! | yes      | any          | any  | the document's, laid over live's |
//! | no       | yes          | any  | nothing                         |
//! | no       | no           | yes  | live's: others wrote it         |

use schema::{Schema, Shape};
use serde_json::{Map, Value};

use super::admission::SERVERS_OWN;

/// Where `kubectl apply` keeps the document that was applied last.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// What is declared, with the identity, the status and the further fields of what exists.
pub(super) fn laid_over(schema: &Schema, live: &Value, document: &Value) -> Value {
    let last = live["metadata"]["annotations"][LAST_APPLIED].as_str();
    let last = last.and_then(|text| serde_json::from_str(text).ok()).unwrap_or(Value::Null);
    let mut document = document.clone();
    let metadata = document.get_mut("metadata").and_then(Value::as_object_mut);
    if let Some(metadata) = metadata.filter(|_| live["metadata"]["annotations"].is_object()) {
        // kubectl declares an annotation of its own, so that it never takes the others' away with the last of them.
        metadata.entry("annotations").or_insert_with(|| Map::new().into());
    }
    let mut new = merged(Some(schema), &last, live, &document);
    for field in SERVERS_OWN {
        copy(live.get("metadata"), new.get_mut("metadata"), field);
    }
    copy(Some(live), Some(&mut new), "status");
    new
}

fn copy(from: Option<&Value>, to: Option<&mut Value>, field: &str) {
    let Some(to) = to.and_then(Value::as_object_mut) else { return };
    match from.and_then(|from| from.get(field)) {
        Some(value) => to.insert(field.to_owned(), value.clone()),
        None => to.remove(field),
    };
}

fn merged(schema: Option<&Schema>, last: &Value, live: &Value, declared: &Value) -> Value {
    match (live, declared) {
        (Value::Object(live), Value::Object(declared)) => merged_fields(schema, last, live, declared),
        (Value::Array(live), Value::Array(declared))
            if schema.is_some_and(|schema| schema.strategic.merge) =>
        {
            merged_entries(schema, last, live, declared)
        }
        _ => declared.clone(),
    }
}

fn merged_fields(
    schema: Option<&Schema>,
    last: &Value,
    live: &Map<String, Value>,
    declared: &Map<String, Value>,
) -> Value {
    let mut fields = live.clone();
    fields.retain(|name, _| declared.contains_key(name) || last.get(name).is_none());
    for (name, value) in declared {
        // A null takes the field away, as in a merge patch (RFC 7396).
        match (value, fields.get(name)) {
            (Value::Null, _) => drop(fields.remove(name)),
            (value, live) => {
                let live = live.unwrap_or(&Value::Null);
                let last = last.get(name).unwrap_or(&Value::Null);
                let value = merged(schema.and_then(|schema| field(schema, name)), last, live, value);
                fields.insert(name.clone(), value);
            }
        }
    }
    Value::Object(fields)
}

/// The entries of a list that its schema has merged: those with one key are one.
fn merged_entries(schema: Option<&Schema>, last: &Value, live: &[Value], declared: &[Value]) -> Value {
    let key = schema.and_then(|schema| schema.strategic.merge_key.as_deref());
    let items = schema.and_then(|schema| match &schema.shape {
        Shape::List { items, .. } => Some(&**items),
        _ => None,
    });
    let is_same = |a: &Value, b: &Value| key.map_or(a == b, |key| a[key] == b[key]);
    let last = last.as_array().map(Vec::as_slice).unwrap_or_default();
    let of = |list: &[Value], entry: &Value| {
        list.iter().find(|other| is_same(other, entry)).cloned().unwrap_or(Value::Null)
    };
    let entries = declared.iter().map(|entry| merged(items, &of(last, entry), &of(live, entry), entry));
    let others =
        live.iter().filter(|entry| of(declared, entry).is_null() && of(last, entry).is_null()).cloned();
    Value::Array(entries.chain(others).collect())
}

fn field<'a>(schema: &'a Schema, name: &str) -> Option<&'a Schema> {
    match &schema.shape {
        Shape::Struct { fields, .. } => fields.get(name),
        Shape::Map { values, .. } => Some(values),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use schema::Catalog;
    use serde_json::json;

    use super::*;

    fn applied(kind: &str, live: &Value, document: &Value) -> Value {
        let catalog = Catalog::new();
        let resource = catalog.resources().find(|resource| resource.kind == kind).unwrap();
        laid_over(&resource.schema, live, document)
    }

    #[test]
    fn what_others_wrote_stays() {
        let live = json!({
            "metadata": {"name": "a", "uid": "u", "labels": {"x": "y"}},
            "spec": {"image": "a:1", "processes": {"web": {"replicas": 3}}}, "status": {"url": "z"}
        });
        let document = json!({"metadata": {"name": "a", "uid": "other", "labels": {"v": "w"}}, "spec": {"image": "a:2"}});
        let expected = json!({
            "metadata": {"name": "a", "uid": "u", "labels": {"x": "y", "v": "w"}},
            "spec": {"image": "a:2", "processes": {"web": {"replicas": 3}}}, "status": {"url": "z"}
        });
        assert_eq!(applied("App", &live, &document), expected);
    }

    #[test]
    fn what_was_applied_and_is_no_longer_declared_goes() {
        let spec = json!({"http": {"host": "a.com", "path": "/x"}, "app": "a"});
        let last = json!({"metadata": {"annotations": {}}, "spec": spec}).to_string();
        let live = json!({
            "metadata": {"name": "a", "annotations": {LAST_APPLIED: last}},
            "spec": {"http": {"host": "a.com", "path": "/x", "sticky": false}, "app": "a"}
        });
        let document = json!({"metadata": {"name": "a"}, "spec": {"http": {"host": "a.com"}, "app": null}});
        let spec = json!({"http": {"host": "a.com", "sticky": false}});
        let new = applied("Route", &live, &document);
        assert_eq!((&new["spec"], &new["metadata"]), (&spec, &live["metadata"]));
    }

    #[test]
    fn entries_of_a_merged_list_are_told_apart_by_their_key() {
        let last = json!({"spec": {"ports": [{"port": 1}, {"port": 2}]}}).to_string();
        let live = json!({
            "metadata": {"name": "a", "annotations": {LAST_APPLIED: last}},
            "spec": {"ports": [{"port": 1, "nodePort": 31}, {"port": 2}, {"port": 3}]}
        });
        let document =
            json!({"metadata": {"name": "a"}, "spec": {"ports": [{"port": 4}, {"port": 1, "name": "x"}]}});
        let ports = json!([{"port": 4}, {"port": 1, "nodePort": 31, "name": "x"}, {"port": 3}]);
        assert_eq!(applied("Service", &live, &document)["spec"]["ports"], ports);
        let domains = json!({"metadata": {"name": "a"}, "spec": {"domains": [{"name": "a.com"}]}});
        let live =
            json!({"metadata": {"name": "a"}, "spec": {"domains": [{"name": "b.com", "default": true}]}});
        assert_eq!(applied("Cluster", &live, &domains), domains, "a custom resource's list is replaced");
    }
}
