//! Who gets at the objects at all: the block of public access, who owns them, and how they are encrypted.

use aws_sdk_s3::types::{
    ObjectOwnership, OwnershipControls, OwnershipControlsRule, PublicAccessBlockConfiguration,
    ServerSideEncryption, ServerSideEncryptionByDefault, ServerSideEncryptionConfiguration,
    ServerSideEncryptionRule,
};
use plan::aws::Failure;

use super::if_set;
use crate::buckets::BucketRef;
use crate::failure::invalid;
use crate::operation::Operation;
use crate::pace::Lane;
use crate::sdk::S3;

const GET_BLOCK: Operation = Operation::read("s3:GetBucketPublicAccessBlock", &[Lane::S3Read]);
const PUT_BLOCK: Operation = Operation::write("s3:PutBucketPublicAccessBlock", &[Lane::S3Write]);
const GET_OWNERSHIP: Operation = Operation::read("s3:GetBucketOwnershipControls", &[Lane::S3Read]);
const PUT_OWNERSHIP: Operation = Operation::write("s3:PutBucketOwnershipControls", &[Lane::S3Write]);
const GET_ENCRYPTION: Operation = Operation::read("s3:GetEncryptionConfiguration", &[Lane::S3Read]);
const PUT_ENCRYPTION: Operation = Operation::write("s3:PutEncryptionConfiguration", &[Lane::S3Write]);

/// Whether all four blocks are on.
pub(super) async fn is_public_access_blocked(s3: &S3, bucket: BucketRef<'_>) -> Result<bool, Failure> {
    let send = || s3.client(bucket.region).get_public_access_block().bucket(bucket.name).send();
    let output = if_set(s3.caller.call(&GET_BLOCK, send).await)?;
    let block = output.and_then(|output| output.public_access_block_configuration);
    Ok(block.is_some_and(|block| block == all_blocks()))
}

/// Turns all four blocks on.
pub(super) async fn block_public_access(s3: &S3, bucket: BucketRef<'_>) -> Result<(), Failure> {
    let send = || {
        let request = s3.client(bucket.region).put_public_access_block().bucket(bucket.name);
        request.public_access_block_configuration(all_blocks()).send()
    };
    s3.caller.call(&PUT_BLOCK, send).await.map(drop)
}

fn all_blocks() -> PublicAccessBlockConfiguration {
    PublicAccessBlockConfiguration::builder()
        .block_public_acls(true)
        .ignore_public_acls(true)
        .block_public_policy(true)
        .restrict_public_buckets(true)
        .build()
}

/// Whether the bucket's owner owns every object.
pub(super) async fn is_owner_enforced(s3: &S3, bucket: BucketRef<'_>) -> Result<bool, Failure> {
    let send = || s3.client(bucket.region).get_bucket_ownership_controls().bucket(bucket.name).send();
    let output = if_set(s3.caller.call(&GET_OWNERSHIP, send).await)?;
    let controls = output.and_then(|output| output.ownership_controls);
    let enforced =
        |rule: &OwnershipControlsRule| rule.object_ownership == ObjectOwnership::BucketOwnerEnforced;
    Ok(controls.is_some_and(|controls| controls.rules.iter().any(enforced)))
}

/// Has the bucket's owner own every object.
pub(super) async fn enforce_ownership(s3: &S3, bucket: BucketRef<'_>) -> Result<(), Failure> {
    let rule =
        OwnershipControlsRule::builder().object_ownership(ObjectOwnership::BucketOwnerEnforced).build();
    let controls = rule.and_then(|rule| OwnershipControls::builder().rules(rule).build());
    let controls = controls.map_err(|error| invalid(PUT_OWNERSHIP.name, error.to_string()))?;
    let send = || {
        let request = s3.client(bucket.region).put_bucket_ownership_controls().bucket(bucket.name);
        request.ownership_controls(controls.clone()).send()
    };
    s3.caller.call(&PUT_OWNERSHIP, send).await.map(drop)
}

/// How objects are encrypted that do not ask for it.
pub(super) async fn encryption(s3: &S3, bucket: BucketRef<'_>) -> Result<Option<String>, Failure> {
    let send = || s3.client(bucket.region).get_bucket_encryption().bucket(bucket.name).send();
    let output = if_set(s3.caller.call(&GET_ENCRYPTION, send).await)?;
    let rules = output.and_then(|output| output.server_side_encryption_configuration);
    let rules = rules.map(|configuration| configuration.rules).unwrap_or_default();
    let by_default = rules.iter().find_map(|rule| rule.apply_server_side_encryption_by_default());
    Ok(by_default.map(|by_default| by_default.sse_algorithm.as_str().to_owned()))
}

/// Has objects encrypted with keys of S3.
pub(super) async fn encrypt(s3: &S3, bucket: BucketRef<'_>) -> Result<(), Failure> {
    let by_default = ServerSideEncryptionByDefault::builder().sse_algorithm(ServerSideEncryption::Aes256);
    let configuration = by_default.build().and_then(|by_default| {
        let rule = ServerSideEncryptionRule::builder().apply_server_side_encryption_by_default(by_default);
        ServerSideEncryptionConfiguration::builder().rules(rule.build()).build()
    });
    let configuration = configuration.map_err(|error| invalid(PUT_ENCRYPTION.name, error.to_string()))?;
    let send = || {
        let request = s3.client(bucket.region).put_bucket_encryption().bucket(bucket.name);
        request.server_side_encryption_configuration(configuration.clone()).send()
    };
    s3.caller.call(&PUT_ENCRYPTION, send).await.map(drop)
}
