//! What somebody foresees who only looks, beside what a leader lists.

use std::sync::Arc;

use aws::BucketRef;
use crds::{AwsMode, DeletionPolicy};
use plan::aws::Fault;
use plan::aws::storage::StorageOrder;

use super::credentials::rotated;
use super::settled;
use super::stage::{Stage, deleted, held, in_mode, minutes, order};
use crate::storage::foresight::{Unseen, foresee, onlooker};
use crate::storage::{Clients, Surroundings as _};

/// Longer than any wait of a plan.
const LONG: u64 = 70;

async fn foreseen(stage: &Arc<Stage>, order: &StorageOrder) -> Result<Vec<String>, Unseen> {
    let clients = Clients { buckets: stage.account.clone(), principals: stage.account.clone() };
    let foresight = foresee(stage, &clients, order, stage.now()).await?;
    Ok(foresight.calls.iter().map(ToString::to_string).collect())
}

/// What a leader lists that has looked on for long.
async fn listed(stage: &Arc<Stage>, order: &StorageOrder) -> Vec<String> {
    let _leader = stage.lead([in_mode(AwsMode::Plan, order.clone())]);
    minutes(LONG).await;
    stage.told().reports[&order.key()].planned_calls.clone()
}

/// A Blobstore as declared, which nobody looks after any more.
async fn left() -> Arc<Stage> {
    settled().await.0
}

/// One in the middle of a rotation: every Pod has the new key.
async fn rotating() -> Arc<Stage> {
    let (stage, leader) = settled().await;
    stage.start_pod(&order(), stage.key_in_secret(&order()));
    leader.order([rotated("now")]);
    minutes(5).await;
    stage.start_pod(&order(), stage.key_in_secret(&order()));
    stage
}

/// One whose former key is inactive, and not deleted yet.
async fn rotated_out() -> Arc<Stage> {
    let (stage, leader) = settled().await;
    leader.order([rotated("now")]);
    minutes(5).await;
    assert_eq!(stage.keys(&order()).len(), 2);
    stage
}

/// One that somebody opened to the world.
async fn drifted() -> Arc<Stage> {
    let stage = left().await;
    stage.account.state().buckets.get_mut("acme-blobs").unwrap().settings.public_access_blocked = false;
    stage
}

#[tokio::test(start_paused = true)]
async fn what_is_foreseen_is_word_for_word_what_a_leader_lists_and_nothing_is_written() {
    let cases = [
        ("new", Stage::new(), held(order()), "s3:CreateBucket acme-blobs in us-east-1"),
        ("drifted", drifted().await, held(order()), "s3:PutBucketPublicAccessBlock acme-blobs"),
        ("asked for a new key", left().await, rotated("now"), "iam:CreateAccessKey"),
        ("every Pod has the new key", rotating().await, rotated("now"), "Inactive"),
        ("the former key is out of use", rotated_out().await, rotated("now"), "iam:DeleteAccessKey"),
        ("deleted", left().await, deleted(DeletionPolicy::Delete, order()), "s3:DeleteBucket acme-blobs"),
    ];
    for (case, stage, order, call) in cases {
        let writes = stage.writes();
        let foreseen = foreseen(&stage, &order).await.unwrap();
        assert!(foreseen.iter().any(|found| found.contains(call)), "{case}: {foreseen:?}");
        assert_eq!(foreseen, listed(&stage, &order).await, "{case}");
        assert_eq!(stage.writes(), writes, "{case}");
    }
}

#[tokio::test(start_paused = true)]
async fn in_sync_and_where_all_is_retained_no_call_is_foreseen() {
    let stage = left().await;
    for order in [held(order()), deleted(DeletionPolicy::Retain, order())] {
        assert!(foreseen(&stage, &order).await.unwrap().is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_read_is_told_and_nothing_is_made_up() {
    let stage = left().await;
    stage.refuse(Some("iam:GetUser"), Some(Fault::Denied));
    let unseen = foreseen(&stage, &held(order())).await.unwrap_err();
    assert!(matches!(&unseen, Unseen::Aws(failures) if failures[0].call == "iam:GetUser"), "{unseen:?}");
    stage.refuse(Some("secrets:get"), Some(Fault::Denied));
    let unseen = foreseen(&stage, &held(order())).await.unwrap_err();
    assert!(matches!(&unseen, Unseen::Kubernetes(failure) if failure.call == "secrets:get"), "{unseen:?}");
}

#[tokio::test]
async fn the_clients_of_who_only_looks_write_nothing() {
    let clients = onlooker("us-east-1").await;
    let bucket = BucketRef { name: "acme-blobs", region: "us-east-1" };
    let refused = [
        clients.buckets.create(bucket).await,
        clients.buckets.delete(bucket).await,
        clients.principals.create_key("user").await.map(drop),
    ];
    for result in refused {
        assert_eq!(result.unwrap_err().fault, Fault::NotLeader);
    }
}
