//! The tags of a bucket. S3 replaces all of them at a time, so those of others are read and written again.

use std::collections::BTreeMap;

use aws_sdk_s3::types::{Tag, Tagging};
use plan::aws::Failure;

use super::if_set;
use crate::buckets::BucketRef;
use crate::failure::invalid;
use crate::operation::Operation;
use crate::pace::Lane;
use crate::sdk::S3;

const GET: Operation = Operation::read("s3:GetBucketTagging", &[Lane::S3Read]);
const PUT: Operation = Operation::write("s3:PutBucketTagging", &[Lane::S3Write]);

/// Reads all tags.
pub(super) async fn read(s3: &S3, bucket: BucketRef<'_>) -> Result<BTreeMap<String, String>, Failure> {
    let send = || s3.client(bucket.region).get_bucket_tagging().bucket(bucket.name).send();
    let output = if_set(s3.caller.call(&GET, send).await)?;
    let tags = output.into_iter().flat_map(|output| output.tag_set);
    Ok(tags.map(|tag| (tag.key, tag.value)).collect())
}

/// Puts these tags beside those that are there.
pub(super) async fn add(
    s3: &S3,
    bucket: BucketRef<'_>,
    tags: &BTreeMap<String, String>,
) -> Result<(), Failure> {
    let mut all = read(s3, bucket).await?;
    all.extend(tags.iter().map(|(key, value)| (key.clone(), value.clone())));
    let tags: Result<_, _> =
        all.into_iter().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect();
    let tagging = tags.and_then(|tags| Tagging::builder().set_tag_set(Some(tags)).build());
    let tagging = tagging.map_err(|error| invalid(PUT.name, error.to_string()))?;
    let send = || {
        let request = s3.client(bucket.region).put_bucket_tagging().bucket(bucket.name);
        request.tagging(tagging.clone()).send()
    };
    s3.caller.call(&PUT, send).await.map(drop)
}
