//! The bucket.
//!
//! | the name                             | and                                          | then                                              |
//! |--------------------------------------|----------------------------------------------|---------------------------------------------------|
//! | is free                              |                                              | the intent is noted, the bucket created and tagged |
//! | another account's                    |                                              | `BucketTaken`                                     |
//! | this account's, in another region    |                                              | `BucketInOtherRegion`                             |
//! | has another Blobstore's tag          |                                              | `NotOwned`                                        |
//! | has no tag                           | is empty, and was about to be made by us     | it is tagged: a crash came between                |
//! | has no tag                           | `adopt`                                      | it is tagged as adopted, and never deleted        |
//! | has no tag                           |                                              | `BucketNotEmpty`, or `NotOwned` if nothing is in it |
//! | has our tag                          | differs in a setting                         | that setting is put right                         |

use crds::Reason;

use super::{Inputs, Sequence, policy, secret_taken};
use crate::aws::storage::{Bucket, BucketState, Contents, Mark, SecretMarks, StorageCall, Versioning};
use crate::{Finding, Refusal};

/// How long an upload may take.
const STALE_AFTER_DAYS: u32 = 7;

/// How S3 encrypts objects with keys of its own.
const SSE_S3: &str = "AES256";

/// What is to be done about the bucket.
pub(super) struct BucketPlan {
    pub(super) finding: Finding,
    /// Whether it is ours by the end of the calls.
    pub(super) usable: bool,
    pub(super) warnings: Vec<Refusal>,
    pub(super) drift: Vec<String>,
}

