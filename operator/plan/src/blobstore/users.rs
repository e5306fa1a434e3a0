//! Which Pods use the Secret of a Blobstore, and with which access key each was started: an old key ends when none has it any more.
//!
//! In come the Pods of the Blobstore's namespace, whoever made them; out go those that the end of a key would hurt. Those of an App carry the
//! Blobstore's label, and the key's id in an annotation, which is put there when the Deployment is written. Of a Pod that somebody else made, it is known
//! only whether it began after the key was written into the Secret.

use crds::names;
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::{Container, Pod, PodSpec};
use kube::ResourceExt as _;

use crate::aws::AccessKeyId;
use crate::aws::storage::{SecretUser, StorageOrder};

/// After what time a kubelet, which reads Secrets from a cache, gives new Pods what was written.
const KUBELET_READS_AGAIN: SignedDuration = SignedDuration::from_mins(2);

/// The Pods that use the Secret of an order. `written` is the key in it, and when it was written there.
#[must_use]
pub fn users<'a>(
    order: &StorageOrder,
    written: Option<(&AccessKeyId, Timestamp)>,
    pods: impl IntoIterator<Item = &'a Pod>,
) -> Vec<SecretUser> {
    let secret = order.secret();
    let beside = pods.into_iter().filter(|pod| pod.namespace().as_ref() == Some(&secret.namespace));
    let users = beside.filter(|pod| !is_finished(pod)).filter_map(|pod| {
        let is_of_an_app = pod.labels().get(names::BLOBSTORE) == Some(&order.owner.name);
        let key = match is_of_an_app {
            true => pod.annotations().get(names::BLOBSTORE_KEY).map(AccessKeyId::new),
            false if !names_secret(pod.spec.as_ref()?, &secret.name) => return None,
            false => started_with(pod, written),
        };
        Some(SecretUser { pod: pod.name_any(), key })
    });
    users.collect()
}

/// The key of a Pod that is not an App's, if it can be no other.
fn started_with(pod: &Pod, written: Option<(&AccessKeyId, Timestamp)>) -> Option<AccessKeyId> {
    let (key, at) = written?;
    let created = pod.metadata.creation_timestamp.as_ref()?.0;
    (created >= at + KUBELET_READS_AGAIN).then(|| key.clone())
}

/// Whether its containers have all ended for good.
fn is_finished(pod: &Pod) -> bool {
    let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref());
    matches!(phase, Some("Succeeded" | "Failed"))
}

/// Whether a container's environment or a volume is made from the Secret.
fn names_secret(spec: &PodSpec, secret: &str) -> bool {
    let containers = spec.containers.iter().chain(spec.init_containers.iter().flatten());
    containers.into_iter().any(|container| reads(container, secret)) || mounts(spec, secret)
}

fn reads(container: &Container, secret: &str) -> bool {
    let variables = container.env.iter().flatten().filter_map(|variable| variable.value_from.as_ref());
    let named = variables.filter_map(|from| from.secret_key_ref.as_ref()).map(|key| &key.name);
    let sources = container.env_from.iter().flatten().filter_map(|source| source.secret_ref.as_ref());
    named.chain(sources.map(|source| &source.name)).any(|name| name == secret)
}

fn mounts(spec: &PodSpec, secret: &str) -> bool {
    spec.volumes.iter().flatten().any(|volume| {
        let whole = volume.secret.as_ref().and_then(|volume| volume.secret_name.as_deref());
        let projected = volume.projected.iter().flat_map(|volume| volume.sources.iter().flatten());
        let parts = projected.filter_map(|source| Some(source.secret.as_ref()?.name.as_str()));
        whole.into_iter().chain(parts).any(|name| name == secret)
    })
}

#[cfg(test)]
mod tests {
    use crds::{Blobstore, BlobstoreSpec};
    use serde_json::{Value, json};

    use super::*;
    use crate::Platform;

