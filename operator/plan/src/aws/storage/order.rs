//! What is declared: a Blobstore, and what the active Cluster says of AWS.

use crds::{AwsMode, Blobstore, BlobstoreSpec, Bucket, ClusterSpec, names};
use jiff::Timestamp;
use kube::ResourceExt as _;
use serde::Serialize;

use super::{BlobstoreOwner, PrincipalKind};
use crate::{ObjectKey, Platform};

/// What of AWS a Blobstore asks for.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StorageOrder {
    /// The Blobstore.
    pub owner: BlobstoreOwner,
    /// Its uid, which tells it from one of the same name before it.
    pub uid: String,
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
    /// The value of the annotation [`RESYNC`](crds::names::RESYNC), which asks for a look at AWS at once.
    #[serde(skip)]
    pub resync: Option<String>,
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

impl Account {
    /// What a Cluster says of AWS, if it says anything.
    #[must_use]
    pub fn of(cluster: &ClusterSpec) -> Option<Self> {
        cluster.aws.as_ref().map(|aws| Self { region: aws.region.clone(), mode: aws.mode })
    }
}

impl StorageOrder {
    /// What a Blobstore asks for. `installation` is the uid of the namespace `kube-system`.
    #[must_use]
    pub fn of(
        blobstore: &Blobstore,
        installation: &str,
        account: Option<Account>,
        platform: Platform,
    ) -> Self {
        let ObjectKey { namespace, name } = ObjectKey::of(blobstore);
        Self {
            owner: BlobstoreOwner::new(installation, namespace, name),
            uid: blobstore.uid().unwrap_or_default(),
            generation: blobstore.metadata.generation.unwrap_or_default(),
            spec: blobstore.spec.clone(),
            platform,
            account,
            rotate: blobstore.annotations().get(names::ROTATE).cloned(),
            resync: blobstore.annotations().get(names::RESYNC).cloned(),
            deleted_at: blobstore.metadata.deletion_timestamp.as_ref().map(|time| time.0),
            has_finalizer: blobstore.finalizers().iter().any(|name| name == names::AWS_FINALIZER),
        }
    }

    /// The Blobstore's namespace and name.
    #[must_use]
    pub fn key(&self) -> ObjectKey {
        ObjectKey::new(self.owner.namespace.clone(), self.owner.name.clone())
    }

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
