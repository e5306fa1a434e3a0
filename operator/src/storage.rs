//! The leader's loop over Blobstores in S3: what each asks for comes in, calls go out until AWS and the Secret are as ordered, and what was found goes to the
//! planner for the Blobstore's status.
//!
//! ```text
//! StorageOrders --one keeper.rs each--> observe.rs (reads) --> plan::blobstore::plan --> effects/storage.rs (writes) --> and again, until no call is left
//!                                          '-- S3, IAM, the Secret, Pods                       '--StorageReport--> planner
//! ```
//!
//! It runs while this process leads and not a moment longer: it is dropped with the lead. Each pass observes everything anew, so that it may be dropped
//! anywhere. All Blobstores of a region share their clients, and so the pace of the calls. Without a Cluster that declares AWS no client is made.

pub(crate) mod foresight;
mod keeper;
mod leader;
mod observe;
pub(crate) mod secret;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use aws::{Buckets, Principals};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use plan::aws::Failure;
use plan::aws::storage::StorageOrder;
use plan::blobstore::StorageReport;
use plan::{ObjectKey, Refusal};
use tokio::sync::{Mutex, watch};
use tokio::task::{AbortHandle, JoinSet};

use crate::effects::StorageOrders;
use keeper::Keeper;
pub(crate) use leader::Leader;
use secret::{Stored, Written};

/// What of AWS a Blobstore needs.
#[derive(Clone)]
pub(crate) struct Clients {
    /// Buckets.
    pub(crate) buckets: Arc<dyn Buckets>,
    /// Users, roles and access keys.
    pub(crate) principals: Arc<dyn Principals>,
}

/// What a look at a Blobstore needs of the Kubernetes API, replaceable in a test.
pub(crate) trait Reads: Send + Sync {
    /// The Secret of this name, if there is one.
    fn read_secret(&self, secret: &ObjectKey)
    -> impl Future<Output = Result<Option<Stored>, Failure>> + Send;

    /// The Pods of a namespace.
    fn pods(&self, namespace: &str) -> impl Future<Output = Result<Vec<Pod>, Failure>> + Send;
}

/// What the loop needs beside AWS itself, replaceable in a test.
pub(crate) trait Surroundings: Reads + 'static {
    /// The present time.
    fn now(&self) -> Timestamp;

    /// The clients of a region. It calls nobody.
    fn connect(&self, region: &str) -> impl Future<Output = Clients> + Send;

    /// Writes a Secret if it is still of the version that was read, and tells its new version.
    fn write_secret(
        &self,
        secret: &ObjectKey,
        written: Written,
    ) -> impl Future<Output = Result<String, Failure>> + Send;

    /// Deletes a Secret of this version; one that is gone is a success.
    fn delete_secret(
        &self,
        secret: &ObjectKey,
        version: &str,
    ) -> impl Future<Output = Result<(), Failure>> + Send;

    /// Has the API keep the Blobstore until everything is undone, and says whether it does.
    fn hold(&self, order: &StorageOrder) -> impl Future<Output = bool> + Send;

    /// Lets the API delete the Blobstore, and says whether it may now.
    fn let_go(&self, order: &StorageOrder) -> impl Future<Output = bool> + Send;

    /// Takes what a pass found.
    fn report(&self, report: StorageReport) -> impl Future<Output = ()> + Send;

    /// Tells what somebody else had changed, and was put right.
    fn tell_drift(&self, order: &StorageOrder, drift: &[String]) -> impl Future<Output = ()> + Send;

    /// Tells what is no fault and should be known all the same.
    fn warn(&self, order: &StorageOrder, warnings: &[Refusal]) -> impl Future<Output = ()> + Send;
}

/// The surroundings, and the clients that all Blobstores share.
struct Desk<S> {
    surroundings: S,
    /// Those of the last region that was asked for: there is one active Cluster, and so one region at a time.
    clients: Mutex<Option<(String, Clients)>>,
}

/// A running keeper; it ends when this is dropped.
struct Kept {
    order: watch::Sender<Arc<StorageOrder>>,
    task: AbortHandle,
}

/// Follows the orders until nobody can give one any more.
pub(crate) async fn run<S: Surroundings>(surroundings: S, mut orders: watch::Receiver<StorageOrders>) {
    let desk = Arc::new(Desk { surroundings, clients: Mutex::default() });
    let mut keepers: BTreeMap<ObjectKey, Kept> = BTreeMap::new();
    let mut tasks = JoinSet::new();
    loop {
        let declared = orders.borrow_and_update().clone();
        keepers.retain(|key, _| declared.contains_key(key));
        // A folder of this machine is no business of AWS.
        for (key, order) in declared.into_iter().filter(|(_, order)| order.bucket().is_some()) {
            match keepers.get(&key) {
                Some(kept) => kept.follow(order),
                None => drop(keepers.insert(key, Kept::start(&desk, order, &mut tasks))),
            }
        }
        tokio::select! {
            changed = orders.changed() => if changed.is_err() {
                return;
            },
            Some(ended) = tasks.join_next() => if ended.is_err_and(|error| error.is_panic()) {
                // A bug; the end of this loop is reported, and everything begins anew.
                return;
            },
        }
    }
}

impl Kept {
    fn start<S: Surroundings>(
        desk: &Arc<Desk<S>>,
        order: Arc<StorageOrder>,
        tasks: &mut JoinSet<()>,
    ) -> Self {
        let (order, received) = watch::channel(order);
        let task = tasks.spawn(Keeper::new(Arc::clone(desk)).keep(received));
        Self { order, task }
    }

    /// Tells the keeper only what is new, because every order has it look at once.
    fn follow(&self, order: Arc<StorageOrder>) {
        self.order.send_if_modified(|before| {
            let is_new = !Arc::ptr_eq(before, &order);
            *before = order;
            is_new
        });
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl<S: Surroundings> Desk<S> {
    async fn clients(&self, region: &str) -> Clients {
        let mut known = self.clients.lock().await;
        match &*known {
            Some((known, clients)) if known == region => clients.clone(),
            _ => {
                let clients = self.surroundings.connect(region).await;
                *known = Some((region.to_owned(), clients.clone()));
                clients
            }
        }
    }
}
