//! The policy of a bucket.

use plan::aws::Failure;
use serde_json::Value;

use super::if_set;
use crate::buckets::BucketRef;
use crate::failure::incomplete;
use crate::operation::Operation;
use crate::pace::Lane;
use crate::sdk::S3;

const GET: Operation = Operation::read("s3:GetBucketPolicy", &[Lane::S3Read]);
const PUT: Operation = Operation::write("s3:PutBucketPolicy", &[Lane::S3Write]);

/// Reads the policy.
pub(super) async fn read(s3: &S3, bucket: BucketRef<'_>) -> Result<Option<Value>, Failure> {
    let send = || s3.client(bucket.region).get_bucket_policy().bucket(bucket.name).send();
    let Some(output) = if_set(s3.caller.call(&GET, send).await)? else { return Ok(None) };
    let policy = output.policy.as_deref().and_then(|text| serde_json::from_str(text).ok());
    policy.map(Some).ok_or_else(|| incomplete(GET.name))
}

/// Replaces the policy.
pub(super) async fn put(s3: &S3, bucket: BucketRef<'_>, policy: &Value) -> Result<(), Failure> {
    let send = || {
        let request = s3.client(bucket.region).put_bucket_policy().bucket(bucket.name);
        request.policy(policy.to_string()).send()
    };
    s3.caller.call(&PUT, send).await.map(drop)
}
