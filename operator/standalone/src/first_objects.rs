//! What is there from the first start: a few namespaces, and the definitions of our custom kinds, which are part of the
//! program and follow it when it is upgraded.

use jiff::Timestamp;
use schema::{Catalog, Resource};
use serde_json::{Value, json};
use store::{Object, Store, Write, WriteError};
use thiserror::Error;
use uuid::Uuid;

use crate::admission::{self, time};
use crate::request::Part;
use crate::{meta, wire};

/// Namespaces that are always there.
const NAMESPACES: [&str; 3] = ["default", "kube-system", "flynn-system"];

/// An object that is always there could not be stored.
#[derive(Debug, Error)]
#[error("cannot store {kind} {name}")]
pub struct FirstObjectsError {
    /// The kind.
    pub kind: String,
    /// The object.
    pub name: String,
    /// Why.
    pub source: WriteError,
}

/// Stores what is missing or of another release.
pub(crate) async fn store(catalog: &Catalog, store: &Store) -> Result<(), FirstObjectsError> {
    let now = Timestamp::now();
    let namespaces = catalog.by_path("", "v1", "namespaces").expect("namespaces are served");
    for name in NAMESPACES {
        let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
        let write =
            admission::Write { resource: namespaces, part: Part::Object, manager: "flynn-operator", now };
        let namespace =
            write.create(namespace, &Uuid::new_v4().to_string(), "").expect("a namespace's name is enough");
        put(store, namespaces, namespace).await?;
    }
    let definitions = catalog.by_path("apiextensions.k8s.io", "v1", "customresourcedefinitions");
    let definitions = definitions.expect("custom resource definitions are served");
    for definition in crds::all() {
        let definition = serde_json::to_value(definition).expect("a definition is JSON");
        put(store, definitions, established(definition, now)).await?;
    }
    Ok(())
}

/// Creates an object, or gives the one that is there this specification.
async fn put(store: &Store, resource: &Resource, object: Value) -> Result<(), FirstObjectsError> {
    let key = wire::key(resource, "", meta::name(&object));
    let write = match store.get(&key) {
        None => Write::Create { json: wire::stored(resource, &object), key },
        Some(live) => match replacement(resource, &live, &object) {
            Some(new) => Write::Update { json: wire::stored(resource, &new), key, expected: live.revision },
            None => return Ok(()),
        },
    };
    let failed = |source| FirstObjectsError {
        kind: resource.kind.clone(),
        name: meta::name(&object).to_owned(),
        source,
    };
    store.write(write).await.map(drop).map_err(failed)
}

/// A definition of another release is replaced; a namespace is its users'.
fn replacement(resource: &Resource, live: &Object, object: &Value) -> Option<Value> {
    let mut new = wire::value(resource, live);
    if resource.kind == "Namespace" || new["spec"] == object["spec"] {
        return None;
    }
    let generation = meta::generation(&new).unwrap_or(0) + 1;
    new["spec"] = object["spec"].clone();
    new["status"] = object["status"].clone();
    meta::set(&mut new, "generation", generation.into());
    Some(new)
}

/// A definition as it is once a server has accepted it.
fn established(mut definition: Value, now: Timestamp) -> Value {
    let now = time(now);
    let condition = |kind: &str, reason: &str, message: &str| json!({"type": kind, "status": "True", "lastTransitionTime": now, "reason": reason, "message": message});
    let kind = definition["spec"]["names"]["kind"].as_str().unwrap_or_default().to_owned();
    let names = &mut definition["spec"]["names"];
    if names["listKind"].is_null() {
        names["listKind"] = format!("{kind}List").into();
    }
    if names["singular"].is_null() {
        names["singular"] = kind.to_lowercase().into();
    }
    let names = names.clone();
    let versions = definition["spec"]["versions"].as_array().into_iter().flatten();
    let versions = versions.map(|version| version["name"].clone()).collect::<Vec<_>>();
    definition["spec"]["conversion"] = json!({"strategy": "None"});
    definition["status"] = json!({
        "acceptedNames": names,
        "conditions": [
            condition("NamesAccepted", "NoConflicts", "no conflicts found"),
            condition("Established", "InitialNamesAccepted", "the initial names have been accepted"),
        ],
        "storedVersions": versions,
    });
    meta::set(&mut definition, "uid", Uuid::new_v4().to_string().into());
    meta::set(&mut definition, "creationTimestamp", now.into());
    meta::set(&mut definition, "generation", 1.into());
    definition
}
