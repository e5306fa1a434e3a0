//! Pods and the specs of Pods in templates.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::container::{self, Surroundings};
use super::{entries, metadata, names, one_of, text, volume};
use crate::field_error::Faults;

/// What an update of a Pod may change in its spec; within containers it is the image only.
const MUTABLE: [&str; 3] = ["activeDeadlineSeconds", "terminationGracePeriodSeconds", "tolerations"];
const ONLY_THESE: &str = "pod updates may not change fields other than `spec.containers[*].image`,\
    `spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing \
    tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";

pub(super) fn pod(new: &Value, old: Option<&Value>, faults: &mut Faults) {
    spec("spec", &new["spec"], faults);
    images(&new["spec"], faults);
    if let Some(old) = old {
        unchanged(&new["spec"], &old["spec"], faults);
    }
}

/// Spaces around the name of an image, which a template may have.
fn images(spec: &Value, faults: &mut Faults) {
    for (path, container) in every_container(spec) {
        let image = text(&container["image"]);
        if image.trim() != image {
            let why = "must not have leading or trailing whitespace";
            faults.invalid(format!("{path}.image"), &container["image"], why);
        }
    }
}

fn every_container(spec: &Value) -> impl Iterator<Item = (String, &Value)> {
    let lists = ["containers", "initContainers"].into_iter();
    lists.flat_map(|list| entries(&spec[list], &format!("spec.{list}")))
}

/// A real server adds the difference between the two, in the words of its Go types.
fn unchanged(new: &Value, old: &Value, faults: &mut Faults) {
    let count = |spec: &Value, list: &str| spec[list].as_array().map_or(0, Vec::len);
    for list in ["containers", "initContainers"] {
        if count(new, list) != count(old, list) {
            faults.forbidden(format!("spec.{list}"), "pod updates may not add or remove containers");
            return;
        }
    }
    // Of an update these are told once more.
    for (path, _) in every_container(new).filter(|(_, container)| text(&container["image"]).is_empty()) {
        faults.required(format!("{path}.image"));
    }
    images(new, faults);
    let (mut is, was) = (fixed(new), fixed(old));
    // A binding gives a Pod its node, once.
    if was["nodeName"].is_null() {
        is["nodeName"] = Value::Null;
    }
    if is != was {
        faults.forbidden("spec", ONLY_THESE);
    }
}

/// The spec of a Pod, under `path`.
pub(super) fn spec(path: &str, spec: &Value, faults: &mut Faults) {
    let volumes = volume::volumes(&format!("{path}.volumes"), &spec["volumes"], faults);
    let around = Surroundings {
        volumes,
        is_on_host_network: spec["hostNetwork"] == true,
        grace_period: spec["terminationGracePeriodSeconds"].as_i64().unwrap_or(0),
    };
    containers(path, spec, &around, faults);
    let policies = ["Always", "OnFailure", "Never"];
    one_of(format!("{path}.restartPolicy"), &spec["restartPolicy"], &policies, faults);
    let policies = ["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"];
    one_of(format!("{path}.dnsPolicy"), &spec["dnsPolicy"], &policies, faults);
    metadata::labels(&format!("{path}.nodeSelector"), &spec["nodeSelector"], faults);
    name(path, spec, "serviceAccountName", names::subdomain, faults);
    name(path, spec, "nodeName", names::subdomain, faults);
    let deadline = &spec["activeDeadlineSeconds"];
    if deadline.as_i64().is_some_and(|seconds| !(1..=i64::from(i32::MAX)).contains(&seconds)) {
        let why = "must be between 1 and 2147483647, inclusive";
        faults.invalid(format!("{path}.activeDeadlineSeconds"), deadline, why);
    }
    name(path, spec, "hostname", names::label, faults);
    name(path, spec, "subdomain", names::label, faults);
    tolerations(&format!("{path}.tolerations"), &spec["tolerations"], faults);
    name(path, spec, "priorityClassName", names::subdomain, faults);
}

fn containers(path: &str, spec: &Value, around: &Surroundings<'_>, faults: &mut Faults) {
    let list = format!("{path}.containers");
    if spec["containers"].as_array().is_none_or(Vec::is_empty) {
        faults.required(list.as_str());
    }
    let mut known = BTreeSet::new();
    let mut taken = BTreeSet::new();
    for (path, container) in entries(&spec["containers"], &list) {
        container::container(&path, container, around, faults);
        name_once(&path, container, &mut known, faults);
        container::lasting(&path, container, around, faults);
    }
    host_ports(&list, &spec["containers"], &mut taken, faults);
    for (path, container) in entries(&spec["initContainers"], &format!("{path}.initContainers")) {
        container::container(&path, container, around, faults);
        name_once(&path, container, &mut known, faults);
        if container["restartPolicy"] == "Always" {
            container::lasting(&path, container, around, faults);
        } else {
            container::ending(&path, container, faults);
        }
    }
}

