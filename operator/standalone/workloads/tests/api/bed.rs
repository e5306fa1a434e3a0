//! What a test stands on: an embedded API in its own process, the controllers, and a kubelet that is played.

use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures::TryStreamExt;
use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet};
use k8s_openapi::api::core::v1::{Namespace, Pod};
use kube::api::{Api, ListParams, Patch, PatchParams, PostParams};
use kube::runtime::wait::{Condition, await_condition};
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Client, Resource, ResourceExt};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::task::JoinSet;

/// How long anything may take. It takes milliseconds; a busy machine takes longer.
const PATIENCE: Duration = Duration::from_secs(30);

/// Pods with this image never get ready.
pub(crate) const BROKEN: &str = "broken";

/// A namespace of an API of its own. Everything ends when it is dropped.
pub(crate) struct Bed {
    pub(crate) client: Client,
    pub(crate) namespace: String,
    _running: JoinSet<()>,
    _server: standalone::Server,
    _folder: tempfile::TempDir,
}

impl Bed {
    /// A new namespace, with the controllers and the kubelet running.
    pub(crate) async fn new(name: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let server = serve(folder.path()).await;
        let client = Client::new(server.in_process(), "default");
        let mut running = JoinSet::new();
        running.spawn(play_kubelet(client.clone()));
        let controllers = workloads::run(client.clone(), workloads::Options::default());
        running.spawn(async { match controllers.await {} });
        let namespaces: Api<Namespace> = Api::all(client.clone());
        let named = json!({"metadata": {"name": name}});
        namespaces.create(&PostParams::default(), &object(named)).await.unwrap();
        Self { client, namespace: name.to_owned(), _running: running, _server: server, _folder: folder }
    }

    pub(crate) fn api<K>(&self) -> Api<K>
    where
        K: Resource<DynamicType = (), Scope = k8s_openapi::NamespaceResourceScope>,
    {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    pub(crate) async fn create<K>(&self, value: Value) -> K
    where
        K: Resource<DynamicType = (), Scope = k8s_openapi::NamespaceResourceScope>
            + Clone
            + DeserializeOwned
            + Serialize
            + std::fmt::Debug,
    {
        self.api::<K>().create(&PostParams::default(), &object(value)).await.unwrap()
    }

    /// A Deployment of the image, as `kubectl create deployment` makes it.
    pub(crate) async fn deployment(&self, name: &str, image: &str, replicas: i32, more: Value) -> Deployment {
        let mut spec = json!({
            "replicas": replicas,
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {"containers": [{"name": "c", "image": image, "ports": [{"containerPort": 8080}]}]}
            }
        });
        spec.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.create(json!({"metadata": {"name": name}, "spec": spec})).await
    }

    pub(crate) async fn patch<K>(&self, name: &str, patch: Value) -> K
    where
        K: Resource<DynamicType = (), Scope = k8s_openapi::NamespaceResourceScope>
            + Clone
            + DeserializeOwned
            + std::fmt::Debug,
    {
        self.api::<K>().patch(name, &PatchParams::default(), &Patch::Merge(patch)).await.unwrap()
    }

    /// Has the Deployment run another image.
    pub(crate) async fn set_image(&self, name: &str, image: &str) {
        let patch = json!({"spec": {"template": {"spec": {"containers": [{"name": "c", "image": image}]}}}});
        self.api::<Deployment>()
            .patch(name, &PatchParams::default(), &Patch::Strategic(patch))
            .await
            .unwrap();
    }

    /// Waits until the object is as `condition` wants it.
    pub(crate) async fn wait<K>(&self, name: &str, condition: impl Condition<K>) -> Option<K>
    where
        K: Resource<DynamicType = (), Scope = k8s_openapi::NamespaceResourceScope>
            + Clone
            + DeserializeOwned
            + std::fmt::Debug
            + Send
            + 'static,
    {
        let waited = tokio::time::timeout(PATIENCE, await_condition(self.api(), name, condition)).await;
        waited.unwrap_or_else(|_| panic!("{name} does not get there")).unwrap()
    }

    /// Waits until every Pod of the Deployment is of its template and can serve.
    pub(crate) async fn rolled_out(&self, name: &str) -> Deployment {
        let complete = |deployment: Option<&Deployment>| {
            deployment.is_some_and(|deployment| {
                let (spec, status) = (deployment.spec.clone().unwrap(), deployment.status.clone());
                let status = status.unwrap_or_default();
                status.observed_generation == deployment.metadata.generation
                    && status.updated_replicas == spec.replicas
                    && status.replicas == spec.replicas
                    && status.available_replicas == spec.replicas
            })
        };
        self.wait(name, complete).await.unwrap()
    }

    pub(crate) async fn sets(&self) -> Vec<ReplicaSet> {
        self.api::<ReplicaSet>().list(&ListParams::default()).await.unwrap().items
    }

    pub(crate) async fn pods(&self) -> Vec<Pod> {
        self.api::<Pod>().list(&ListParams::default()).await.unwrap().items
    }
}

/// Asks until the answer is `Some`.
pub(crate) async fn eventually<T, F: Future<Output = Option<T>>>(
    what: &str,
    mut ask: impl FnMut() -> F,
) -> T {
    let answered = async {
        loop {
            if let Some(answer) = ask().await {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, answered).await.unwrap_or_else(|_| panic!("not in time: {what}"))
}

pub(crate) fn object<K: DeserializeOwned>(value: Value) -> K {
    serde_json::from_value(value).unwrap()
}

async fn serve(folder: &Path) -> standalone::Server {
    // Another test may have been first.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let catalog = Arc::new(schema::Catalog::new());
    let store = store::Store::open(&folder.join("store")).unwrap();
    let token = standalone::Token::load_or_create(&folder.join("token")).unwrap();
    let options = standalone::Options {
        listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        identity: standalone::Identity::load_or_create(&folder.join("tls"), &[]).unwrap(),
        users: Arc::new(standalone::Users::new(Arc::clone(&catalog), &token, None).unwrap()),
        catalog,
        audit: None,
        limits: standalone::Limits::default(),
    };
    standalone::Server::start(options, store, Arc::new(standalone::NoLogs)).await.unwrap()
}

/// Makes every Pod ready, unless it is broken, each with an address of its own.
async fn play_kubelet(client: Client) {
    let pods = watcher(Api::<Pod>::all(client.clone()), watcher::Config::default()).default_backoff();
    let started = pods.applied_objects().try_for_each(|pod| {
        let client = client.clone();
        async move {
            let image = pod.spec.as_ref().and_then(|spec| spec.containers[0].image.as_deref());
            let is_new = pod.status.as_ref().is_some_and(|status| status.pod_ip.is_none());
            if is_new && image != Some(BROKEN) && pod.metadata.deletion_timestamp.is_none() {
                let api: Api<Pod> = Api::namespaced(client, &pod.namespace().unwrap());
                let address = address(&pod.uid().unwrap());
                // A Pod that is gone by now needs no status.
                let _ = api.patch_status(&pod.name_any(), &PatchParams::default(), &ready(&address)).await;
            }
            Ok(())
        }
    });
    started.await.unwrap();
}

fn ready(address: &str) -> Patch<Value> {
    Patch::Merge(json!({"status": {
        "phase": "Running", "podIP": address, "podIPs": [{"ip": address}],
        "conditions": [{"type": "Ready", "status": "True"}]
    }}))
}

fn address(uid: &str) -> String {
    let digits = u32::from_str_radix(&uid[..6], 16).unwrap();
    format!("10.{}.{}.{}", digits >> 16, digits >> 8 & 255, digits & 255)
}
