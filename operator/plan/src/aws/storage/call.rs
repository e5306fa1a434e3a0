//! The calls that write for a Blobstore, as values: what a plan asks for, what `mode: Plan` shows, and what the effects make.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;
use serde_json::Value;

use super::super::{AccessKeyId, Attempted, Outcome};
use super::{PrincipalKind, SecretMarks};
use crate::ObjectKey;

/// A call for a Blobstore that was made, and what it came to.
pub type StorageOutcome = Outcome<StorageCall, ()>;

/// One call that writes, to AWS or, about the Secret, to Kubernetes. They are made in their order up to the first that fails; the next pass goes on with what does
/// not have to wait.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub enum StorageCall {
    /// Writes the marks into the Secret, which is made without any entry if there is none.
    NoteIntent {
        /// The Secret.
        secret: ObjectKey,
        /// Its marks from now on.
        marks: SecretMarks,
    },
    /// Creates a bucket, private and owned by this account from the start.
    CreateBucket {
        /// Its name.
        bucket: String,
        /// Where.
        region: String,
    },
    /// Gives a bucket these tags, beside those of others.
    TagBucket {
        /// Which.
        bucket: String,
        /// The tags.
        tags: BTreeMap<String, String>,
    },
    /// Turns all four blocks of public access on.
    BlockPublicAccess {
        /// Of which bucket.
        bucket: String,
    },
    /// Turns access lists off.
    EnforceOwnership {
        /// Of which bucket.
        bucket: String,
    },
    /// Has every object encrypted with keys of S3 (`AES256`).
    EncryptBucket {
        /// Which.
        bucket: String,
    },
    /// Puts this policy in the place of the bucket's.
    PutBucketPolicy {
        /// Which.
        bucket: String,
        /// The whole policy, with the statements of others.
        policy: Value,
    },
    /// Puts our lifecycle rule beside those of others, which are read again.
    AbortStaleUploads {
        /// Of which bucket.
        bucket: String,
        /// How long an upload may take.
        after_days: u32,
    },
    /// Keeps former versions of objects, or no longer.
    SetVersioning {
        /// Of which bucket.
        bucket: String,
        /// Whether they are kept.
        enabled: bool,
    },
    /// Deletes objects with all their versions, a thousand at most: the next pass deletes the next.
    EmptyBucket {
        /// Of which bucket.
        bucket: String,
    },
    /// Deletes a bucket of ours; S3 deletes none that has something in it.
    DeleteBucket {
        /// Which.
        bucket: String,
    },
    /// Creates a user or a role and tags it, in one.
    CreatePrincipal {
        /// Which of the two.
        kind: PrincipalKind,
        /// Its name.
        name: String,
        /// Its tags.
        tags: BTreeMap<String, String>,
        /// Who may take on a role.
        trust: Option<Value>,
    },
    /// Gives a user or a role these tags, beside those of others.
    TagPrincipal {
        /// Which of the two.
        kind: PrincipalKind,
        /// Its name.
        name: String,
        /// The tags.
        tags: BTreeMap<String, String>,
    },
    /// Says who may take on a role.
    PutTrust {
        /// Which role.
        name: String,
        /// Who.
        trust: Value,
    },
    /// Puts an inline policy of ours.
    PutPrincipalPolicy {
        /// A user's or a role's.
        kind: PrincipalKind,
        /// Whose.
        name: String,
        /// The policy's name.
        policy: &'static str,
        /// What it allows.
        document: Value,
    },
    /// Deletes our inline policy.
    DeletePrincipalPolicy {
        /// A user's or a role's.
        kind: PrincipalKind,
        /// Whose.
        name: String,
        /// The policy's name.
        policy: &'static str,
    },
    /// Deletes a user or a role of ours.
    DeletePrincipal {
        /// Which of the two.
        kind: PrincipalKind,
        /// Its name.
        name: String,
    },
    /// Creates an access key and writes it into the Secret with `marks.with_key(id, now)`. AWS is asked once: a client that repeats the
    /// call by itself would make two. If the Secret cannot be written, the key is deleted again.
    CreateKey {
        /// For whom.
        user: String,
        /// Where it goes.
        secret: ObjectKey,
        /// The marks, still without this key.
        marks: SecretMarks,
    },
    /// Makes a key useless, in a way that can be taken back.
    DeactivateKey {
        /// Whose.
        user: String,
        /// Which.
        key: AccessKeyId,
    },
    /// Deletes a key.
    DeleteKey {
        /// Whose.
        user: String,
        /// Which.
        key: AccessKeyId,
    },
    /// Writes the entries for a role into the Secret, and no key.
    WriteRole {
        /// The Secret.
        secret: ObjectKey,
        /// The role.
        arn: String,
        /// Its marks from now on.
        marks: SecretMarks,
    },
    /// Deletes the Secret.
    DeleteSecret {
        /// Which.
        secret: ObjectKey,
    },
}

