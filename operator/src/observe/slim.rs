//! What of an object is kept: enough to plan with, so that memory is bounded by what matters and not by what exists.
//!
//! In comes an object as the API serves it; out goes the same object without the fields that no plan reads. Nothing is
//! ever added or changed.

use std::fmt::Debug;

use crds::{App, Blobstore, Certificate, Cluster, Route, RouterNode, names};
use futures::stream::{BoxStream, StreamExt as _, TryStreamExt as _};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::api::core::v1::{
    Namespace, Node, NodeSpec, NodeStatus, ObjectReference, Pod, Secret, Service,
};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::PartialObjectMeta;
use kube::runtime::watcher::{self, Config, Event, watcher};
use kube::{Api, Resource};
use plan::{Kind, Object};
use serde::de::DeserializeOwned;

/// What `kubectl apply` without `--server-side` leaves behind: the whole object once more.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// The entries of a `kubernetes.io/tls` Secret that are read.
const TLS_ENTRIES: [&str; 3] = ["tls.crt", "tls.key", "ca.crt"];

/// A kind that is watched.
pub(crate) trait Slim:
    Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned + Into<Object> + Send + Sync + 'static
{
    /// Its name in a plan.
    const KIND: Kind;

    /// Drops what a plan of this kind never reads, metadata apart.
    fn drop_unread(&mut self) {}

    /// What a watch of this kind says.
    fn events(api: Api<Self>, config: Config) -> BoxStream<'static, watcher::Result<Event<Self>>> {
        watcher(api, config).boxed()
    }

    /// Drops everything that no plan reads.
    fn slim(&mut self) {
        slim_metadata(self.meta_mut());
        self.drop_unread();
    }
}

impl Slim for Cluster {
    const KIND: Kind = Kind::Cluster;
}

impl Slim for App {
    const KIND: Kind = Kind::App;
}

impl Slim for Route {
    const KIND: Kind = Kind::Route;
}

impl Slim for Certificate {
    const KIND: Kind = Kind::Certificate;
}

impl Slim for Blobstore {
    const KIND: Kind = Kind::Blobstore;
}

impl Slim for RouterNode {
    const KIND: Kind = Kind::RouterNode;
}

impl Slim for Namespace {
    const KIND: Kind = Kind::Namespace;

    fn drop_unread(&mut self) {
        self.spec = None;
        self.status = None;
    }
}

impl Slim for Service {
    const KIND: Kind = Kind::Service;

    fn drop_unread(&mut self) {
        self.status = None;
    }
}

impl Slim for EndpointSlice {
    const KIND: Kind = Kind::EndpointSlice;

    fn drop_unread(&mut self) {
        self.metadata.annotations = None;
        for endpoint in self.endpoints.iter_mut().flatten() {
            endpoint.deprecated_topology = None;
            endpoint.hints = None;
            endpoint.hostname = None;
            endpoint.node_name = None;
            endpoint.zone = None;
            if let Some(target) = &mut endpoint.target_ref {
                let (kind, name) = (target.kind.take(), target.name.take());
                *target = ObjectReference { kind, name, ..ObjectReference::default() };
            }
        }
    }
}

impl Slim for Secret {
    const KIND: Kind = Kind::Secret;

    fn drop_unread(&mut self) {
        let is_routers = self.metadata.name.as_deref() == Some(names::ROUTER_SECRET);
        let kept = |entry: &str| TLS_ENTRIES.contains(&entry) || is_routers && entry == names::COOKIE_KEY;
        if let Some(data) = &mut self.data {
            data.retain(|entry, _| kept(entry));
        }
    }
}

// A Deployment of somebody else matters by its name only: that name is taken.
impl Slim for Deployment {
    const KIND: Kind = Kind::Deployment;

    fn drop_unread(&mut self) {
        let labels = self.metadata.labels.as_ref();
        if labels.and_then(|labels| labels.get(names::MANAGED_BY)).map(String::as_str)
            != Some(names::OPERATOR)
        {
            self.spec = None;
            self.status = None;
        }
    }
}

// It is renewed every few seconds; who holds it is what matters.
impl Slim for Lease {
    const KIND: Kind = Kind::Lease;

    fn drop_unread(&mut self) {
        let holder_identity = self.spec.take().and_then(|spec| spec.holder_identity);
        self.spec = Some(LeaseSpec { holder_identity, ..LeaseSpec::default() });
    }
}

impl Slim for Pod {
    const KIND: Kind = Kind::Pod;

    fn drop_unread(&mut self) {
        let ObjectMeta { creation_timestamp, name, namespace, resource_version, uid, .. } =
            std::mem::take(&mut self.metadata);
        self.metadata = ObjectMeta {
            creation_timestamp,
            name,
            namespace,
            resource_version,
            uid,
            ..ObjectMeta::default()
        };
        self.spec = None;
        self.status = None;
    }

