//! What of an object is kept: what the controllers read, so that memory is bounded by what matters.
//!
//! A slimmed object is never written back as a whole.

use std::fmt::Debug;

use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet};
use k8s_openapi::api::core::v1::{Container, Namespace, Node, Pod, PodSpec, PodStatus, Service};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Resource;
use serde::de::DeserializeOwned;

/// What `kubectl apply` without `--server-side` leaves behind: the whole object once more.
pub(crate) const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// A kind that is watched and kept.
pub(crate) trait Slim:
    Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned + Send + Sync + 'static
{
    /// Drops what no controller reads of this kind, metadata apart.
    fn drop_unread(&mut self) {}

    /// Drops everything that no controller reads.
    fn slim(&mut self) {
        slim_metadata(self.meta_mut());
        self.drop_unread();
    }
}

impl Slim for Deployment {}

impl Slim for ReplicaSet {}

impl Slim for EndpointSlice {}

impl Slim for Namespace {}

impl Slim for Node {
    fn drop_unread(&mut self) {
        self.spec = None;
        self.status = None;
    }
}

impl Slim for Service {
    fn drop_unread(&mut self) {
        self.status = None;
    }
}

impl Slim for Pod {
    fn drop_unread(&mut self) {
        self.spec = self.spec.take().map(slim_pod_spec);
        self.status = self.status.take().map(slim_pod_status);
    }
}

fn slim_metadata(meta: &mut ObjectMeta) {
    meta.managed_fields = None;
    if let Some(annotations) = &mut meta.annotations {
        annotations.remove(LAST_APPLIED);
    }
}

fn slim_pod_spec(spec: PodSpec) -> PodSpec {
    PodSpec {
        containers: slim_containers(spec.containers),
        init_containers: spec.init_containers.map(slim_containers),
        hostname: spec.hostname,
        node_name: spec.node_name,
        subdomain: spec.subdomain,
        ..PodSpec::default()
    }
}

fn slim_containers(containers: Vec<Container>) -> Vec<Container> {
    let slim = |container: Container| Container {
        name: container.name,
        ports: container.ports,
        restart_policy: container.restart_policy,
        ..Container::default()
    };
    containers.into_iter().map(slim).collect()
}

fn slim_pod_status(status: PodStatus) -> PodStatus {
    let mut conditions = status.conditions.unwrap_or_default();
    conditions.retain(|condition| condition.type_ == "Ready");
    let mut containers = status.container_statuses.unwrap_or_default();
    for container in &mut containers {
        container.last_state = None;
        container.state = None;
        container.resources = None;
        container.volume_mounts = None;
    }
    PodStatus {
        conditions: Some(conditions),
        container_statuses: Some(containers),
        phase: status.phase,
        pod_ip: status.pod_ip,
        pod_ips: status.pod_ips,
        ..PodStatus::default()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn of_a_pod_its_place_its_ports_and_its_readiness_are_kept() {
        let mut pod: Pod = serde_json::from_value(json!({
            "metadata": {
                "name": "a", "managedFields": [{"manager": "kubectl"}],
                "annotations": {LAST_APPLIED: "{}", "kept": "yes"}
            },
            "spec": {
                "nodeName": "n", "serviceAccountName": "s",
                "containers": [{"name": "c", "image": "i", "ports": [{"containerPort": 80}]}]
            },
            "status": {
                "phase": "Running", "startTime": "2026-01-01T00:00:00Z",
                "conditions": [{"type": "Ready", "status": "True"}, {"type": "PodScheduled", "status": "True"}]
            }
        }))
        .unwrap();
        pod.slim();
        let kept = serde_json::to_value(pod).unwrap();
        assert_eq!(kept["metadata"], json!({"name": "a", "annotations": {"kept": "yes"}}));
        assert_eq!(
            kept["spec"],
            json!({"nodeName": "n", "containers": [{"name": "c", "ports": [{"containerPort": 80}]}]})
        );
        assert_eq!(kept["status"]["conditions"], json!([{"type": "Ready", "status": "True"}]));
        assert!(kept["status"].get("startTime").is_none());
    }
}
