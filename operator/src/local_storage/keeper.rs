//! Keeps every Blobstore of this machine as it is ordered: look after look, each from the beginning.
//!
//! | it looks again      | because                                                                             |
//! |---------------------|-------------------------------------------------------------------------------------|
//! | when orders change  | a Blobstore was declared, edited or deleted                                         |
//! | every five seconds  | the Secret was changed, the last object deleted, the port or the disk is free again |
//!
//! A key opens the folder before the Secret has it, so that no App ever has one that opens nothing. One that is not in the Secret any more ends when no
//! Pod was started with it. The finalizer is there before the first write, and goes when the rest has gone or is to stay.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use blobstore::{AccessKey, Objects, OpenError, StartError, kept_key, variables};
use crds::{Blobstore, ConditionType, DeletionPolicy, Reason};
use kube::{Api, Client};
use plan::aws::storage::StorageOrder;
use plan::blobstore::{StorageReport, local, secret_taken, users};
use plan::{ObjectKey, Refusal, Transition};
use tokio::sync::{mpsc, watch};
use tokio::task::spawn_blocking;
use tokio::time::sleep;

use super::LocalStorage;
use super::secret::{self, Credentials};
use super::shelf::Shelf;
use crate::effects::event::{Events, Regarding};
use crate::effects::{StorageOrders, credentials, finalizer};
use crate::reason::root_cause;
use crate::reconcile::Input;

/// How long everything may go unlooked at.
const RESYNC: Duration = Duration::from_secs(5);

/// Keeps the Blobstores of this machine.
pub(crate) struct Keeper {
    storage: Arc<LocalStorage>,
    client: Client,
    events: Events,
    inputs: mpsc::Sender<Input>,
    shelves: BTreeMap<ObjectKey, Shelf>,
}

/// Follows the orders until nobody can give one any more.
pub(crate) async fn run(mut keeper: Keeper, mut orders: watch::Receiver<StorageOrders>) {
    loop {
        let declared = orders.borrow_and_update().clone();
        keeper.shelves.retain(|key, _| declared.contains_key(key));
        for order in declared.values().filter(|order| order.spec.local.is_some()) {
            keeper.look(order).await;
        }
        tokio::select! {
            changed = orders.changed() => if changed.is_err() {
                return;
            },
            () = sleep(RESYNC) => {}
        }
    }
}

impl Keeper {
    /// With nothing open yet.
    pub(crate) fn new(
        storage: Arc<LocalStorage>,
        client: Client,
        events: Events,
        inputs: mpsc::Sender<Input>,
    ) -> Self {
        Self { storage, client, events, inputs, shelves: BTreeMap::new() }
    }

    async fn look(&mut self, order: &StorageOrder) {
        let report = match order.deleted_at {
            None => Some(StorageReport::local(order, self.provide(order).await)),
            Some(_) => self.remove(order).await.err(),
        };
        if let Some(report) = report {
            // It fails only when the process ends.
            let _ = self.inputs.send(Input::Storage(Box::new(report))).await;
        }
    }

    /// Has the objects served and the Secret say where.
    async fn provide(&mut self, order: &StorageOrder) -> Result<Credentials, Refusal> {
        self.hold(order).await?;
        let (address, _) = self.storage.serve().await.map_err(|error| unserved(&error))?;
        let stored = secret::read(&self.client, order).await?;
        if stored.as_ref().is_some_and(|stored| !stored.state(order).ours) {
            return Err(secret_taken(order));
        }
        let kept = stored.as_ref().and_then(|stored| kept_key(stored.entries()));
        let key = kept.clone().unwrap_or_else(AccessKey::generate);
        self.shelf(order).await?.admit(&key);
        let entries = variables(address, &key);
        let credentials = secret::keep(&self.client, order, stored, entries).await;
        let in_secret = credentials.as_ref().ok().cloned();
        match in_secret {
            Some(credentials) => self.end_former_keys(order, &key, &credentials).await,
            // If it was written all the same, the next look finds it there.
            None if kept.is_none() => self.shelf(order).await?.end(|other| *other == key),
            None => {}
        }
        credentials
    }

    /// Ends the keys that were in the Secret before, once every Pod that uses it has the present one.
    async fn end_former_keys(&mut self, order: &StorageOrder, key: &AccessKey, credentials: &Credentials) {
        let Some(shelf) = self.shelves.get_mut(&order.key()) else { return };
        if !shelf.has_other_than(key) {
            return;
        }
        let Ok(pods) = credentials::pods(&self.client, &order.owner.namespace).await else { return };
        let (id, written_at) = credentials;
        let users = users(order, written_at.map(|at| (id, at)), &pods);
        if users.iter().all(|user| user.key.as_ref() == Some(id)) {
            shelf.end(|other| other != key);
        }
    }

