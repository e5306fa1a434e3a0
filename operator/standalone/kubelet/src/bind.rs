//! Plays the scheduler where there is one Node: a Pod without a Node is bound to it at once.
//!
//! The ports that stand for those the Pod declares are annotations of the binding, which the API copies to the Pod: one write
//! for both.

use std::sync::Arc;

use futures::{StreamExt as _, TryStreamExt as _};
use k8s_openapi::api::core::v1::{Binding, ObjectReference, Pod};
use kube::api::{ObjectMeta, PostParams};
use kube::runtime::{WatchStreamExt as _, watcher};
use kube::{Api, ResourceExt as _};

use crate::backoff::WatchBackoff;
use crate::events::{Happening, reference};
use crate::host::{Host, in_words};
use crate::pod::port::PodPorts;

/// Binds every Pod of these that has no Node; never ends.
pub(crate) async fn run(host: Arc<Host>, pods: Api<Pod>) {
    let config = watcher::Config::default().fields("spec.nodeName=");
    let unbound = watcher(pods, config).backoff(WatchBackoff::default()).applied_objects();
    let bind = unbound.into_stream().for_each_concurrent(16, |pod| async {
        match pod {
            Ok(pod) => bind(&host, &pod).await,
            Err(error) => tracing::debug!(%error, "the watch of Pods without a Node broke"),
        }
    });
    bind.await;
}

/// Binds one Pod; tries again until that is done, or needs to be done no more.
async fn bind(host: &Host, pod: &Pod) {
    let bound =
        pod.spec.as_ref().is_some_and(|spec| spec.node_name.as_ref().is_some_and(|node| !node.is_empty()));
    if bound || pod.metadata.deletion_timestamp.is_some() {
        return;
    }
    let (namespace, name) = (pod.namespace().unwrap_or_default(), pod.name_any());
    let scheduler = pod.spec.as_ref().and_then(|spec| spec.scheduler_name.clone());
    let tell = |warning, reason, message| {
        let component = scheduler.clone().unwrap_or_else(|| "default-scheduler".into());
        host.recorder.tell(Happening { object: reference(pod, None), component, warning, reason, message });
    };
    for wait in WatchBackoff::default() {
        match try_to_bind(host, pod, &namespace, &name).await {
            Ok(_) => {
                let node = &host.node_name;
                return tell(
                    false,
                    "Scheduled",
                    format!("Successfully assigned {namespace}/{name} to {node}"),
                );
            }
            // Somebody else was faster, or it is gone.
            Err(kube::Error::Api(answer)) if answer.code == 409 || answer.code == 404 => return,
            Err(error) => {
                let error = in_words(&error);
                tracing::debug!(error, namespace, name, "a Pod cannot be bound");
                tell(true, "FailedScheduling", error);
            }
        }
        tokio::time::sleep(wait).await;
    }
}

async fn try_to_bind(host: &Host, pod: &Pod, namespace: &str, name: &str) -> kube::Result<serde_json::Value> {
    // Those that cannot be had now, the container asks for before it starts.
    let ports = PodPorts::assign(pod, &host.ports).unwrap_or_default();
    // The Pod takes them by its annotations as soon as it is seen with its Node; nobody else is given them before.
    ports.release(&host.ports);
    let binding = Binding {
        metadata: ObjectMeta {
            name: Some(name.to_owned()),
            namespace: Some(namespace.to_owned()),
            uid: pod.uid(),
            annotations: Some(ports.annotations()).filter(|annotations| !annotations.is_empty()),
            ..ObjectMeta::default()
        },
        target: ObjectReference {
            kind: Some("Node".into()),
            name: Some(host.node_name.clone()),
            ..ObjectReference::default()
        },
    };
    let pods: Api<Pod> = host.api(pod);
    pods.create_subresource("binding", name, &PostParams::default(), &binding).await
}
