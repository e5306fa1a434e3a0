//! Every step that was recorded on a kube-apiserver 1.36 (`real.json`) ends here as it did there: the object, its managed fields, and
//! the words of what is refused.
//!
//! A step is one request on one object: the object before, the operation with its body, and what came of it. Refusals that come from
//! the validation of a kind are no matter of this crate, so such a step only must not be refused here for another reason.
#![allow(clippy::unwrap_used, missing_docs, reason = "a test may panic")]

use std::collections::BTreeMap;

use patch::{Apply, ApplyError, Update};
use schema::{Catalog, Resource};
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Debug, Deserialize)]
struct Step {
    scenario: String,
    /// The object before; text where it is as the step before left it.
    live: Option<Value>,
    operation: String,
    manager: String,
    #[serde(default)]
    subresource: String,
    #[serde(default)]
    force: bool,
    body: Value,
    code: u16,
    after: Option<Value>,
    #[serde(default)]
    message: String,
    #[serde(default)]
    causes: Vec<Value>,
}

#[test]
fn every_recorded_step_ends_as_on_a_real_server() {
    let steps: Vec<Step> = serde_json::from_str(include_str!("real.json")).unwrap();
    let catalog = Catalog::new();
    let mut last: BTreeMap<String, Value> = BTreeMap::new();
    let mut failures = Vec::new();
    for (number, step) in steps.iter().enumerate() {
        let live = match &step.live {
            Some(Value::String(_)) => last.get(&step.scenario).cloned(),
            live => live.clone(),
        };
        if let Err(difference) = step.replay(&catalog, live.as_ref()) {
            let Step { scenario, operation, manager, body, .. } = step;
            failures
                .push(format!("step {number}, {scenario}: {operation} of {manager} {body}\n{difference}"));
        }
        if let Some(after) = &step.after {
            last.insert(step.scenario.clone(), after.clone());
        }
    }
    assert!(failures.is_empty(), "{} of {}:\n{}", failures.len(), steps.len(), failures.join("\n\n"));
}

impl Step {
    fn replay(&self, catalog: &Catalog, live: Option<&Value>) -> Result<(), String> {
        let object = live.unwrap_or(&self.body);
        let (group, version) = match object["apiVersion"].as_str().unwrap().split_once('/') {
            Some(both) => both,
            None => ("", object["apiVersion"].as_str().unwrap()),
        };
        let resource = catalog.by_kind(group, version, object["kind"].as_str().unwrap()).unwrap();
        let outcome = self.outcome(resource, live);
        match (&self.after, outcome) {
            (Some(after), Ok(object)) => {
                same("object", &comparable(resource, after), &comparable(resource, &object))
            }
            (Some(_), Err((code, message, _))) => Err(format!("refused: {code} {message}")),
            (None, Ok(_)) => same("code", &json!(self.code), &json!(self.code.clamp(415, 422))),
            (None, Err((code, message, causes))) => {
                let there = json!([self.code, self.message, sorted(&self.causes)]);
                same("refusal", &there, &json!([code, message, sorted(&causes)]))
            }
        }
    }

    /// What this crate makes of it: the object, or code, message and causes.
    fn outcome(&self, resource: &Resource, live: Option<&Value>) -> Result<Value, (u16, String, Vec<Value>)> {
        let api_version = resource.api_version();
        let ignored = patch::reset_fields(resource, &self.subresource);
        let time = self.time();
        if self.operation == "apply" {
            let apply = Apply {
                schema: &resource.schema,
                live,
                applied: &self.body,
                manager: &self.manager,
                force: self.force,
                subresource: &self.subresource,
                api_version: &api_version,
                kind: &resource.kind,
                time: &time,
                ignored,
            };
            let mut object = patch::apply(&apply).map_err(|error| refusal(&error))?;
            fit(resource, &mut object);
            let object = self.reset(resource, live, object);
            return Ok(live.map_or(object.clone(), |live| patch::keep_times(live, object)));
        }
        let mut new = self
            .patched(resource, live.unwrap_or(&Value::Null))
            .map_err(|error| (error.code(), error.to_string(), Vec::new()))?;
        fit(resource, &mut new);
        let update = Update {
            schema: &resource.schema,
            live,
            new: &new,
            manager: &self.manager,
            subresource: &self.subresource,
            api_version: &api_version,
            time: &time,
            ignored,
        };
        let object = self.reset(resource, live, patch::update(&update));
        Ok(live.map_or(object.clone(), |live| patch::keep_times(live, object)))
    }

    fn patched(&self, resource: &Resource, live: &Value) -> Result<Value, patch::Error> {
        match self.operation.as_str() {
            "json" => patch::json_patch(live, &self.body),
            "merge" => patch::merge_patch(live, &self.body),
            "strategic" => patch::strategic_merge_patch(&resource.schema, live, &self.body),
            _ => Ok(self.body.clone()),
        }
    }

