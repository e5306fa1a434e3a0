//! The `binding` subresource of Pods: a scheduler says on which Node a Pod runs.

use http::{Response, StatusCode};
use serde_json::{Value, json};

use super::Call;
use super::commit::Outcome;
use super::update::ATTEMPTS;
use crate::answer::{self, Body};
use crate::status::{Failure, Result};
use crate::{admission, body, meta};

pub(super) async fn create(call: &Call) -> Result<Response<Body>> {
    let dry_run = call.request.query.dry_run("CreateOptions")?;
    let binding = body::read("Binding", &call.content_type, &call.body)?.value;
    admission::named(&binding, call.request.name())?;
    for _ in 0..ATTEMPTS {
        let before = call.live()?;
        let live = call.value(&before);
        let bound = bound(call, &live, &binding)?;
        // Not through the steps of an update, which refuse to change the Node of a Pod.
        if let Outcome::Done(_) = call.commit(&before, &live, bound, dry_run).await? {
            return Ok(done());
        }
    }
    Err(Failure::modified(&call.request.resource, call.request.name()))
}

/// The Pod on its Node, with the annotations and labels that came with the binding.
fn bound(call: &Call, pod: &Value, binding: &Value) -> Result<Value> {
    let conflict = |why: &str| Failure::conflict(&call.request.resource, call.request.name(), why);
    let (wanted, node) = (meta::uid(binding), binding["target"]["name"].as_str().unwrap_or_default());
    if !wanted.is_empty() && wanted != meta::uid(pod) {
        return Err(conflict(&format!(
            "the UID in the precondition ({wanted}) does not match the UID in record ({}). The object might have been \
             deleted and then recreated",
            meta::uid(pod)
        )));
    }
    if meta::is_terminating(pod) {
        return Err(conflict(&format!(
            "pod {} is being deleted, cannot be assigned to a host",
            meta::name(pod)
        )));
    }
    if let Some(node) = pod["spec"]["nodeName"].as_str().filter(|node| !node.is_empty()) {
        return Err(conflict(&format!("pod {} is already assigned to node {node:?}", meta::name(pod))));
    }
    let mut bound = pod.clone();
    bound["spec"]["nodeName"] = node.into();
    for field in ["annotations", "labels"] {
        for (name, value) in binding["metadata"][field].as_object().into_iter().flatten() {
            bound["metadata"][field][name] = value.clone();
        }
    }
    scheduled(&mut bound, call.write("").time());
    Ok(bound)
}

/// Sets the condition `PodScheduled`.
fn scheduled(pod: &mut Value, now: String) {
    let condition =
        json!({"type": "PodScheduled", "status": "True", "lastProbeTime": null, "lastTransitionTime": now});
    if !pod["status"]["conditions"].is_array() {
        pod["status"]["conditions"] = json!([]);
    }
    if let Some(conditions) = pod["status"]["conditions"].as_array_mut() {
        conditions.retain(|condition| condition["type"] != "PodScheduled");
        conditions.push(condition);
    }
}

fn done() -> Response<Body> {
    let status =
        json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201});
    answer::value(StatusCode::CREATED, &status)
}