    /// Undoes what was made, as far as it may be. An error is what there is to report.
    async fn remove(&mut self, order: &StorageOrder) -> Result<(), StorageReport> {
        let failed = |refusal| StorageReport::local(order, Err(refusal));
        match order.spec.deletion_policy {
            DeletionPolicy::Retain => drop(self.shelves.remove(&order.key())),
            DeletionPolicy::Delete => {
                self.refuse_if_needed(order).await?;
                self.delete_folder(order).await.map_err(failed)?;
                secret::delete(&self.client, order).await.map_err(failed)?;
            }
        }
        if self.let_go(order).await && order.spec.deletion_policy == DeletionPolicy::Retain {
            self.tell_retained(order).await;
        }
        Ok(())
    }

    /// Refuses where objects are in the way; then everything is served as before.
    async fn refuse_if_needed(&mut self, order: &StorageOrder) -> Result<(), StorageReport> {
        let objects = match self.shelf(order).await {
            Ok(shelf) => shelf.count(),
            Err(refusal) => return Err(StorageReport::local(order, Err(refusal))),
        };
        let folder = self.storage.folder(&order.key());
        let Some(refusal) = local::blocked(order, &folder, objects) else { return Ok(()) };
        let report = StorageReport::local(order, self.provide(order).await);
        Err(report.with_objects_in_the_way(objects, refusal))
    }

    async fn delete_folder(&mut self, order: &StorageOrder) -> Result<(), Refusal> {
        let key = order.key();
        let folder = self.storage.folder(&key);
        if let Some(shelf) = self.shelves.get_mut(&key) {
            shelf.end(|_| true);
            // What was counted before its key ended may be one less than there is now.
            let refusal = local::blocked(order, &folder, shelf.count());
            if refusal.is_some() || shelf.is_in_use() {
                let message = "requests that have begun are still answered";
                return Err(refusal.unwrap_or_else(|| Refusal::new(Reason::Progressing, message)));
            }
        }
        self.shelves.remove(&key);
        let deleted = in_the_background(move || match std::fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err((folder, error)),
            _ => Ok(()),
        });
        deleted.await.map_err(|(folder, error)| {
            let message = format!("{} cannot be deleted ({error}): mend its permissions", folder.display());
            Refusal::new(Reason::ObjectsUnavailable, message)
        })
    }

    /// The open folder of a Blobstore.
    async fn shelf(&mut self, order: &StorageOrder) -> Result<&mut Shelf, Refusal> {
        let key = order.key();
        if !self.shelves.contains_key(&key) {
            let (_, access) = self.storage.serve().await.map_err(|error| unserved(&error))?;
            let folder: PathBuf = self.storage.folder(&key);
            let objects = in_the_background(move || Objects::open(&folder)).await;
            let objects = objects.map_err(|error| unopened(&error))?;
            self.shelves.insert(key.clone(), Shelf::new(objects, access));
        }
        Ok(self.shelves.get_mut(&key).expect("it was put there"))
    }

    /// Has the API keep the Blobstore until its end is ours. One that is being deleted takes no finalizer any more.
    async fn hold(&self, order: &StorageOrder) -> Result<(), Refusal> {
        if order.has_finalizer || order.deleted_at.is_some() {
            return Ok(());
        }
        let held = finalizer::hold(&self.blobstores(order), &order.owner.name, &order.uid).await;
        held.map_err(|error| {
            let message = format!("the Blobstore takes no finalizer ({})", root_cause(&error));
            Refusal::new(Reason::ApplyFailed, message)
        })
    }

    async fn let_go(&self, order: &StorageOrder) -> bool {
        let let_go = finalizer::let_go(&self.blobstores(order), &order.owner.name, &order.uid).await;
        if let Err(error) = &let_go {
            tracing::warn!(blobstore = %order.key(), cause = root_cause(error), "the finalizer of the Blobstore stays");
        }
        let_go.is_ok()
    }

    async fn tell_retained(&self, order: &StorageOrder) {
        let Refusal { reason, message } = local::retained(order, &self.storage.folder(&order.key()));
        let transition = Transition { condition: ConditionType::Ready, holds: true, reason, message };
        let regarding = Regarding::object::<Blobstore>(&order.key(), &order.uid);
        self.events.publish(&regarding, &[transition]).await;
    }

    fn blobstores(&self, order: &StorageOrder) -> Api<Blobstore> {
        Api::namespaced(self.client.clone(), &order.owner.namespace)
    }
}

fn unserved(error: &StartError) -> Refusal {
    let message = format!("{error} with --blobstore-port ({})", root_cause(error));
    Refusal::new(Reason::ObjectsUnavailable, message)
}

fn unopened(error: &OpenError) -> Refusal {
    let message = match error {
        OpenError::Locked { .. } => error.to_string(),
        OpenError::Folder { .. } => format!("{error} ({})", root_cause(error)),
    };
    Refusal::new(Reason::ObjectsUnavailable, message)
}

/// What waits for the disk does so beside the runtime.
async fn in_the_background<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match spawn_blocking(work).await {
        Ok(outcome) => outcome,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}
