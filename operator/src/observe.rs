//! The watches: what the API server says comes in, observations of typed and slimmed objects go out on one channel.
//!
//! Each role watches what its planner reads and nothing more; a node reads Secrets in `flynn-system` only. A watch that
//! breaks is taken up again, and while it is broken everything that was seen before stays as it was: nothing in here
//! ever says that an object is gone unless the API server does, or nobody needs it any more (`observe/leaders.rs`). `observe/known.rs` is the bookkeeping, `observe/slim.rs`
//! decides what of an object is kept, `reconcile.rs` is the only reader of the channel.

mod known;
mod leaders;
mod slim;
mod version;
mod watch;

use std::collections::BTreeSet;

use crds::names::{ROUTER_SECRET, SYSTEM_NAMESPACE};
use crds::{App, Blobstore, Certificate, Cluster, Route, RouterNode};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{Namespace, Node, Secret, Service};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use kube::{Api, Client};
use plan::{Kind, Object, ObjectKey};
use tokio::sync::mpsc;
use tokio::sync::watch::Sender;
use tokio::task::JoinSet;

use crate::metrics::WatchMetrics;
use crate::reconcile::Input;
use leaders::Leaders;
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
    /// Everything of this portion that exists has been said once.
    Listed(Portion),
    /// The API server does not let us watch this kind, and never has. The message is its own.
    Denied(Kind, String),
}

/// What one watch is about: a kind, or those of its objects that another watch leaves out.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Portion {
    /// The kind.
    pub(crate) kind: Kind,
    /// A namespace or a name; empty for the watch that counts for the kind.
    part: String,
}

/// What has to be known before the first pass, and who is told what else has to be.
#[derive(Debug)]
pub(crate) struct Demand {
    /// What is watched from the start.
    pub(crate) portions: BTreeSet<Portion>,
    /// The namespaces whose Leases and Pods decide on leaders.
    pub(crate) leaders: Sender<BTreeSet<String>>,
}

/// Running watches; they end when this is dropped.
#[derive(Debug)]
pub(crate) struct Watches {
    portions: BTreeSet<Portion>,
    leaders: Sender<BTreeSet<String>>,
    tasks: JoinSet<()>,
}

impl Portion {
    pub(crate) fn whole(kind: Kind) -> Self {
        Self { kind, part: String::new() }
    }

    pub(crate) fn part(kind: Kind, part: impl Into<String>) -> Self {
        Self { kind, part: part.into() }
    }
}

impl Observation {
    /// As the watch of this portion says it: how far a kind has come is for the whole of it to tell.
    fn of(self, portion: &Portion) -> Self {
        match self {
            Self::Listed(_) => Self::Listed(portion.clone()),
            other if portion.part.is_empty() => other,
            Self::Put { object, new_generation, .. } => Self::Put { object, version: None, new_generation },
            Self::Delete { kind, key, .. } => Self::Delete { kind, key, version: None },
            denied @ Self::Denied(..) => denied,
        }
    }
}

impl Watches {
    /// Everything that a router node's table is made from.
    pub(crate) fn of_a_node(client: &Client, inputs: &mpsc::Sender<Input>, metrics: &WatchMetrics) -> Self {
        let mut watches = Starter::new(client, inputs, metrics);
        watches.declared();
        watches.start::<Secret>(Api::namespaced(client.clone(), SYSTEM_NAMESPACE), Some(TLS_SECRETS));
        watches.finish()
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
        watches.start::<Blobstore>(Api::all(client.clone()), None);
        watches.start::<RouterNode>(Api::all(client.clone()), None);
        watches.start::<Deployment>(Api::all(client.clone()), None);
        watches.start::<Node>(Api::all(client.clone()), None);
        watches.finish()
    }

    /// What the reader of the channel has to wait for, and whom it tells what it needs beside.
    pub(crate) fn demand(&self) -> Demand {
        Demand { portions: self.portions.clone(), leaders: self.leaders.clone() }
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
        let leaders = Sender::new(BTreeSet::new());
        let started = Watches { portions: BTreeSet::new(), leaders, tasks: JoinSet::new() };
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
        self.start_portion(api, fields.map(str::to_owned), Portion::whole(K::KIND));
    }

    fn start_portion<K: Slim>(&mut self, api: Api<K>, fields: Option<String>, portion: Portion) {
        let restarts = self.metrics.restarts(K::KIND);
        self.started.portions.insert(portion.clone());
        let watch = Watch { api, fields, portion, inputs: self.inputs.clone(), restarts };
        self.started.tasks.spawn(watch.run());
    }

    /// Adds what both roles watch beside the kinds: the key that routers share, and who leads.
    fn finish(mut self) -> Watches {
        let secrets = Api::<Secret>::namespaced(self.client.clone(), SYSTEM_NAMESPACE);
        let named = format!("metadata.name={ROUTER_SECRET}");
        self.start_portion(secrets, Some(named), Portion::part(Kind::Secret, ROUTER_SECRET));
        let leaders = Leaders::new(self.client, self.inputs, self.metrics);
        self.started.tasks.spawn(leaders.follow(self.started.leaders.subscribe()));
        self.started
    }
}
