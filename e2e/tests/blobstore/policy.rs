//! Least privilege: the controllers have what `flynn-operator aws-policy` prints for the manifest, and nothing else. S3 and IAM refuse what a policy does not
//! allow on that very bucket or user, so that a life without a refusal shows that it is enough, and a taken action that it is needed.

use std::collections::BTreeSet;

use anyhow::{Result, ensure};

use super::life::{Life, Part, manifest};
use super::shop::BUCKET;

/// What AWS refused, each with its code.
fn refused(life: &Life) -> BTreeSet<(String, String)> {
    let calls = life.site.amazon.proxy.calls().into_iter();
    let codes = calls.filter_map(|call| Some((call.action, call.code?)));
    codes.filter(|(_, code)| code.contains("AccessDenied") || code.contains("Unauthorized")).collect()
}

#[tokio::test]
async fn a_whole_life_needs_no_more_than_the_policy_that_is_printed_for_it() -> Result<()> {
    let mut life = Life::start(&manifest()).await?;
    for part in Part::ALL {
        life.order(part).await?;
        if part == Part::Begin {
            life.site.lead().await?;
        }
        life.settles(part).await?;
    }
    let refused = refused(&life);
    ensure!(refused.is_empty(), "{refused:?}");
    for (action, calls) in life.site.amazon.proxy.calls_by_action() {
        println!("{action:38} {calls:4} allowed");
    }
    Ok(())
}

#[tokio::test]
async fn with_the_policy_of_who_only_plans_nothing_is_made_and_the_status_says_what_is_missing() -> Result<()>
{
    let planned = manifest().replace("{region: us-east-1}\n---", "{region: us-east-1, mode: Plan}\n---");
    let mut life = Life::start(&planned).await?;
    life.order(Part::Begin).await?;
    life.site.lead().await?;
    let message = life.says("BucketReady", "False AccessDenied").await?;
    ensure!(message.contains("s3:CreateBucket") && message.contains("aws-policy"), "{message}");
    ensure!(!refused(&life).is_empty(), "nobody was refused anything");
    let buckets = life.site.amazon.account.s3.list_buckets().send().await?;
    ensure!(buckets.buckets().is_empty(), "{buckets:?}");
    Ok(())
}

#[tokio::test]
async fn with_the_policy_for_another_bucket_this_one_is_not_even_looked_into() -> Result<()> {
    let other = manifest().replace("acme-flynn-blobs", "acme-other-blobs");
    let mut life = Life::start(&other).await?;
    life.site.amazon.account.s3.create_bucket().bucket(BUCKET).send().await?;
    life.order(Part::Begin).await?;
    life.site.lead().await?;
    life.says("BucketReady", "False BucketTaken").await?;
    let writes = life.site.writes();
    ensure!(writes.is_empty() && !refused(&life).is_empty(), "{writes:?}");
    Ok(())
}
