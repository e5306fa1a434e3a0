//! What AWS and Kubernetes answer about a Blobstore.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use super::super::{AccessKeyId, Read};
use super::SecretMarks;

/// Everything that the plan of a Blobstore reads.
#[derive(Debug, Clone)]
pub struct StorageObserved {
    /// The bucket of the declared name.
    pub bucket: Read<BucketState>,
    /// The user of the owner's name.
    pub user: Read<Option<Principal>>,
    /// The role of the owner's name.
    pub role: Read<Option<Principal>>,
    /// The user's access keys, each asked when it was last used.
    pub keys: Read<Vec<AccessKey>>,
    /// The Secret of the declared name.
    pub secret: Option<SecretState>,
    /// The Pods that use the Secret.
    pub pods: Vec<SecretUser>,
}

impl Default for StorageObserved {
    fn default() -> Self {
        Self {
            bucket: Ok(BucketState::Absent),
            user: Ok(None),
            role: Ok(None),
            keys: Ok(Vec::new()),
            secret: None,
            pods: Vec::new(),
        }
    }
}

/// What there is of a bucket's name.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub enum BucketState {
    /// Nobody has it.
    Absent,
    /// Another account has it, or it is shut to these credentials.
    Taken,
    /// This account has it.
    Here(Bucket),
}

/// A bucket of this account.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Bucket {
    /// Its region.
    pub region: String,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// What is in it.
    pub contents: Contents,
    /// Its settings.
    pub settings: BucketSettings,
}

/// How much is in a bucket. Versions and delete markers count as objects.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Contents {
    /// So many objects were counted.
    pub objects: u64,
    /// Whether there are more, which were not counted.
    pub more: bool,
}

/// The settings of a bucket that are kept as declared.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct BucketSettings {
    /// Whether all four blocks of public access are on.
    pub public_access_blocked: bool,
    /// Whether the bucket's owner owns every object, and access lists are off.
    pub owner_enforced: bool,
    /// How objects are encrypted that do not ask for it: `AES256`, or another way.
    pub encryption: Option<String>,
    /// The bucket's policy.
    pub policy: Option<Value>,
    /// After how many days our lifecycle rule removes uploads that were never finished. Rules of others are not looked at.
    pub uploads_aborted_after_days: Option<u32>,
    /// Whether former versions are kept.
    pub versioning: Versioning,
}

/// Whether a bucket keeps former versions of objects.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub enum Versioning {
    /// It never did.
    #[default]
    Never,
    /// It does.
    Enabled,
    /// It did, and has those of that time.
    Suspended,
}

/// A user or a role.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Principal {
    /// Its full name.
    pub arn: String,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// Its inline policies, by name, decoded.
    pub policies: BTreeMap<String, Value>,
    /// The names of managed policies that are attached to it, and of the groups that a user is in.
    pub attached: BTreeSet<String>,
    /// Who may take on a role.
    pub trust: Option<Value>,
}

/// An access key of a user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AccessKey {
    /// Its id.
    pub id: AccessKeyId,
    /// Whether it is taken.
    pub active: bool,
    /// When it was made, by AWS's clock.
    pub created: Timestamp,
    /// When it was last used, as far as AWS says.
    pub last_used: Option<Timestamp>,
}

/// The Secret of the declared name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct SecretState {
    /// Whether its type and its label say that the operator made it for this Blobstore.
    pub ours: bool,
    /// The id of the access key in it.
    pub key: Option<AccessKeyId>,
    /// The role that it names.
    pub role: Option<String>,
    /// Whether its entries are what [`environment`](crate::blobstore::environment) makes of the declared bucket and the credentials in it.
    pub intact: bool,
    /// What is noted beside.
    pub marks: SecretMarks,
}

/// A Pod that uses the Secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SecretUser {
    /// Its name.
    pub pod: String,
    /// The access key with which it was started; nothing if it was started with none, or if nobody knows.
    pub key: Option<AccessKeyId>,
}
