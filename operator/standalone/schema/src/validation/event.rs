//! Events, in the older and in the newer form.

use serde_json::{Value, json};

use super::{names, text};
use crate::field_error::Faults;

pub(super) fn core(event: &Value, faults: &mut Faults) {
    same_namespace(event, &event["involvedObject"], faults);
}

pub(super) fn events(event: &Value, faults: &mut Faults) {
    same_namespace(event, &event["regarding"], faults);
    if event["eventTime"].is_null() {
        faults.required("eventTime");
    } else {
        reporter(event, faults);
    }
    if text(&event["note"]).len() > 1024 {
        faults.invalid("message", &json!(""), "can have at most 1024 characters");
    }
    let type_ = text(&event["type"]);
    if !["Normal", "Warning"].contains(&type_) {
        faults.invalid("type", &json!(""), &format!("has invalid value: {type_}"));
    }
}

fn reporter(event: &Value, faults: &mut Faults) {
    match text(&event["reportingController"]) {
        "" => faults.required("reportingController"),
        name => faults.invalid_text("reportingController", name, names::qualified(name)),
    }
    for field in ["reportingInstance", "action", "reason"] {
        if text(&event[field]).is_empty() {
            faults.required(field);
        }
    }
}

/// An Event is where its object is; those of the cluster's objects are in `default`.
fn same_namespace(event: &Value, object: &Value, faults: &mut Faults) {
    let (own, its) = (text(&event["metadata"]["namespace"]), text(&object["namespace"]));
    let is_right = if its.is_empty() { ["", "default", "kube-system"].contains(&own) } else { own == its };
    if !is_right {
        faults.invalid("involvedObject.namespace", &json!(its), "does not match event.namespace");
    }
}
