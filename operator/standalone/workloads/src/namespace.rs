//! Namespaces that are being deleted: everything in them goes, then they go.
//!
//! Pods go first, since they may need the rest to end well. Each pass deletes what is there and says in the status what
//! remains; the next one follows when something has gone, or after a while.

mod conditions;

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Namespace;
use kube::api::{DeleteParams, ListParams, Patch};
use kube::{Api, Client};
use serde_json::json;

use crate::key::ObjectKey;
use crate::kinds::{Kind, discover};
use crate::queue::{Again, Queue};
use crate::refusal;
use crate::world::World;
use crate::write::{self, patched, posted};

/// The finalizer in the spec that this controller takes away.
const FINALIZER: &str = "kubernetes";

/// The next pass if nothing is heard: for finalizers that nobody tells of.
const NEXT_PASS: Duration = Duration::from_secs(5);

/// The next pass after something has gone: much else may go in the same moment.
const SOON: Duration = Duration::from_millis(20);

/// What a namespace still contains.
#[derive(Debug, Default, PartialEq)]
struct Remains {
    /// The objects of each kind.
    kinds: BTreeMap<String, usize>,
    /// The objects with each finalizer.
    finalizers: BTreeMap<String, usize>,
    /// What could not be deleted or listed, and why.
    failures: Vec<String>,
}

/// The controller of namespaces.
pub(crate) struct Namespaces {
    world: Arc<World>,
    queue: Arc<Queue<ObjectKey>>,
}

impl Namespaces {
    pub(crate) fn new(world: &Arc<World>) -> Self {
        let queue: Arc<Queue<ObjectKey>> = Arc::default();
        let own = Arc::clone(&queue);
        world.namespaces.subscribe(move |change| {
            if let Some(namespace) = change.after.as_ref().filter(|namespace| is_terminating(namespace)) {
                own.add(ObjectKey::of(&namespace.metadata));
            }
        });
        Self { world: Arc::clone(world), queue }
    }

    /// To be told that a namespace has lost its last object of a kind.
    pub(crate) fn emptied(&self) -> impl Fn(&str) + Send + Sync + 'static {
        let (world, queue) = (Arc::downgrade(&self.world), Arc::clone(&self.queue));
        move |name| {
            let key = ObjectKey::new("", name);
            let namespace = world.upgrade().and_then(|world| world.namespaces.get(&key));
            if namespace.is_some_and(|namespace| is_terminating(&namespace)) {
                queue.add_after(key, SOON);
            }
        }
    }

    pub(crate) async fn run(self) -> Infallible {
        self.world.namespaces.listed().await;
        self.queue.serve(|key| self.reconcile(key)).await
    }

    async fn reconcile(&self, key: ObjectKey) -> kube::Result<Again> {
        let client = &self.world.client;
        let namespaces: Api<Namespace> = Api::all(client.clone());
        let Some(namespace) = namespaces.get_opt(&key.name).await? else { return Ok(None) };
        if !is_terminating(&namespace) || !is_held(&namespace) {
            return Ok(None);
        }
        let remains = empty(client, &key.name).await?;
        let namespace = self.tell(&namespaces, namespace, &remains).await?;
        if remains.kinds.is_empty() && remains.failures.is_empty() {
            finalize(&namespaces, namespace).await?;
            return Ok(None);
        }
        Ok(Some(NEXT_PASS))
    }

    /// Writes into the status what remains.
    async fn tell(
        &self,
        namespaces: &Api<Namespace>,
        namespace: Namespace,
        remains: &Remains,
    ) -> kube::Result<Namespace> {
        let before = namespace.status.clone().unwrap_or_default();
        let after = conditions::told(&before, remains, Timestamp::now());
        if after == before {
            return Ok(namespace);
        }
        let name = namespace.metadata.name.as_deref().unwrap_or_default();
        let patch = Patch::Merge(write::status(&namespace, Some(&before), &after));
        namespaces.patch_status(name, &patched(), &patch).await
    }
}

/// Deletes everything in a namespace, and says what is left.
async fn empty(client: &Client, namespace: &str) -> kube::Result<Remains> {
    let mut remains = Remains::default();
    let kinds = discover(client).await?;
    let kinds = kinds.into_iter().filter(|kind| kind.is_namespaced && kind.can(&["delete", "list"]));
    let (pods, others): (Vec<_>, Vec<_>) = kinds.partition(|kind| kind.name() == "pods");
    for kind in &pods {
        empty_of(client, namespace, kind, &mut remains).await;
    }
    if remains.kinds.is_empty() {
        for kind in &others {
            empty_of(client, namespace, kind, &mut remains).await;
        }
    }
    Ok(remains)
}

async fn empty_of(client: &Client, namespace: &str, kind: &Kind, remains: &mut Remains) {
    if let Err(error) = delete_all(client, namespace, kind, remains).await {
        remains.failures.push(format!("{}: {}", kind.name(), refusal::message(&error)));
    }
}

async fn delete_all(
    client: &Client,
    namespace: &str,
    kind: &Kind,
    remains: &mut Remains,
) -> kube::Result<()> {
    let objects = kind.api(client, namespace);
    let everything = ListParams::default();
    if objects.list_metadata(&everything.clone().limit(1)).await?.items.is_empty() {
        return Ok(());
    }
    let background = DeleteParams::background();
    if kind.can(&["deletecollection"]) {
        objects.delete_collection(&background, &everything).await?;
    } else {
        for object in objects.list_metadata(&everything).await? {
            let name = object.metadata.name.as_deref().unwrap_or_default();
            refusal::unless_gone(objects.delete(name, &background).await)?;
        }
    }
    let left = objects.list_metadata(&everything).await?.items;
    if !left.is_empty() {
        let name = format!("{}.{}", kind.resource.plural, kind.resource.group);
        remains.kinds.insert(name, left.len());
    }
    for finalizer in left.iter().flat_map(|object| object.metadata.finalizers.iter().flatten()) {
        *remains.finalizers.entry(finalizer.clone()).or_default() += 1;
    }
    Ok(())
}

/// Takes our finalizer away, which is the end of the namespace if there is no other.
async fn finalize(namespaces: &Api<Namespace>, mut namespace: Namespace) -> kube::Result<()> {
    let name = namespace.metadata.name.clone().unwrap_or_default();
    let finalizers = namespace.spec.get_or_insert_default().finalizers.get_or_insert_default();
    finalizers.retain(|finalizer| finalizer != FINALIZER);
    let body = json!({
        "apiVersion": "v1", "kind": "Namespace", "metadata": namespace.metadata, "spec": namespace.spec
    });
    let finalized = namespaces.replace_subresource("finalize", &name, &posted(), &body).await;
    refusal::unless_gone(finalized).map(drop)
}

fn is_terminating(namespace: &Namespace) -> bool {
    namespace.metadata.deletion_timestamp.is_some()
}

/// Whether our finalizer is there.
fn is_held(namespace: &Namespace) -> bool {
    let finalizers = namespace.spec.as_ref().and_then(|spec| spec.finalizers.as_ref());
    finalizers.into_iter().flatten().any(|finalizer| finalizer == FINALIZER)
}
