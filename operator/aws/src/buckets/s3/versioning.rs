//! Whether a bucket keeps former versions of objects.

use aws_sdk_s3::types::{BucketVersioningStatus, VersioningConfiguration};
use plan::aws::Failure;
use plan::aws::storage::Versioning;

use crate::buckets::BucketRef;
use crate::operation::Operation;
use crate::pace::Lane;
use crate::sdk::S3;

const GET: Operation = Operation::read("s3:GetBucketVersioning", &[Lane::S3Read]);
const PUT: Operation = Operation::write("s3:PutBucketVersioning", &[Lane::S3Write]);

/// Reads it.
pub(super) async fn read(s3: &S3, bucket: BucketRef<'_>) -> Result<Versioning, Failure> {
    let send = || s3.client(bucket.region).get_bucket_versioning().bucket(bucket.name).send();
    let output = s3.caller.call(&GET, send).await?;
    Ok(match output.status {
        Some(BucketVersioningStatus::Enabled) => Versioning::Enabled,
        Some(BucketVersioningStatus::Suspended) => Versioning::Suspended,
        _ => Versioning::Never,
    })
}

/// Turns it on, or off.
pub(super) async fn set(s3: &S3, bucket: BucketRef<'_>, enabled: bool) -> Result<(), Failure> {
    let status = if enabled { BucketVersioningStatus::Enabled } else { BucketVersioningStatus::Suspended };
    let configuration = VersioningConfiguration::builder().status(status).build();
    let send = || {
        let request = s3.client(bucket.region).put_bucket_versioning().bucket(bucket.name);
        request.versioning_configuration(configuration.clone()).send()
    };
    s3.caller.call(&PUT, send).await.map(drop)
}
