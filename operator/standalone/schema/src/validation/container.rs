//! Containers of Pods: names, images, ports, environment.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::probe::{self, NO_PORT, is_port};
use super::{entries, names, one_of, resources, text, volume};
use crate::field_error::Faults;

const PROBES: [&str; 3] = ["livenessProbe", "readinessProbe", "startupProbe"];
const FIELDS_OF_RESOURCES: [&str; 6] = [
    "limits.cpu",
    "limits.ephemeral-storage",
    "limits.memory",
    "requests.cpu",
    "requests.ephemeral-storage",
    "requests.memory",
];
const FIELDS_OF_PODS: [&str; 9] = [
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.nodeName",
    "spec.serviceAccountName",
    "status.hostIP",
    "status.hostIPs",
    "status.podIP",
    "status.podIPs",
];

/// What a container may refer to.
pub(super) struct Surroundings<'a> {
    pub(super) volumes: BTreeSet<&'a str>,
    pub(super) is_on_host_network: bool,
    pub(super) grace_period: i64,
}

/// One container. Init containers that end have no probes.
pub(super) fn container(path: &str, container: &Value, around: &Surroundings<'_>, faults: &mut Faults) {
    let name = text(&container["name"]);
    if name.is_empty() {
        faults.required(format!("{path}.name"));
    } else {
        faults.invalid_text(format!("{path}.name"), name, names::label(name));
    }
    if text(&container["image"]).is_empty() {
        faults.required(format!("{path}.image"));
    }
    one_of(
        format!("{path}.terminationMessagePolicy"),
        &container["terminationMessagePolicy"],
        &["File", "FallbackToLogsOnError"],
        faults,
    );
    ports(path, container, around, faults);
    for (path, variable) in entries(&container["env"], &format!("{path}.env")) {
        variable_of(&path, variable, faults);
    }
    for (entry, source) in entries(&container["envFrom"], &format!("{path}.envFrom")) {
        source_of_variables(&format!("{path}.envFrom"), &entry, source, faults);
    }
    volume::mounts(&format!("{path}.volumeMounts"), &container["volumeMounts"], &around.volumes, faults);
    one_of(
        format!("{path}.imagePullPolicy"),
        &container["imagePullPolicy"],
        &["Always", "IfNotPresent", "Never"],
        faults,
    );
    resources::validate(&format!("{path}.resources"), &container["resources"], faults);
}

/// What only containers that stay have.
pub(super) fn lasting(path: &str, container: &Value, around: &Surroundings<'_>, faults: &mut Faults) {
    for hook in ["postStart", "preStop"] {
        let handler = &container["lifecycle"][hook];
        let path = format!("{path}.lifecycle.{hook}");
        if handler.is_null() {
            continue;
        }
        probe::handler(&path, handler, &["exec", "httpGet", "tcpSocket", "sleep"], faults);
        let seconds = &handler["sleep"]["seconds"];
        if seconds.as_i64().is_some_and(|seconds| seconds < 0 || seconds > around.grace_period) {
            let most = around.grace_period;
            let why = format!("must be non-negative and less than terminationGracePeriodSeconds ({most})");
            faults.invalid(format!("{path}.sleep"), seconds, &why);
        }
    }
    for kind in PROBES {
        probe::probe(&format!("{path}.{kind}"), kind, &container[kind], faults);
    }
}

/// What containers that end may not have.
pub(super) fn ending(path: &str, container: &Value, faults: &mut Faults) {
    for field in ["lifecycle", "livenessProbe", "readinessProbe", "startupProbe"] {
        if !container[field].is_null() {
            let why = "may not be set for init containers without restartPolicy=Always";
            faults.forbidden(format!("{path}.{field}"), why);
        }
    }
}

