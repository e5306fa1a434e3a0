//! What a kubelet reads from a Pod and says of it: a Pod comes in, ports, times and statuses go out. Pure but for the clock.

use std::collections::HashSet;
use std::net::Ipv4Addr;
use std::time::Duration;

use k8s_openapi::api::core::v1::{Container, Pod};
use serde_json::{Value, json};

use crate::nodes::Machine;

/// The TCP ports that the Pod's containers declare; 8080 if they declare none.
#[must_use]
pub fn ports(pod: &Pod) -> HashSet<u16> {
    let declared = containers(pod).flat_map(|container| container.ports.iter().flatten());
    let tcp = declared.filter(|port| port.protocol.as_deref().is_none_or(|protocol| protocol == "TCP"));
    let ports: HashSet<u16> = tcp.filter_map(|port| port.container_port.try_into().ok()).collect();
    if ports.is_empty() { HashSet::from([8080]) } else { ports }
}

/// The longest preStop sleep of the Pod's containers.
#[must_use]
pub fn pre_stop(pod: &Pod) -> Duration {
    let sleeps = containers(pod)
        .filter_map(|container| container.lifecycle.as_ref()?.pre_stop.as_ref()?.sleep.as_ref());
    let seconds = sleeps.map(|sleep| sleep.seconds).max().unwrap_or_default();
    Duration::from_secs(seconds.try_into().unwrap_or_default())
}

/// The status of a Pod that runs and is ready.
#[must_use]
pub fn running(pod: &Pod, machine: &Machine, address: Ipv4Addr) -> Value {
    let now = jiff::Timestamp::now();
    let statuses = containers(pod).map(|container| {
        json!({
            "name": container.name, "image": container.image, "imageID": "played", "containerID": "played://1",
            "ready": true, "started": true, "restartCount": 0, "state": {"running": {"startedAt": now}},
        })
    });
    json!({"status": {
        "phase": "Running",
        "startTime": now,
        "hostIP": machine.address,
        "hostIPs": [{"ip": machine.address}],
        "podIP": address,
        "podIPs": [{"ip": address}],
        "conditions": conditions(true),
        "containerStatuses": statuses.collect::<Vec<_>>(),
    }})
}

/// The conditions of a Pod that runs.
#[must_use]
pub fn conditions(ready: bool) -> Value {
    let condition = |name: &str, holds: bool| {
        let status = if holds { "True" } else { "False" };
        json!({"type": name, "status": status, "lastTransitionTime": jiff::Timestamp::now()})
    };
    json!([
        condition("PodScheduled", true),
        condition("Initialized", true),
        condition("ContainersReady", ready),
        condition("Ready", ready),
    ])
}

fn containers(pod: &Pod) -> impl Iterator<Item = &Container> {
    pod.spec.iter().flat_map(|spec| &spec.containers)
}