/// A setting that is not as declared: what it is called, and the call that puts it right.
type Difference = (&'static str, StorageCall);

/// Plans the bucket.
pub(super) fn plan(inputs: Inputs<'_>, sequence: &mut Sequence<'_>) -> BucketPlan {
    let state = match &inputs.observed.bucket {
        Ok(state) => state,
        Err(failure) => return BucketPlan::fault(failure.refusal()),
    };
    match state {
        BucketState::Absent => create(inputs, sequence),
        BucketState::Taken => BucketPlan::fault(taken(inputs)),
        BucketState::Here(bucket) => mend(inputs, bucket, sequence),
    }
}

fn create(inputs: Inputs<'_>, sequence: &mut Sequence<'_>) -> BucketPlan {
    if let Some(fault) = inputs.secret_taken() {
        let message = format!("the bucket is made when this is mended: {}", fault.message);
        return BucketPlan::fault(Refusal::new(Reason::Blocked, message));
    }
    let declared = inputs.bucket();
    let (bucket, region) = (declared.bucket.clone(), declared.region.clone());
    let noted = SecretMarks { bucket_since: Some(inputs.now), ..sequence.marks.clone() };
    let note = sequence.marks.bucket_since.is_none().then(|| inputs.note(noted));
    sequence.marks.bucket_since = None;
    let done = inputs.note(sequence.marks.clone());
    let create = StorageCall::CreateBucket { bucket: bucket.clone(), region };
    let calls: Vec<_> = note.into_iter().chain([create, tag(inputs, false), done]).collect();
    let settings = differences(inputs, None);
    let finding = sequence.finding(&calls, Ok(String::new()), &format!("the bucket {bucket} is being made"));
    sequence.chain(calls);
    sequence.each(settings.into_iter().map(|(_, call)| call).collect());
    BucketPlan { finding, usable: true, warnings: Vec::new(), drift: Vec::new() }
}

fn mend(inputs: Inputs<'_>, bucket: &Bucket, sequence: &mut Sequence<'_>) -> BucketPlan {
    let tags = match ownership(inputs, bucket, sequence) {
        Ok(call) => call,
        Err(fault) => return BucketPlan::fault(fault),
    };
    let is_new = tags.is_some() || sequence.marks.bucket_since.is_some();
    let differences = differences(inputs, Some(bucket));
    let changed = differences.iter().filter(|_| !is_new);
    let drift = changed.map(|(name, _)| drifted(inputs, name)).collect();
    let names: Vec<_> = differences.iter().map(|(name, _)| *name).collect();
    let under_way = format!("the bucket {} gets its {}", inputs.bucket().bucket, names.join(", "));
    let settings: Vec<_> = differences.into_iter().map(|(_, call)| call).collect();
    let mut ours: Vec<_> = tags.into_iter().collect();
    // The intent is done with when the bucket is tagged: what is empty and without a tag after that is somebody else's.
    if sequence.marks.bucket_since.take().is_some() {
        ours.push(inputs.note(sequence.marks.clone()));
    }
    let needed: Vec<_> = ours.iter().chain(&settings).cloned().collect();
    let warnings = warnings(inputs, bucket);
    let notes: Vec<_> = warnings.iter().map(|warning| warning.message.as_str()).collect();
    let finding = sequence.finding(&needed, Ok(notes.join("; ")), &under_way);
    sequence.chain(ours);
    sequence.each(settings);
    BucketPlan { finding, usable: true, warnings, drift }
}

/// The call that makes a bucket ours; none if it is.
fn ownership(
    inputs: Inputs<'_>,
    bucket: &Bucket,
    sequence: &Sequence<'_>,
) -> Result<Option<StorageCall>, Refusal> {
    let declared = inputs.bucket();
    let name = &declared.bucket;
    if bucket.region != declared.region {
        let message = format!(
            "the bucket {name} exists in {}: declare that region, or another bucket, in a Blobstore of another name",
            bucket.region
        );
        return Err(Refusal::new(Reason::BucketInOtherRegion, message));
    }
    let is_empty = bucket.contents == Contents::default();
    match inputs.order.owner.mark_of(&bucket.tags) {
        Mark::Ours { .. } => Ok(None),
        Mark::Another(blobstore) => {
            let message =
                format!("the bucket {name} belongs to the Blobstore {blobstore}: declare another bucket");
            Err(Refusal::new(Reason::NotOwned, message))
        }
        Mark::None if is_empty && sequence.marks.bucket_since.is_some() => Ok(Some(tag(inputs, false))),
        Mark::None if declared.adopt => Ok(Some(tag(inputs, true))),
        Mark::None => Err(not_ours(name, bucket.contents)),
    }
}

/// The settings that are not as declared; all of them before the bucket is there.
fn differences(inputs: Inputs<'_>, observed: Option<&Bucket>) -> Vec<Difference> {
    let declared = inputs.bucket();
    let settings = observed.map(|bucket| bucket.settings.clone()).unwrap_or_default();
    let bucket = || declared.bucket.clone();
    let policy = policy::of_bucket(declared, settings.policy.as_ref());
    let has_policy = settings.policy.as_ref().is_some_and(|existing| policy::same(existing, &policy));
    let versioning = match (declared.versioning, settings.versioning) {
        (true, Versioning::Enabled) | (false, Versioning::Never | Versioning::Suspended) => None,
        (enabled, _) => Some(StorageCall::SetVersioning { bucket: bucket(), enabled }),
    };
    let missing = |holds: bool, call: StorageCall| (!holds).then_some(call);
    let calls = [
        (
            "public access block",
            missing(settings.public_access_blocked, StorageCall::BlockPublicAccess { bucket: bucket() }),
        ),
        (
            "object ownership",
            missing(settings.owner_enforced, StorageCall::EnforceOwnership { bucket: bucket() }),
        ),
        (
            "encryption",
            missing(
                settings.encryption.as_deref() == Some(SSE_S3),
                StorageCall::EncryptBucket { bucket: bucket() },
            ),
        ),
        ("policy", missing(has_policy, StorageCall::PutBucketPolicy { bucket: bucket(), policy })),
        (
            "lifecycle",
            missing(
                settings.uploads_aborted_after_days == Some(STALE_AFTER_DAYS),
                StorageCall::AbortStaleUploads { bucket: bucket(), after_days: STALE_AFTER_DAYS },
            ),
        ),
        ("versioning", versioning),
    ];
    calls.into_iter().filter_map(|(name, call)| Some((name, call?))).collect()
}

fn tag(inputs: Inputs<'_>, adopted: bool) -> StorageCall {
    let tags = inputs.order.owner.bucket_tags(adopted);
    StorageCall::TagBucket { bucket: inputs.bucket().bucket.clone(), tags }
}

fn warnings(inputs: Inputs<'_>, bucket: &Bucket) -> Vec<Refusal> {
    let declared = inputs.bucket();
    let elsewhere = inputs.order.account.as_ref().filter(|account| account.region != declared.region);
    let mismatch = elsewhere.map(|account| {
        let message = format!(
            "the bucket {} is in {} and the Cluster in {}: requests are slower, and AWS charges every gigabyte that leaves {} (0.02 USD from most regions)",
            declared.bucket, declared.region, account.region, declared.region
        );
        Refusal::new(Reason::RegionMismatch, message)
    });
    let others = policy::foreign_statements(bucket.settings.policy.as_ref()).len();
    let foreign = (others > 0).then(|| {
        let message = format!(
            "the policy of the bucket {} has statements of somebody else ({others}): they stay, look at what they allow",
            declared.bucket
        );
        Refusal::new(Reason::NotOwned, message)
    });
    mismatch.into_iter().chain(foreign).collect()
}

fn drifted(inputs: Inputs<'_>, setting: &str) -> String {
    format!("the {setting} of the bucket {} is not as declared, and is put right", inputs.bucket().bucket)
}

fn taken(inputs: Inputs<'_>) -> Refusal {
    let name = &inputs.bucket().bucket;
    let message = format!(
        "the bucket {name} belongs to another AWS account, or its policy shuts the operator out: declare another name, in a Blobstore of another name"
    );
    Refusal::new(Reason::BucketTaken, message)
}

fn not_ours(name: &str, Contents { objects, more }: Contents) -> Refusal {
    if objects == 0 && !more {
        let message = format!(
            "the bucket {name} exists and is not this Blobstore's: set s3.adopt to take it over, or declare another"
        );
        return Refusal::new(Reason::NotOwned, message);
    }
    let least = if more { "at least " } else { "" };
    let message = format!(
        "the bucket {name} exists with {least}{objects} objects that are not this Blobstore's: set s3.adopt to take it over with them, or declare another"
    );
    Refusal::new(Reason::BucketNotEmpty, message)
}

impl BucketPlan {
    fn fault(fault: Refusal) -> Self {
        Self { finding: Err(fault), usable: false, warnings: Vec::new(), drift: Vec::new() }
    }
}

impl<'a> Inputs<'a> {
    /// The declared bucket.
    pub(super) fn bucket(self) -> &'a crds::Bucket {
        self.order.bucket().expect("only a Blobstore in S3 is planned")
    }

    /// The call that notes these marks.
    pub(super) fn note(self, marks: SecretMarks) -> StorageCall {
        StorageCall::NoteIntent { secret: self.order.secret(), marks }
    }

    /// The notes that are in the Secret now.
    pub(super) fn observed_marks(self) -> SecretMarks {
        let secret = self.observed.secret.as_ref().filter(|secret| secret.ours);
        secret.map(|secret| secret.marks.clone()).unwrap_or_default()
    }

    /// Why the Secret cannot be written.
    pub(super) fn secret_taken(self) -> Option<Refusal> {
        let taken = self.observed.secret.as_ref().filter(|secret| !secret.ours);
        taken.map(|_| secret_taken(self.order))
    }
}
