//! The end of a Blobstore: what stays, what goes, and what is in its way.

use anyhow::{Context as _, Result, ensure};
use e2e::Site;

use super::shop::{BLOBSTORE, BUCKET, MANIFEST, deleted_with_it, key, keys, open, put, ready, says, user};

#[tokio::test]
async fn what_is_retained_stays_as_it_is_and_is_taken_up_again_with_the_same_key() -> Result<()> {
    let site = open(MANIFEST).await?;
    let before = key(&site).await?.id;
    put(&site, "a").await?;
    site.kubectl().ok(&["delete", BLOBSTORE]).await?;
    let event = site.people.event(BLOBSTORE, "Retained").await?;
    ensure!(event.contains(BUCKET), "{event}");
    site.amazon.account.s3.get_bucket_tagging().bucket(BUCKET).send().await?;
    ensure!(key(&site).await?.id == before, "the Secret was changed");

    site.amazon.proxy.forget_calls();
    site.apply(MANIFEST).await?;
    ready(&site).await?;
    ensure!(key(&site).await?.id == before, "there is another key");
    ensure!(site.writes().is_empty(), "{:?}", site.writes());
    Ok(())
}

#[tokio::test]
async fn a_bucket_with_objects_holds_up_its_deletion_until_it_may_be_emptied() -> Result<()> {
    let manifest = deleted_with_it()
        .replace("bucket: acme-flynn-blobs,", "bucket: acme-flynn-blobs, emptyOnDelete: true,");
    // The controller's rights are those of what the Blobstore becomes in the end.
    let mut site = Site::start(&manifest).await?;
    site.apply(&deleted_with_it()).await?;
    site.lead().await?;
    ready(&site).await?;
    put(&site, "a").await?;
    put(&site, "b").await?;
    site.kubectl().ok(&["delete", BLOBSTORE, "--wait=false"]).await?;
    let message = says(&site, "BucketReady", "False DeletionBlocked").await?;
    ensure!(message.contains("2 objects"), "{message}");
    let told = site.people.read(BLOBSTORE).await?["status"]["objects"].clone();
    ensure!(told == 2, "{told}");
    ensure!(keys(&site).await?.len() == 1, "as long as it is blocked all works as before");

    let emptied = r#"{"spec": {"s3": {"emptyOnDelete": true}}}"#;
    site.kubectl().ok(&["patch", BLOBSTORE, "--type=merge", "-p", emptied]).await?;
    site.people.gone(BLOBSTORE).await?;
    ensure!(user(&site).await.is_err(), "the user is left");
    let buckets = site.amazon.account.s3.list_buckets().send().await?;
    ensure!(buckets.buckets().is_empty(), "{:?}", buckets.buckets());
    site.kubectl().fails(&["get", "secret/blobs"]).await?;
    Ok(())
}

#[tokio::test]
async fn a_deletion_that_is_blocked_is_cancelled_by_declaring_that_all_stays() -> Result<()> {
    let site = open(&deleted_with_it()).await?;
    put(&site, "a").await?;
    let before = key(&site).await?.id;
    site.kubectl().ok(&["delete", BLOBSTORE, "--wait=false"]).await?;
    says(&site, "BucketReady", "False DeletionBlocked").await?;
    let retained = r#"{"spec": {"deletionPolicy": "Retain"}}"#;
    site.kubectl().ok(&["patch", BLOBSTORE, "--type=merge", "-p", retained]).await?;
    site.people.gone(BLOBSTORE).await?;
    site.apply(MANIFEST).await?;
    ready(&site).await?;
    ensure!(key(&site).await?.id == before, "there is another key");
    Ok(())
}

#[tokio::test]
async fn after_its_cluster_has_gone_a_blobstore_waits_for_one_and_says_so() -> Result<()> {
    let manifest = deleted_with_it();
    let site = open(&manifest).await?;
    site.kubectl().ok(&["delete", "cluster.flynn.io/site"]).await?;
    site.kubectl().ok(&["delete", BLOBSTORE, "--wait=false"]).await?;
    let message = says(&site, "BucketReady", "False AwsNotDeclared").await?;
    ensure!(message.contains("deletionPolicy: Retain"), "{message}");
    ensure!(keys(&site).await?.len() == 1, "as long as it waits all works as before");

    let (cluster, _) = manifest.split_once("---").context("the Cluster comes first")?;
    site.apply(cluster).await?;
    site.people.gone(BLOBSTORE).await?;
    ensure!(user(&site).await.is_err(), "the user is left");
    Ok(())
}
