//! Deployments: which ReplicaSets there are, and of what size.
//!
//! A change of a Deployment, of a ReplicaSet or of a Pod leads to one turn of the Deployment that it belongs to. A turn
//! takes the next step and writes the status; the step shows in the caches and leads to the next turn. The decisions
//! are pure: [`rollout`] and [`scale`] for the sizes, [`revision`] for the history, [`status`] for what is said.

mod bounds;
mod fleet;
mod revision;
mod rollout;
mod scale;
mod status;
mod template;
mod turn;

use std::convert::Infallible;
use std::sync::Arc;

use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet};
use k8s_openapi::api::core::v1::Pod;
use kube::core::SelectorExt;

use crate::cache::Change;
use crate::claim::{controller_of, controller_of_kind, parsed, settle};
use crate::event::Recorder;
use crate::key::ObjectKey;
use crate::pod::has_ended;
use crate::queue::{Again, Queue};
use crate::world::World;
use turn::Turn;

/// The controller of Deployments.
pub(crate) struct Deployments {
    world: Arc<World>,
    queue: Arc<Queue<ObjectKey>>,
    recorder: Recorder,
}

impl Deployments {
    pub(crate) fn new(world: &Arc<World>) -> Self {
        let queue: Arc<Queue<ObjectKey>> = Arc::default();
        let own = Arc::clone(&queue);
        world.deployments.subscribe(move |change| {
            if let Some(deployment) = &change.after {
                own.add(ObjectKey::of(&deployment.metadata));
            }
        });
        let (known, sets) = (Arc::downgrade(world), Arc::clone(&queue));
        world.replica_sets.subscribe(move |change| {
            if let Some(world) = known.upgrade() {
                owners_of_set(&world, change).into_iter().for_each(|key| sets.add(key));
            }
        });
        let (known, pods) = (Arc::downgrade(world), Arc::clone(&queue));
        world.pods.subscribe(move |change| {
            if let Some(key) = known.upgrade().and_then(|world| waits_for_pod(&world, change)) {
                pods.add(key);
            }
        });
        Self { world: Arc::clone(world), queue, recorder: world.recorder.named("deployment-controller") }
    }

    pub(crate) async fn run(self) -> Infallible {
        self.world.deployments.listed().await;
        self.world.replica_sets.listed().await;
        self.world.pods.listed().await;
        self.queue.serve(|key| self.reconcile(key)).await
    }

    async fn reconcile(&self, key: ObjectKey) -> kube::Result<Again> {
        let Some(deployment) = self.world.deployments.get(&key) else { return Ok(None) };
        let Some(selector) = deployment.spec.as_ref().and_then(|spec| parsed(&spec.selector)) else {
            return Ok(None); // the API refuses a Deployment without a selector
        };
        let world = &self.world;
        let candidates = world.replica_sets.in_namespace(&key.namespace);
        let sets = settle(&world.client, &*deployment, &selector, &world.replica_sets, candidates).await?;
        Turn::new(world, &self.recorder, &deployment, sets).take().await
    }
}

/// The Deployments that a change of a ReplicaSet concerns: its owner, and for an orphan all that could adopt it.
fn owners_of_set(world: &World, change: &Change<ReplicaSet>) -> Vec<ObjectKey> {
    let mut keys = Vec::new();
    for set in change.both() {
        let namespace = set.metadata.namespace.as_deref().unwrap_or_default();
        if let Some(owner) = controller_of_kind::<Deployment>(&set.metadata) {
            keys.push(ObjectKey::new(namespace, &owner.name));
        } else if controller_of(&set.metadata).is_none() {
            keys.extend(adopters(world, namespace, set));
        }
    }
    keys
}

fn adopters(world: &World, namespace: &str, set: &ReplicaSet) -> Vec<ObjectKey> {
    let labels = set.metadata.labels.clone().unwrap_or_default();
    let matches = |deployment: &Arc<Deployment>| {
        let spec = deployment.spec.as_ref();
        spec.and_then(|spec| parsed(&spec.selector)).is_some_and(|selector| selector.matches(&labels))
    };
    let deployments = world.deployments.in_namespace(namespace).into_iter().filter(matches);
    deployments.map(|deployment| ObjectKey::of(&deployment.metadata)).collect()
}

/// The Deployment that may be waiting for the end of this Pod: only one that replaces all at once does.
fn waits_for_pod(world: &World, change: &Change<Pod>) -> Option<ObjectKey> {
    if change.after.as_ref().is_some_and(|pod| !has_ended(pod)) {
        return None;
    }
    let pod = change.before.as_ref().or(change.after.as_ref())?;
    let namespace = pod.metadata.namespace.as_deref().unwrap_or_default();
    let set = controller_of_kind::<ReplicaSet>(&pod.metadata)?;
    let set = world.replica_sets.get(&ObjectKey::new(namespace, &set.name))?;
    let owner = controller_of_kind::<Deployment>(&set.metadata)?;
    let deployment = world.deployments.get(&ObjectKey::new(namespace, &owner.name))?;
    let replaces = !bounds::Bounds::of(deployment.spec.as_ref()?).rolling;
    replaces.then(|| ObjectKey::of(&deployment.metadata))
}