    /// The order of `shop/blobs`, whose Secret is `blobs-keys`.
    fn order() -> StorageOrder {
        let spec =
            json!({"s3": {"bucket": "abc", "region": "us-east-1"}, "credentials": {"secret": "blobs-keys"}});
        let spec: BlobstoreSpec = serde_json::from_value(spec).unwrap();
        let mut blobstore = Blobstore::new("blobs", spec);
        blobstore.metadata.namespace = Some("shop".into());
        StorageOrder::of(&blobstore, "u", None, Platform::Kubernetes)
    }

    fn pod(metadata: Value, spec: Value) -> Pod {
        let mut pod: Pod = serde_json::from_value(json!({"metadata": metadata, "spec": spec})).unwrap();
        pod.metadata.namespace.get_or_insert("shop".into());
        pod.metadata.name = Some("www-1".into());
        pod
    }

    fn container(container: Value) -> Value {
        json!({"containers": [container]})
    }

    /// The keys of the users among these Pods, with `AKIA2` in the Secret since noon.
    fn keys(pods: &[Pod]) -> Vec<Option<String>> {
        let written = AccessKeyId::new("AKIA2");
        let users = users(&order(), Some((&written, "2026-11-22T12:00:00Z".parse().unwrap())), pods);
        users.into_iter().map(|user| user.key.map(|key| key.to_string())).collect()
    }

    #[test]
    fn the_pod_of_an_app_has_the_key_of_its_annotation_or_none() {
        let labels = json!({"flynn.io/blobstore": "blobs"});
        let spec = || container(json!({"name": "web"}));
        let stamped = json!({"labels": labels, "annotations": {"flynn.io/blobstore-key": "AKIA1"}});
        assert_eq!(keys(&[pod(stamped, spec())]), [Some("AKIA1".into())]);
        assert_eq!(keys(&[pod(json!({"labels": labels}), spec())]), [None]);
        assert!(keys(&[pod(json!({"labels": {"flynn.io/blobstore": "other"}}), spec())]).is_empty());
    }

    #[test]
    fn a_pod_of_somebody_else_has_the_key_if_it_began_after_the_key_was_written() {
        let env =
            json!([{"name": "A", "valueFrom": {"secretKeyRef": {"name": "blobs-keys", "key": "S3_BUCKET"}}}]);
        let at =
            |time: &str| pod(json!({"creationTimestamp": time}), container(json!({"name": "a", "env": env})));
        assert_eq!(keys(&[at("2026-11-22T11:00:00Z")]), [None]);
        assert_eq!(keys(&[at("2026-11-22T12:01:00Z")]), [None], "the kubelet may have given it the old one");
        assert_eq!(keys(&[at("2026-11-22T12:02:00Z")]), [Some("AKIA2".into())]);
    }

    #[test]
    fn a_secret_is_used_by_environment_and_by_volume_and_in_its_namespace_only() {
        let uses = |spec: Value| !keys(&[pod(json!({}), spec)]).is_empty();
        let from = |name: &str| json!({"name": "a", "envFrom": [{"secretRef": {"name": name}}]});
        assert!(uses(container(from("blobs-keys"))));
        assert!(!uses(container(from("other"))));
        assert!(uses(json!({"containers": [], "initContainers": [from("blobs-keys")]})));
        let volume = |volume: Value| json!({"containers": [], "volumes": [volume]});
        assert!(uses(volume(json!({"name": "v", "secret": {"secretName": "blobs-keys"}}))));
        let sources = json!([{"secret": {"name": "blobs-keys"}}]);
        assert!(uses(volume(json!({"name": "v", "projected": {"sources": sources}}))));
        let elsewhere = pod(json!({"namespace": "other"}), container(from("blobs-keys")));
        assert!(keys(&[elsewhere]).is_empty());
    }

    #[test]
    fn a_pod_that_has_ended_uses_nothing() {
        let mut ended = pod(json!({"labels": {"flynn.io/blobstore": "blobs"}}), json!({"containers": []}));
        for (phase, count) in [("Running", 1), ("Succeeded", 0), ("Failed", 0)] {
            ended.status = serde_json::from_value(json!({"phase": phase})).unwrap();
            assert_eq!(keys(std::slice::from_ref(&ended)).len(), count, "{phase}");
        }
    }
}
