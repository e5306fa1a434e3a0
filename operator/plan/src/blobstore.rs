//! A Blobstore: the bucket, who uses it, the access keys and the Secret, kept as declared.
//!
//! ```text
//! StorageOrder (a Blobstore) ---.
//! StorageObserved (S3, IAM, ...)-+--> bucket --> principal --> keys --> BlobstorePlan: calls, findings, history
//! StorageHistory (this leader) --'    deleted: removal
//! ```
//!
//! Pure and level-triggered as [`aws::plan`](crate::aws::plan()): each pass observes everything, so that a process that dies after any call leaves nothing
//! that the next pass does not find. What is not marked as this Blobstore's is never changed nor deleted, and no key that a person made ever is.

mod bucket;
mod keys;
pub mod local;
mod policy;
mod principal;
mod removal;
mod secret;
mod sequence;
mod users;

use std::collections::BTreeMap;

use crds::{AwsMode, BlobstoreSpec, Reason};
use jiff::Timestamp;

use crate::aws::storage::{Account, StorageCall, StorageObserved, StorageOrder, StorageOutcome};
use crate::aws::{AccessKeyId, Attempts, Failure, applied};
use crate::{Finding, ObjectKey, Platform, Refusal, Verdict};

pub use policy::ACTIONS;
pub use secret::{Login, environment, secret_taken};
pub(crate) use secret::{VARIABLES, Way, variables};
pub use users::users;

use bucket::BucketPlan;
use principal::CredentialsPlan;
use sequence::Sequence;

/// How many calls a status lists.
const MOST_CALLS: usize = 100;

/// What comes of a pass.
#[derive(Debug, Clone, PartialEq)]
pub struct BlobstorePlan {
    /// The calls, in their order: made up to the first that fails. Empty: all is as declared, or what is left has to wait.
    pub calls: Vec<StorageCall>,
    /// For the Blobstore's status.
    pub report: StorageReport,
    /// For the next pass.
    pub history: StorageHistory,
    /// When the passing of time alone changes the plan.
    pub recheck_at: Option<Timestamp>,
}

/// What a Blobstore's status says.
#[derive(Debug, Clone, PartialEq)]
pub struct StorageReport {
    /// The Blobstore.
    pub blobstore: ObjectKey,
    /// Its uid.
    pub uid: String,
    /// The `metadata.generation` that this is about.
    pub generation: i64,
    /// Whether the declaration can be followed here.
    pub accepted: Finding,
    /// Whether the bucket is as declared; nothing if there is none to speak of.
    pub bucket: Option<Finding>,
    /// Whether the Secret has credentials that work; nothing if there are none to speak of.
    pub credentials: Option<Finding>,
    /// What is no fault of the Blobstore and should be known all the same, for events.
    pub warnings: Vec<Refusal>,
    /// What somebody else changed, and a call of this pass puts right: one sentence each, for an event.
    pub drift: Vec<String>,
    /// The access key in the Secret, and when it was made.
    pub key: Option<(AccessKeyId, Option<Timestamp>)>,
    /// How many objects are in the way of a deletion.
    pub objects: Option<u64>,
    /// What would be called, with `mode: Plan`.
    pub planned_calls: Vec<String>,
    /// Whether a Blobstore that is being deleted may go.
    pub undone: bool,
}

/// The memory of a leader about one Blobstore. It only ever makes us wait.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct StorageHistory {
    attempts: Attempts,
    /// Since when keys of ours have been seen to be inactive.
    inactive_since: BTreeMap<AccessKeyId, Timestamp>,
}

/// What every step reads.
#[derive(Clone, Copy)]
struct Inputs<'a> {
    order: &'a StorageOrder,
    observed: &'a StorageObserved,
    history: &'a StorageHistory,
    now: Timestamp,
}

impl StorageHistory {
    /// Takes note of the calls that were made.
    pub fn take(&mut self, outcomes: &[StorageOutcome], now: Timestamp) {
        outcomes.iter().for_each(|outcome| self.attempts.take(outcome, now));
    }
}

