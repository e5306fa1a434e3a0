//! What a case gives: Kubernetes objects, each as short as can be.
//!
//! `apiVersion` follows from the kind. `fixture:NAME` stands for the file `cases/fixtures/NAME`, as a Secret has it. In a
//! later stage a document is laid over the object of that name (RFC 7396), and `$delete: true` takes the object away. A
//! document without a kind is no object, but says which kinds are shown: `objects: [KIND]`, `statuses: [KIND]`, and whether an
//! example is given: `examples: FOLDER`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crds::{App, Blobstore, Certificate, Cluster, Route, RouterNode};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{Namespace, Pod, Secret, Service};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use plan::{Kind, Object, ObjectKey};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::CASES;

/// What a file gives.
#[derive(Default)]
pub(crate) struct Given {
    /// The objects, in the order of the file.
    pub(crate) documents: Vec<Value>,
    /// What of the outcome is shown.
    pub(crate) shown: Shown,
}

/// The kinds of which a case shows something.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Shown {
    /// Those whose wishes are shown in full. Left out: none.
    pub(crate) objects: Option<Vec<String>>,
    /// Those whose statuses are shown. Left out: all.
    pub(crate) statuses: Option<Vec<String>>,
    /// A folder of `manifests/examples` whose objects are given too.
    pub(crate) examples: Option<String>,
}

/// What a document does to the world.
pub(crate) enum Edit {
    Put(Object),
    Delete(Kind, ObjectKey),
}

impl Given {
    /// Reads a file.
    pub(crate) fn read(path: &Path) -> Self {
        let text = fs::read_to_string(path).unwrap();
        assert!(
            text.starts_with("# "),
            "{} has to begin with a comment that states the rule",
            path.display()
        );
        let documents: Vec<Value> =
            serde_saphyr::from_multiple(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let mut given = Self::default();
        for document in documents {
            match document.get("kind") {
                Some(_) => given.documents.push(document),
                None => given.shown = serde_json::from_value(document).unwrap(),
            }
        }
        given.documents.extend(given.shown.examples.iter().flat_map(|folder| examples(folder)));
        given
    }
}

/// The objects of a folder of examples, in the order of its files.
fn examples(folder: &str) -> Vec<Value> {
    let folder = format!("{CASES}/../../../../manifests/examples/{folder}");
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    let texts = files.iter().map(|file| fs::read_to_string(file).unwrap());
    texts.flat_map(|text| serde_saphyr::from_multiple::<Value>(&text).unwrap()).collect()
}

/// Lays a document over the object of its name, and says what that does to the world.
pub(crate) fn edit(objects: &mut BTreeMap<String, Value>, mut document: Value) -> Edit {
    substitute(&mut document);
    let name = name(&document);
    if document["$delete"] == true {
        let last = objects.remove(&name).unwrap_or_else(|| panic!("{name} is not there to be deleted"));
        let object = object(&document, last);
        return Edit::Delete(object.kind(), object.key());
    }
    let whole = objects.entry(name).or_default();
    merge(whole, &document);
    Edit::Put(object(&document, whole.clone()))
}

/// The same as `outcome::name_of`.
fn name(document: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let metadata = &document["metadata"];
    let key = ObjectKey::new(text(&metadata["namespace"]), text(&metadata["name"]));
    format!("{} {key}", text(&document["kind"]))
}

fn object(document: &Value, mut whole: Value) -> Object {
    if whole.get("spec").is_none() {
        whole["spec"] = json!({});
    }
    let read = match document["kind"].as_str() {
        Some("Cluster") => typed::<Cluster>(whole),
        Some("App") => typed::<App>(whole),
        Some("Route") => typed::<Route>(whole),
        Some("Certificate") => typed::<Certificate>(whole),
        Some("Blobstore") => typed::<Blobstore>(whole),
        Some("RouterNode") => typed::<RouterNode>(whole),
        Some("Namespace") => typed::<Namespace>(whole),
        Some("Service") => typed::<Service>(whole),
        Some("EndpointSlice") => typed::<EndpointSlice>(whole),
        Some("Secret") => typed::<Secret>(whole),
        Some("Deployment") => typed::<Deployment>(whole),
        Some("Lease") => typed::<Lease>(whole),
        Some("Pod") => typed::<Pod>(whole),
        other => panic!("{other:?} is not a kind that the planner reads"),
    };
    read.unwrap_or_else(|error| panic!("{document}: {error}"))
}

fn typed<K: DeserializeOwned + Into<Object>>(whole: Value) -> serde_json::Result<Object> {
    serde_json::from_value::<K>(whole).map(Into::into)
}

fn substitute(value: &mut Value) {
    match value {
        Value::Object(fields) => fields.values_mut().for_each(substitute),
        Value::Array(items) => items.iter_mut().for_each(substitute),
        Value::String(text) => {
            if let Some(name) = text.strip_prefix("fixture:") {
                let content = fs::read(format!("{CASES}/fixtures/{name}")).expect("the fixture exists");
                *text = STANDARD.encode(content);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// RFC 7396: a map is laid over a map, null takes a field away, anything else stands in its place.
fn merge(whole: &mut Value, patch: &Value) {
    let Value::Object(fields) = patch else {
        *whole = patch.clone();
        return;
    };
    if !whole.is_object() {
        *whole = json!({});
    }
    for (name, field) in fields {
        match field {
            Value::Null => drop(whole.as_object_mut().map(|whole| whole.remove(name))),
            field => merge(&mut whole[name], field),
        }
    }
}
