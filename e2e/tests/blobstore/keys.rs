//! What the keys in the Secret can do, what becomes of those before them, and that no secret key is ever told.

use anyhow::{Context as _, Result, ensure};
use aws_sdk_s3::Client;
use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::operation::create_multipart_upload::CreateMultipartUploadOutput;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{BucketVersioningStatus, VersioningConfiguration};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use e2e::Site;

use super::shop::{BUCKET, MANIFEST, annotate, key, keys, look, open, ready, says, start_pod, user};

/// What a call came to: `allowed`, or the code of the refusal.
fn verdict<T, E: ProvideErrorMetadata + std::fmt::Debug>(result: Result<T, E>) -> String {
    match result {
        Ok(_) => "allowed".to_owned(),
        Err(error) => error.code().map_or_else(|| format!("no answer: {error:?}"), str::to_owned),
    }
}

/// The seven actions on a bucket, each with what it came to. `upload` is one that has begun.
async fn seven(s3: &Client, bucket: &str, upload: &str) -> Vec<(&'static str, String)> {
    let body = ByteStream::from_static(b"x");
    let part = s3.list_parts().bucket(bucket).key("big").upload_id(upload);
    let abort = s3.abort_multipart_upload().bucket(bucket).key("big").upload_id(upload);
    vec![
        ("s3:PutObject", verdict(s3.put_object().bucket(bucket).key("a").body(body).send().await)),
        ("s3:GetObject", verdict(s3.get_object().bucket(bucket).key("a").send().await)),
        ("s3:ListBucket", verdict(s3.list_objects_v2().bucket(bucket).send().await)),
        ("s3:ListMultipartUploadParts", verdict(part.send().await)),
        ("s3:ListBucketMultipartUploads", verdict(s3.list_multipart_uploads().bucket(bucket).send().await)),
        ("s3:AbortMultipartUpload", verdict(abort.send().await)),
        ("s3:DeleteObject", verdict(s3.delete_object().bucket(bucket).key("a").send().await)),
    ]
}

/// Other actions on the bucket and on buckets, each with what it came to.
async fn others_of_s3(s3: &Client) -> Vec<(&'static str, String)> {
    let versions = VersioningConfiguration::builder().status(BucketVersioningStatus::Enabled).build();
    let versioned = s3.put_bucket_versioning().bucket(BUCKET).versioning_configuration(versions);
    let lifecycle = s3.get_bucket_lifecycle_configuration().bucket(BUCKET);
    vec![
        ("s3:ListAllMyBuckets", verdict(s3.list_buckets().send().await)),
        ("s3:CreateBucket", verdict(s3.create_bucket().bucket("acme-more").send().await)),
        ("s3:DeleteBucket", verdict(s3.delete_bucket().bucket(BUCKET).send().await)),
        ("s3:GetBucketPolicy", verdict(s3.get_bucket_policy().bucket(BUCKET).send().await)),
        ("s3:PutBucketPolicy", verdict(s3.put_bucket_policy().bucket(BUCKET).policy("{}").send().await)),
        ("s3:DeleteBucketPolicy", verdict(s3.delete_bucket_policy().bucket(BUCKET).send().await)),
        ("s3:GetBucketTagging", verdict(s3.get_bucket_tagging().bucket(BUCKET).send().await)),
        ("s3:GetBucketAcl", verdict(s3.get_bucket_acl().bucket(BUCKET).send().await)),
        ("s3:GetBucketLocation", verdict(s3.get_bucket_location().bucket(BUCKET).send().await)),
        ("s3:GetBucketVersioning", verdict(s3.get_bucket_versioning().bucket(BUCKET).send().await)),
        ("s3:PutBucketVersioning", verdict(versioned.send().await)),
        ("s3:ListBucketVersions", verdict(s3.list_object_versions().bucket(BUCKET).send().await)),
        ("s3:GetEncryptionConfiguration", verdict(s3.get_bucket_encryption().bucket(BUCKET).send().await)),
        ("s3:PutEncryptionConfiguration", verdict(s3.delete_bucket_encryption().bucket(BUCKET).send().await)),
        (
            "s3:PutBucketPublicAccessBlock",
            verdict(s3.delete_public_access_block().bucket(BUCKET).send().await),
        ),
        ("s3:GetLifecycleConfiguration", verdict(lifecycle.send().await)),
    ]
}

/// Actions elsewhere, each with what it came to.
async fn others_elsewhere(site: &Site, sdk: &aws_types::SdkConfig) -> Vec<(&'static str, String)> {
    let (iam, ec2) = (aws_sdk_iam::Client::new(sdk), aws_sdk_ec2::Client::new(sdk));
    let user = user(site).await.unwrap_or_default();
    let policy = iam.get_user_policy().user_name(&user).policy_name("flynn-blobstore");
    vec![
        ("iam:ListUsers", verdict(iam.list_users().send().await)),
        ("iam:GetUser", verdict(iam.get_user().user_name(&user).send().await)),
        ("iam:GetUserPolicy", verdict(policy.send().await)),
        ("iam:ListAccessKeys", verdict(iam.list_access_keys().user_name(&user).send().await)),
        ("iam:CreateAccessKey", verdict(iam.create_access_key().user_name(&user).send().await)),
        ("ec2:DescribeAddresses", verdict(ec2.describe_addresses().send().await)),
    ]
}

