//! What a Blobstore costs that is as declared, what is put right, and what modes other than `Apply` do.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use e2e::Site;

use super::shop::{BLOBSTORE, BUCKET, MANIFEST, look, open, ready, says};

/// The calls of one look at a Blobstore in sync, each made once.
const LOOK: [&str; 16] = [
    "iam:GetAccessKeyLastUsed",
    "iam:GetUser",
    "iam:GetUserPolicy",
    "iam:ListAccessKeys",
    "iam:ListAttachedUserPolicies",
    "iam:ListGroupsForUser",
    "iam:ListUserPolicies",
    "s3:GetBucketEncryption",
    "s3:GetBucketLifecycleConfiguration",
    "s3:GetBucketLocation",
    "s3:GetBucketOwnershipControls",
    "s3:GetBucketPolicy",
    "s3:GetBucketTagging",
    "s3:GetBucketVersioning",
    "s3:GetPublicAccessBlock",
    "s3:ListObjectVersions",
];

/// How often each call was made for a Blobstore, and not for the Cluster.
fn reads(site: &Site) -> BTreeMap<String, usize> {
    let calls = site.amazon.proxy.calls().into_iter().map(|call| call.action);
    let mut reads = BTreeMap::new();
    for action in calls.filter(|action| action.starts_with("s3:") || action.starts_with("iam:")) {
        *reads.entry(action).or_default() += 1;
    }
    reads
}

/// Waits until so many looks, and nothing beside them, were made. One that was due may have come between.
async fn looked(site: &Site, least: usize) -> Result<()> {
    site.eventually("whole looks were made", || async {
        let reads = reads(site);
        let looks = reads.get(LOOK[0]).copied().unwrap_or_default();
        let whole: BTreeMap<String, usize> = LOOK.iter().map(|call| ((*call).to_owned(), looks)).collect();
        ensure!(reads == whole && looks >= least, "at least {least} looks: {reads:?}");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn in_sync_a_look_reads_each_setting_once_and_writes_nothing_and_drift_is_put_right() -> Result<()> {
    let site = open(MANIFEST).await?;
    site.amazon.proxy.forget_calls();
    for looks in 1..=3 {
        look(&site).await?;
        looked(&site, looks).await?;
    }
    ensure!(site.writes().is_empty(), "{:?}", site.writes());

    site.amazon.account.s3.delete_public_access_block().bucket(BUCKET).send().await?;
    look(&site).await?;
    let event = site.people.event(BLOBSTORE, "DriftRepaired").await?;
    ensure!(event.contains("public access block"), "{event}");
    let block = site.amazon.account.s3.get_public_access_block().bucket(BUCKET).send().await?;
    let block = block.public_access_block_configuration;
    ensure!(block.is_some_and(|block| block.block_public_policy == Some(true)), "it is still open");
    ready(&site).await
}

#[tokio::test]
async fn a_plan_lists_the_calls_and_makes_none_until_it_is_applied() -> Result<()> {
    let planned = MANIFEST.replace("{region: us-east-1}\n---", "{region: us-east-1, mode: Plan}\n---");
    let mut site = Site::start(MANIFEST).await?;
    site.apply(&planned).await?;
    site.lead().await?;
    says(&site, "BucketReady", "False NotApplied").await?;
    let calls = site.people.read(BLOBSTORE).await?["status"]["plannedCalls"].to_string();
    ensure!(calls.contains(&format!("s3:CreateBucket {BUCKET} in us-east-1")), "{calls}");
    ensure!(site.writes().is_empty(), "{:?}", site.writes());
    site.apply(MANIFEST).await?;
    ready(&site).await
}

#[tokio::test]
async fn killed_in_the_middle_the_next_controller_ends_with_one_bucket_and_one_key() -> Result<()> {
    for call in ["s3:CreateBucket", "iam:CreateUser", "iam:CreateAccessKey"] {
        let mut site = Site::start(MANIFEST).await?;
        site.amazon.proxy.order(call, 1, e2e::amazon::Fault::HoldReply);
        site.apply(MANIFEST).await?;
        site.lead().await?;
        site.call_is_held().await?;
        site.kill().await?;
        site.amazon.proxy.release();
        site.lead().await?;
        ready(&site).await?;
        let keys = super::shop::keys(&site).await?;
        ensure!(keys.len() == 1, "{call}: {keys:?}");
        ensure!(super::shop::key(&site).await?.id == keys[0].0, "{call}: the key in the Secret is another");
    }
    Ok(())
}
