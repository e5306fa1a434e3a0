//! The Node of this machine: registered, and said to be ready.

use std::collections::BTreeMap;
use std::fs;
use std::net::IpAddr;
use std::thread;
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{
    DaemonEndpoint, Node, NodeAddress, NodeCondition, NodeDaemonEndpoints, NodeStatus, NodeSystemInfo,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::api::{ObjectMeta, Patch, PatchParams, PostParams};
use kube::{Api, Client};
use serde_json::json;

use crate::procfs;

/// As often as a Node says that it is there. Nothing hinges on it where there is one Node and its API is in the same process.
const HEARTBEAT: Duration = Duration::from_secs(300);
const RETRY: Duration = Duration::from_millis(500);
/// As many as Kubernetes permits by default.
const PODS: u64 = 110;

/// Keeps the Node registered; never ends.
pub(crate) async fn keep(client: Client, name: String, address: IpAddr) {
    let since = Timestamp::now();
    loop {
        let pause = match register(&client, &name, address, since).await {
            Ok(()) => HEARTBEAT,
            Err(error) => {
                tracing::debug!(%error, node = name, "the Node is not registered yet");
                RETRY
            }
        };
        tokio::time::sleep(pause).await;
    }
}

async fn register(client: &Client, name: &str, address: IpAddr, since: Timestamp) -> kube::Result<()> {
    let nodes: Api<Node> = Api::all(client.clone());
    let patch = json!({"status": status(name, address, since)});
    let patch = Patch::Merge(&patch);
    let written = nodes.patch_status(name, &PatchParams::default(), &patch).await;
    match written {
        Err(kube::Error::Api(status)) if status.is_not_found() => {}
        written => return written.map(drop),
    }
    let node = Node { metadata: metadata(name), ..Node::default() };
    nodes.create(&PostParams::default(), &node).await?;
    nodes.patch_status(name, &PatchParams::default(), &patch).await.map(drop)
}

fn metadata(name: &str) -> ObjectMeta {
    let labels = [
        ("kubernetes.io/arch", architecture()),
        ("kubernetes.io/hostname", name),
        ("kubernetes.io/os", std::env::consts::OS),
    ];
    let labels = labels.map(|(name, value)| (name.to_owned(), value.to_owned()));
    ObjectMeta { name: Some(name.to_owned()), labels: Some(labels.into()), ..ObjectMeta::default() }
}

fn status(name: &str, address: IpAddr, since: Timestamp) -> NodeStatus {
    let amounts: BTreeMap<String, Quantity> = [
        ("cpu", processors().to_string()),
        ("memory", format!("{}Ki", memory() / 1024)),
        ("pods", PODS.to_string()),
    ]
    .map(|(name, amount)| (name.to_owned(), Quantity(amount)))
    .into();
    let named = |type_: &str, address: String| NodeAddress { type_: type_.to_owned(), address };
    let ready = NodeCondition {
        type_: "Ready".into(),
        status: "True".into(),
        reason: Some("KubeletReady".into()),
        message: Some("kubelet is posting ready status".into()),
        last_heartbeat_time: Some(Time(Timestamp::now())),
        last_transition_time: Some(Time(since)),
    };
    NodeStatus {
        addresses: Some(vec![named("InternalIP", address.to_string()), named("Hostname", name.to_owned())]),
        allocatable: Some(amounts.clone()),
        capacity: Some(amounts),
        conditions: Some(vec![ready]),
        // Logs are read by the process that the kubelet is part of; there is no port.
        daemon_endpoints: Some(NodeDaemonEndpoints { kubelet_endpoint: Some(DaemonEndpoint { port: 0 }) }),
        node_info: Some(info()),
        ..NodeStatus::default()
    }
}

fn info() -> NodeSystemInfo {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default().trim().to_owned();
    NodeSystemInfo {
        architecture: architecture().to_owned(),
        boot_id: procfs::boot(),
        container_runtime_version: format!("process://{}", env!("CARGO_PKG_VERSION")),
        kernel_version: read("/proc/sys/kernel/osrelease"),
        kubelet_version: format!("v1.36.3-flynn.{}", env!("CARGO_PKG_VERSION")),
        machine_id: read("/etc/machine-id"),
        operating_system: std::env::consts::OS.to_owned(),
        os_image: os_image(&read("/etc/os-release")),
        ..NodeSystemInfo::default()
    }
}

fn os_image(os_release: &str) -> String {
    let name = os_release.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="));
    name.map_or("Linux", |name| name.trim_matches('"')).to_owned()
}

/// As Kubernetes calls it.
fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

/// How many processors there are.
pub(crate) fn processors() -> u64 {
    thread::available_parallelism().map_or(1, |processors| processors.get() as u64)
}

/// How many bytes of memory there are.
pub(crate) fn memory() -> u64 {
    let info = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let total = info.lines().find_map(|line| line.strip_prefix("MemTotal:")?.trim().strip_suffix("kB"));
    total.and_then(|kilobytes| kilobytes.trim().parse::<u64>().ok()).unwrap_or_default() * 1024
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machine_says_what_it_is() {
        let status = status("here", [127, 0, 0, 1].into(), Timestamp::UNIX_EPOCH);
        assert!(memory() > 1024 * 1024 && processors() > 0);
        assert_eq!(status.capacity, status.allocatable);
        assert_eq!(status.addresses.unwrap()[0].address, "127.0.0.1");
    }

    #[test]
    fn the_system_is_named_as_it_names_itself() {
        assert_eq!(
            os_image("NAME=\"Debian\"\nPRETTY_NAME=\"Debian GNU/Linux 13 (trixie)\"\n"),
            "Debian GNU/Linux 13 (trixie)"
        );
        assert_eq!(os_image(""), "Linux");
    }
}
