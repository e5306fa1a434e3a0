//! `flynn-operator plan --aws` of a Blobstore: the calls are told before they are made, and nothing is written to find out.

use anyhow::{Context as _, Result, ensure};
use e2e::Site;
use e2e::amazon::Fault;
use serde_json::Value;

use super::shop::{BLOBSTORE, BUCKET, MANIFEST, annotate, look, open, says};

const AGAINST: [&str; 3] = ["--against", "cluster", "--aws"];

/// The answer as a program reads it.
async fn answer(site: &Site, manifest: &str) -> Result<(Option<i32>, Value)> {
    let (code, json) = site.plan(manifest, &[&AGAINST[..], &["-o", "json"]].concat()).await?;
    Ok((code, serde_json::from_str(&json).with_context(|| json.clone())?))
}

#[tokio::test]
async fn the_calls_are_told_in_order_as_the_blobstore_lists_them_and_none_is_made() -> Result<()> {
    let planned = MANIFEST.replace("{region: us-east-1}\n---", "{region: us-east-1, mode: Plan}\n---");
    let mut site = Site::start(MANIFEST).await?;
    let (code, before) = answer(&site, &planned).await?;
    let told = before["aws"]["blobstores"].clone();
    ensure!(code == Some(2) && told[0]["blobstore"] == "default/blobs", "{code:?} {before}");
    let (_, table) = site.plan(&planned, &AGAINST).await?;
    let call = format!("\n  default/blobs  s3:CreateBucket {BUCKET} in us-east-1\n");
    ensure!(table.contains(&call) && table.contains("mode: Plan none of these calls is made"), "{table}");

    site.apply(&planned).await?;
    site.lead().await?;
    says(&site, "BucketReady", "False NotApplied").await?;
    let listed = site.people.read(BLOBSTORE).await?["status"]["plannedCalls"].clone();
    ensure!(told[0]["calls"] == listed, "{told} and not {listed}");
    let (code, after) = answer(&site, &planned).await?;
    ensure!(code == Some(2) && after["aws"]["blobstores"] == told, "{code:?} {after}");
    ensure!(after["objects"] == serde_json::json!([]), "only AWS differs: {after}");
    ensure!(site.writes().is_empty(), "{:?}", site.writes());
    let (_, alone) = site.plan(&planned, &["--aws"]).await?;
    ensure!(alone.contains("buckets are not looked at") && !alone.contains("s3:CreateBucket"), "{alone}");
    Ok(())
}

#[tokio::test]
async fn in_sync_there_is_no_difference_and_a_new_key_or_a_failed_read_is_told() -> Result<()> {
    let mut site = open(MANIFEST).await?;
    // Every call that follows is the command's.
    site.kill().await?;
    site.amazon.proxy.forget_calls();
    let (code, text) = site.plan(MANIFEST, &AGAINST).await?;
    ensure!(code == Some(0) && text.contains("No difference"), "{code:?} {text}");

    annotate(&site, "rotate").await?;
    look(&site).await?;
    let (code, rotated) = answer(&site, MANIFEST).await?;
    let calls = rotated["aws"]["blobstores"][0]["calls"].to_string();
    ensure!(code == Some(2) && calls.contains("iam:CreateAccessKey"), "{code:?} {rotated}");

    site.amazon.proxy.order("s3:GetBucketPolicy", usize::MAX, Fault::deny("AccessDenied"));
    let (code, text) = site.plan(MANIFEST, &AGAINST).await?;
    let line = text.lines().find(|line| line.contains("s3:GetBucketPolicy")).unwrap_or_default();
    ensure!(code == Some(1) && line.contains("AccessDenied"), "{code:?} {text}");
    ensure!(site.writes().is_empty(), "{:?}", site.writes());
    Ok(())
}
