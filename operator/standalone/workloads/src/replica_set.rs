//! ReplicaSets: as many Pods of a template as are wanted.
//!
//! Pods that have ended or are on their way out do not count and are replaced. What a turn creates and deletes shows in
//! the cache before the next turn of the same ReplicaSet, so that none is created twice. [`surplus`] says which Pods
//! go, [`status`] what is said.

mod batch;
mod status;
mod surplus;

use std::convert::Infallible;
use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::api::apps::v1::{ReplicaSet, ReplicaSetStatus};
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Api;
use kube::api::Patch;
use kube::core::SelectorExt;

use crate::cache::Change;
use crate::claim::{Claim, claim, controller_of, controller_of_kind, controller_reference, parsed, settle};
use crate::event::{Recorder, Severity};
use crate::key::ObjectKey;
use crate::pod::has_ended;
use crate::queue::{Again, Queue};
use crate::refusal;
use crate::world::World;
use crate::write::{self, deleted, patched, posted};
use status::{Counted, Failure};

/// How many Pods one turn creates or deletes at most.
const BURST: usize = 500;

/// The controller of ReplicaSets.
pub(crate) struct ReplicaSets {
    world: Arc<World>,
    queue: Arc<Queue<ObjectKey>>,
    recorder: Recorder,
}

impl ReplicaSets {
    pub(crate) fn new(world: &Arc<World>) -> Self {
        let queue: Arc<Queue<ObjectKey>> = Arc::default();
        let own = Arc::clone(&queue);
        world.replica_sets.subscribe(move |change| {
            if let Some(set) = &change.after {
                own.add(ObjectKey::of(&set.metadata));
            }
        });
        let (known, pods) = (Arc::downgrade(world), Arc::clone(&queue));
        world.pods.subscribe(move |change| {
            if let Some(world) = known.upgrade() {
                owners_of_pod(&world, change).into_iter().for_each(|key| pods.add(key));
            }
        });
        Self { world: Arc::clone(world), queue, recorder: world.recorder.named("replicaset-controller") }
    }

    pub(crate) async fn run(self) -> Infallible {
        self.world.replica_sets.listed().await;
        self.world.pods.listed().await;
        self.queue.serve(|key| self.reconcile(key)).await
    }

    async fn reconcile(&self, key: ObjectKey) -> kube::Result<Again> {
        let world = &self.world;
        let Some(set) = world.replica_sets.get(&key) else { return Ok(None) };
        let Some(selector) = set.spec.as_ref().and_then(|spec| parsed(&spec.selector)) else {
            return Ok(None); // the API refuses a ReplicaSet without a selector
        };
        let pods = world.pods.in_namespace(&key.namespace);
        let (active, ending): (Vec<_>, Vec<_>) = pods.into_iter().partition(|pod| is_active(pod));
        let mine = settle(&world.client, &*set, &selector, &world.pods, active).await?;
        let is_mine = |pod: &&Arc<Pod>| claim(&set.metadata, &selector, &pod.metadata) == Claim::Mine;
        let ending = ending.iter().filter(is_mine).filter(|pod| is_terminating(pod)).count();
        let failure = match set.metadata.deletion_timestamp {
            None => self.converge(&set, &mine).await,
            Some(_) => Ok(()),
        };
        let counted = Counted { set: &set, active: &mine, terminating: ending, now: Timestamp::now() };
        let status = counted.status(failure.as_ref().err().map(|error| Failure::of(&set, &mine, error)));
        self.write_status(&set, status).await?;
        failure.map(|()| counted.next_look())
    }

    /// Creates what is missing, deletes what is too many.
    async fn converge(&self, set: &Arc<ReplicaSet>, active: &[Arc<Pod>]) -> kube::Result<()> {
        let wanted = set.spec.as_ref().and_then(|spec| spec.replicas).unwrap_or(1);
        let wanted = usize::try_from(wanted).unwrap_or_default();
        if active.len() < wanted {
            let missing = (wanted - active.len()).min(BURST);
            return batch::slow_start(missing, || self.create(set)).await;
        }
        let too_many = (active.len() - wanted).min(BURST);
        let related = self.related(set);
        let surplus = surplus::choose(active, &related, too_many, Timestamp::now());
        let deleted = surplus.iter().map(|pod| self.delete(set, pod));
        futures::future::join_all(deleted).await.into_iter().collect()
    }

    async fn create(&self, set: &ReplicaSet) -> kube::Result<()> {
        let namespace = set.metadata.namespace.as_deref().unwrap_or_default();
        let pods: Api<Pod> = Api::namespaced(self.world.client.clone(), namespace);
        match pods.create(&posted(), &pod_of(set)).await {
            Ok(pod) => {
                let message = format!("Created pod: {}", pod.metadata.name.as_deref().unwrap_or_default());
                self.recorder.record(set, Severity::Normal, "SuccessfulCreate", message);
                self.world.pods.shows(&pod).await;
                Ok(())
            }
            Err(error) if refusal::is_namespace_terminating(&error) => Ok(()),
            Err(error) => {
                let message = format!("Error creating: {}", refusal::message(&error));
                self.recorder.record(set, Severity::Warning, "FailedCreate", message);
                Err(error)
            }
        }
    }

