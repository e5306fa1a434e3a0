//! What kube-controller-manager does for the operator, as an ordinary client of any Kubernetes API.
//!
//! ```text
//! watches -> caches -> queues -> one turn per object -> writes
//!    ^                                                    |
//!    +------------------- the API <-----------------------+
//! ```
//! One watch per kind serves every controller. A turn decides from the caches with pure functions, writes, and ends when
//! the caches show what it wrote. Nothing runs while nothing changes. Each controller is a file, with its decisions in
//! the folder beside it.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test may panic"))]

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use kube::Client;
use tokio::task::JoinSet;

use deployment::Deployments;
use endpoint_slice::EndpointSlices;
use event_expiry::EventExpiry;
use garbage::Garbage;
use namespace::Namespaces;
use replica_set::ReplicaSets;
use world::World;

mod cache;
mod claim;
mod deployment;
mod endpoint_slice;
mod event;
mod event_expiry;
mod follow;
mod garbage;
mod hash;
mod key;
mod kinds;
mod namespace;
mod pod;
mod queue;
mod refusal;
mod replica_set;
mod slim;
mod world;
mod write;

/// A controller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Controller {
    /// Makes ReplicaSets from Deployments, and rolls from one to the next.
    Deployment,
    /// Makes Pods from ReplicaSets.
    ReplicaSet,
    /// Makes EndpointSlices from Services and Pods.
    EndpointSlice,
    /// Deletes what has lost its owner.
    Garbage,
    /// Empties namespaces that are being deleted.
    Namespace,
    /// Deletes old Events.
    EventExpiry,
}

impl Controller {
    /// Every controller.
    pub const ALL: [Self; 6] = [
        Self::Deployment,
        Self::ReplicaSet,
        Self::EndpointSlice,
        Self::Garbage,
        Self::Namespace,
        Self::EventExpiry,
    ];
}

/// What to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// The controllers that run.
    pub controllers: BTreeSet<Controller>,
    /// How long an Event is kept after it was last written.
    pub events_kept: Duration,
}

impl Default for Options {
    /// All of them; Events are kept for an hour, as a kube-apiserver does.
    fn default() -> Self {
        Self { controllers: Controller::ALL.into(), events_kept: Duration::from_secs(3600) }
    }
}

/// Runs the controllers until it is dropped.
///
/// An API that is away is waited for; nothing that it answers ends this.
///
/// # Panics
/// When a controller does: that is a bug, and half of them running would hide it.
pub async fn run(client: Client, options: Options) -> Infallible {
    let mut tasks = tasks(client, &options);
    while let Some(ended) = tasks.join_next().await {
        if let Err(error) = ended
            && error.is_panic()
        {
            std::panic::resume_unwind(error.into_panic());
        }
    }
    pending().await
}

fn tasks(client: Client, options: &Options) -> JoinSet<Infallible> {
    let mut tasks = JoinSet::new();
    let (recorder, writer) = event::recorder(client.clone());
    let world = Arc::new(World::new(client, recorder));
    let wants = |controller| options.controllers.contains(&controller);
    tasks.spawn(async { writer.run().await });
    if wants(Controller::Deployment) {
        tasks.spawn(Deployments::new(&world).run());
    }
    if wants(Controller::ReplicaSet) {
        tasks.spawn(ReplicaSets::new(&world).run());
    }
    if wants(Controller::EndpointSlice) {
        tasks.spawn(EndpointSlices::new(&world).run());
    }
    let namespaces = wants(Controller::Namespace).then(|| Namespaces::new(&world));
    if wants(Controller::Garbage) {
        // After the others: it learns from the caches that they have watched.
        let emptied = namespaces.as_ref().map(Namespaces::emptied);
        let tell = move |namespace: &str| emptied.iter().for_each(|emptied| emptied(namespace));
        tasks.spawn(Garbage::new(&world, tell).run());
    }
    if let Some(namespaces) = namespaces {
        tasks.spawn(namespaces.run());
    }
    if wants(Controller::EventExpiry) {
        tasks.spawn(EventExpiry::new(world.client.clone(), options.events_kept).run());
    }
    for watch in world.watches() {
        tasks.spawn(watch);
    }
    tasks
}
