//! The Pods that are bound to this Node: a watch comes in, each Pod gets a worker of its own.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use futures::{StreamExt as _, TryStreamExt as _};
use k8s_openapi::api::core::v1::Pod;
use kube::runtime::watcher::Event;
use kube::runtime::{WatchStreamExt as _, watcher};
use kube::{Api, ResourceExt as _};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::backoff::WatchBackoff;
use crate::host::Host;
use crate::pod::{Seen, Worker};

/// The workers, by the Pods' uids.
struct Workers {
    host: Arc<Host>,
    shutdown: watch::Receiver<bool>,
    seen: HashMap<String, watch::Sender<Seen>>,
    running: JoinSet<String>,
    /// What a list has named so far.
    listed: HashSet<String>,
    /// Whether the first list is complete.
    is_listed: bool,
}

/// Runs every Pod of these that is bound to the Node, until the shutdown; returns when none is left.
pub(crate) async fn run(host: Arc<Host>, pods: Api<Pod>, mut shutdown: watch::Receiver<bool>) {
    let config = watcher::Config::default().fields(&format!("spec.nodeName={}", host.node_name));
    let mut events = watcher(pods, config).backoff(WatchBackoff::default()).into_stream().boxed();
    let mut workers = Workers {
        host,
        shutdown: shutdown.clone(),
        seen: HashMap::new(),
        running: JoinSet::new(),
        listed: HashSet::new(),
        is_listed: false,
    };
    loop {
        tokio::select! {
            Some(event) = events.next() => match event {
                Ok(event) => workers.take(event),
                Err(error) => tracing::debug!(%error, "the watch of the Node's Pods broke"),
            },
            Some(ended) = workers.running.join_next() => workers.forget(ended),
            _ = shutdown.wait_for(|shutdown| *shutdown) => break,
        }
    }
    while let Some(ended) = workers.running.join_next().await {
        workers.forget(ended);
    }
}

impl Workers {
    fn take(&mut self, event: Event<Pod>) {
        match event {
            Event::Init => self.listed.clear(),
            Event::InitApply(pod) => {
                self.listed.extend(pod.uid());
                self.put(pod);
            }
            Event::Apply(pod) => self.put(pod),
            Event::InitDone => self.end_list(),
            Event::Delete(pod) => {
                let uid = pod.uid().unwrap_or_default();
                self.gone(&uid, Some(Arc::new(pod)));
            }
        }
    }

    fn put(&mut self, pod: Pod) {
        let Some(uid) = pod.uid() else { return };
        let seen = Seen::Present(Arc::new(pod));
        if let Some(sender) = self.seen.get(&uid) {
            sender.send_replace(seen);
            return;
        }
        let (sender, receiver) = watch::channel(seen);
        self.seen.insert(uid.clone(), sender);
        let worker = Worker::new(Arc::clone(&self.host), receiver, self.shutdown.clone());
        self.running.spawn(async move {
            worker.run().await;
            uid
        });
    }

    /// What is not in a complete list has been deleted while nobody watched.
    fn end_list(&mut self) {
        let missing: Vec<String> =
            self.seen.keys().filter(|uid| !self.listed.contains(*uid)).cloned().collect();
        for uid in missing {
            self.gone(&uid, None);
        }
        if !self.is_listed {
            self.is_listed = true;
            self.host.supervisor.logs().keep_only(&self.listed);
        }
    }

    fn gone(&mut self, uid: &str, last: Option<Arc<Pod>>) {
        if let Some(seen) = self.seen.remove(uid) {
            seen.send_modify(|seen| {
                let (Seen::Present(known) | Seen::Gone(known)) = &*seen;
                *seen = Seen::Gone(last.unwrap_or_else(|| Arc::clone(known)));
            });
        }
    }

    fn forget(&mut self, ended: Result<String, tokio::task::JoinError>) {
        match ended {
            Ok(uid) => drop(self.seen.remove(&uid)),
            Err(panic) => tracing::error!(%panic, "the worker of a Pod ended"),
        }
    }
}