    /// As the API does it: what the endpoint leaves alone is as it was.
    fn reset(&self, resource: &Resource, live: Option<&Value>, mut object: Value) -> Value {
        let ignored = patch::reset_fields(resource, &self.subresource);
        for path in ignored.iter().filter(|path| **path != "metadata") {
            let (parent, field) = path
                .rsplit_once('.')
                .map_or((String::new(), *path), |(parent, field)| (format!("/{parent}"), field));
            let before = live.and_then(|live| live.pointer(&parent)?.get(field)).cloned();
            if let Some(parent) = object.pointer_mut(&parent).and_then(Value::as_object_mut) {
                parent.remove(field);
                parent.extend(before.map(|before| (field.to_owned(), before)));
            }
        }
        if let (true, Some(live)) = (ignored.contains(&"metadata"), live) {
            let managed_fields = object["metadata"]["managedFields"].take();
            object["metadata"] = live["metadata"].clone();
            object["metadata"]["managedFields"] = managed_fields;
        }
        fit(resource, &mut object);
        object
    }

    /// When it was: the latest time that it left.
    fn time(&self) -> String {
        let entries = self.after.as_ref().and_then(|after| after["metadata"]["managedFields"].as_array());
        let times = entries.into_iter().flatten().filter_map(|entry| entry["time"].as_str());
        times.max().unwrap_or("2026-01-01T00:00:00Z").to_owned()
    }
}

/// A real server tells the managers in any order.
fn sorted(causes: &[Value]) -> Vec<String> {
    let mut causes: Vec<String> = causes.iter().map(ToString::to_string).collect();
    causes.sort();
    causes
}

fn refusal(error: &ApplyError) -> (u16, String, Vec<Value>) {
    let (code, causes) = match error {
        ApplyError::Conflicts(conflicts) => (409, conflicts.causes()),
        ApplyError::BadRequest(_) => (400, Vec::new()),
        ApplyError::Internal(_) => (500, Vec::new()),
    };
    (code, error.to_string(), causes)
}

/// Defaults and prunes. An empty list of managed fields has a meaning, so it stays.
fn fit(resource: &Resource, object: &mut Value) {
    let given = object["metadata"]["managedFields"].clone();
    resource.drop_nulls(object);
    resource.default(object);
    resource.prune(object);
    if given.is_array() {
        object["metadata"]["managedFields"] = given;
    }
}

/// What other parts of the API fill in.
const FILLED_IN: [(&str, &str, &[&str]); 3] = [
    ("Service", "/spec", &["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"]),
    ("Pod", "/spec", &["preemptionPolicy", "priority", "tolerations"]),
    ("Pod", "/status", &["phase", "qosClass"]),
];

/// The object without what the API puts into it after this crate.
fn comparable(resource: &Resource, object: &Value) -> Value {
    let mut object = object.clone();
    if let Some(metadata) = object["metadata"].as_object_mut() {
        for field in ["uid", "resourceVersion", "generation", "creationTimestamp"] {
            metadata.remove(field);
        }
        metadata.retain(|_, value| !value.is_null());
    }
    for (kind, pointer, fields) in FILLED_IN {
        if let Some(part) =
            object.pointer_mut(pointer).and_then(Value::as_object_mut).filter(|_| resource.kind == kind)
        {
            part.retain(|field, _| !fields.contains(&field.as_str()));
        }
    }
    object
}

fn same(what: &str, expected: &Value, actual: &Value) -> Result<(), String> {
    if expected == actual {
        return Ok(());
    }
    let mut differences = Vec::new();
    differ(what, expected, actual, &mut differences);
    Err(differences.join("\n"))
}

fn differ(path: &str, expected: &Value, actual: &Value, differences: &mut Vec<String>) {
    match (expected, actual) {
        (Value::Object(expected), Value::Object(actual)) => {
            for name in expected.keys().chain(actual.keys().filter(|name| !expected.contains_key(*name))) {
                let field = |of: &serde_json::Map<String, Value>| {
                    of.get(name).cloned().unwrap_or(json!("(not there)"))
                };
                differ(&format!("{path}.{name}"), &field(expected), &field(actual), differences);
            }
        }
        (Value::Array(expected), Value::Array(actual)) if expected.len() == actual.len() => {
            for (index, (expected, actual)) in expected.iter().zip(actual).enumerate() {
                differ(&format!("{path}[{index}]"), expected, actual, differences);
            }
        }
        _ if expected == actual => {}
        _ => differences.push(format!("  {path}\n    there: {expected}\n    here:  {actual}")),
    }
}
