//! The watches: what the API server says comes in, observations of typed and slimmed objects go out on one channel.
//!
//! Each role watches what its planner reads and nothing more; a node reads Secrets in `flynn-system` only. A watch that
//! breaks is taken up again, and while it is broken everything that was seen before stays as it was: nothing in here
//! ever says that an object is gone unless the API server does. `observe/known.rs` is the bookkeeping, `observe/slim.rs`
//! decides what of an object is kept, `reconcile.rs` is the only reader of the channel.

mod known;
mod slim;
mod version;
mod watch;

use crds::names::SYSTEM_NAMESPACE;
use crds::{App, Certificate, Cluster, Route, RouterNode};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{Namespace, Secret, Service};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use kube::{Api, Client};
use plan::{Kind, Object, ObjectKey};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::metrics::WatchMetrics;
use crate::reconcile::Input;
pub(crate) use slim::Slim;
pub(crate) use version::Versions;
use watch::Watch;

/// The only Secrets that are ever asked for.
const TLS_SECRETS: &str = "type=kubernetes.io/tls";

/// What a watch says.
#[derive(Debug)]
pub(crate) enum Observation {
    /// An object is as given.
    Put {
        /// The object, slimmed.
        object: Object,
        /// Its resourceVersion, if it is a number.
        version: Option<u64>,
        /// Whether its `metadata.generation` is one that was not seen before.
        new_generation: bool,
    },
    /// An object is gone.
    Delete {
        /// Its kind.
        kind: Kind,
        /// Its key.
        key: ObjectKey,
        /// The resourceVersion of the deletion, if it is known and a number.
        version: Option<u64>,
    },
    /// Everything of this kind that exists has been said once.
    Listed(Kind),
    /// The API server does not let us watch this kind, and never has. The message is its own.
    Denied(Kind, String),
}

/// Running watches; they end when this is dropped.
#[derive(Debug)]
pub(crate) struct Watches {
    /// The kinds that are watched.
    pub(crate) kinds: Vec<Kind>,
    tasks: JoinSet<()>,
}

impl Watches {
    /// Everything that a router node's table is made from.
    pub(crate) fn of_a_node(client: &Client, inputs: &mpsc::Sender<Input>, metrics: &WatchMetrics) -> Self {
        let mut watches = Starter::new(client, inputs, metrics);
        watches.declared();
        watches.start::<Secret>(Api::namespaced(client.clone(), SYSTEM_NAMESPACE), Some(TLS_SECRETS));
        watches.started
    }

    /// Everything that objects and statuses are made from.
    pub(crate) fn of_a_controller(
        client: &Client,
        inputs: &mpsc::Sender<Input>,
        metrics: &WatchMetrics,
    ) -> Self {
        let mut watches = Starter::new(client, inputs, metrics);
        watches.declared();
        watches.start::<Secret>(Api::all(client.clone()), Some(TLS_SECRETS));
        watches.start::<RouterNode>(Api::all(client.clone()), None);
        watches.start::<Deployment>(Api::all(client.clone()), None);
        watches.started
    }

    /// Waits until a watch has ended, which none does by itself.
    pub(crate) async fn ended(&mut self) {
        while let Some(ended) = self.tasks.join_next().await {
            if let Err(panic) = ended {
                tracing::error!(%panic, "a watch ended");
                return;
            }
        }
    }
}

struct Starter<'a> {
    client: &'a Client,
    inputs: &'a mpsc::Sender<Input>,
    metrics: &'a WatchMetrics,
    started: Watches,
}

impl<'a> Starter<'a> {
    fn new(client: &'a Client, inputs: &'a mpsc::Sender<Input>, metrics: &'a WatchMetrics) -> Self {
        let started = Watches { kinds: Vec::new(), tasks: JoinSet::new() };
        Self { client, inputs, metrics, started }
    }

    /// What both roles watch in every namespace.
    fn declared(&mut self) {
        self.start::<Cluster>(Api::all(self.client.clone()), None);
        self.start::<App>(Api::all(self.client.clone()), None);
        self.start::<Route>(Api::all(self.client.clone()), None);
        self.start::<Certificate>(Api::all(self.client.clone()), None);
        self.start::<Namespace>(Api::all(self.client.clone()), None);
        self.start::<Service>(Api::all(self.client.clone()), None);
        self.start::<EndpointSlice>(Api::all(self.client.clone()), None);
    }

    fn start<K: Slim>(&mut self, api: Api<K>, fields: Option<&'static str>) {
        let restarts = self.metrics.restarts(K::KIND);
        let watch = Watch { api, fields, inputs: self.inputs.clone(), restarts };
        self.started.kinds.push(K::KIND);
        self.started.tasks.spawn(watch.run());
    }
}