fn ports(path: &str, container: &Value, around: &Surroundings<'_>, faults: &mut Faults) {
    let mut known = BTreeSet::new();
    for (path, port) in entries(&container["ports"], &format!("{path}.ports")) {
        let name = text(&port["name"]);
        if !name.is_empty() {
            let whys = names::port(name);
            let is_name = whys.is_empty();
            faults.invalid_text(format!("{path}.name"), name, whys);
            if is_name && !known.insert(name) {
                faults.duplicate(format!("{path}.name"), &port["name"]);
            }
        }
        let (inside, outside) = (&port["containerPort"], &port["hostPort"]);
        if inside.as_i64().unwrap_or(0) == 0 {
            faults.required(format!("{path}.containerPort"));
        } else if !is_port(inside) {
            faults.invalid(format!("{path}.containerPort"), inside, NO_PORT);
        }
        if outside.as_i64().unwrap_or(0) != 0 && !is_port(outside) {
            faults.invalid(format!("{path}.hostPort"), outside, NO_PORT);
        }
        if around.is_on_host_network && !outside.is_null() && inside != outside {
            let why = "must match `containerPort` when `hostNetwork` is true";
            faults.invalid(format!("{path}.hostPort"), outside, why);
        }
        one_of(format!("{path}.protocol"), &port["protocol"], &["SCTP", "TCP", "UDP"], faults);
    }
}

fn variable_of(path: &str, variable: &Value, faults: &mut Faults) {
    let name = text(&variable["name"]);
    if name.is_empty() {
        faults.required(format!("{path}.name"));
    } else {
        faults.invalid_text(format!("{path}.name"), name, names::variable(name));
    }
    let from = &variable["valueFrom"];
    if from.is_null() {
        return;
    }
    let path = format!("{path}.valueFrom");
    // The whole is not shown.
    let unshown = json!("");
    let sources = ["fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef", "fileKeyRef"];
    let given: Vec<_> = sources.iter().filter(|source| !from[**source].is_null()).collect();
    for source in &given {
        source_of_variable(&format!("{path}.{source}"), source, &from[**source], faults);
    }
    if given.is_empty() {
        let why = "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`";
        faults.invalid(path, &unshown, why);
    } else if !text(&variable["value"]).is_empty() {
        faults.invalid(path, &unshown, "may not be specified when `value` is not empty");
    } else if given.len() > 1 {
        faults.invalid(path, &unshown, "may not have more than one field specified at a time");
    }
}

fn source_of_variable(path: &str, kind: &str, source: &Value, faults: &mut Faults) {
    match kind {
        "configMapKeyRef" | "secretKeyRef" => {
            let (name, key) = (text(&source["name"]), text(&source["key"]));
            faults.invalid_text(format!("{path}.name"), name, names::subdomain(name));
            if key.is_empty() {
                faults.required(format!("{path}.key"));
            } else {
                faults.invalid_text(format!("{path}.key"), key, names::data_key(key));
            }
        }
        "fieldRef" => {
            let field = text(&source["fieldPath"]);
            let is_of_metadata =
                field.starts_with("metadata.annotations['") || field.starts_with("metadata.labels['");
            if field.is_empty() {
                faults.required(format!("{path}.fieldPath"));
            } else if !is_of_metadata && !FIELDS_OF_PODS.contains(&field) {
                let why = format!("error converting fieldPath: field label not supported: {field}");
                faults.invalid(format!("{path}.fieldPath"), &source["fieldPath"], &why);
            }
        }
        "resourceFieldRef" => {
            one_of(format!("{path}.resource"), &source["resource"], &FIELDS_OF_RESOURCES, faults);
        }
        _ => {}
    }
}

fn source_of_variables(list: &str, path: &str, source: &Value, faults: &mut Faults) {
    let prefix = text(&source["prefix"]);
    if !prefix.is_empty() {
        faults.invalid_text(format!("{path}.prefix"), prefix, names::variable(prefix));
    }
    let given: Vec<_> =
        ["configMapRef", "secretRef"].into_iter().filter(|kind| !source[*kind].is_null()).collect();
    for kind in &given {
        match text(&source[*kind]["name"]) {
            "" => faults.required(format!("{path}.{kind}.name")),
            name => faults.invalid_text(format!("{path}.{kind}.name"), name, names::subdomain(name)),
        }
    }
    match given.len() {
        0 => faults.invalid(list, &json!(""), "must specify one of: `configMapRef` or `secretRef`"),
        1 => {}
        _ => faults.invalid(list, &json!(""), "may not have more than one field specified at a time"),
    }
}
