//! EndpointSlices: which Pods stand behind a Service, at which ports.
//!
//! A change of a Service, of a Pod or of a slice leads to one pass over the Service: [`desired`] says which endpoints
//! there are, [`spread`] how they are put into slices with the fewest writes. Nothing waits for more to come: a Pod
//! that gets ready is served after one write.

mod desired;
mod spread;
mod trigger;

use std::convert::Infallible;
use std::sync::Arc;

use k8s_openapi::api::core::v1::{Node, Pod, Service};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use kube::Api;
use kube::api::Patch;
use serde_json::json;

use crate::cache::Change;
use crate::key::ObjectKey;
use crate::queue::{Again, Queue};
use crate::refusal;
use crate::world::World;
use crate::write::{deleted, on_version, patched, posted};
use desired::{MANAGED_BY, MANAGER, SERVICE_NAME};
use spread::Changes;
use trigger::{LAST_CHANGE, Triggers};

/// The label of a Node that says in which zone it is.
const ZONE: &str = "topology.kubernetes.io/zone";

/// The controller of EndpointSlices.
pub(crate) struct EndpointSlices {
    world: Arc<World>,
    queue: Arc<Queue<ObjectKey>>,
    triggers: Triggers,
}

impl EndpointSlices {
    pub(crate) fn new(world: &Arc<World>) -> Self {
        let queue: Arc<Queue<ObjectKey>> = Arc::default();
        let own = Arc::clone(&queue);
        world.services.subscribe(move |change| {
            if let Some(service) = &change.after {
                own.add(ObjectKey::of(&service.metadata));
            }
        });
        let (known, pods) = (Arc::downgrade(world), Arc::clone(&queue));
        world.pods.subscribe(move |change| {
            if let Some(world) = known.upgrade() {
                services_of_pod(&world, change).into_iter().for_each(|key| pods.add(key));
            }
        });
        let (known, nodes) = (Arc::downgrade(world), Arc::clone(&queue));
        world.nodes.subscribe(move |change| {
            if let Some(world) = known.upgrade().filter(|_| has_moved(change)) {
                let services = world.services.all().into_iter();
                services.for_each(|service| nodes.add(ObjectKey::of(&service.metadata)));
            }
        });
        let slices = Arc::clone(&queue);
        world.endpoint_slices.subscribe(move |change| {
            change.both().filter_map(|slice| service_of(slice)).for_each(|key| slices.add(key));
        });
        Self { world: Arc::clone(world), queue, triggers: Triggers::default() }
    }

    pub(crate) async fn run(self) -> Infallible {
        self.world.services.listed().await;
        self.world.pods.listed().await;
        self.world.nodes.listed().await;
        self.world.endpoint_slices.listed().await;
        self.queue.serve(|key| self.reconcile(key)).await
    }

    async fn reconcile(&self, key: ObjectKey) -> kube::Result<Again> {
        let Some(service) = self.world.services.get(&key) else {
            self.triggers.forget(&key);
            return Ok(None); // the slices of a deleted Service are garbage
        };
        if service.metadata.deletion_timestamp.is_some() || !desired::selects(&service) {
            return Ok(None); // whoever leaves the selector out makes the slices
        }
        let pods = self.world.pods.in_namespace(&key.namespace);
        let mut existing = self.world.endpoint_slices.in_namespace(&key.namespace);
        existing.retain(|slice| is_ours(slice, &service));
        let mut wanted = desired::groups(&service, &pods);
        desired::set_zones(&mut wanted, |node| self.zone(node));
        let selected = pods.into_iter().filter(|pod| desired::is_selected(&service, pod));
        let trigger = self.triggers.see(&key, &service, selected);
        let mut changes = spread::changes(&service, wanted, &existing);
        changes.tell(LAST_CHANGE, trigger.as_deref());
        self.apply(&key, changes).await?;
        Ok(None)
    }

    fn zone(&self, node: &str) -> Option<String> {
        zone_of(&*self.world.nodes.get(&ObjectKey::new("", node))?).cloned()
    }

