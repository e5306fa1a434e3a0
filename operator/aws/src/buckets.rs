//! Buckets: what is declared of one, and what is in it.
//!
//! S3 has one kind of name for all regions and accounts, and each bucket answers in its own region only: so every call names both. What others set beside
//! ours (tags, lifecycle rules) is read again by the call that writes, and written with it, because S3 replaces the whole.

mod s3;

use std::collections::BTreeMap;

use async_trait::async_trait;
use plan::aws::Failure;
use plan::aws::storage::BucketState;
use serde_json::Value;

/// A bucket, and the region to ask for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BucketRef<'a> {
    /// Its name.
    pub name: &'a str,
    /// The region that it is in, or should be.
    pub region: &'a str,
}

/// The calls about buckets that the operator makes.
#[async_trait]
pub trait Buckets: Send + Sync {
    /// What there is of the bucket, wherever it is: region, tags, how much is in it, settings. Of a bucket that is shut to these credentials nothing else is read.
    async fn read(&self, bucket: BucketRef<'_>) -> Result<BucketState, Failure>;

    /// Creates a bucket that only this account owns. It is never tried again by itself: of a call without an answer nobody knows whether it made the bucket. In
    /// `us-east-1` S3 takes the name of a bucket that the account has already, as if it were new.
    async fn create(&self, bucket: BucketRef<'_>) -> Result<(), Failure>;

    /// Gives it these tags, beside those of others.
    async fn tag(&self, bucket: BucketRef<'_>, tags: &BTreeMap<String, String>) -> Result<(), Failure>;

    /// Turns all four blocks of public access on.
    async fn block_public_access(&self, bucket: BucketRef<'_>) -> Result<(), Failure>;

    /// Turns access lists off: the bucket's owner owns every object.
    async fn enforce_ownership(&self, bucket: BucketRef<'_>) -> Result<(), Failure>;

    /// Has every object encrypted with keys of S3.
    async fn encrypt(&self, bucket: BucketRef<'_>) -> Result<(), Failure>;

    /// Puts this policy in the place of the bucket's.
    async fn put_policy(&self, bucket: BucketRef<'_>, policy: &Value) -> Result<(), Failure>;

    /// Has uploads removed that are not finished after so many days, by a rule of ours beside those of others.
    async fn abort_stale_uploads(&self, bucket: BucketRef<'_>, after_days: u32) -> Result<(), Failure>;

    /// Keeps former versions of objects, or no longer.
    async fn set_versioning(&self, bucket: BucketRef<'_>, enabled: bool) -> Result<(), Failure>;

    /// Deletes objects for good, versions and delete markers too: a thousand at most.
    async fn empty(&self, bucket: BucketRef<'_>) -> Result<(), Failure>;

    /// Deletes the bucket; one that is gone is a success, one with something in it a conflict.
    async fn delete(&self, bucket: BucketRef<'_>) -> Result<(), Failure>;
}
