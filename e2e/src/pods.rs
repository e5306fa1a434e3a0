//! Scheduler and kubelet: every Pod that appears is bound to a Node, gets an address of 10.77.0.0/16, becomes
//! one [`Backend`] for each port that it declares, and is reported ready. One that is deleted serves on for its preStop
//! sleep, finishes what it has begun, and goes.
//!
//! Images, commands and probes are not looked at. Pods on the host network and those of the operator's own namespace are
//! left pending: the suite runs their program itself. It belongs to the async runtime in which it was started.

use std::collections::{HashMap, HashSet};
use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicU16, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use futures::{StreamExt, TryFutureExt};
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, DeleteParams, Patch, PatchParams, PostParams, Preconditions};
use kube::runtime::watcher::{self, Event, watcher};
use kube::{Client, ResourceExt};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::sleep;

use crate::nodes::{self, MACHINES};
use crate::{Backend, eventually, kubelet};

/// The namespace whose Pods are not played.
pub const OPERATOR_NAMESPACE: &str = "flynn-system";

/// How long a Pod tries to get its state to the API.
const PATIENCE: Duration = Duration::from_secs(60);

/// The number of the next Pod's address in 10.77.0.0/16, below which are the machines. The players of one process share it, and with it the network.
static ADDRESSES: AtomicU16 = AtomicU16::new(256);

/// The player of all Pods; it stops when it is dropped.
#[derive(Debug)]
pub struct Pods {
    player: Arc<Player>,
    task: AbortHandle,
}

struct Player {
    client: Client,
    turn: AtomicUsize,
    lives: Mutex<HashMap<String, Life>>,
}

/// A Pod that is being played.
struct Life {
    name: String,
    ending: watch::Sender<bool>,
    backends: Arc<Mutex<Vec<Arc<Backend>>>>,
}

impl Pods {
    /// Makes the [`MACHINES`] and starts playing.
    ///
    /// # Errors
    /// When the API refuses.
    pub async fn start(client: &Client) -> Result<Self> {
        for machine in &MACHINES {
            nodes::ensure(client, machine).await?;
        }
        let player =
            Arc::new(Player { client: client.clone(), turn: AtomicUsize::new(0), lives: Mutex::default() });
        let task = tokio::spawn(play(player.clone())).abort_handle();
        Ok(Self { player, task })
    }

    /// The servers of a Pod, one for each port that it declares; none unless it runs.
    #[must_use]
    pub fn backends(&self, namespace: &str, pod: &str) -> Vec<Arc<Backend>> {
        let name = format!("{namespace}/{pod}");
        let lives = lock(&self.player.lives);
        let life = lives.values().find(|life| life.name == name);
        life.map(|life| lock(&life.backends).clone()).unwrap_or_default()
    }

    /// Reports a running Pod as ready, or as not ready: what a readiness probe does. Its servers answer on.
    ///
    /// # Errors
    /// When the API refuses.
    pub async fn set_ready(&self, namespace: &str, pod: &str, ready: bool) -> Result<()> {
        let api: Api<Pod> = Api::namespaced(self.player.client.clone(), namespace);
        let status = json!({"status": {"conditions": kubelet::conditions(ready)}});
        api.patch_status(pod, &PatchParams::default(), &Patch::Merge(status)).await?;
        Ok(())
    }
}

impl Drop for Pods {
    fn drop(&mut self) {
        self.task.abort();
        lock(&self.player.lives).clear();
    }
}

/// Follows all Pods, through restarts of the API server too.
async fn play(player: Arc<Player>) {
    let pods: Api<Pod> = Api::all(player.client.clone());
    let mut events = watcher(pods, watcher::Config::default()).boxed();
    let mut listed = HashSet::new();
    while let Some(event) = events.next().await {
        match event {
            Ok(Event::Init) => listed.clear(),
            Ok(Event::InitApply(pod)) => {
                listed.insert(pod.uid().unwrap_or_default());
                player.see(&pod);
            }
            Ok(Event::InitDone) => lock(&player.lives).retain(|uid, _| listed.contains(uid)),
            Ok(Event::Apply(pod)) => player.see(&pod),
            Ok(Event::Delete(pod)) => drop(lock(&player.lives).remove(&pod.uid().unwrap_or_default())),
            Err(_) => sleep(Duration::from_millis(50)).await, // the API server is away
        }
    }
}