    /// Creates and updates before it deletes: so that no endpoint is missing in between.
    async fn apply(&self, key: &ObjectKey, changes: Changes) -> kube::Result<()> {
        let slices: Api<EndpointSlice> = Api::namespaced(self.world.client.clone(), &key.namespace);
        let cache = &self.world.endpoint_slices;
        let Changes { create, update, delete } = changes;
        let creations = create.iter().map(async |slice| {
            match slices.create(&posted(), slice).await {
                Ok(created) => cache.shows(&created).await,
                Err(error) if refusal::is_namespace_terminating(&error) => {}
                Err(error) => return Err(error),
            }
            Ok(())
        });
        let updates = update.iter().map(async |(before, after)| {
            let patch = on_version(&**before, as_patch(after));
            let name = before.metadata.name.as_deref().unwrap_or_default();
            let written = slices.patch(name, &patched(), &Patch::Merge(patch)).await?;
            cache.shows(&written).await;
            Ok(())
        });
        let created = futures::future::join_all(creations);
        let updated = futures::future::join_all(updates);
        let (created, updated) = futures::future::join(created, updated).await;
        created.into_iter().chain(updated).collect::<kube::Result<()>>()?;
        for slice in delete {
            let key = ObjectKey::of(&slice.metadata);
            refusal::unless_gone(slices.delete(&key.name, &deleted(&*slice)).await)?;
            cache.shows_deleted(&key, slice.metadata.uid.as_deref().unwrap_or_default()).await;
        }
        Ok(())
    }
}

fn as_patch(slice: &EndpointSlice) -> serde_json::Value {
    let annotations = slice.metadata.annotations.as_ref();
    let trigger = annotations.and_then(|annotations| annotations.get(LAST_CHANGE));
    json!({
        "metadata": {"labels": slice.metadata.labels, "annotations": {LAST_CHANGE: trigger}},
        "endpoints": slice.endpoints,
        "ports": slice.ports,
    })
}

/// Every Service that selects the Pod, as it was or as it is.
fn services_of_pod(world: &World, change: &Change<Pod>) -> Vec<ObjectKey> {
    if change.before.as_ref().zip(change.after.as_ref()).is_some_and(|(one, other)| desired::same(one, other))
    {
        return Vec::new();
    }
    let Some(pod) = change.both().next() else { return Vec::new() };
    let services = world.services.in_namespace(pod.metadata.namespace.as_deref().unwrap_or_default());
    let selected = |service: &&Arc<Service>| change.both().any(|pod| desired::is_selected(service, pod));
    services.iter().filter(selected).map(|service| ObjectKey::of(&service.metadata)).collect()
}

/// Whether a Node is in another zone than before.
fn has_moved(change: &Change<Node>) -> bool {
    let zone = |node: &Option<Arc<Node>>| node.as_deref().and_then(zone_of).cloned();
    zone(&change.before) != zone(&change.after)
}

fn zone_of(node: &Node) -> Option<&String> {
    node.metadata.labels.as_ref()?.get(ZONE)
}

fn service_of(slice: &EndpointSlice) -> Option<ObjectKey> {
    let labels = slice.metadata.labels.as_ref()?;
    let name = labels.get(SERVICE_NAME).filter(|_| labels.get(MANAGED_BY).is_some_and(|by| by == MANAGER))?;
    Some(ObjectKey::new(slice.metadata.namespace.as_deref().unwrap_or_default(), name))
}

/// Whether a slice is one that this controller made for exactly this Service.
fn is_ours(slice: &EndpointSlice, service: &Service) -> bool {
    let owners = slice.metadata.owner_references.as_deref().unwrap_or_default();
    service_of(slice) == Some(ObjectKey::of(&service.metadata))
        && owners.iter().any(|owner| Some(&owner.uid) == service.metadata.uid.as_ref())
        && slice.metadata.deletion_timestamp.is_none()
}
