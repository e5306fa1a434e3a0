//! Nodes.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::Value;

use super::age;
use super::builtin::{items, name, or, plain, string};
use super::column::{AGE, Head, NAME, text, wide};

/// A label that gives a role by its key.
const ROLE_PREFIX: &str = "node-role.kubernetes.io/";

/// A label that gives a role by its value.
const ROLE: &str = "kubernetes.io/role";

/// The columns.
pub(super) const NODE: [Head; 10] = [
    NAME,
    text("Status", "Whether the node is ready, and whether it takes Pods."),
    text("Roles", "What the node is for."),
    AGE,
    text("Version", "The version of the node's kubelet."),
    wide(text("Internal-IP", "The node's address inside the cluster.")),
    wide(text("External-IP", "The node's address outside of the cluster.")),
    wide(text("OS-Image", "The node's operating system.")),
    wide(text("Kernel-Version", "The version of the node's kernel.")),
    wide(text("Container-Runtime", "What runs containers on the node.")),
];

/// The row of a Node.
pub(super) fn cells(node: &Value, now: Timestamp) -> Vec<Value> {
    let info = &node["status"]["nodeInfo"];
    let kernel = or(&info["kernelVersion"], age::UNKNOWN);
    let kernel = match plain(&info["architecture"]) {
        "" => kernel.to_owned(),
        architecture => format!("{kernel} ({architecture})"),
    };
    vec![
        name(node),
        status(node).into(),
        roles(node).into(),
        age::of(node, now),
        string(&info["kubeletVersion"]),
        address(node, "InternalIP").into(),
        address(node, "ExternalIP").into(),
        or(&info["osImage"], age::UNKNOWN).into(),
        kernel.into(),
        or(&info["containerRuntimeVersion"], age::UNKNOWN).into(),
    ]
}

fn status(node: &Value) -> String {
    // Of conditions with the same type, the last counts.
    let mut conditions = items(&node["status"]["conditions"]).iter().rev();
    let ready = match conditions.find(|condition| condition["type"] == "Ready") {
        Some(condition) if condition["status"] == "True" => "Ready",
        Some(_) => "NotReady",
        None => "Unknown",
    };
    if node["spec"]["unschedulable"] == true {
        return format!("{ready},SchedulingDisabled");
    }
    ready.to_owned()
}

fn roles(node: &Value) -> String {
    let labels = node["metadata"]["labels"].as_object().into_iter().flatten();
    let roles = labels.filter_map(|(key, value)| match key.strip_prefix(ROLE_PREFIX) {
        Some(role) => Some(role),
        None => (key == ROLE).then(|| plain(value)),
    });
    let roles = roles.filter(|role| !role.is_empty()).collect::<BTreeSet<_>>();
    if roles.is_empty() { "<none>".to_owned() } else { Vec::from_iter(roles).join(",") }
}

fn address<'a>(node: &'a Value, wanted: &str) -> &'a str {
    let mut addresses = items(&node["status"]["addresses"]).iter();
    addresses.find(|address| address["type"] == wanted).map_or("<none>", |address| plain(&address["address"]))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_node_tells_its_state_its_roles_and_its_system() {
        let node = json!({
            "metadata": {"name": "here", "labels": {
                "node-role.kubernetes.io/router": "",
                "node-role.kubernetes.io/control-plane": "",
                "kubernetes.io/role": "web",
            }},
            "spec": {"unschedulable": true},
            "status": {
                "conditions": [{"type": "Ready", "status": "True"}],
                "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}],
                "nodeInfo": {"kubeletVersion": "v1", "kernelVersion": "6.1", "architecture": "amd64"},
            },
        });
        let expected = json!([
            "here",
            "Ready,SchedulingDisabled",
            "control-plane,router,web",
            "<unknown>",
            "v1",
            "127.0.0.1",
            "<none>",
            "<unknown>",
            "6.1 (amd64)",
            "<unknown>"
        ]);
        assert_eq!(Value::from(cells(&node, Timestamp::UNIX_EPOCH)), expected);
    }

    #[test]
    fn a_node_that_does_not_report_is_not_ready_or_unknown() {
        assert_eq!(status(&json!({})), "Unknown");
        let conditions = json!([{"type": "Ready", "status": "Unknown"}]);
        assert_eq!(status(&json!({"status": {"conditions": conditions}})), "NotReady");
        assert_eq!(roles(&json!({})), "<none>");
    }
}