    /// The API is asked for the metadata alone: what a Pod runs with is not ours to know.
    fn events(api: Api<Self>, config: Config) -> BoxStream<'static, watcher::Result<Event<Self>>> {
        let bare = |found: PartialObjectMeta<Self>| Self { metadata: found.metadata, ..Self::default() };
        let namespace = api.namespace().unwrap_or_default().to_owned();
        let metadata = Api::<PartialObjectMeta<Self>>::namespaced(api.into_client(), &namespace);
        let events = watcher(metadata, config).map_ok(move |event| match event {
            Event::Init => Event::Init,
            Event::InitApply(found) => Event::InitApply(bare(found)),
            Event::InitDone => Event::InitDone,
            Event::Apply(found) => Event::Apply(bare(found)),
            Event::Delete(found) => Event::Delete(bare(found)),
        });
        events.boxed()
    }
}

// Its kubelet writes it often; what is kept changes seldom.
impl Slim for Node {
    const KIND: Kind = Kind::Node;

    fn drop_unread(&mut self) {
        self.metadata.annotations = None;
        self.metadata.owner_references = None;
        self.spec = self.spec.take().map(|NodeSpec { provider_id, unschedulable, .. }| NodeSpec {
            provider_id,
            unschedulable,
            ..NodeSpec::default()
        });
        self.status = self.status.take().map(|NodeStatus { addresses, conditions, .. }| {
            let mut conditions = conditions.unwrap_or_default();
            conditions.retain(|condition| condition.type_ == "Ready");
            for condition in &mut conditions {
                condition.last_heartbeat_time = None;
                condition.message = None;
                condition.reason = None;
            }
            NodeStatus { addresses, conditions: Some(conditions), ..NodeStatus::default() }
        });
    }
}

fn slim_metadata(meta: &mut ObjectMeta) {
    let all = std::mem::take(meta);
    *meta = ObjectMeta {
        annotations: all.annotations,
        creation_timestamp: all.creation_timestamp,
        deletion_timestamp: all.deletion_timestamp,
        finalizers: all.finalizers,
        generation: all.generation,
        labels: all.labels,
        name: all.name,
        namespace: all.namespace,
        owner_references: all.owner_references,
        resource_version: all.resource_version,
        uid: all.uid,
        ..ObjectMeta::default()
    };
    if let Some(annotations) = &mut meta.annotations {
        annotations.remove(LAST_APPLIED);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn slimmed<K: Slim>(object: serde_json::Value) -> K {
        let mut object: K = serde_json::from_value(object).unwrap();
        object.slim();
        object
    }

    #[test]
    fn bookkeeping_of_other_writers_is_dropped() {
        let service: Service = slimmed(json!({
            "metadata": {
                "name": "a", "uid": "u", "managedFields": [{"manager": "kubectl"}],
                "annotations": {LAST_APPLIED: "{}", "kept": "yes"}
            },
            "spec": {"ports": [{"port": 80}]},
            "status": {"loadBalancer": {}}
        }));
        assert_eq!(service.metadata.managed_fields, None);
        let annotations = service.metadata.annotations.unwrap();
        assert_eq!(annotations.keys().collect::<Vec<_>>(), ["kept"]);
        assert!(service.spec.is_some() && service.status.is_none());
    }

    #[test]
    fn of_a_secret_only_the_pair_and_its_authority_are_kept() {
        let secret: Secret = slimmed(json!({
            "metadata": {"name": "a"}, "data": {"tls.crt": "", "tls.key": "", "ca.crt": "", "password": ""}
        }));
        assert_eq!(secret.data.unwrap().into_keys().collect::<Vec<_>>(), ["ca.crt", "tls.crt", "tls.key"]);
    }

    #[test]
    fn of_a_node_its_heartbeat_is_not_kept() {
        let node = |beat: &str| -> Node {
            let ready = json!({"type": "Ready", "status": "True", "lastHeartbeatTime": beat,
                "lastTransitionTime": "2026-11-22T12:00:00Z"});
            let addresses = json!([{"type": "InternalIP", "address": "10.0.0.1"}]);
            let pressure = json!({"type": "DiskPressure", "status": "False", "lastHeartbeatTime": beat});
            slimmed(json!({
                "metadata": {"name": "n1", "labels": {"role": "router"}},
                "spec": {"providerID": "aws:///us-east-1a/i-0abc1234", "podCIDR": "10.0.0.0/24"},
                "status": {"conditions": [pressure, ready], "addresses": addresses, "images": []}
            }))
        };
        let kept = node("2026-11-22T12:00:01Z");
        assert_eq!(kept, node("2026-11-22T12:00:02Z"));
        assert!(kept.spec.unwrap().provider_id.is_some() && kept.metadata.labels.is_some());
        assert_eq!(kept.status.unwrap().conditions.unwrap().len(), 1);
    }

    #[test]
    fn of_a_deployment_that_is_not_ours_only_the_name_is_kept() {
        let spec = json!({"selector": {}, "template": {}});
        let theirs: Deployment = slimmed(json!({"metadata": {"name": "a"}, "spec": spec}));
        assert_eq!(theirs.spec, None);
        let labels = json!({names::MANAGED_BY: names::OPERATOR});
        let ours: Deployment = slimmed(json!({"metadata": {"name": "a", "labels": labels}, "spec": spec}));
        assert!(ours.spec.is_some());
    }
}
