//! The status of a Blobstore.
//!
//! What the last look could not find out stays as it was told before: Apps are given the Secret and the key that stand here, and are not to be replaced
//! because AWS did not answer.

use crds::{Blobstore, BlobstoreStatus, ConditionType, Reason};
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::ResourceExt as _;

use super::{Conditions, Finding, after, plain};
use crate::blobstore::StorageReport;
use crate::{Refusal, Transition, Verdict};

/// What is found about a Blobstore.
pub(crate) struct BlobstoreFindings<'a> {
    /// Whether the declaration can be followed here.
    pub(crate) accepted: Verdict,
    /// What the last look found; nothing if nobody has looked.
    pub(crate) report: Option<&'a StorageReport>,
}

/// The status of a Blobstore.
pub(crate) fn blobstore(
    blobstore: &Blobstore,
    findings: BlobstoreFindings<'_>,
    now: Timestamp,
) -> (BlobstoreStatus, Vec<Transition>) {
    let generation = blobstore.metadata.generation.unwrap_or_default();
    let observed: &[Condition] = blobstore.status.as_ref().map_or(&[], |status| &status.conditions);
    let BlobstoreFindings { accepted, report } = findings;
    let unseen = || after(&[&accepted], Err(Refusal::new(Reason::Pending, "it is being looked at")));
    let (bucket, credentials) = match report {
        Some(report) => (report.bucket.clone(), report.credentials.clone()),
        None => (blobstore.spec.s3.as_ref().map(|_| unseen()), Some(unseen())),
    };
    let (conditions, transitions) = Conditions::new(observed, generation, now)
        .with(ConditionType::Accepted, plain(&accepted))
        .with_asked(ConditionType::BucketReady, &bucket)
        .with_asked(ConditionType::CredentialsReady, &credentials)
        .finish();
    let before = blobstore.status.clone().unwrap_or_default();
    let mut status = BlobstoreStatus {
        observed_generation: generation,
        conditions,
        objects: None,
        planned_calls: Vec::new(),
        ..before
    };
    if let Some(report) = report {
        tell(blobstore, report, &mut status);
    }
    (status, transitions)
}

/// Puts what was found into the status.
fn tell(blobstore: &Blobstore, report: &StorageReport, status: &mut BlobstoreStatus) {
    let holds = |finding: &Option<Finding>| finding.as_ref().is_some_and(Result::is_ok);
    if let Some(declared) = blobstore.spec.s3.as_ref().filter(|_| holds(&report.bucket)) {
        status.bucket = Some(declared.bucket.clone());
        status.region = Some(declared.region.clone());
    }
    if report.key.is_some() || holds(&report.credentials) {
        let declared = blobstore.spec.credentials.secret.clone();
        status.secret = Some(declared.unwrap_or_else(|| blobstore.name_any()));
        status.key_id = report.key.as_ref().map(|(id, _)| id.to_string());
        status.rotated_at = report.key.as_ref().and_then(|(_, at)| at.map(Time));
    }
    status.objects = report.objects.map(|objects| i64::try_from(objects).unwrap_or(i64::MAX));
    status.planned_calls = report.planned_calls.clone();
}
