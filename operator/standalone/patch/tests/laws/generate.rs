//! Objects of a kind that has every way in which fields are shared.

use patch::{Apply, ApplyError, Update};
use proptest::collection::{btree_map, btree_set, vec};
use proptest::option;
use proptest::prelude::*;
use schema::Schema;
use serde_json::{Map, Value, json};

/// The managers.
pub(super) const MANAGERS: [&str; 3] = ["one", "two", "three"];

/// A kind with a struct, a map, an atomic map, a set, an atomic list, and a list that goes by two keys, one of which has a default.
pub(super) fn schema() -> Schema {
    let labels = json!({"type": "object", "additionalProperties": {"type": "string"}});
    let port = json!({"type": "object", "properties": {
        "port": {"type": "integer"},
        "protocol": {"type": "string", "default": "TCP"},
        "name": {"type": "string"},
        "labels": labels,
    }});
    let ports = json!({
        "type": "array", "items": port, "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["port", "protocol"],
        "x-kubernetes-patch-strategy": "merge", "x-kubernetes-patch-merge-key": "port",
    });
    let text = json!({"type": "string"});
    let set = json!({"type": "array", "items": text, "x-kubernetes-list-type": "set", "x-kubernetes-patch-strategy": "merge"});
    let selector = json!({"type": "object", "additionalProperties": text, "x-kubernetes-map-type": "atomic"});
    let spec = json!({"type": "object", "properties": {
        "replicas": {"type": "integer"},
        "labels": labels,
        "selector": selector,
        "args": {"type": "array", "items": text},
        "names": set,
        "ports": ports,
    }});
    let metadata = json!({"type": "object", "properties": {"name": text, "labels": labels, "managedFields": {"type": "array", "items": {}}}});
    let kind = json!({"type": "object", "properties": {"apiVersion": text, "kind": text, "metadata": metadata, "spec": spec}});
    Schema::from_openapi(&kind, &Map::new())
}

/// An object of that kind.
pub(super) fn object() -> impl Strategy<Value = Value> {
    let spec = fields(vec![
        ("replicas", (0..3).prop_map(Value::from).boxed()),
        ("labels", labels().boxed()),
        ("selector", labels().boxed()),
        ("args", vec(word(), 0..3).prop_map(Value::from).boxed()),
        ("names", shuffled(&["a", "b", "c"]).prop_map(Value::from).boxed()),
        ("ports", ports().boxed()),
    ]);
    (option::of(labels()), spec).prop_map(|(labels, spec)| {
        let mut object = json!({"apiVersion": "example.com/v1", "kind": "Example", "metadata": {"name": "it"}, "spec": spec});
        if let Some(labels) = labels {
            object["metadata"]["labels"] = labels;
        }
        object
    })
}

/// An object of which every part has something in it.
pub(super) fn full_object() -> impl Strategy<Value = Value> {
    object().prop_map(|mut object| {
        object["spec"]["replicas"] = json!(1);
        full(object)
    })
}

/// A value without its empty parts.
fn full(value: Value) -> Value {
    let is_full = |value: &Value| match value {
        Value::Null => false,
        Value::Array(entries) => !entries.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
        _ => true,
    };
    match value {
        Value::Array(entries) => Value::Array(entries.into_iter().map(full).filter(is_full).collect()),
        Value::Object(fields) => {
            let fields = fields.into_iter().map(|(name, value)| (name, full(value)));
            Value::Object(fields.filter(|(_, value)| is_full(value)).collect())
        }
        scalar => scalar,
    }
}

fn fields(fields: Vec<(&'static str, BoxedStrategy<Value>)>) -> impl Strategy<Value = Value> {
    let (names, values): (Vec<_>, Vec<_>) =
        fields.into_iter().map(|(name, value)| (name, option::of(value))).unzip();
    values.prop_map(move |values| {
        let fields = names.iter().zip(values).filter_map(|(name, value)| Some(((*name).to_owned(), value?)));
        Value::Object(fields.collect())
    })
}

fn word() -> impl Strategy<Value = String> {
    "[xy]"
}

fn labels() -> impl Strategy<Value = Value> {
    btree_map("[abc]", word(), 0..3).prop_map(|labels| json!(labels))
}

fn shuffled(of: &'static [&'static str]) -> impl Strategy<Value = Vec<&'static str>> {
    proptest::sample::subsequence(of, 0..=of.len()).prop_shuffle()
}