    async fn delete(&self, set: &ReplicaSet, pod: &Pod) -> kube::Result<()> {
        let key = ObjectKey::of(&pod.metadata);
        let pods: Api<Pod> = Api::namespaced(self.world.client.clone(), &key.namespace);
        let gone = refusal::unless_gone(pods.delete(&key.name, &deleted(pod)).await);
        match gone {
            Ok(Some(_)) => {
                let message = format!("Deleted pod: {}", key.name);
                self.recorder.record(set, Severity::Normal, "SuccessfulDelete", message);
            }
            Ok(None) => {}
            Err(error) => {
                let message = format!("Error deleting: {}", refusal::message(&error));
                self.recorder.record(set, Severity::Warning, "FailedDelete", message);
                return Err(error);
            }
        }
        let uid = pod.metadata.uid.as_deref().unwrap_or_default();
        self.world.pods.shows_deleted(&key, uid).await;
        Ok(())
    }

    /// The active Pods of all ReplicaSets with the same owner: where many of them run together, one goes first.
    fn related(&self, set: &ReplicaSet) -> Vec<Arc<Pod>> {
        let namespace = set.metadata.namespace.as_deref().unwrap_or_default();
        let owner = controller_of(&set.metadata).map(|owner| &owner.uid);
        let sets = self.world.replica_sets.in_namespace(namespace);
        let siblings = sets.iter().filter(|sibling| {
            sibling.metadata.uid == set.metadata.uid
                || (owner.is_some() && controller_of(&sibling.metadata).map(|owner| &owner.uid) == owner)
        });
        let siblings: Vec<_> = siblings.filter_map(|sibling| sibling.metadata.uid.as_ref()).collect();
        let mut pods = self.world.pods.in_namespace(namespace);
        pods.retain(|pod| {
            is_active(pod) && controller_of(&pod.metadata).is_some_and(|owner| siblings.contains(&&owner.uid))
        });
        pods
    }

    async fn write_status(&self, set: &ReplicaSet, status: ReplicaSetStatus) -> kube::Result<()> {
        if set.status.as_ref() == Some(&status) {
            return Ok(());
        }
        let key = ObjectKey::of(&set.metadata);
        let sets: Api<ReplicaSet> = Api::namespaced(self.world.client.clone(), &key.namespace);
        let patch = Patch::Merge(write::status(set, set.status.as_ref(), &status));
        let written = sets.patch_status(&key.name, &patched(), &patch).await?;
        self.world.replica_sets.shows(&written).await;
        Ok(())
    }
}

/// The ReplicaSets that a change of a Pod concerns: its owner, and for an orphan all that could adopt it.
fn owners_of_pod(world: &World, change: &Change<Pod>) -> Vec<ObjectKey> {
    let mut keys = Vec::new();
    for pod in change.both() {
        let namespace = pod.metadata.namespace.as_deref().unwrap_or_default();
        if let Some(owner) = controller_of_kind::<ReplicaSet>(&pod.metadata) {
            keys.push(ObjectKey::new(namespace, &owner.name));
        } else if controller_of(&pod.metadata).is_none() {
            keys.extend(adopters(world, namespace, pod));
        }
    }
    keys
}

fn adopters(world: &World, namespace: &str, pod: &Pod) -> Vec<ObjectKey> {
    let labels = pod.metadata.labels.clone().unwrap_or_default();
    let matches = |set: &Arc<ReplicaSet>| {
        let spec = set.spec.as_ref();
        spec.and_then(|spec| parsed(&spec.selector)).is_some_and(|selector| selector.matches(&labels))
    };
    let sets = world.replica_sets.in_namespace(namespace).into_iter().filter(matches);
    sets.map(|set| ObjectKey::of(&set.metadata)).collect()
}

/// A Pod as the template has it.
fn pod_of(set: &ReplicaSet) -> Pod {
    let template = set.spec.as_ref().and_then(|spec| spec.template.clone()).unwrap_or_default();
    let meta = template.metadata.unwrap_or_default();
    Pod {
        metadata: ObjectMeta {
            generate_name: Some(format!("{}-", set.metadata.name.as_deref().unwrap_or_default())),
            namespace: set.metadata.namespace.clone(),
            labels: meta.labels,
            annotations: meta.annotations,
            finalizers: meta.finalizers,
            owner_references: Some(vec![controller_reference(set)]),
            ..ObjectMeta::default()
        },
        spec: template.spec,
        status: None,
    }
}

/// Whether a Pod counts: it has not ended, and nobody wants it to.
fn is_active(pod: &Pod) -> bool {
    !has_ended(pod) && pod.metadata.deletion_timestamp.is_none()
}

fn is_terminating(pod: &Pod) -> bool {
    !has_ended(pod) && pod.metadata.deletion_timestamp.is_some()
}
