//! Buckets, users and their keys: where the proxy mends moto, and what tests of the operator count on moto for. A test that finds moto mended says so.

use anyhow::{Context, Result, ensure};
use aws_sdk_s3::operation::create_multipart_upload::CreateMultipartUploadOutput;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{BucketVersioningStatus, VersioningConfiguration};
use e2e::Amazon;

use crate::amazon::{Clients, code};

const BUCKET: &str = "own";

const TLS_ONLY: &str = r#"{"Version": "2012-10-17", "Statement": [{
    "Effect": "Deny",
    "Principal": "*",
    "Action": "s3:*",
    "Resource": ["arn:aws:s3:::own", "arn:aws:s3:::own/*"],
    "Condition": {"Bool": {"aws:SecureTransport": "false"}}
}]}"#;

/// An account with a bucket.
async fn bucket() -> Result<(Amazon, Clients)> {
    let amazon = Amazon::start().await?;
    let all = Clients::of(&amazon);
    all.s3.create_bucket().bucket(BUCKET).send().await?;
    Ok((amazon, all))
}

#[tokio::test]
async fn the_answer_about_versioning_can_be_read() -> Result<()> {
    let (amazon, all) = bucket().await?;
    let versioning = |s3: &aws_sdk_s3::Client| s3.get_bucket_versioning().bucket(BUCKET).send();
    assert_eq!(versioning(&all.s3).await?.status, None);
    let enabled = VersioningConfiguration::builder().status(BucketVersioningStatus::Enabled).build();
    all.s3.put_bucket_versioning().bucket(BUCKET).versioning_configuration(enabled).send().await?;
    assert_eq!(versioning(&all.s3).await?.status, Some(BucketVersioningStatus::Enabled));
    ensure!(versioning(&amazon.account.s3).await.is_err(), "moto names it as S3 does: the rule can go");
    Ok(())
}

#[tokio::test]
async fn a_list_of_parts_can_be_read() -> Result<()> {
    let (amazon, all) = bucket().await?;
    let begun: CreateMultipartUploadOutput =
        all.s3.create_multipart_upload().bucket(BUCKET).key("big").send().await?;
    let upload = begun.upload_id.context("an upload has an id")?;
    let part = all.s3.upload_part().bucket(BUCKET).key("big").upload_id(&upload).part_number(1);
    part.body(ByteStream::from_static(b"x")).send().await?;
    let parts = |s3: &aws_sdk_s3::Client| s3.list_parts().bucket(BUCKET).key("big").upload_id(&upload).send();
    assert_eq!(parts(&all.s3).await?.parts().len(), 1);
    ensure!(parts(&amazon.account.s3).await.is_err(), "moto names it as S3 does: the rule can go");
    Ok(())
}

#[tokio::test]
async fn an_object_or_one_of_its_versions_keeps_a_bucket_from_going() -> Result<()> {
    let (_amazon, all) = bucket().await?;
    let enabled = VersioningConfiguration::builder().status(BucketVersioningStatus::Enabled).build();
    all.s3.put_bucket_versioning().bucket(BUCKET).versioning_configuration(enabled).send().await?;
    let put = all.s3.put_object().bucket(BUCKET).key("a").send().await?;
    let marker = all.s3.delete_object().bucket(BUCKET).key("a").send().await?;
    let delete = || all.s3.delete_bucket().bucket(BUCKET).send();
    assert_eq!(code(delete().await)?, "BucketNotEmpty");
    for version in [put.version_id, marker.version_id] {
        all.s3.delete_object().bucket(BUCKET).key("a").set_version_id(version).send().await?;
    }
    delete().await?;
    Ok(())
}

#[tokio::test]
async fn a_user_has_two_keys_at_most_and_does_not_go_before_them() -> Result<()> {
    let amazon = Amazon::start().await?;
    let iam = Clients::of(&amazon).iam;
    iam.create_user().user_name("app").send().await?;
    let create = || iam.create_access_key().user_name("app").send();
    let mut keys = Vec::new();
    for _ in 0..2 {
        keys.extend(create().await?.access_key);
    }
    assert_eq!(code(create().await)?, "LimitExceeded");
    let delete = || iam.delete_user().user_name("app").send();
    for key in keys {
        assert_eq!(code(delete().await)?, "DeleteConflict");
        iam.delete_access_key().user_name("app").access_key_id(key.access_key_id).send().await?;
    }
    delete().await?;
    assert_eq!(code(delete().await)?, "NoSuchEntity");
    Ok(())
}

#[tokio::test]
async fn a_statement_about_tls_shuts_nobody_off_and_comes_back_as_it_was_put() -> Result<()> {
    let (amazon, all) = bucket().await?;
    all.s3.put_object().bucket(BUCKET).key("a").send().await?;
    all.s3.put_bucket_policy().bucket(BUCKET).policy(TLS_ONLY).send().await?;
    let get = || all.s3.get_object().bucket(BUCKET).key("a").send();
    get().await?;
    let told = all.s3.get_bucket_policy().bucket(BUCKET).send().await?.policy;
    assert_eq!(told.as_deref(), Some(TLS_ONLY));
    amazon.account.s3.put_bucket_policy().bucket(BUCKET).policy(TLS_ONLY).send().await?;
    ensure!(get().await.is_err(), "moto evaluates aws:SecureTransport: the rule can go");
    Ok(())
}