fn name_once<'a>(path: &str, container: &'a Value, known: &mut BTreeSet<&'a str>, faults: &mut Faults) {
    let name = text(&container["name"]);
    if !name.is_empty() && !known.insert(name) {
        faults.duplicate(format!("{path}.name"), &container["name"]);
    }
}

fn host_ports(list: &str, containers: &Value, taken: &mut BTreeSet<String>, faults: &mut Faults) {
    for (path, container) in entries(containers, list) {
        for (path, port) in entries(&container["ports"], &format!("{path}.ports")) {
            let number = port["hostPort"].as_i64().unwrap_or(0);
            let place = format!("{}/{}/{number}", text(&port["protocol"]), text(&port["hostIP"]));
            if number != 0 && !taken.insert(place.clone()) {
                faults.duplicate(format!("{path}.hostPort"), &json!(place));
            }
        }
    }
}

fn name(path: &str, spec: &Value, field: &str, rule: fn(&str) -> Vec<String>, faults: &mut Faults) {
    let name = text(&spec[field]);
    if !name.is_empty() {
        faults.invalid_text(format!("{path}.{field}"), name, rule(name));
    }
}

fn tolerations(path: &str, tolerations: &Value, faults: &mut Faults) {
    for (path, toleration) in entries(tolerations, path) {
        let (key, operator) = (text(&toleration["key"]), &toleration["operator"]);
        if !key.is_empty() {
            faults.invalid_text(format!("{path}.key"), key, names::qualified(key));
        } else if operator != "Exists" {
            let why =
                "operator must be Exists when `key` is empty, which means \"match all values and all keys\"";
            faults.invalid(format!("{path}.operator"), &text(operator).into(), why);
        }
        if !toleration["tolerationSeconds"].is_null() && toleration["effect"] != "NoExecute" {
            let why = "effect must be 'NoExecute' when `tolerationSeconds` is set";
            faults.invalid(format!("{path}.effect"), &text(&toleration["effect"]).into(), why);
        }
        tolerated(&format!("{path}.operator"), toleration, faults);
        let effects = ["NoSchedule", "PreferNoSchedule", "NoExecute"];
        one_of(format!("{path}.effect"), &toleration["effect"], &effects, faults);
    }
}

/// The value under the operator's name, where a real server has it.
fn tolerated(path: &str, toleration: &Value, faults: &mut Faults) {
    let (operator, value) = (&toleration["operator"], text(&toleration["value"]));
    match text(operator) {
        "" | "Equal" => faults.invalid_text(path, value, names::label_value(value)),
        "Exists" if value.is_empty() => {}
        "Exists" => {
            faults.invalid(path, &toleration["value"], "value must be empty when `operator` is 'Exists'");
        }
        // A real server knows these two and has them switched off.
        "Lt" | "Gt" => faults.not_supported(path, operator, &["Equal", "Exists", "Lt", "Gt"]),
        _ => faults.not_supported(path, operator, &["Equal", "Exists"]),
    }
}

/// The spec without what may change.
fn fixed(spec: &Value) -> Value {
    let mut fixed = spec.clone();
    for field in MUTABLE {
        fixed[field] = Value::Null;
    }
    // Absent and null are the same.
    fixed["nodeName"] = spec["nodeName"].clone();
    for list in ["containers", "initContainers"] {
        for container in fixed.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
            container["image"] = Value::Null;
        }
    }
    fixed
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusals(new: &Value) -> usize {
        let old = json!({"containers": [{"name": "c", "image": "a"}], "nodeName": null});
        let mut faults = Faults::default();
        unchanged(new, &old, &mut faults);
        faults.0.len()
    }

    #[test]
    fn an_update_changes_images_and_gives_a_node() {
        assert_eq!(refusals(&json!({"containers": [{"name": "c", "image": "b"}], "nodeName": "n"})), 0);
        assert_eq!(refusals(&json!({"containers": [{"name": "d", "image": "a"}]})), 1);
        assert_eq!(refusals(&json!({"containers": []})), 1);
    }
}
