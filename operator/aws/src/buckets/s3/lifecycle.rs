//! The lifecycle rule of ours, which removes uploads that were never finished. S3 replaces all rules at a time, so those of others are read and written again.

use aws_sdk_s3::error::BuildError;
use aws_sdk_s3::operation::get_bucket_lifecycle_configuration::GetBucketLifecycleConfigurationOutput;
use aws_sdk_s3::types::{
    AbortIncompleteMultipartUpload, BucketLifecycleConfiguration, ExpirationStatus, LifecycleRule,
    LifecycleRuleFilter,
};
use plan::aws::Failure;

use super::if_set;
use crate::buckets::BucketRef;
use crate::failure::invalid;
use crate::operation::Operation;
use crate::pace::Lane;
use crate::sdk::S3;

const GET: Operation = Operation::read("s3:GetLifecycleConfiguration", &[Lane::S3Read]);
const PUT: Operation = Operation::write("s3:PutLifecycleConfiguration", &[Lane::S3Write]);

/// The name of our rule.
const RULE: &str = "flynn-abort-stale-uploads";

/// After how many days our rule removes stale uploads; nothing if there is none, or if it is not as we write it.
pub(super) async fn stale_uploads(s3: &S3, bucket: BucketRef<'_>) -> Result<Option<u32>, Failure> {
    let configuration = read(s3, bucket).await?;
    let rules = configuration.and_then(|configuration| configuration.rules).unwrap_or_default();
    Ok(rules.iter().filter(|rule| is_ours(rule)).find_map(days))
}

/// Puts our rule beside those of others.
pub(super) async fn abort_stale_uploads(
    s3: &S3,
    bucket: BucketRef<'_>,
    after_days: u32,
) -> Result<(), Failure> {
    let existing = read(s3, bucket).await?;
    let least_size = existing.as_ref().and_then(|it| it.transition_default_minimum_object_size.clone());
    let existing = existing.and_then(|configuration| configuration.rules).unwrap_or_default();
    let others = existing.into_iter().filter(|rule| !is_ours(rule)).map(Ok);
    let days = i32::try_from(after_days).map_err(|error| invalid(PUT.name, error.to_string()))?;
    let rules: Result<_, _> = others.chain([written(days)]).collect();
    let configuration =
        rules.and_then(|rules| BucketLifecycleConfiguration::builder().set_rules(Some(rules)).build());
    let configuration = configuration.map_err(|error| invalid(PUT.name, error.to_string()))?;
    let send = || {
        let request = s3.client(bucket.region).put_bucket_lifecycle_configuration().bucket(bucket.name);
        let request = request.set_transition_default_minimum_object_size(least_size.clone());
        request.lifecycle_configuration(configuration.clone()).send()
    };
    s3.caller.call(&PUT, send).await.map(drop)
}

async fn read(
    s3: &S3,
    bucket: BucketRef<'_>,
) -> Result<Option<GetBucketLifecycleConfigurationOutput>, Failure> {
    let send = || s3.client(bucket.region).get_bucket_lifecycle_configuration().bucket(bucket.name).send();
    if_set(s3.caller.call(&GET, send).await)
}

fn is_ours(rule: &LifecycleRule) -> bool {
    rule.id() == Some(RULE)
}

/// The days of a rule that does what ours does, to every object and nothing beside.
fn days(rule: &LifecycleRule) -> Option<u32> {
    let days = rule.abort_incomplete_multipart_upload()?.days_after_initiation()?;
    let mut rule = rule.clone();
    // "Every object" has more than one spelling.
    let filter = rule.filter.take().unwrap_or_else(|| LifecycleRuleFilter::builder().build());
    rule.filter = Some(with_prefix(filter));
    (written(days).is_ok_and(|written| written == rule)).then(|| u32::try_from(days).ok())?
}

fn written(days: i32) -> Result<LifecycleRule, BuildError> {
    LifecycleRule::builder()
        .id(RULE)
        .status(ExpirationStatus::Enabled)
        .filter(with_prefix(LifecycleRuleFilter::builder().build()))
        .abort_incomplete_multipart_upload(
            AbortIncompleteMultipartUpload::builder().days_after_initiation(days).build(),
        )
        .build()
}

fn with_prefix(mut filter: LifecycleRuleFilter) -> LifecycleRuleFilter {
    filter.prefix.get_or_insert_default();
    filter
}
