//! The two workloads: the controller's Deployment and the nodes' DaemonSet.
//!
//! In comes the image; out go objects of the API. Both run with a read-only root file system and without privileges, but the
//! nodes' one capability to listen on ports 80 and 443.

use serde_json::{Value, json};

use crate::rbac::{CONTROLLER, NAMESPACE, NODE};

const HEALTH_PORT: u16 = 8081;

/// The label by which both are told apart.
const COMPONENT: &str = "app.kubernetes.io/component";

/// Two replicas on different nodes, of which one writes.
pub(super) fn controller(image: &str) -> Value {
    let labels = labels("controller");
    json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": { "name": CONTROLLER.account, "namespace": NAMESPACE, "labels": labels },
        "spec": {
            "replicas": 2,
            "selector": { "matchLabels": labels },
            "template": {
                "metadata": { "labels": labels },
                "spec": {
                    "serviceAccountName": CONTROLLER.account,
                    "priorityClassName": "system-cluster-critical",
                    "securityContext": { "runAsNonRoot": true, "runAsUser": 65532, "runAsGroup": 65532,
                        "seccompProfile": { "type": "RuntimeDefault" } },
                    "tolerations": [control_plane()],
                    "topologySpreadConstraints": [spread("kubernetes.io/hostname"), spread("topology.kubernetes.io/zone")],
                    "containers": [{
                        "name": "controller",
                        "image": image,
                        "args": ["controller"],
                        "ports": [{ "name": "health", "containerPort": HEALTH_PORT }],
                        "livenessProbe": probe("/healthz", 10, 3),
                        "readinessProbe": probe("/readyz", 5, 2),
                        "resources": { "requests": { "cpu": "50m", "memory": "64Mi" }, "limits": { "memory": "1Gi" } },
                        "securityContext": restricted(&json!({ "drop": ["ALL"] })),
                    }],
                },
            },
        },
    })
}

/// One replica stays while nodes are drained.
pub(super) fn disruptions() -> Value {
    let labels = labels("controller");
    json!({
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": { "name": CONTROLLER.account, "namespace": NAMESPACE, "labels": labels },
        "spec": { "maxUnavailable": 1, "selector": { "matchLabels": labels } },
    })
}

/// A router on the network of every node with the label `flynn.io/router`.
///
/// It declares no container ports: on the host network they would be host ports, and keep a new Pod from starting beside
/// the old one. Both share the port of the probes while they overlap, so that either may answer for the other; that is
/// what `minReadySeconds` bridges, being longer than a start. It runs as root because a capability does not reach
/// another user's process when privileges cannot be gained.
pub(super) fn node(image: &str) -> Value {
    let labels = labels("node");
    let capabilities = json!({ "drop": ["ALL"], "add": ["NET_BIND_SERVICE"] });
    json!({
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": { "name": NODE.account, "namespace": NAMESPACE, "labels": labels },
        "spec": {
            "selector": { "matchLabels": labels },
            "minReadySeconds": 15,
            "updateStrategy": { "type": "RollingUpdate", "rollingUpdate": { "maxSurge": 1, "maxUnavailable": 0 } },
            "template": {
                "metadata": { "labels": labels },
                "spec": {
                    "serviceAccountName": NODE.account,
                    "priorityClassName": "system-node-critical",
                    "hostNetwork": true,
                    "dnsPolicy": "ClusterFirstWithHostNet",
                    "nodeSelector": { "flynn.io/router": "" },
                    "terminationGracePeriodSeconds": 45,
                    "securityContext": { "runAsUser": 0, "seccompProfile": { "type": "RuntimeDefault" } },
                    // Whoever labels a node for the router wants it there, whatever else keeps Pods away.
                    "tolerations": [control_plane(), { "key": "flynn.io/router", "operator": "Exists" }],
                    "containers": [{
                        "name": "node",
                        "image": image,
                        "args": ["node", "--share-ports", "--drain-seconds=30"],
                        "env": [{ "name": "NODE_NAME", "valueFrom": { "fieldRef": { "fieldPath": "spec.nodeName" } } }],
                        "livenessProbe": probe("/healthz", 10, 3),
                        "readinessProbe": probe("/readyz", 2, 2),
                        "resources": { "requests": { "cpu": "100m", "memory": "128Mi" } },
                        "securityContext": restricted(&capabilities),
                    }],
                },
            },
        },
    })
}

fn labels(component: &str) -> Value {
    json!({ "app.kubernetes.io/name": "flynn-operator", COMPONENT: component })
}

fn control_plane() -> Value {
    json!({ "key": "node-role.kubernetes.io/control-plane", "operator": "Exists", "effect": "NoSchedule" })
}

fn spread(topology: &str) -> Value {
    json!({
        "maxSkew": 1,
        "topologyKey": topology,
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": { "matchLabels": labels("controller") },
    })
}

fn probe(path: &str, period: u32, failures: u32) -> Value {
    json!({
        "httpGet": { "path": path, "port": HEALTH_PORT },
        "periodSeconds": period,
        "failureThreshold": failures,
        "timeoutSeconds": 3,
    })
}

fn restricted(capabilities: &Value) -> Value {
    json!({ "allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true, "capabilities": capabilities })
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::apps::v1::{DaemonSet, Deployment};
    use k8s_openapi::api::core::v1::PodSpec;

    use super::*;

    fn pod_of_node() -> PodSpec {
        let daemon_set: DaemonSet = serde_json::from_value(node("a:1")).unwrap();
        daemon_set.spec.unwrap().template.spec.unwrap()
    }

    #[test]
    fn a_node_declares_no_port_so_that_a_new_pod_fits_beside_the_old_one() {
        let pod = pod_of_node();
        assert_eq!(pod.host_network, Some(true));
        assert!(pod.containers.iter().all(|container| container.ports.is_none()));
    }

    #[test]
    fn a_node_has_one_capability() {
        let pod = pod_of_node();
        let capabilities = pod.containers[0].security_context.clone().unwrap().capabilities.unwrap();
        assert_eq!(capabilities.add, Some(vec!["NET_BIND_SERVICE".into()]));
        assert_eq!(capabilities.drop, Some(vec!["ALL".into()]));
    }

    #[test]
    fn there_are_two_controllers_without_root() {
        let deployment: Deployment = serde_json::from_value(controller("a:1")).unwrap();
        let spec = deployment.spec.unwrap();
        assert_eq!(spec.replicas, Some(2));
        assert_eq!(spec.template.spec.unwrap().security_context.unwrap().run_as_non_root, Some(true));
    }
}