impl StorageCall {
    /// What IAM or Kubernetes calls it.
    #[must_use]
    pub fn action(&self) -> &'static str {
        use PrincipalKind::{Role, User};
        match self {
            Self::NoteIntent { .. } | Self::WriteRole { .. } => "secrets:patch",
            Self::DeleteSecret { .. } => "secrets:delete",
            Self::CreateBucket { .. } => "s3:CreateBucket",
            Self::TagBucket { .. } => "s3:PutBucketTagging",
            Self::BlockPublicAccess { .. } => "s3:PutBucketPublicAccessBlock",
            Self::EnforceOwnership { .. } => "s3:PutBucketOwnershipControls",
            Self::EncryptBucket { .. } => "s3:PutEncryptionConfiguration",
            Self::PutBucketPolicy { .. } => "s3:PutBucketPolicy",
            Self::AbortStaleUploads { .. } => "s3:PutLifecycleConfiguration",
            Self::SetVersioning { .. } => "s3:PutBucketVersioning",
            Self::EmptyBucket { .. } => "s3:DeleteObjectVersion",
            Self::DeleteBucket { .. } => "s3:DeleteBucket",
            Self::CreatePrincipal { kind: User, .. } => "iam:CreateUser",
            Self::CreatePrincipal { kind: Role, .. } => "iam:CreateRole",
            Self::TagPrincipal { kind: User, .. } => "iam:TagUser",
            Self::TagPrincipal { kind: Role, .. } => "iam:TagRole",
            Self::PutTrust { .. } => "iam:UpdateAssumeRolePolicy",
            Self::PutPrincipalPolicy { kind: User, .. } => "iam:PutUserPolicy",
            Self::PutPrincipalPolicy { kind: Role, .. } => "iam:PutRolePolicy",
            Self::DeletePrincipalPolicy { kind: User, .. } => "iam:DeleteUserPolicy",
            Self::DeletePrincipalPolicy { kind: Role, .. } => "iam:DeleteRolePolicy",
            Self::DeletePrincipal { kind: User, .. } => "iam:DeleteUser",
            Self::DeletePrincipal { kind: Role, .. } => "iam:DeleteRole",
            Self::CreateKey { .. } => "iam:CreateAccessKey",
            Self::DeactivateKey { .. } => "iam:UpdateAccessKey",
            Self::DeleteKey { .. } => "iam:DeleteAccessKey",
        }
    }
}

impl Attempted for StorageCall {
    fn subject(&self) -> String {
        self.to_string()
    }
}

impl fmt::Display for StorageCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.action())?;
        match self {
            Self::NoteIntent { secret, marks: _ } | Self::DeleteSecret { secret } => write!(f, "{secret}"),
            Self::WriteRole { secret, arn, marks: _ } => write!(f, "{secret} {arn}"),
            Self::CreateBucket { bucket, region } => write!(f, "{bucket} in {region}"),
            Self::TagBucket { bucket, tags } => write!(f, "{bucket} {}", words(tags)),
            Self::PutBucketPolicy { bucket, policy } => write!(f, "{bucket} {policy}"),
            Self::AbortStaleUploads { bucket, after_days } => write!(f, "{bucket} after {after_days} days"),
            Self::SetVersioning { bucket, enabled: true } => write!(f, "{bucket} Enabled"),
            Self::SetVersioning { bucket, enabled: false } => write!(f, "{bucket} Suspended"),
            Self::BlockPublicAccess { bucket }
            | Self::EnforceOwnership { bucket }
            | Self::EncryptBucket { bucket }
            | Self::EmptyBucket { bucket }
            | Self::DeleteBucket { bucket } => f.write_str(bucket),
            Self::TagPrincipal { kind: _, name, tags } => write!(f, "{name} {}", words(tags)),
            Self::PutTrust { name, trust } => write!(f, "{name} {trust}"),
            Self::PutPrincipalPolicy { kind: _, name, policy, document } => {
                write!(f, "{name} {policy} {document}")
            }
            Self::DeletePrincipalPolicy { kind: _, name, policy } => write!(f, "{name} {policy}"),
            Self::CreatePrincipal { name, .. } | Self::DeletePrincipal { name, .. } => f.write_str(name),
            Self::CreateKey { user, secret, marks: _ } => write!(f, "{user} for {secret}"),
            Self::DeactivateKey { user, key } => write!(f, "{user} {key} Inactive"),
            Self::DeleteKey { user, key } => write!(f, "{user} {key}"),
        }
    }
}

fn words(tags: &BTreeMap<String, String>) -> String {
    let words: Vec<_> = tags.iter().map(|(key, value)| format!("{key}={value}")).collect();
    words.join(" ")
}
