//! Who leads: the Leases and the Pods of the namespaces that have Routes to leaders, and of no other.
//!
//! In come those namespaces, as they change; out go observations on the same channel as all others. Of a namespace, the Pods
//! are asked for when its Leases have been said, for a Pod leads by its age only where there is no Lease. What is not needed
//! any more is forgotten.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::Pod;
use kube::core::NamespaceResourceScope;
use kube::{Api, Client, Resource};
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::JoinSet;

use super::watch::Watch;
use super::{Portion, Slim};
use crate::metrics::WatchMetrics;
use crate::reconcile::Input;

/// The watches, by namespace.
pub(super) struct Leaders {
    client: Client,
    inputs: mpsc::Sender<Input>,
    metrics: WatchMetrics,
    /// A watch ends when its sender is dropped.
    watched: BTreeMap<String, watch::Sender<()>>,
    tasks: JoinSet<()>,
}

impl Leaders {
    pub(super) fn new(client: &Client, inputs: &mpsc::Sender<Input>, metrics: &WatchMetrics) -> Self {
        Self {
            client: client.clone(),
            inputs: inputs.clone(),
            metrics: metrics.clone(),
            watched: BTreeMap::new(),
            tasks: JoinSet::new(),
        }
    }

    /// Watches what is wanted for as long as the process runs.
    pub(super) async fn follow(mut self, mut wanted: watch::Receiver<BTreeSet<String>>) {
        loop {
            let namespaces = wanted.borrow_and_update().clone();
            self.watched.retain(|namespace, _| namespaces.contains(namespace));
            for namespace in namespaces {
                if !self.watched.contains_key(&namespace) {
                    self.begin(namespace);
                }
            }
            tokio::select! {
                changed = wanted.changed() => if changed.is_err() {
                    return;
                },
                Some(ended) = self.tasks.join_next() => if let Err(panic) = ended {
                    std::panic::resume_unwind(panic.into_panic());
                },
            }
        }
    }

    fn begin(&mut self, namespace: String) {
        let (stays, ended) = watch::channel(());
        let leases = self.watch::<Lease>(&namespace);
        let pods = self.watch::<Pod>(&namespace);
        self.tasks.spawn(async move {
            let (listed, unread) = (Notify::new(), Notify::new());
            let pods = async {
                tokio::select! {
                    () = listed.notified() => pods.run_until(end(ended.clone()), &unread).await,
                    () = end(ended.clone()) => {}
                }
            };
            tokio::join!(leases.run_until(end(ended.clone()), &listed), pods);
        });
        self.watched.insert(namespace, stays);
    }

    fn watch<K: Slim + Resource<Scope = NamespaceResourceScope>>(&self, namespace: &str) -> Watch<K> {
        Watch {
            api: Api::namespaced(self.client.clone(), namespace),
            fields: None,
            portion: Portion::part(K::KIND, namespace),
            inputs: self.inputs.clone(),
            restarts: self.metrics.restarts(K::KIND),
        }
    }
}

async fn end(mut stays: watch::Receiver<()>) {
    while stays.changed().await.is_ok() {}
}
