//! `mode: Plan` and `mode: Observe` of the Cluster, for a Blobstore that was made and is not any more as it should be: what would be done is told in its order, and
//! nothing is.

use anyhow::{Result, ensure};
use e2e::Site;

use super::shop::{BLOBSTORE, BUCKET, MANIFEST, look, open, ready, says, user};

fn in_mode(mode: &str) -> String {
    MANIFEST.replace("{region: us-east-1}\n---", &format!("{{region: us-east-1, mode: {mode}}}\n---"))
}

/// The names of the calls that are planned, in their order.
async fn planned(site: &Site) -> Result<Vec<String>> {
    let blobstore = site.people.read(BLOBSTORE).await?;
    let calls = blobstore["status"]["plannedCalls"].as_array().cloned().unwrap_or_default();
    let names = calls.iter().filter_map(|call| call.as_str()?.split(' ').next().map(str::to_owned));
    Ok(names.collect())
}

#[tokio::test]
async fn drift_is_planned_in_order_or_observed_and_put_right_only_where_calls_may_be_made() -> Result<()> {
    let site = open(MANIFEST).await?;
    site.apply(&in_mode("Observe")).await?;
    look(&site).await?;
    site.eventually("the operator writes no more", || async {
        ensure!(planned(&site).await?.is_empty(), "who observes plans nothing");
        site.amazon.proxy.forget_calls();
        Ok(())
    })
    .await?;
    let account = &site.amazon.account;
    account.s3.delete_bucket_lifecycle().bucket(BUCKET).send().await?;
    account.s3.delete_public_access_block().bucket(BUCKET).send().await?;
    let policy = account.iam.delete_user_policy().user_name(user(&site).await?);
    policy.policy_name("flynn-blobstore").send().await?;
    look(&site).await?;
    says(&site, "BucketReady", "False NotApplied").await?;
    says(&site, "CredentialsReady", "False NotApplied").await?;
    ensure!(planned(&site).await?.is_empty(), "who observes plans nothing");

    site.apply(&in_mode("Plan")).await?;
    site.eventually("the calls are planned in their order", || async {
        let planned = planned(&site).await?;
        let expected = ["s3:PutBucketPublicAccessBlock", "s3:PutLifecycleConfiguration", "iam:PutUserPolicy"];
        ensure!(planned == expected, "{planned:?}");
        Ok(())
    })
    .await?;
    let writes = site.writes();
    ensure!(writes.is_empty(), "{writes:?}");

    site.apply(MANIFEST).await?;
    ready(&site).await?;
    ensure!(planned(&site).await?.is_empty(), "calls are still planned");
    account.s3.get_public_access_block().bucket(BUCKET).send().await?;
    Ok(())
}