impl Player {
    /// Begins the life of a new Pod; announces the end of one that is being deleted.
    fn see(self: &Arc<Self>, pod: &Pod) {
        let host_network = pod.spec.as_ref().and_then(|spec| spec.host_network).unwrap_or_default();
        if host_network || pod.namespace().as_deref() == Some(OPERATOR_NAMESPACE) {
            return;
        }
        let mut lives = lock(&self.lives);
        let life = lives.entry(pod.uid().unwrap_or_default()).or_insert_with(|| {
            let name = format!("{}/{}", pod.namespace().unwrap_or_default(), pod.name_any());
            let life = Life { name, ending: watch::Sender::new(false), backends: Arc::default() };
            tokio::spawn(self.clone().live(pod.clone(), life.ending.subscribe(), life.backends.clone()));
            life
        });
        if pod.metadata.deletion_timestamp.is_some() {
            life.ending.send_replace(true);
        }
    }

    async fn live(
        self: Arc<Self>,
        pod: Pod,
        mut ending: watch::Receiver<bool>,
        backends: Arc<Mutex<Vec<Arc<Backend>>>>,
    ) {
        let lived = async {
            let started = self.start(&pod).await?;
            lock(&backends).clone_from(&started);
            if ending.wait_for(|ending| *ending).await.is_err() {
                return Ok(()); // it is gone already
            }
            sleep(kubelet::pre_stop(&pod)).await;
            futures::future::join_all(started.iter().map(|backend| backend.drain())).await;
            self.remove(&pod).await
        };
        if let Err(error) = lived.await {
            eprintln!("pod {}: {error:#}", pod.name_any());
        }
    }

    /// Binds the Pod to a machine, starts its servers and reports it ready.
    async fn start(&self, pod: &Pod) -> Result<Vec<Arc<Backend>>> {
        let machine = &MACHINES[self.turn.fetch_add(1, Ordering::Relaxed) % MACHINES.len()];
        let (name, api) = (pod.name_any(), self.api(pod));
        if pod.spec.as_ref().is_some_and(|spec| spec.node_name.is_none()) {
            let binding = json!({
                "apiVersion": "v1", "kind": "Binding", "metadata": {"name": name},
                "target": {"apiVersion": "v1", "kind": "Node", "name": machine.name},
            });
            let params = PostParams::default();
            self.report("the Pod is bound", || {
                api.create_subresource::<Value, Value>("binding", &name, &params, &binding).map_ok(drop)
            })
            .await?;
        }
        let address = Self::address();
        let mut backends = Vec::new();
        for port in kubelet::ports(pod) {
            backends.push(Arc::new(Backend::start((address, port).into(), &name).await?));
        }
        let (params, status) =
            (PatchParams::default(), Patch::Merge(kubelet::running(pod, machine, address)));
        self.report("the Pod is ready", || api.patch_status(&name, &params, &status).map_ok(drop)).await?;
        Ok(backends)
    }

    async fn remove(&self, pod: &Pod) -> Result<()> {
        let params = DeleteParams::default().grace_period(0);
        let params = params.preconditions(Preconditions { uid: pod.uid(), resource_version: None });
        let (name, api) = (pod.name_any(), self.api(pod));
        self.report("the Pod is removed", || api.delete(&name, &params).map_ok(drop)).await
    }

    /// Repeats a request while the API server is away; a conflict or a missing Pod means that there is nothing left to do.
    async fn report<F>(&self, what: &str, request: impl Fn() -> F) -> Result<()>
    where
        F: Future<Output = kube::Result<()>>,
    {
        eventually(what, PATIENCE, || async {
            match request().await {
                Err(kube::Error::Api(status)) if matches!(status.code, 404 | 409) => Ok(()),
                result => result.context("the API refuses"),
            }
        })
        .await
    }

    fn api(&self, pod: &Pod) -> Api<Pod> {
        Api::namespaced(self.client.clone(), &pod.namespace().unwrap_or_default())
    }

    /// The next address; each is used once in 65,000 Pods.
    fn address() -> Ipv4Addr {
        let number = ADDRESSES.fetch_add(1, Ordering::Relaxed).max(256);
        let [third, fourth] = number.to_be_bytes();
        Ipv4Addr::new(10, 77, third, fourth)
    }
}

impl std::fmt::Debug for Player {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Player").finish_non_exhaustive()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
