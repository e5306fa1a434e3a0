//! The leader's writes: steps of the plan come in, requests to the API server go out, their outcomes go back to the plan.
//!
//! ```text
//! Step -+- objects  --writer--> effects/object.rs --> server-side apply, delete --> Outcome, Retry
//!       |- statuses --writer--> effects/status.rs --> status, then effects/event.rs
//!       |- cloud    --cloud.rs--> effects/cloud.rs --> AWS --> Report
//!       '- storage  --storage.rs--> effects/storage.rs --> AWS, effects/credentials.rs --> StorageReport
//!                   --local_storage.rs--> folders of this machine, effects/credentials.rs --> StorageReport
//! ```
//!
//! Nothing else in the operator writes, but a node its own RouterNode (`effects/report.rs`) and its own table
//! (`effects/route.rs`). Writing never holds up planning. All of it stops at once when [`Effects`] is dropped.

mod authority;
pub(crate) mod cloud;
pub(crate) mod credentials;
pub(crate) mod event;
pub(crate) mod finalizer;
mod object;
mod queue;
pub(crate) mod report;
pub(crate) mod route;
mod router_key;
mod status;
pub(crate) mod storage;
mod writer;

use std::collections::BTreeMap;
use std::sync::Arc;

use kube::Client;
use plan::aws::Order;
use plan::aws::storage::StorageOrder;
use plan::{Kind, ObjectChanges, ObjectKey, StatusWrite, Step, Unit};
use tokio::sync::mpsc::{self, UnboundedSender};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::cloud::Leader;
use crate::lease::Tenure;
use crate::local_storage::{self, LocalStorage};
use crate::metrics::EffectMetrics;
use crate::metrics::cloud::CloudMetrics;
use crate::reconcile::Input;
use event::Events;
use object::Objects;
use status::Statuses;

/// What every Blobstore asks for that can be followed, or is being deleted and had something made.
pub(crate) type StorageOrders = BTreeMap<ObjectKey, Arc<StorageOrder>>;

/// What the writers of a leader work with.
pub(crate) struct Tools {
    /// Of the API server.
    pub(crate) client: Client,
    /// The name of this process.
    pub(crate) identity: String,
    /// Where outcomes go.
    pub(crate) inputs: mpsc::Sender<Input>,
    /// What writes to the API count.
    pub(crate) metrics: EffectMetrics,
    /// What calls to AWS count.
    pub(crate) cloud_metrics: CloudMetrics,
    /// For how long this process leads.
    pub(crate) tenure: Tenure,
    /// Where this machine keeps objects, if it does.
    pub(crate) local: Option<Arc<LocalStorage>>,
}

/// The running writers of a leader.
#[derive(Debug)]
pub(crate) struct Effects {
    objects: UnboundedSender<(Unit, ObjectChanges)>,
    statuses: UnboundedSender<((Kind, ObjectKey), StatusWrite)>,
    cloud: watch::Sender<Option<Arc<Order>>>,
    storage: watch::Sender<StorageOrders>,
    writers: JoinSet<()>,
}

impl Effects {
    /// Begins to write.
    pub(crate) fn start(tools: Tools) -> Self {
        let Tools { client, identity, inputs, metrics, cloud_metrics, tenure, local } = tools;
        let (objects, object_orders) = mpsc::unbounded_channel();
        let (statuses, status_orders) = mpsc::unbounded_channel();
        let (cloud, cloud_orders) = watch::channel(None);
        let mut writers = JoinSet::new();
        writers
            .spawn(writer::run(Objects::new(client.clone(), inputs.clone(), metrics.clone()), object_orders));
        let of_statuses = Statuses::new(client.clone(), &identity, inputs.clone(), metrics);
        writers.spawn(writer::run(of_statuses, status_orders));
        let (storage, storage_orders) = watch::channel(StorageOrders::new());
        let of_buckets = crate::storage::Leader {
            events: Events::new(client.clone(), &identity),
            client: client.clone(),
            inputs: inputs.clone(),
            metrics: cloud_metrics.clone(),
            tenure: tenure.clone(),
        };
        if let Some(local) = local {
            let events = Events::new(client.clone(), &identity);
            let keeper = local_storage::Keeper::new(local, client.clone(), events, inputs.clone());
            writers.spawn(local_storage::run(keeper, storage_orders.clone()));
        }
        writers.spawn(crate::storage::run(of_buckets, storage_orders));
        let leader = Leader::new(client, &identity, inputs, cloud_metrics, tenure);
        writers.spawn(crate::cloud::run(leader, cloud_orders));
        Self { objects, statuses, cloud, storage, writers }
    }

    /// Has a step carried out. It returns at once.
    pub(crate) fn execute(&self, step: Step) {
        // The table is a node's, and the time of the next look is the reconciler's.
        let Step { table: _, objects, statuses, cloud, storage, recheck_at: _ } = step;
        for order in objects {
            // A writer ends only by a bug, which `ended` reports.
            let _ = self.objects.send(order);
        }
        for status in statuses {
            let _ = self.statuses.send(((status.kind, status.key.clone()), status));
        }
        if let Some(order) = cloud {
            self.cloud.send_replace(order);
        }
        if !storage.is_empty() {
            self.storage.send_modify(|orders| take(orders, storage));
        }
    }

    /// Waits until a writer has ended, which none does by itself.
    pub(crate) async fn ended(&mut self) {
        if let Some(Err(panic)) = self.writers.join_next().await {
            tracing::error!(%panic, "a writer ended");
        }
    }
}

/// Takes in the orders that changed; one that is nothing has ended.
fn take(orders: &mut StorageOrders, changed: BTreeMap<ObjectKey, Option<Arc<StorageOrder>>>) {
    for (key, order) in changed {
        match order {
            Some(order) => orders.insert(key, order),
            None => orders.remove(&key),
        };
    }
}

#[cfg(test)]
mod tests {
    use crds::Blobstore;
    use plan::Platform;

    use super::*;

    #[test]
    fn an_order_replaces_the_one_before_and_ends_without_the_others() {
        let order = |name: &str, installation: &str| {
            let order = StorageOrder::of(
                &Blobstore::new(name, crds::BlobstoreSpec::default()),
                installation,
                None,
                Platform::Kubernetes,
            );
            (order.key(), Some(Arc::new(order)))
        };
        let mut orders = StorageOrders::new();
        take(&mut orders, [order("a", "1"), order("b", "1")].into());
        take(&mut orders, [order("a", "2"), (ObjectKey::new("", "b"), None)].into());
        let left: Vec<_> =
            orders.values().map(|order| (&*order.owner.name, &*order.owner.installation)).collect();
        assert_eq!(left, [("a", "2")]);
    }
}