#[tokio::test]
async fn the_keys_can_do_the_seven_actions_on_the_bucket_and_nothing_else_anywhere() -> Result<()> {
    let site = open(MANIFEST).await?;
    let account = &site.amazon.account.s3;
    account.create_bucket().bucket("acme-other").send().await.context("another bucket is made")?;
    let mut uploads = Vec::new();
    for bucket in [BUCKET, "acme-other"] {
        let begun: CreateMultipartUploadOutput = account
            .create_multipart_upload()
            .bucket(bucket)
            .key("big")
            .send()
            .await
            .context("an upload begins")?;
        let upload = begun.upload_id.unwrap_or_default();
        let part = account.upload_part().bucket(bucket).key("big").upload_id(&upload).part_number(1);
        part.body(ByteStream::from_static(b"x")).send().await.context("a part is uploaded")?;
        uploads.push(upload);
    }
    site.amazon.enforce_iam().await?;

    let sdk = site.amazon.sdk(&key(&site).await?);
    let s3 = Client::new(&sdk);
    let mut table = Vec::new();
    for (action, got) in seven(&s3, BUCKET, &uploads[0]).await {
        table.push((action, "this bucket", "allowed", got));
    }
    for (action, got) in seven(&s3, "acme-other", &uploads[1]).await {
        table.push((action, "another bucket", "AccessDenied", got));
    }
    let others = [others_of_s3(&s3).await, others_elsewhere(&site, &sdk).await].concat();
    for (action, got) in others {
        let refused = if action.starts_with("ec2:") { "UnauthorizedOperation" } else { "AccessDenied" };
        table.push((action, "anything", refused, got));
    }
    println!("{:32} {:15} {:22} got", "action", "on", "expected");
    for (action, on, expected, got) in &table {
        println!("{action:32} {on:15} {expected:22} {got}");
    }
    let wrong: Vec<_> = table.iter().filter(|(_, _, expected, got)| expected != got).collect();
    ensure!(wrong.is_empty(), "{wrong:#?}");
    Ok(())
}

#[tokio::test]
async fn a_new_key_takes_the_place_of_the_old_one_which_ends_when_every_pod_has_it() -> Result<()> {
    let site = open(MANIFEST).await?;
    let old = key(&site).await?;
    start_pod(&site, &old.id).await?;
    annotate(&site, "rotate").await?;
    site.eventually("there is a new key", || async {
        ensure!(key(&site).await?.id != old.id, "it is the old one");
        Ok(())
    })
    .await?;
    ready(&site).await?;
    let new = key(&site).await?;
    look(&site).await?;
    ensure!(keys(&site).await?.iter().all(|(_, status)| status == "Active"), "a Pod has the old key");

    start_pod(&site, &new.id).await?;
    look(&site).await?;
    site.eventually("the old key is inactive", || async {
        let mut found = keys(&site).await?;
        found.sort_by_key(|(id, _)| *id != old.id);
        let expected = [(old.id.clone(), "Inactive".to_owned()), (new.id.clone(), "Active".to_owned())];
        ensure!(found == expected, "{found:?}");
        Ok(())
    })
    .await?;

    nothing_told_has(&site, &[&old.secret, &new.secret]).await
}

#[tokio::test]
async fn a_key_that_a_person_made_stays_and_is_in_the_way_of_a_new_one() -> Result<()> {
    let site = open(MANIFEST).await?;
    let by_hand = site.amazon.account.iam.create_access_key().user_name(user(&site).await?).send().await?;
    let by_hand = by_hand.access_key.map(|key| key.access_key_id).unwrap_or_default();
    annotate(&site, "rotate").await?;
    let message = says(&site, "CredentialsReady", "False KeyLimitReached").await?;
    ensure!(message.contains(&by_hand), "{message}");
    ensure!(keys(&site).await?.contains(&(by_hand.clone(), "Active".to_owned())), "it was touched");
    let event = site.people.event("blobstore/blobs", "NotOwned").await?;
    ensure!(event.contains(&by_hand), "{event}");

    site.amazon
        .account
        .iam
        .delete_access_key()
        .user_name(user(&site).await?)
        .access_key_id(&by_hand)
        .send()
        .await?;
    let old = key(&site).await?;
    look(&site).await?;
    site.eventually("the new key is made", || async {
        ensure!(key(&site).await?.id != old.id, "it is the old one");
        Ok(())
    })
    .await
}

/// An error if one of these secret keys stands in a log, an event, a status, a plan or the operator's metrics.
async fn nothing_told_has(site: &Site, secrets: &[&str]) -> Result<()> {
    let mut told = String::new();
    for controller in site.controllers() {
        told += &std::fs::read_to_string(controller.process().log())?;
    }
    for kinds in ["events", "blobstores,clusters,apps", "deployments,pods"] {
        told += &site.kubectl().ok(&["get", kinds, "-o", "yaml"]).await?;
    }
    told += &site.plan(MANIFEST, &[]).await?.1;
    ensure!(told.contains("iam:CreateAccessKey"), "the log tells of the calls");
    for secret in secrets {
        for text in [(*secret).to_owned(), BASE64_STANDARD.encode(secret.as_bytes())] {
            ensure!(!told.contains(&text), "a secret key is told");
        }
    }
    Ok(())
}