fn ports() -> impl Strategy<Value = Value> {
    let keys = btree_set((80..83, option::of(prop_oneof![Just("TCP"), Just("UDP")])), 0..3);
    let keys = keys.prop_map(|keys| {
        let mut seen = std::collections::BTreeSet::new();
        keys.into_iter()
            .filter(|(port, protocol)| seen.insert((*port, protocol.unwrap_or("TCP"))))
            .collect::<Vec<_>>()
    });
    (keys.prop_shuffle(), vec((option::of(word()), option::of(labels())), 3)).prop_map(|(keys, rest)| {
        let ports = keys.into_iter().zip(rest).map(|((port, protocol), (name, labels))| {
            let fields = [
                ("port", Some(json!(port))),
                ("protocol", protocol.map(Value::from)),
                ("name", name.map(Value::from)),
                ("labels", labels),
            ];
            fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect::<Value>()
        });
        ports.collect()
    })
}

/// A write by one of the managers.
#[derive(Debug, Clone)]
pub(super) enum Write {
    Apply { manager: usize, object: Value, force: bool },
    Update { manager: usize, object: Value },
}

/// A few writes of objects.
pub(super) fn writes() -> impl Strategy<Value = Vec<Write>> {
    writes_of(object())
}

pub(super) fn writes_of(objects: impl Strategy<Value = Value>) -> impl Strategy<Value = Vec<Write>> {
    let write = (0..MANAGERS.len(), objects, 0..3).prop_map(|(manager, object, how)| match how {
        0 => Write::Update { manager, object },
        how => Write::Apply { manager, object, force: how == 1 },
    });
    vec(write, 1..6)
}

/// Applies at a time.
pub(super) fn apply(
    schema: &Schema,
    live: Option<&Value>,
    applied: &Value,
    manager: &str,
    force: bool,
    time: &str,
) -> Result<Value, ApplyError> {
    patch::apply(&Apply {
        schema,
        live,
        applied,
        manager,
        force,
        subresource: "",
        api_version: "example.com/v1",
        kind: "Example",
        time,
        ignored: &[],
    })
}

pub(super) fn update(schema: &Schema, live: Option<&Value>, new: &Value, manager: &str, time: &str) -> Value {
    patch::update(&Update {
        schema,
        live,
        new,
        manager,
        subresource: "",
        api_version: "example.com/v1",
        time,
        ignored: &[],
    })
}

/// The object after all the writes; those that conflict do nothing.
pub(super) fn after(schema: &Schema, writes: &[Write]) -> Value {
    let mut live: Option<Value> = None;
    for (number, write) in writes.iter().enumerate() {
        let time = format!("2026-01-01T00:00:{number:02}Z");
        let next = match write {
            Write::Apply { manager, object, force } => {
                apply(schema, live.as_ref(), object, MANAGERS[*manager], *force, &time).ok()
            }
            Write::Update { manager, object } => {
                Some(update(schema, live.as_ref(), object, MANAGERS[*manager], &time))
            }
        };
        live = next.or(live);
    }
    live.unwrap_or_else(|| json!({}))
}

/// The sets of the managers of an object.
pub(super) fn sets(object: &Value) -> Vec<(String, patch::FieldSet)> {
    let entries = object["metadata"]["managedFields"].as_array().into_iter().flatten();
    let set =
        |entry: &Value| patch::FieldSet::from_json(&entry["fieldsV1"]).expect("managed fields are sets");
    entries.map(|entry| (format!("{} {}", entry["manager"], entry["operation"]), set(entry))).collect()
}
