//! Deployments and ReplicaSets.

use serde_json::{Value, json};

use super::{immutable, metadata, names, not_negative, one_of, pod, selector, text};
use crate::field_error::Faults;

pub(super) fn deployment(new: &Value, old: Option<&Value>, faults: &mut Faults) {
    let spec = &new["spec"];
    not_negative("spec.replicas".to_owned(), &spec["replicas"], faults);
    if select(spec, faults) {
        template(spec, faults);
    }
    strategy(&spec["strategy"], faults);
    not_negative("spec.minReadySeconds".to_owned(), &spec["minReadySeconds"], faults);
    not_negative("spec.revisionHistoryLimit".to_owned(), &spec["revisionHistoryLimit"], faults);
    let deadline = &spec["progressDeadlineSeconds"];
    not_negative("spec.progressDeadlineSeconds".to_owned(), deadline, faults);
    if deadline.as_i64().is_some_and(|deadline| deadline <= spec["minReadySeconds"].as_i64().unwrap_or(0)) {
        faults.invalid("spec.progressDeadlineSeconds", deadline, "must be greater than minReadySeconds");
    }
    keeps_selector(spec, old, faults);
}

pub(super) fn replica_set(new: &Value, old: Option<&Value>, faults: &mut Faults) {
    let spec = &new["spec"];
    not_negative("spec.replicas".to_owned(), &spec["replicas"], faults);
    not_negative("spec.minReadySeconds".to_owned(), &spec["minReadySeconds"], faults);
    if select(spec, faults) {
        template(spec, faults);
    }
    keeps_selector(spec, old, faults);
}

pub(super) fn deployment_status(status: &Value, faults: &mut Faults) {
    let fields = [
        "observedGeneration",
        "replicas",
        "updatedReplicas",
        "readyReplicas",
        "availableReplicas",
        "unavailableReplicas",
        "collisionCount",
    ];
    counts(status, &fields, faults);
    not_more(status, "updatedReplicas", "replicas", "status.replicas", faults);
    not_more(status, "readyReplicas", "replicas", "status.replicas", faults);
    not_more(status, "availableReplicas", "replicas", "status.replicas", faults);
    not_more(status, "availableReplicas", "readyReplicas", "readyReplicas", faults);
}

pub(super) fn replica_set_status(status: &Value, faults: &mut Faults) {
    let fields =
        ["replicas", "fullyLabeledReplicas", "readyReplicas", "availableReplicas", "observedGeneration"];
    counts(status, &fields, faults);
    not_more(status, "fullyLabeledReplicas", "replicas", "status.replicas", faults);
    not_more(status, "readyReplicas", "replicas", "status.replicas", faults);
    not_more(status, "availableReplicas", "replicas", "status.replicas", faults);
    not_more(status, "availableReplicas", "readyReplicas", "readyReplicas", faults);
}

fn counts(status: &Value, fields: &[&str], faults: &mut Faults) {
    for field in fields {
        not_negative(format!("status.{field}"), &status[*field], faults);
    }
}

fn not_more(status: &Value, field: &str, than: &str, name: &str, faults: &mut Faults) {
    if status[field].as_i64().unwrap_or(0) > status[than].as_i64().unwrap_or(0) {
        faults.invalid(format!("status.{field}"), &status[field], &format!("cannot be greater than {name}"));
    }
}

/// The selector, and whether the template has the labels that it selects; false if it cannot be told what it selects.
fn select(spec: &Value, faults: &mut Faults) -> bool {
    let wanted = &spec["selector"];
    if wanted.is_null() {
        faults.required("spec.selector");
    } else {
        let is_valid = selector::validate("spec.selector", wanted, faults);
        if selector::is_empty(wanted) {
            faults.invalid("spec.selector", wanted, "empty selector is invalid for deployment");
        } else if !is_valid {
            faults.invalid("spec.selector", wanted, "invalid label selector");
            return false;
        }
    }
    let labels = &spec["template"]["metadata"]["labels"];
    let is_open = !wanted.is_null() && selector::is_empty(wanted);
    if !is_open && (wanted.is_null() || !selector::matches(wanted, labels)) {
        faults.invalid(
            "spec.template.metadata.labels",
            labels,
            "`selector` does not match template `labels`",
        );
    }
    true
}

fn template(spec: &Value, faults: &mut Faults) {
    let template = &spec["template"];
    metadata::labels("spec.template.labels", &template["metadata"]["labels"], faults);
    let pod_spec = &template["spec"];
    pod::spec("spec.template.spec", pod_spec, faults);
    let policy = &pod_spec["restartPolicy"];
    one_of("spec.template.spec.restartPolicy".to_owned(), policy, &["Always"], faults);
    if !pod_spec["activeDeadlineSeconds"].is_null() {
        faults.forbidden(
            "spec.template.spec.activeDeadlineSeconds",
            "activeDeadlineSeconds in ReplicaSet is not Supported",
        );
    }
}

fn strategy(strategy: &Value, faults: &mut Faults) {
    const PATH: &str = "spec.strategy.rollingUpdate";
    let rolling_update = &strategy["rollingUpdate"];
    match text(&strategy["type"]) {
        "Recreate" if !rolling_update.is_null() => {
            faults.forbidden(PATH, "may not be specified when strategy `type` is 'Recreate'");
        }
        "Recreate" => {}
        "RollingUpdate" => {
            let (surge, unavailable) = (&rolling_update["maxSurge"], &rolling_update["maxUnavailable"]);
            share(&format!("{PATH}.maxUnavailable"), unavailable, faults);
            share(&format!("{PATH}.maxSurge"), surge, faults);
            let is_none = |value: &Value| [json!(0), json!("0%")].contains(value);
            if is_none(surge) && is_none(unavailable) {
                let path = format!("{PATH}.maxUnavailable");
                faults.invalid(path, unavailable, "may not be 0 when `maxSurge` is 0");
            }
            let percent = text(unavailable).strip_suffix('%').and_then(|digits| digits.parse::<u64>().ok());
            if percent.is_some_and(|percent| percent > 100) {
                faults.invalid(
                    format!("{PATH}.maxUnavailable"),
                    unavailable,
                    "must not be greater than 100%",
                );
            }
        }
        // Told as the Go value that it is decoded into.
        type_ => faults.not_supported_shown(
            "spec.strategy",
            &format!("{{\"Type\":{type_:?},\"RollingUpdate\":{rolling_update}}}"),
            &["Recreate", "RollingUpdate"],
        ),
    }
}

/// A number or a share.
fn share(path: &str, value: &Value, faults: &mut Faults) {
    match value {
        Value::String(share) => faults.invalid_text(path, share, names::percent(share)),
        number => not_negative(path.to_owned(), number, faults),
    }
}

fn keeps_selector(spec: &Value, old: Option<&Value>, faults: &mut Faults) {
    if let Some(old) = old {
        immutable("spec.selector", &spec["selector"], &old["spec"]["selector"], faults);
    }
}
