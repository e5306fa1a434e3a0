//! Blobstores in a fake account, and leaders' loops that keep them. Time is played: what takes hours is over at once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use crds::{AwsMode, Blobstore, BlobstoreSpec, Bucket, DeletionPolicy};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use plan::aws::storage::{self, AccessKey, PrincipalKind, StorageOrder};
use plan::aws::{AccessKeyId, Failure, Fault};
use plan::blobstore::StorageReport;
use plan::{Finding, ObjectKey, Platform, Refusal};
use serde_json::json;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::account::Account;
use crate::effects::StorageOrders;
use crate::storage::secret::{Stored, Written};
use crate::storage::{Clients, Reads, Surroundings, run};

/// The account, and what was told.
pub(super) struct Stage {
    pub(super) account: Arc<Account>,
    pub(super) told: Mutex<Told>,
    /// The Blobstores that the API keeps.
    pub(super) held: Mutex<BTreeSet<ObjectKey>>,
    /// How often clients were made.
    pub(super) clients: AtomicUsize,
}

/// What was told.
#[derive(Debug, Default)]
pub(super) struct Told {
    pub(super) reports: BTreeMap<ObjectKey, StorageReport>,
    pub(super) drift: Vec<String>,
    pub(super) warnings: Vec<Refusal>,
    /// The text of everything that was ever told.
    pub(super) text: String,
}

/// A leader's loop; it ends when this is dropped.
pub(super) struct Loop {
    orders: watch::Sender<StorageOrders>,
    _task: JoinSet<()>,
}

impl Stage {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            account: Account::new(),
            told: Mutex::default(),
            held: Mutex::default(),
            clients: AtomicUsize::default(),
        })
    }

    /// Begins a loop with these orders.
    pub(super) fn lead(self: &Arc<Self>, orders: impl IntoIterator<Item = StorageOrder>) -> Loop {
        let (orders, received) = watch::channel(by_key(orders));
        let mut task = JoinSet::new();
        task.spawn(run(Arc::clone(self), received));
        Loop { orders, _task: task }
    }

    pub(super) fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap()
    }

    pub(super) fn writes(&self) -> usize {
        self.account.state().writes.len()
    }

    pub(super) fn refuse(&self, call: Option<&'static str>, fault: Option<Fault>) {
        self.account.state().refusal = fault.map(|fault| (call, fault));
    }

    /// The reason of a part of the last report about `blobs`, if it has one.
    pub(super) fn reason(&self, part: impl Fn(&StorageReport) -> Option<Finding>) -> Option<String> {
        let told = self.told();
        part(told.reports.get(&ObjectKey::new("shop", "blobs"))?)?.err().map(|it| it.reason.to_string())
    }

    /// The keys of an order's user.
    pub(super) fn keys(&self, order: &StorageOrder) -> Vec<AccessKey> {
        self.account.state().keys.get(&order.owner.principal()).cloned().unwrap_or_default()
    }

    /// The access key in an order's Secret.
    pub(super) fn key_in_secret(&self, order: &StorageOrder) -> Option<AccessKeyId> {
        self.entry(order, "AWS_ACCESS_KEY_ID").map(AccessKeyId::new)
    }

    fn entry(&self, order: &StorageOrder, name: &str) -> Option<String> {
        let state = self.account.state();
        let bytes = state.secrets.get(&order.secret())?.data.as_ref()?.get(name)?.0.clone();
        String::from_utf8(bytes).ok()
    }

    /// A Pod of an App, which was started with this key.
    pub(super) fn start_pod(&self, order: &StorageOrder, key: Option<AccessKeyId>) {
        let key = key.map(|key| key.to_string()).unwrap_or_default();
        let pod = json!({"metadata": {"name": "www-1", "namespace": order.owner.namespace,
            "labels": {"flynn.io/blobstore": order.owner.name}, "annotations": {"flynn.io/blobstore-key": key}}});
        self.account.state().pods = vec![serde_json::from_value(pod).unwrap()];
    }

    /// Whether there is what a Blobstore in S3 needs, and nothing else; otherwise what is not so.
    pub(super) fn settled(&self, order: &StorageOrder) -> Result<(), String> {
        let name = order.owner.principal();
        let id = self.key_in_secret(order).ok_or("no key in the Secret")?;
        let secret = self.entry(order, "AWS_SECRET_ACCESS_KEY");
        let state = self.account.state();
        let bucket = &order.bucket().unwrap().bucket;
        let found = state.buckets.get(bucket).ok_or("no bucket")?;
        let settings = &found.settings;
        let is_kept = settings.public_access_blocked
            && settings.owner_enforced
            && settings.encryption.is_some()
            && settings.policy.is_some()
            && settings.uploads_aborted_after_days.is_some()
            && !found.tags.is_empty();
        if !is_kept {
            return Err(format!("the bucket is not as declared: {found:?}"));
        }
        let user = state.principals.get(&(PrincipalKind::User, name.clone())).ok_or("no user")?;
        if user.policies.is_empty() {
            return Err("the user has no policy".into());
        }
        if secret.as_ref() != state.issued.get(&id) {
            return Err("the secret key is another key's".into());
        }
        let active: Vec<_> = state.keys[&name].iter().filter(|key| key.active).collect();
        if active.iter().all(|key| key.id == id) && active.len() == 1 {
            return Ok(());
        }
        Err(format!("{id} is in the Secret, and active are {active:?}"))
    }

    /// Whether nothing is left; otherwise what is.
    pub(super) fn undone(&self) -> Result<(), String> {
        let state = self.account.state();
        let keys: usize = state.keys.values().map(Vec::len).sum();
        let left = [state.buckets.len(), state.principals.len(), keys, state.secrets.len()];
        if left == [0; 4] { Ok(()) } else { Err(format!("buckets, users, keys and Secrets: {left:?}")) }
    }
}

