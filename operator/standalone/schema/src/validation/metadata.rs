//! `metadata`: names by kind, labels, annotations, owners, finalizers, and what may not change.

use serde_json::{Map, Value};

use super::{entries, immutable, names, text};
use crate::Resource;
use crate::field_error::Faults;

/// The most bytes of all annotations of an object.
const ANNOTATIONS: usize = 256 * 1024;

/// Finalizers that have no domain.
const STANDARD_FINALIZERS: [&str; 3] = ["foregroundDeletion", "kubernetes", "orphan"];

/// What may not change once the object is there.
const IMMUTABLE: [&str; 6] =
    ["name", "namespace", "uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds"];

/// Of a new object.
pub(super) fn create(resource: &Resource, new: &Value, faults: &mut Faults) {
    let metadata = &new["metadata"];
    name(resource, metadata, faults);
    if metadata["generation"].as_i64().is_some_and(|generation| generation < 0) {
        faults.invalid("metadata.generation", &metadata["generation"], "must be greater than or equal to 0");
    }
    common(metadata, faults);
    finalizers(&metadata["finalizers"], faults);
}

/// Of a new state of an object. A real server looks at what is common again in each layer, and tells it each time.
pub(super) fn update(resource: &Resource, new: &Value, old: &Value, is_status: bool, faults: &mut Faults) {
    let metadata = &new["metadata"];
    unchanged(metadata, &old["metadata"], faults);
    let (without_finalizers, with_finalizers) = match resource.kind.as_str() {
        "Event" => (2, 0),
        "Lease" => (3, 0),
        _ if resource.is_custom => (3, 0),
        "ConfigMap" | "Namespace" | "Node" | "Pod" | "Secret" if !is_status => (2, 2),
        _ => (2, 1),
    };
    for _ in 0..without_finalizers {
        common(metadata, faults);
    }
    for _ in 0..with_finalizers {
        common(metadata, faults);
        finalizers(&metadata["finalizers"], faults);
    }
}

fn common(metadata: &Value, faults: &mut Faults) {
    labels("metadata.labels", &metadata["labels"], faults);
    annotations(&metadata["annotations"], faults);
    owners(&metadata["ownerReferences"], faults);
}

/// Labels of an object or of a template; also selectors that are labels.
pub(super) fn labels(path: &str, labels: &Value, faults: &mut Faults) {
    for (key, value) in labels.as_object().into_iter().flatten() {
        faults.invalid_text(path, key, names::qualified(key));
        faults.invalid_text(path, text(value), names::label_value(text(value)));
    }
}

fn name(resource: &Resource, metadata: &Value, faults: &mut Faults) {
    let rule: fn(&str) -> Vec<String> = match resource.kind.as_str() {
        "Namespace" | "Service" => names::label,
        // Any name that can stand in a path; the API server has looked at that before.
        "Event" => |_| Vec::new(),
        _ => names::subdomain,
    };
    let prefix = text(&metadata["generateName"]);
    if !prefix.is_empty() {
        // The dash at the end of a prefix is not the end of the name.
        let masked = prefix.strip_suffix('-').map_or(prefix.to_owned(), |name| format!("{name}a"));
        faults.invalid_text("metadata.generateName", prefix, rule(&masked));
    }
    match text(&metadata["name"]) {
        "" => faults.required_because("metadata.name", "name or generateName is required"),
        name => faults.invalid_text("metadata.name", name, rule(name)),
    }
}

fn unchanged(new: &Value, old: &Value, faults: &mut Faults) {
    if !old["deletionTimestamp"].is_null() {
        no_new_finalizers(&new["finalizers"], &old["finalizers"], faults);
    }
    if new["generation"].as_i64() < old["generation"].as_i64() && new["generation"].is_i64() {
        faults.invalid("metadata.generation", &new["generation"], "must not be decremented");
    }
    for field in IMMUTABLE {
        immutable(&format!("metadata.{field}"), &new[field], &old[field], faults);
    }
}

fn no_new_finalizers(new: &Value, old: &Value, faults: &mut Faults) {
    let is_old = |finalizer: &&Value| old.as_array().is_some_and(|old| old.contains(finalizer));
    let added: Vec<_> =
        new.as_array().into_iter().flatten().filter(|new| !is_old(new)).map(Value::to_string).collect();
    if !added.is_empty() {
        let why = format!(
            "no new finalizers can be added if the object is being deleted, found new finalizers []string{{{}}}",
            added.join(", ")
        );
        faults.forbidden("metadata.finalizers", &why);
    }
}

fn annotations(annotations: &Value, faults: &mut Faults) {
    let annotations = annotations.as_object().into_iter().flat_map(Map::iter);
    let mut size = 0;
    for (key, value) in annotations {
        size += key.len() + text(value).len();
        faults.invalid_text("metadata.annotations", key, names::qualified(&key.to_lowercase()));
    }
    if size > ANNOTATIONS {
        faults.too_long("metadata.annotations", ANNOTATIONS);
    }
}

fn owners(owners: &Value, faults: &mut Faults) {
    const PATH: &str = "metadata.ownerReferences";
    let mut controllers = Vec::new();
    for (_, owner) in entries(owners, PATH) {
        let api_version = text(&owner["apiVersion"]);
        if api_version.is_empty() || api_version.matches('/').count() > 1 {
            faults.invalid(format!("{PATH}.apiVersion"), &owner["apiVersion"], "version must not be empty");
        }
        for field in ["kind", "name", "uid"] {
            if text(&owner[field]).is_empty() {
                faults.invalid(format!("{PATH}.{field}"), &Value::from(""), "must not be empty");
            }
        }
        if owner["kind"] == "Event" && ["v1", "events.k8s.io/v1"].contains(&api_version) {
            let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
            let why = format!("{group}/{version}, Kind=Event is disallowed from being an owner");
            faults.invalid_shown(PATH, &in_order(owner), &why);
        }
        if owner["controller"] == true {
            controllers.push(format!("{}/{}", text(&owner["kind"]), text(&owner["name"])));
        }
    }
    if let [first, .., last] = &controllers[..] {
        let why = format!(
            "Only one reference can have Controller set to true. Found \"true\" in references for {first} and {last}"
        );
        let shown: Vec<_> = entries(owners, PATH).map(|(_, owner)| in_order(owner)).collect();
        faults.invalid_shown(PATH, &format!("[{}]", shown.join(",")), &why);
    }
}

/// An owner with its fields in the order of the Go type.
fn in_order(owner: &Value) -> String {
    let order = ["apiVersion", "kind", "name", "uid", "controller", "blockOwnerDeletion"];
    let fields = order.iter().filter(|field| !owner[**field].is_null());
    let fields: Vec<_> = fields.map(|field| format!("{field:?}:{}", owner[*field])).collect();
    format!("{{{}}}", fields.join(","))
}

fn finalizers(finalizers: &Value, faults: &mut Faults) {
    for (path, finalizer) in entries(finalizers, "metadata.finalizers") {
        let name = text(finalizer);
        let whys = names::qualified(name);
        if whys.is_empty() && !name.contains('/') && !STANDARD_FINALIZERS.contains(&name) {
            faults.invalid(
                path,
                finalizer,
                "name is neither a standard finalizer name nor is it fully qualified",
            );
        }
        faults.invalid_text("metadata.finalizers", name, whys);
    }
}