/// Plans one pass.
#[must_use]
pub fn plan(
    order: &StorageOrder,
    observed: &StorageObserved,
    history: &StorageHistory,
    now: Timestamp,
) -> BlobstorePlan {
    let inputs = Inputs { order, observed, history, now };
    if order.deleted_at.is_some() {
        return removal::plan(inputs);
    }
    match accepted(&order.spec, order.account.as_ref(), order.platform) {
        Ok(()) if order.bucket().is_some() => keep(inputs),
        accepted => inputs.plan(Sequence::new(inputs), StorageReport::of(order, accepted)),
    }
}

/// Whether a declaration can be followed here.
pub(crate) fn accepted(spec: &BlobstoreSpec, account: Option<&Account>, platform: Platform) -> Verdict {
    match (&spec.s3, account, platform) {
        (Some(_), None, _) => Err(Refusal::new(
            Reason::AwsNotDeclared,
            "no Cluster says that AWS may be called: declare spec.aws with its region in the Cluster",
        )),
        (None, _, Platform::Kubernetes) => Err(Refusal::new(
            Reason::LocalNeedsStandalone,
            "a local Blobstore is for `flynn-operator up`: declare s3 instead",
        )),
        _ => Ok(()),
    }
}

fn keep(inputs: Inputs<'_>) -> BlobstorePlan {
    let mut sequence = Sequence::new(inputs);
    let bucket = bucket::plan(inputs, &mut sequence);
    let credentials = match bucket.usable {
        true => principal::plan(inputs, &mut sequence),
        false => CredentialsPlan::after(&bucket.finding),
    };
    let BucketPlan { finding, warnings, drift, usable: _ } = bucket;
    let mode = inputs.order.mode();
    let calls = sequence.calls.len();
    let report = StorageReport {
        bucket: Some(applied(mode, calls, finding)),
        credentials: Some(applied(mode, calls, credentials.finding)),
        warnings: warnings.into_iter().chain(credentials.warnings).collect(),
        drift,
        key: credentials.key,
        planned_calls: planned(mode, &sequence.calls),
        ..StorageReport::of(inputs.order, Ok(()))
    };
    inputs.plan(sequence, report)
}

fn planned(mode: AwsMode, calls: &[StorageCall]) -> Vec<String> {
    match mode {
        AwsMode::Plan => calls.iter().take(MOST_CALLS).map(ToString::to_string).collect(),
        AwsMode::Apply | AwsMode::Observe => Vec::new(),
    }
}

impl StorageReport {
    /// The report of a pass that saw nothing, because the API server did not show the Secret or the Pods that use it.
    #[must_use]
    pub fn in_the_dark(order: &StorageOrder, failure: &Failure) -> Self {
        let bucket =
            Some(Err(Refusal::new(Reason::Blocked, "nothing is done before the Secret can be read")));
        Self { bucket, credentials: Some(Err(failure.refusal())), ..Self::of(order, Ok(())) }
    }

    /// The report that has nothing to say yet but whether the declaration is accepted.
    fn of(order: &StorageOrder, accepted: Verdict) -> Self {
        Self {
            blobstore: order.key(),
            uid: order.uid.clone(),
            generation: order.generation,
            accepted: accepted.map(|()| String::new()),
            bucket: None,
            credentials: None,
            warnings: Vec::new(),
            drift: Vec::new(),
            key: None,
            objects: None,
            planned_calls: Vec::new(),
            undone: false,
        }
    }
}

impl Inputs<'_> {
    fn plan(self, sequence: Sequence, report: StorageReport) -> BlobstorePlan {
        let keys = self.observed.keys.iter().flatten().filter(|key| !key.active);
        let since = |id| self.history.inactive_since.get(id).copied().unwrap_or(self.now);
        let inactive_since = keys.map(|key| (key.id.clone(), since(&key.id))).collect();
        BlobstorePlan {
            calls: sequence.calls,
            report,
            history: StorageHistory { attempts: self.history.attempts.clone(), inactive_since },
            recheck_at: sequence.recheck_at,
        }
    }
}
