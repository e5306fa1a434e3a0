//! Makes the calls that the plan of a Blobstore asks for, one by one: to S3, to IAM, and about the Secret.
//!
//! In comes a call as a value; out goes whether it was carried out, or why not. A secret key goes from IAM's answer into the Secret and nowhere else.

use aws::{BucketRef, NewKey};
use crds::Bucket;
use plan::aws::storage::{SecretMarks, StorageCall, StorageOrder};
use plan::aws::{AccessKeyId, Failure, Fault};
use plan::blobstore::Login;

use crate::storage::secret::{Entries, Written};
use crate::storage::{Clients, Surroundings};

/// What writes for one Blobstore in one pass.
pub(crate) struct Hand<'a, S> {
    clients: &'a Clients,
    surroundings: &'a S,
    order: &'a StorageOrder,
    /// The version of the Secret as it was read or, after that, written: who else writes it makes our next write a conflict.
    version: Option<String>,
}

impl<'a, S: Surroundings> Hand<'a, S> {
    /// For a pass that saw this version of the Secret, or none.
    pub(crate) fn new(
        clients: &'a Clients,
        surroundings: &'a S,
        order: &'a StorageOrder,
        version: Option<String>,
    ) -> Self {
        Self { clients, surroundings, order, version }
    }

    /// Makes a call.
    pub(crate) async fn make(&mut self, call: &StorageCall) -> Result<(), Failure> {
        let result = self.carry_out(call).await;
        let blobstore = self.order.key();
        match &result {
            Ok(()) => tracing::info!(%blobstore, %call, "made a call"),
            Err(failure) => tracing::warn!(%blobstore, %call, %failure, "a call failed"),
        }
        result
    }

    async fn carry_out(&mut self, call: &StorageCall) -> Result<(), Failure> {
        let Clients { buckets, principals } = self.clients;
        let at = |name| BucketRef { name, region: &self.bucket().region };
        match call {
            StorageCall::NoteIntent { secret: _, marks } => self.write(marks.clone(), None).await,
            StorageCall::CreateBucket { bucket, region } => {
                buckets.create(BucketRef { name: bucket, region }).await
            }
            StorageCall::TagBucket { bucket, tags } => buckets.tag(at(bucket), tags).await,
            StorageCall::BlockPublicAccess { bucket } => buckets.block_public_access(at(bucket)).await,
            StorageCall::EnforceOwnership { bucket } => buckets.enforce_ownership(at(bucket)).await,
            StorageCall::EncryptBucket { bucket } => buckets.encrypt(at(bucket)).await,
            StorageCall::PutBucketPolicy { bucket, policy } => buckets.put_policy(at(bucket), policy).await,
            StorageCall::AbortStaleUploads { bucket, after_days } => {
                buckets.abort_stale_uploads(at(bucket), *after_days).await
            }
            StorageCall::SetVersioning { bucket, enabled } => {
                buckets.set_versioning(at(bucket), *enabled).await
            }
            StorageCall::EmptyBucket { bucket } => buckets.empty(at(bucket)).await,
            StorageCall::DeleteBucket { bucket } => buckets.delete(at(bucket)).await,
            StorageCall::CreatePrincipal { kind, name, tags, trust } => {
                principals.create(*kind, name, tags, trust.as_ref()).await
            }
            StorageCall::TagPrincipal { kind, name, tags } => principals.tag(*kind, name, tags).await,
            StorageCall::PutTrust { name, trust } => principals.put_trust(name, trust).await,
            StorageCall::PutPrincipalPolicy { kind, name, policy, document } => {
                principals.put_policy(*kind, name, policy, document).await
            }
            StorageCall::DeletePrincipalPolicy { kind, name, policy } => {
                principals.delete_policy(*kind, name, policy).await
            }
            StorageCall::DeletePrincipal { kind, name } => principals.delete(*kind, name).await,
            StorageCall::CreateKey { user, secret: _, marks } => self.create_key(user, marks).await,
            StorageCall::DeactivateKey { user, key } => principals.deactivate_key(user, key).await,
            StorageCall::DeleteKey { user, key } => principals.delete_key(user, key).await,
            StorageCall::WriteRole { secret: _, arn, marks } => {
                let entries = Entries::of(self.bucket(), Login::Role { arn });
                self.write(marks.clone(), Some(entries)).await
            }
            StorageCall::DeleteSecret { secret } => match self.version.take() {
                Some(version) => self.surroundings.delete_secret(secret, &version).await,
                None => Ok(()),
            },
        }
    }

    /// Asks IAM once, and writes what it gives into the Secret. A key whose secret is not there is of no use to anybody, so it is deleted again; where that cannot
    /// be done, or nobody knows whether it is there, the intent in the Secret is what the next pass finds it by.
    async fn create_key(&mut self, user: &str, marks: &SecretMarks) -> Result<(), Failure> {
        let NewKey { id, secret } = self.clients.principals.create_key(user).await?;
        let login = Login::Key { id: id.as_str(), secret: secret.expose() };
        let entries = Entries::of(self.bucket(), login);
        let marks = marks.clone().with_key(id.clone(), self.surroundings.now());
        let Err(failure) = self.write(marks, Some(entries)).await else { return Ok(()) };
        if failure.is_ambiguous() {
            match self.is_written(&id).await {
                Ok(true) => return Ok(()),
                Ok(false) => {}
                Err(_) => return Err(failure),
            }
        }
        match self.clients.principals.delete_key(user, &id).await {
            Ok(()) => Err(failure),
            // As good as no answer: there may be a key that nobody has.
            Err(_) => Err(Failure { fault: Fault::Server, ..failure }),
        }
    }

    /// Whether the Secret has this key after all.
    async fn is_written(&mut self, id: &AccessKeyId) -> Result<bool, Failure> {
        let stored = self.surroundings.read_secret(&self.order.secret()).await?;
        self.version = stored.as_ref().map(|stored| stored.version.clone());
        Ok(stored.is_some_and(|stored| stored.has_key(id)))
    }

    async fn write(&mut self, marks: SecretMarks, entries: Option<Entries>) -> Result<(), Failure> {
        let blobstore = self.order.owner.name.clone();
        let written = Written { blobstore, marks, entries, version: self.version.clone() };
        self.version = Some(self.surroundings.write_secret(&self.order.secret(), written).await?);
        Ok(())
    }

    fn bucket(&self) -> &'a Bucket {
        self.order.bucket().expect("only a Blobstore in S3 has calls")
    }
}
