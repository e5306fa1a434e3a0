//! Buckets on S3. Each setting has a file that reads and writes it.

mod contents;
mod lifecycle;
mod location;
mod policy;
mod protection;
mod tags;
mod versioning;

use std::collections::BTreeMap;

use async_trait::async_trait;
use aws_sdk_s3::types::{BucketLocationConstraint, CreateBucketConfiguration, ObjectOwnership};
use plan::aws::storage::{Bucket, BucketSettings, BucketState};
use plan::aws::{Failure, Fault};
use serde_json::Value;

use super::{BucketRef, Buckets};
use crate::failure::gone_is_done;
use crate::operation::Operation;
use crate::pace::Lane;
use crate::sdk::S3;

use location::Location;

const CREATE: Operation = Operation::write_once("s3:CreateBucket", &[Lane::S3Write]);
const DELETE: Operation = Operation::write("s3:DeleteBucket", &[Lane::S3Write]);

/// The region that S3 takes for granted, and does not let anyone name.
const FIRST_REGION: &str = "us-east-1";

/// What S3 says of a bucket that is not there; of a setting that is not there it says something else, with the same status.
const NO_BUCKET: &str = "NoSuchBucket";

#[async_trait]
impl Buckets for S3 {
    async fn read(&self, bucket: BucketRef<'_>) -> Result<BucketState, Failure> {
        let region = match location::find(self, bucket).await? {
            Location::Nowhere => return Ok(BucketState::Absent),
            Location::Shut => return Ok(BucketState::Taken),
            Location::In(region) => region,
        };
        match self.observe(BucketRef { region: &region, ..bucket }).await {
            Ok(bucket) => Ok(BucketState::Here(bucket)),
            Err(failure) if failure.code.as_deref() == Some(NO_BUCKET) => Ok(BucketState::Absent),
            Err(failure) => Err(failure),
        }
    }

    async fn create(&self, bucket: BucketRef<'_>) -> Result<(), Failure> {
        let location = BucketLocationConstraint::from(bucket.region);
        let elsewhere = CreateBucketConfiguration::builder().location_constraint(location).build();
        let elsewhere = (bucket.region != FIRST_REGION).then_some(elsewhere);
        let send = || {
            let request = self.client(bucket.region).create_bucket().bucket(bucket.name);
            let request = request.object_ownership(ObjectOwnership::BucketOwnerEnforced);
            request.set_create_bucket_configuration(elsewhere.clone()).send()
        };
        self.caller.call(&CREATE, send).await.map(drop)
    }

    async fn tag(&self, bucket: BucketRef<'_>, tags: &BTreeMap<String, String>) -> Result<(), Failure> {
        tags::add(self, bucket, tags).await
    }

    async fn block_public_access(&self, bucket: BucketRef<'_>) -> Result<(), Failure> {
        protection::block_public_access(self, bucket).await
    }

    async fn enforce_ownership(&self, bucket: BucketRef<'_>) -> Result<(), Failure> {
        protection::enforce_ownership(self, bucket).await
    }

    async fn encrypt(&self, bucket: BucketRef<'_>) -> Result<(), Failure> {
        protection::encrypt(self, bucket).await
    }

    async fn put_policy(&self, bucket: BucketRef<'_>, policy: &Value) -> Result<(), Failure> {
        policy::put(self, bucket, policy).await
    }

    async fn abort_stale_uploads(&self, bucket: BucketRef<'_>, after_days: u32) -> Result<(), Failure> {
        lifecycle::abort_stale_uploads(self, bucket, after_days).await
    }

    async fn set_versioning(&self, bucket: BucketRef<'_>, enabled: bool) -> Result<(), Failure> {
        versioning::set(self, bucket, enabled).await
    }

    async fn empty(&self, bucket: BucketRef<'_>) -> Result<(), Failure> {
        contents::delete(self, bucket).await
    }

    async fn delete(&self, bucket: BucketRef<'_>) -> Result<(), Failure> {
        let send = || self.client(bucket.region).delete_bucket().bucket(bucket.name).send();
        gone_is_done(self.caller.call(&DELETE, send).await.map(drop))
    }
}

impl S3 {
    /// Reads a bucket of this account, in its own region.
    async fn observe(&self, bucket: BucketRef<'_>) -> Result<Bucket, Failure> {
        Ok(Bucket {
            region: bucket.region.to_owned(),
            tags: tags::read(self, bucket).await?,
            contents: contents::count(self, bucket).await?,
            settings: BucketSettings {
                public_access_blocked: protection::is_public_access_blocked(self, bucket).await?,
                owner_enforced: protection::is_owner_enforced(self, bucket).await?,
                encryption: protection::encryption(self, bucket).await?,
                policy: policy::read(self, bucket).await?,
                uploads_aborted_after_days: lifecycle::stale_uploads(self, bucket).await?,
                versioning: versioning::read(self, bucket).await?,
            },
        })
    }
}

/// Takes "there is no such setting" for an answer; "there is no such bucket" is none.
fn if_set<T>(result: Result<T, Failure>) -> Result<Option<T>, Failure> {
    match result {
        Ok(setting) => Ok(Some(setting)),
        Err(failure) if failure.fault == Fault::NotFound && failure.code.as_deref() != Some(NO_BUCKET) => {
            Ok(None)
        }
        Err(failure) => Err(failure),
    }
}
