//! What the leader would do for a Blobstore, as somebody sees it who only looks: `flynn-operator plan --aws`.
//!
//! In come clients that cannot write and an order; out go the calls that the leader would make, or what could not be read. It reads as the leader does
//! (`observe.rs`) and plans as the leader does (`plan::blobstore`). What only a leader knows is taken so:
//!
//! | only a leader knows                           | taken so                                                                        |
//! |-----------------------------------------------|---------------------------------------------------------------------------------|
//! | for how long a key has been inactive          | for longer than any wait of a plan, so that every call is shown that only waits |
//! | which calls failed                            | none did                                                                        |

use std::sync::Arc;

use aws::{Account, Fence, Settings};
use crds::AwsMode;
use jiff::{SignedDuration, Timestamp};
use plan::aws::Failure;
use plan::aws::storage::{StorageCall, StorageObserved, StorageOrder};
use plan::blobstore::{BlobstorePlan, StorageHistory, StorageReport, plan};

use super::{Clients, Reads, observe};

/// For how long everything is taken to have been as it is: no wait of a plan for a key is longer than an hour.
const LONG: SignedDuration = SignedDuration::from_hours(48);

/// What the leader would do.
pub(crate) struct Foresight {
    /// The calls, as `status.plannedCalls` has them in `mode: Plan`.
    pub(crate) calls: Vec<StorageCall>,
    /// What a leader would say in `mode: Apply`, where the conditions tell faults also beside calls.
    pub(crate) report: StorageReport,
}

/// What could not be read: of what is not known nothing can be told.
#[derive(Debug)]
pub(crate) enum Unseen {
    /// The API server did not show the Secret, or the Pods.
    Kubernetes(Failure),
    /// AWS did not answer these.
    Aws(Vec<Failure>),
}

/// Clients of a region that can only read.
pub(crate) async fn onlooker(region: &str) -> Clients {
    let settings = Settings { region: region.to_owned() };
    let account = Account::connect(&settings, Arc::new(()), Fence::closed()).await;
    Clients { buckets: account.buckets, principals: account.principals }
}

/// Reads what the order is about, and plans.
///
/// # Errors
/// With what could not be read.
pub(crate) async fn foresee<R: Reads>(
    reads: &R,
    clients: &Clients,
    order: &StorageOrder,
    now: Timestamp,
) -> Result<Foresight, Unseen> {
    let sight = observe::storage(reads, clients, order, true).await.map_err(Unseen::Kubernetes)?;
    let failures: Vec<Failure> = observe::failures(&sight.observed).cloned().collect();
    if !failures.is_empty() {
        return Err(Unseen::Aws(failures));
    }
    let mut applied = order.clone();
    if let Some(account) = &mut applied.account {
        account.mode = AwsMode::Apply;
    }
    let BlobstorePlan { calls, report, .. } = settled(&applied, &sight.observed, now);
    Ok(Foresight { calls, report })
}

/// The plan of one who has looked on for a while in which nothing changed.
fn settled(order: &StorageOrder, observed: &StorageObserved, now: Timestamp) -> BlobstorePlan {
    let history = plan(order, observed, &StorageHistory::default(), now - LONG).history;
    plan(order, observed, &history, now)
}
