//! The end of a Blobstore.
//!
//! | `deletionPolicy`     | and                                                  | then                                                          |
//! |----------------------|------------------------------------------------------|---------------------------------------------------------------|
//! | `Retain`, or `local` |                                                      | all stays, and says so                                        |
//! | `Delete`             | objects are in the bucket, and no `emptyOnDelete`    | `DeletionBlocked`, before anything is touched                 |
//! | `Delete`             | the user has what somebody else made                 | `DeletionBlocked`, before anything is touched                 |
//! | `Delete`             |                                                      | keys, policy, user or role, objects, bucket, Secret           |
//!
//! Only what is marked as ours is deleted, and never a bucket that was adopted. As long as a deletion is blocked all works as before, so that a Blobstore whose
//! `deletionPolicy` is set back to `Retain` goes and comes again with nothing lost.

use crds::{DeletionPolicy, Reason};

use super::principal::{self, words};
use super::{BlobstorePlan, Inputs, Sequence, StorageReport, planned};
use crate::aws::applied;
use crate::aws::storage::{Bucket, BucketState, Contents, Mark, PrincipalKind, StorageCall};
use crate::{Finding, Refusal};

/// Plans the end.
pub(super) fn plan(inputs: Inputs<'_>) -> BlobstorePlan {
    let mut sequence = Sequence::new(inputs);
    let report = StorageReport::of(inputs.order, Ok(()));
    if inputs.order.bucket().is_none() || inputs.order.spec.deletion_policy == DeletionPolicy::Retain {
        let warnings = retained(inputs).into_iter().collect();
        return inputs.plan(sequence, StorageReport { warnings, undone: true, ..report });
    }
    let objects = contents(inputs).filter(|contents| *contents != Contents::default());
    let calls = match calls(inputs) {
        Ok(calls) => calls,
        Err(fault) => {
            let (bucket, objects) = (Some(Err(fault)), objects.map(|contents| contents.objects));
            return inputs.plan(sequence, StorageReport { bucket, objects, ..report });
        }
    };
    let undone = calls.is_empty();
    let finding: Finding = sequence.finding(&calls, Ok(String::new()), "it is being deleted");
    sequence.chain(calls);
    let mode = inputs.order.mode();
    let bucket = Some(applied(mode, sequence.calls.len(), finding));
    let planned_calls = planned(mode, &sequence.calls);
    inputs.plan(sequence, StorageReport { bucket, planned_calls, undone, ..report })
}

/// The calls that delete everything that is ours, in their order.
fn calls(inputs: Inputs<'_>) -> Result<Vec<StorageCall>, Refusal> {
    if inputs.order.account.is_none() {
        let message = "no Cluster says that AWS may be called: declare spec.aws there, or set deletionPolicy: Retain to leave all as it is";
        return Err(Refusal::new(Reason::AwsNotDeclared, message));
    }
    let bucket = own_bucket(inputs)?;
    if let Some(contents) =
        bucket.map(|bucket| bucket.contents).filter(|contents| *contents != Contents::default())
        && !inputs.bucket().empty_on_delete
    {
        return Err(blocked_by_objects(inputs, contents));
    }
    let user = principal(inputs, PrincipalKind::User)?;
    let role = principal(inputs, PrincipalKind::Role)?;
    let secret = inputs.observed.secret.as_ref().filter(|secret| secret.ours);
    let secret = secret.map(|_| StorageCall::DeleteSecret { secret: inputs.order.secret() });
    Ok(user
        .into_iter()
        .chain(role)
        .chain(bucket.into_iter().flat_map(|b| of_bucket(inputs, b)))
        .chain(secret)
        .collect())
}

fn of_bucket(inputs: Inputs<'_>, bucket: &Bucket) -> Vec<StorageCall> {
    let name = || inputs.bucket().bucket.clone();
    let empty = (bucket.contents != Contents::default()).then(|| StorageCall::EmptyBucket { bucket: name() });
    // What more there is than one call deletes, is deleted by the next passes.
    let delete = (!bucket.contents.more).then(|| StorageCall::DeleteBucket { bucket: name() });
    empty.into_iter().chain(delete).collect()
}

/// The bucket, if it is one that may be deleted.
fn own_bucket(inputs: Inputs<'_>) -> Result<Option<&Bucket>, Refusal> {
    let state = inputs.observed.bucket.as_ref().map_err(|failure| failure.refusal())?;
    let BucketState::Here(bucket) = state else { return Ok(None) };
    let is_ours = inputs.order.owner.mark_of(&bucket.tags) == Mark::Ours { adopted: false };
    Ok(Some(bucket).filter(|_| is_ours))
}

/// The calls that delete the user with its keys, or the role; none if there is none of ours.
fn principal(inputs: Inputs<'_>, kind: PrincipalKind) -> Result<Vec<StorageCall>, Refusal> {
    let name = inputs.order.owner.principal();
    let found = match inputs.principal(kind) {
        Ok(Some(found)) => found,
        Err(fault) if fault.reason != Reason::NotOwned => return Err(fault),
        Ok(None) | Err(_) => return Ok(Vec::new()),
    };
    if let Some(foreign) = principal::foreign(kind, &name, found) {
        let message = format!(
            "{}: take that away, or set deletionPolicy: Retain to leave all as it is",
            foreign.message
        );
        return Err(Refusal::new(Reason::DeletionBlocked, message));
    }
    let keys = match kind {
        PrincipalKind::User => keys(inputs, &name)?,
        PrincipalKind::Role => Vec::new(),
    };
    Ok(keys.into_iter().chain(principal::delete(inputs, kind, found)).collect())
}

fn keys(inputs: Inputs<'_>, user: &str) -> Result<Vec<StorageCall>, Refusal> {
    let keys = inputs.observed.keys.as_ref().map_err(|failure| failure.refusal())?;
    let ours = inputs.keys_of_ours();
    let intent = inputs.observed_marks().key;
    let mut calls = Vec::new();
    for key in keys {
        let is_lost = intent.as_ref().is_some_and(|intent| intent.may_have_made(key));
        if !ours.contains(&key.id) && !is_lost {
            let message = format!(
                "somebody else made the access key {} of {}: delete it, or set deletionPolicy: Retain to leave all as it is",
                key.id,
                words(PrincipalKind::User, user)
            );
            return Err(Refusal::new(Reason::DeletionBlocked, message));
        }
        calls.push(StorageCall::DeleteKey { user: user.to_owned(), key: key.id.clone() });
    }
    Ok(calls)
}

fn contents(inputs: Inputs<'_>) -> Option<Contents> {
    own_bucket(inputs).ok().flatten().map(|bucket| bucket.contents)
}

fn blocked_by_objects(inputs: Inputs<'_>, contents: Contents) -> Refusal {
    let least = if contents.more { "at least " } else { "" };
    let message = format!(
        "the bucket {} has {least}{} objects: empty it, set s3.emptyOnDelete to have all of them deleted, or set deletionPolicy: Retain to keep them; until then all works as before",
        inputs.bucket().bucket,
        contents.objects
    );
    Refusal::new(Reason::DeletionBlocked, message)
}

/// What stays, said once.
fn retained(inputs: Inputs<'_>) -> Option<Refusal> {
    let bucket = inputs.order.bucket()?;
    let message = format!(
        "the bucket {}, {} and the Secret {} stay: a Blobstore of this name takes them up again",
        bucket.bucket,
        words(inputs.order.principal(), &inputs.order.owner.principal()),
        inputs.order.secret()
    );
    Some(Refusal::new(Reason::Retained, message))
}