impl Loop {
    /// Changes the orders.
    pub(super) fn order(&self, orders: impl IntoIterator<Item = StorageOrder>) {
        self.orders.send_replace(by_key(orders));
    }
}

fn by_key(orders: impl IntoIterator<Item = StorageOrder>) -> StorageOrders {
    orders.into_iter().map(|order| (order.key(), Arc::new(order))).collect()
}

impl Reads for Arc<Stage> {
    async fn read_secret(&self, secret: &ObjectKey) -> Result<Option<Stored>, Failure> {
        self.account.read_secret(secret).await
    }

    async fn pods(&self, _: &str) -> Result<Vec<Pod>, Failure> {
        self.account.pods().await
    }
}

impl Surroundings for Arc<Stage> {
    fn now(&self) -> Timestamp {
        self.account.now()
    }

    async fn connect(&self, _: &str) -> Clients {
        self.clients.fetch_add(1, Ordering::Relaxed);
        Clients { buckets: self.account.clone(), principals: self.account.clone() }
    }

    async fn write_secret(&self, secret: &ObjectKey, written: Written) -> Result<String, Failure> {
        self.account.write_secret(secret, written).await
    }

    async fn delete_secret(&self, secret: &ObjectKey, version: &str) -> Result<(), Failure> {
        self.account.delete_secret(secret, version).await
    }

    async fn hold(&self, order: &StorageOrder) -> bool {
        let was_there = !self.held.lock().unwrap().insert(order.key());
        assert!(
            was_there || self.writes() == 0 || order.key().name != "blobs",
            "it comes before the first write"
        );
        true
    }

    async fn let_go(&self, order: &StorageOrder) -> bool {
        self.held.lock().unwrap().remove(&order.key());
        true
    }

    async fn report(&self, report: StorageReport) {
        let mut told = self.told();
        told.text += &format!("{report:?}");
        told.reports.insert(report.blobstore.clone(), report);
    }

    async fn tell_drift(&self, _: &StorageOrder, drift: &[String]) {
        self.told().drift.extend_from_slice(drift);
    }

    async fn warn(&self, _: &StorageOrder, warnings: &[Refusal]) {
        self.told().warnings.extend_from_slice(warnings);
    }
}

/// An order for `shop/blobs` with the bucket `acme-blobs`.
pub(super) fn order() -> StorageOrder {
    named("blobs")
}

/// An order for a Blobstore of this name in the namespace `shop`.
pub(super) fn named(name: &str) -> StorageOrder {
    let bucket = Bucket { bucket: format!("acme-{name}"), region: "us-east-1".into(), ..Bucket::default() };
    let spec = BlobstoreSpec { s3: Some(bucket), ..BlobstoreSpec::default() };
    let mut blobstore = Blobstore::new(name, spec);
    blobstore.metadata.namespace = Some("shop".into());
    blobstore.metadata.uid = Some(format!("uid-of-{name}"));
    let account = storage::Account { region: "us-east-1".into(), mode: AwsMode::Apply };
    StorageOrder::of(&blobstore, "installation", Some(account), Platform::Kubernetes)
}

/// The order of one that has the finalizer already.
pub(super) fn held(order: StorageOrder) -> StorageOrder {
    StorageOrder { has_finalizer: true, ..order }
}

/// The order in this mode.
pub(super) fn in_mode(mode: AwsMode, mut order: StorageOrder) -> StorageOrder {
    order.account.as_mut().unwrap().mode = mode;
    order
}

/// The order of one that is being deleted.
pub(super) fn deleted(policy: DeletionPolicy, mut order: StorageOrder) -> StorageOrder {
    order.spec.deletion_policy = policy;
    StorageOrder { deleted_at: "2026-11-22T12:00:00Z".parse().ok(), ..held(order) }
}

/// Lets minutes pass.
pub(super) async fn minutes(count: u64) {
    sleep(Duration::from_secs(60 * count)).await;
}
