//! Nodes, Namespaces and Leases.

use serde_json::Value;

use super::{entries, names, not_negative, one_of, text};
use crate::field_error::Faults;

pub(super) fn node(node: &Value, faults: &mut Faults) {
    for (path, taint) in entries(&node["spec"]["taints"], "metadata.taints") {
        let key = text(&taint["key"]);
        faults.invalid_text(format!("{path}.key"), key, names::qualified(key));
        let effects = ["NoSchedule", "PreferNoSchedule", "NoExecute"];
        match text(&taint["effect"]) {
            "" => faults.required(format!("{path}.effect")),
            _ => one_of(format!("{path}.effect"), &taint["effect"], &effects, faults),
        }
    }
}

pub(super) fn namespace(namespace: &Value, faults: &mut Faults) {
    for (_, finalizer) in entries(&namespace["spec"]["finalizers"], "spec.finalizers") {
        let name = text(finalizer);
        let whys = names::qualified(name);
        if whys.is_empty() && !name.contains('/') && name != "kubernetes" {
            let why = "name is neither a standard finalizer name nor is it fully qualified";
            faults.invalid("spec.finalizers", finalizer, why);
        }
        faults.invalid_text("spec.finalizers", name, whys);
    }
}

pub(super) fn lease(lease: &Value, faults: &mut Faults) {
    let spec = &lease["spec"];
    if spec["leaseDurationSeconds"].as_i64().is_some_and(|seconds| seconds <= 0) {
        faults.invalid("spec.leaseDurationSeconds", &spec["leaseDurationSeconds"], "must be greater than 0");
    }
    not_negative("spec.leaseTransitions".to_owned(), &spec["leaseTransitions"], faults);
}
