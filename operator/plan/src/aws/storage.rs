//! Buckets, their users or roles, and access keys in our words: what is declared, what is observed, and the calls that make the one the other.
//!
//! What holds for addresses holds here ([`super`]): each pass observes everything, and the marks on the resources are the memory. Two things cannot be
//! marked in the call that creates them, a bucket and an access key: for them the intent is written into the Secret before, so that what a
//! crash leaves behind is known from what a person made. Secret keys are no words of this language: a plan is printed, and must have nothing to hide.

mod call;
mod intent;
mod observed;
mod order;
mod owner;

pub use call::{StorageCall, StorageOutcome};
pub use intent::{KeyIntent, SecretMarks};
pub use observed::{
    AccessKey, Bucket, BucketSettings, BucketState, Contents, Principal, SecretState, SecretUser,
    StorageObserved, Versioning,
};
pub use order::{Account, StorageOrder};
pub use owner::{BlobstoreOwner, Mark, PrincipalKind};
