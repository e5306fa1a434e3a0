//! The machines of the cluster: a name and a zone come in, a Node object that is ready goes out.

use anyhow::Result;
use k8s_openapi::api::core::v1::Node;
use kube::Client;
use kube::api::{Api, Patch, PatchParams};
use serde_json::json;

/// A machine that does not exist.
#[derive(Debug, Clone, Copy)]
pub struct Machine {
    /// The name of its Node.
    pub name: &'static str,
    /// Its availability zone.
    pub zone: &'static str,
    /// Its address.
    pub address: &'static str,
}

/// The machines that every Pod is placed on in turn.
pub const MACHINES: [Machine; 3] = [
    Machine { name: "node-a", zone: "us-east-1a", address: "10.77.0.11" },
    Machine { name: "node-b", zone: "us-east-1b", address: "10.77.0.12" },
    Machine { name: "node-c", zone: "us-east-1c", address: "10.77.0.13" },
];

/// Makes the Node, ready and without taints, or makes it so.
///
/// # Errors
/// When the API refuses.
pub async fn ensure(client: &Client, machine: &Machine) -> Result<()> {
    let nodes: Api<Node> = Api::all(client.clone());
    let Machine { name, zone, address } = machine;
    let node = json!({
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": {
            "kubernetes.io/hostname": name,
            "kubernetes.io/os": "linux",
            "kubernetes.io/arch": "amd64",
            "topology.kubernetes.io/region": "us-east-1",
            "topology.kubernetes.io/zone": zone,
        }},
        "spec": {"providerID": format!("aws:///{zone}/i-{name}")},
    });
    let status = json!({"status": {
        "addresses": [{"type": "InternalIP", "address": address}, {"type": "Hostname", "address": name}],
        "allocatable": {"cpu": "64", "memory": "256Gi", "pods": "10000"},
        "capacity": {"cpu": "64", "memory": "256Gi", "pods": "10000"},
        "conditions": [{
            "type": "Ready", "status": "True", "reason": "Played", "message": "the test bed plays this node",
            "lastTransitionTime": jiff::Timestamp::now(), "lastHeartbeatTime": jiff::Timestamp::now(),
        }],
    }});
    nodes.patch(name, &PatchParams::apply("e2e").force(), &Patch::Apply(node)).await?;
    // The API taints a new Node as not ready, and the controller that would untaint it is off.
    let untainted = Patch::Merge(json!({"spec": {"taints": null}}));
    nodes.patch(name, &PatchParams::default(), &untainted).await?;
    nodes.patch_status(name, &PatchParams::default(), &Patch::Merge(status)).await?;
    Ok(())
}
