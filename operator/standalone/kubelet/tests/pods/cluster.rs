//! The embedded API and a kubelet, for one test.

use std::collections::{BTreeMap, HashSet};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures::TryStreamExt as _;
use k8s_openapi::api::core::v1::{Event, Pod, Secret};
use kube::api::{DeleteParams, ListParams, ObjectMeta, PostParams};
use kube::runtime::wait::await_condition;
use kube::{Api, Client};
use kubelet::shim::Shim;
use kubelet::{Kubelet, LogOptions, Options};
use serde_json::{Value, json};

/// No condition takes longer, however busy the machine is.
const PATIENCE: Duration = Duration::from_secs(60);
/// Between two looks at something that cannot be waited for.
const LOOK: Duration = Duration::from_millis(10);

/// An API of its own.
pub(crate) struct Cluster {
    folder: tempfile::TempDir,
    client: Client,
    _server: standalone::Server,
}

impl Cluster {
    pub(crate) async fn start() -> Self {
        // Another test may have been first.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let folder = tempfile::tempdir().unwrap();
        let catalog = Arc::new(schema::Catalog::new());
        let store = store::Store::open(&folder.path().join("store")).unwrap();
        let token = standalone::Token::load_or_create(&folder.path().join("token")).unwrap();
        let options = standalone::Options {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            identity: standalone::Identity::load_or_create(&folder.path().join("tls"), &[]).unwrap(),
            users: Arc::new(standalone::Users::new(Arc::clone(&catalog), &token, None).unwrap()),
            catalog,
            audit: None,
            limits: standalone::Limits::default(),
        };
        let server = standalone::Server::start(options, store, Arc::new(standalone::NoLogs)).await.unwrap();
        let client = Client::new(server.in_process(), "default");
        Self { folder, client, _server: server }
    }

    pub(crate) fn kubelet(&self) -> Kubelet {
        let shim = Shim { program: env!("CARGO_BIN_EXE_kubelet-shim").into(), arguments: Vec::new() };
        let options = Options::new("here", self.data(), self.folder.path().to_owned(), shim);
        Kubelet::start(self.client.clone(), options).unwrap()
    }

    /// A path for the test's own use.
    pub(crate) fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("kubelet")
    }

    fn pods(&self) -> Api<Pod> {
        Api::default_namespaced(self.client.clone())
    }

    /// Creates a Pod of one container.
    pub(crate) async fn run(&self, name: &str, command: Value, more: Value) {
        let mut container = json!({"name": "main", "image": "x", "command": command});
        container.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.create(name, json!({"containers": [container]})).await;
    }

    pub(crate) async fn create(&self, name: &str, spec: Value) {
        let pod = serde_json::from_value(json!({"metadata": {"name": name}, "spec": spec})).unwrap();
        self.pods().create(&PostParams::default(), &pod).await.unwrap();
    }

    pub(crate) async fn secret(&self, name: &str, values: &[(&str, &str)]) {
        let values: BTreeMap<String, String> =
            values.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect();
        let metadata = ObjectMeta { name: Some(name.into()), ..ObjectMeta::default() };
        let secret = Secret { metadata, string_data: Some(values), ..Secret::default() };
        let secrets: Api<Secret> = Api::default_namespaced(self.client.clone());
        secrets.create(&PostParams::default(), &secret).await.unwrap();
    }

    pub(crate) async fn delete(&self, name: &str, grace: u32) {
        let params = DeleteParams { grace_period_seconds: Some(grace), ..DeleteParams::default() };
        self.pods().delete(name, &params).await.unwrap();
    }

    pub(crate) async fn pod(&self, name: &str) -> Pod {
        self.pods().get(name).await.unwrap()
    }

    /// Waits until a Pod is so.
    pub(crate) async fn until(&self, name: &str, holds: impl Fn(&Pod) -> bool) -> Pod {
        let holds = |pod: Option<&Pod>| pod.is_some_and(&holds);
        let pod = tokio::time::timeout(PATIENCE, await_condition(self.pods(), name, holds)).await;
        match pod {
            Ok(pod) => pod.unwrap().unwrap(),
            Err(_) => panic!("it never came: {:?}", self.pod(name).await.status),
        }
    }

    pub(crate) async fn gone(&self, name: &str) {
        let gone = await_condition(self.pods(), name, |pod: Option<&Pod>| pod.is_none());
        let Ok(gone) = tokio::time::timeout(PATIENCE, gone).await else { panic!("{name} is still there") };
        gone.unwrap();
    }

    /// Waits until there is an Event with each of these reasons.
    pub(crate) async fn events(&self, pod: &str, reasons: &[&str]) {
        let events: Api<Event> = Api::default_namespaced(self.client.clone());
        let params = ListParams::default().fields(&format!("involvedObject.name={pod}"));
        let told = async || {
            let events = events.list(&params).await.unwrap();
            events.items.into_iter().filter_map(|event| event.reason).collect::<HashSet<String>>()
        };
        eventually(&format!("{reasons:?}"), async || {
            let told = told().await;
            reasons.iter().all(|reason| told.contains(*reason))
        })
        .await;
    }

    /// Waits until a log is this.
    pub(crate) async fn log(&self, kubelet: &Kubelet, pod: &str, options: LogOptions, expected: &str) {
        eventually(expected, async || {
            let Ok(log) = kubelet.logs().log("default", pod, &options) else { return false };
            let pieces: Vec<_> = log.try_collect().await.unwrap();
            pieces.concat() == expected.as_bytes()
        })
        .await;
    }

    /// The running processes that the kubelet knows of.
    pub(crate) fn processes(&self) -> Vec<i32> {
        let records = std::fs::read_dir(self.data().join("processes")).unwrap().flatten();
        let id = |name: &str| name.split_once('-')?.0.parse().ok();
        records.filter_map(|record| id(record.file_name().to_str()?)).collect()
    }

    pub(crate) async fn no_processes(&self) {
        eventually("no process", async || self.processes().is_empty()).await;
    }

    pub(crate) async fn no_logs(&self) {
        let logs = self.data().join("logs");
        eventually("no log", async || std::fs::read_dir(&logs).unwrap().count() == 0).await;
    }
}

async fn eventually(what: &str, holds: impl AsyncFn() -> bool) {
    let held = tokio::time::timeout(PATIENCE, async {
        while !holds().await {
            tokio::time::sleep(LOOK).await;
        }
    });
    assert!(held.await.is_ok(), "it never came: {what}");
}

/// The state of the last container in a word, as `kubectl get pods` shows it.
pub(crate) fn state(pod: &Pod) -> String {
    let statuses = pod.status.as_ref().and_then(|status| status.container_statuses.as_ref());
    let Some(state) = statuses.and_then(|statuses| statuses.last()?.state.clone()) else {
        return String::new();
    };
    let waiting = state.waiting.and_then(|waiting| waiting.reason);
    let ended = state.terminated.and_then(|ended| ended.reason);
    waiting.or(ended).unwrap_or_else(|| "running".into())
}

/// The status of a condition.
pub(crate) fn condition(pod: &Pod, type_: &str) -> String {
    let conditions = pod.status.iter().flat_map(|status| status.conditions.iter().flatten());
    conditions
        .into_iter()
        .find(|condition| condition.type_ == type_)
        .map(|condition| condition.status.clone())
        .unwrap_or_default()
}
