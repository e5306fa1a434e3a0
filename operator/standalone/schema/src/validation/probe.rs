//! Probes and handlers of containers.

use serde_json::Value;

use super::{entries, names, not_negative, one_of, text};
use crate::field_error::Faults;

/// What is said of a port that is none.
pub(super) const NO_PORT: &str = "must be between 1 and 65535, inclusive";

/// A probe; `kind` is its field's name.
pub(super) fn probe(path: &str, kind: &str, probe: &Value, faults: &mut Faults) {
    if probe.is_null() {
        return;
    }
    handler(path, probe, &["exec", "httpGet", "tcpSocket", "grpc"], faults);
    let numbers =
        ["initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold"];
    for field in numbers {
        not_negative(format!("{path}.{field}"), &probe[field], faults);
    }
    let grace = &probe["terminationGracePeriodSeconds"];
    if kind == "readinessProbe" {
        if !grace.is_null() {
            let path = format!("{path}.terminationGracePeriodSeconds");
            faults.invalid(path, grace, "must not be set for readinessProbes");
        }
        return;
    }
    if grace.as_i64().is_some_and(|seconds| seconds <= 0) {
        faults.invalid(format!("{path}.terminationGracePeriodSeconds"), grace, "must be greater than 0");
    }
    if probe["successThreshold"].as_i64().is_some_and(|times| times != 1) {
        faults.invalid(format!("{path}.successThreshold"), &probe["successThreshold"], "must be 1");
    }
}

/// Exactly one way to ask or to act.
pub(super) fn handler(path: &str, handler: &Value, kinds: &[&str], faults: &mut Faults) {
    let mut given = kinds.iter().filter(|kind| !handler[**kind].is_null());
    let Some(kind) = given.next() else {
        faults.required_because(path, "must specify a handler type");
        return;
    };
    action(&format!("{path}.{kind}"), kind, &handler[*kind], faults);
    for kind in given {
        faults.forbidden(format!("{path}.{kind}"), "may not specify more than 1 handler type");
    }
}

fn action(path: &str, kind: &str, action: &Value, faults: &mut Faults) {
    match kind {
        "exec" if action["command"].as_array().is_none_or(Vec::is_empty) => {
            faults.required(format!("{path}.command"));
        }
        "httpGet" => {
            if text(&action["path"]).is_empty() {
                faults.required(format!("{path}.path"));
            }
            port(&format!("{path}.port"), &action["port"], faults);
            one_of(format!("{path}.scheme"), &action["scheme"], &["HTTP", "HTTPS"], faults);
            for (_, header) in entries(&action["httpHeaders"], path) {
                let name = text(&header["name"]);
                faults.invalid_text(format!("{path}.httpHeaders"), name, names::header(name));
            }
        }
        "tcpSocket" | "grpc" => port(&format!("{path}.port"), &action["port"], faults),
        _ => {}
    }
}

/// A port by number or by name.
pub(super) fn port(path: &str, port: &Value, faults: &mut Faults) {
    match port {
        Value::String(name) => faults.invalid_text(path, name, names::port(name)),
        Value::Null => faults.invalid(path, &Value::from(0), NO_PORT),
        number if !is_port(number) => faults.invalid(path, number, NO_PORT),
        _ => {}
    }
}

/// Whether it is a number that a port can have.
pub(super) fn is_port(number: &Value) -> bool {
    number.as_i64().is_some_and(|number| (1..=65535).contains(&number))
}
