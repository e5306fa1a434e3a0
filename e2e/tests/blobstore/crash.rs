//! Controllers that die in the middle of a call to S3 or IAM, and one that goes on after another took over: the end is the same, and no key is nobody's.

use anyhow::{Context as _, Result, ensure};
use e2e::amazon::Fault;
use rustix::process::Signal;

use super::life::{Life, Part, manifest};
use super::shop::{key, keys};

/// What each part writes, in the order in which it does; of what two parts write alike, once. A bucket comes into being with its ownership as it should be.
const WRITES: [(Part, &[&str]); 5] = [
    (
        Part::Begin,
        &[
            "s3:CreateBucket",
            "s3:PutBucketTagging",
            "s3:PutPublicAccessBlock",
            "s3:PutBucketEncryption",
            "s3:PutBucketPolicy",
            "s3:PutBucketLifecycleConfiguration",
            "iam:CreateUser",
            "iam:PutUserPolicy",
            "iam:CreateAccessKey",
        ],
    ),
    (Part::Drift, &["s3:PutBucketOwnershipControls", "s3:PutBucketVersioning"]),
    (Part::Rotation, &["iam:CreateAccessKey", "iam:TagUser"]),
    (Part::Retirement, &["iam:UpdateAccessKey", "iam:DeleteAccessKey"]),
    (
        Part::End,
        &[
            "iam:DeleteAccessKey",
            "iam:DeleteUserPolicy",
            "iam:DeleteUser",
            "s3:DeleteObjects",
            "s3:DeleteBucket",
        ],
    ),
];

/// Has a new controller die at its next call of this action: before AWS has seen it, or before the answer comes.
async fn dies_at(life: &mut Life, action: &str, fault: Fault) -> Result<()> {
    life.site.amazon.proxy.order(action, 1, fault);
    life.site.lead().await?;
    life.while_time_flies(life.site.call_is_held()).await?;
    life.site.kill().await?;
    life.site.amazon.proxy.none_held().await;
    Ok(())
}

#[tokio::test]
async fn a_controller_that_dies_at_any_write_is_followed_by_one_that_finishes_and_leaves_no_key() -> Result<()>
{
    let mut life = Life::start(&manifest()).await?;
    let mut deaths = 0;
    for (part, writes) in WRITES {
        life.order(part).await?;
        for action in writes {
            for fault in [Fault::HoldRequest, Fault::HoldReply] {
                let told = format!("{part:?}: {action} {fault:?}");
                dies_at(&mut life, action, fault).await.context(told)?;
                deaths += 1;
            }
        }
        life.site.lead().await?;
        life.settles(part).await?;
        life.site.kill().await?;
    }
    println!("{deaths} controllers were killed");
    Ok(())
}

#[tokio::test]
async fn a_controller_that_was_paused_with_a_key_in_the_making_leaves_none_behind() -> Result<()> {
    let mut life = Life::start(&manifest()).await?;
    life.site.amazon.proxy.order("iam:CreateAccessKey", 1, Fault::HoldRequest);
    life.order(Part::Begin).await?;
    life.site.lead().await?;
    life.site.call_is_held().await?;
    let first = life.site.leader().await?;
    life.site.controllers()[0].process().signal(Signal::STOP)?;
    life.site.lead().await?;
    life.site
        .eventually("the other one leads", || async {
            ensure!(life.site.leader().await? != first, "{first} leads");
            Ok(())
        })
        .await?;
    life.says("CredentialsReady", "False Pending").await?;
    // What the paused one had asked for is done after all, and nobody has got the key.
    life.site.amazon.proxy.release();
    let lost = life
        .site
        .eventually("a key is there", || async {
            let keys = keys(&life.site).await?;
            keys.into_iter().next().map(|(id, _)| id).context("there is none")
        })
        .await?;
    life.site.controllers()[0].process().signal(Signal::CONT)?;
    life.settles(Part::Begin).await?;
    ensure!(key(&life.site).await?.id != lost, "the key that was lost is in use");
    Ok(())
}
