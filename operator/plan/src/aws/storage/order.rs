//! What is declared: a Blobstore, and what the active Cluster says of AWS.

use crds::{AwsMode, BlobstoreSpec, Bucket};
use jiff::Timestamp;
use serde::Serialize;

use super::{BlobstoreOwner, PrincipalKind};
use crate::{ObjectKey, Platform};

/// What of AWS a Blobstore asks for.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StorageOrder {
    /// The Blobstore.
    pub owner: BlobstoreOwner,
    /// Its `metadata.generation`.
    pub generation: i64,
    /// Its spec.
    pub spec: BlobstoreSpec,
    /// What runs the operator.
    #[serde(skip)]
    pub platform: Platform,
    /// What the active Cluster says of AWS; nothing if it says nothing, so that no call may be made.
    pub account: Option<Account>,
    /// The value of the annotation [`ROTATE`](crds::names::ROTATE).
    pub rotate: Option<String>,
    /// Since when it is being deleted.
    pub deleted_at: Option<Timestamp>,
    /// Whether it has the finalizer that makes the API wait until what was made in AWS is undone. It comes before the first call.
    pub has_finalizer: bool,
}

/// What the active Cluster says of AWS.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Account {
    /// The region of its nodes.
    pub region: String,
    /// How far the operator goes.
    pub mode: AwsMode,
}

impl StorageOrder {
    /// The Secret with the credentials.
    #[must_use]
    pub fn secret(&self) -> ObjectKey {
        let name = self.spec.credentials.secret.as_ref().unwrap_or(&self.owner.name);
        ObjectKey::new(self.owner.namespace.clone(), name.clone())
    }

    /// Who uses the bucket.
    #[must_use]
    pub fn principal(&self) -> PrincipalKind {
        match self.spec.credentials.role {
            None => PrincipalKind::User,
            Some(_) => PrincipalKind::Role,
        }
    }

    /// The bucket in S3, if it is there that the objects are.
    #[must_use]
    pub fn bucket(&self) -> Option<&Bucket> {
        self.spec.s3.as_ref()
    }

    pub(crate) fn mode(&self) -> AwsMode {
        self.account.as_ref().map(|account| account.mode).unwrap_or_default()
    }
}
