//! The loop over a fake account, in played time: where it ends, what it survives, and what it never does.

mod account;
mod crashes;
mod credentials;
mod foresight;
mod stage;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crds::{AwsMode, DeletionPolicy};
use plan::aws::Fault;
use plan::aws::storage::{Contents, StorageOrder};
use tokio::time::sleep;

use stage::{Loop, Stage, deleted, held, in_mode, minutes, named, order};

/// `blobs` as declared, with the leader that made it so.
async fn settled() -> (Arc<Stage>, Loop) {
    let stage = Stage::new();
    let leader = stage.lead([held(order())]);
    minutes(5).await;
    assert_eq!(stage.settled(&order()), Ok(()));
    (stage, leader)
}

#[tokio::test(start_paused = true)]
async fn a_blobstore_gets_a_bucket_a_user_and_a_key_and_the_finalizer_comes_first() {
    let stage = Stage::new();
    let _leader = stage.lead([order()]);
    minutes(2).await;
    assert_eq!(stage.settled(&order()), Ok(()));
    assert!(stage.held.lock().unwrap().contains(&order().key()));
    let report = stage.told().reports[&order().key()].clone();
    assert_eq!((report.bucket, report.credentials), (Some(Ok(String::new())), Some(Ok(String::new()))));
    assert_eq!(report.key.map(|(id, _)| id), stage.key_in_secret(&order()));
    assert!(stage.told().drift.is_empty());
}

#[tokio::test(start_paused = true)]
async fn in_sync_nothing_is_written_and_the_reads_are_few() {
    let (stage, _leader) = settled().await;
    let writes = stage.writes();
    stage.account.state().reads.clear();
    minutes(60).await;
    assert_eq!(stage.writes(), writes);
    let reads = stage.account.state().reads.clone();
    println!("reads in an hour of a Blobstore in sync: {reads:?}");
    let calls: Vec<_> = reads.keys().copied().collect();
    assert_eq!(calls, ["iam:GetUser", "iam:ListAccessKeys", "s3:GetBucketLocation", "secrets:get"]);
    assert!(reads.values().all(|count| (55..=80).contains(count)), "{reads:?}");
}

#[tokio::test(start_paused = true)]
async fn many_blobstores_share_their_clients_and_none_waits_for_another() {
    let stage = Stage::new();
    let orders: Vec<StorageOrder> = (0..50).map(|number| named(&format!("blobs-{number}"))).collect();
    let leader = stage.lead(orders.clone());
    minutes(2).await;
    orders.iter().for_each(|order| assert_eq!(stage.settled(order), Ok(())));
    assert_eq!(stage.clients.load(Ordering::Relaxed), 1);
    leader.order(orders.iter().take(1).cloned());
    minutes(2).await;
    stage.account.state().reads.clear();
    minutes(10).await;
    let looks = stage.account.state().reads["s3:GetBucketLocation"];
    assert!(looks < 20, "{looks} looks for one Blobstore: those that are ordered no more are not looked at");
}

#[tokio::test(start_paused = true)]
async fn without_a_cluster_that_declares_aws_no_client_is_made_and_nobody_called() {
    let without = |order: StorageOrder| StorageOrder { account: None, ..order };
    let stage = Stage::new();
    let leader = stage.lead([without(order())]);
    minutes(60).await;
    stage.held.lock().unwrap().insert(order().key());
    leader.order([without(deleted(DeletionPolicy::Delete, order()))]);
    minutes(5).await;
    assert_eq!(stage.reason(|report| report.bucket.clone()).as_deref(), Some("AwsNotDeclared"));
    assert!(!stage.held.lock().unwrap().is_empty());
    leader.order([without(deleted(DeletionPolicy::Retain, order()))]);
    minutes(5).await;
    assert!(stage.held.lock().unwrap().is_empty());
    let reads = stage.account.state().all_reads();
    assert_eq!((stage.clients.load(Ordering::Relaxed), reads, stage.writes()), (0, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn modes_that_do_not_apply_write_nothing() {
    for mode in [AwsMode::Plan, AwsMode::Observe] {
        let stage = Stage::new();
        let _leader = stage.lead([in_mode(mode, order())]);
        minutes(60).await;
        assert_eq!(stage.writes(), 0);
        assert!(stage.held.lock().unwrap().is_empty());
        assert_eq!(stage.reason(|report| report.bucket.clone()).as_deref(), Some("NotApplied"));
        let planned = stage.told().reports[&order().key()].planned_calls.clone();
        assert_eq!(planned.is_empty(), mode == AwsMode::Observe);
    }
}

#[tokio::test(start_paused = true)]
async fn a_newer_order_ends_the_calls_for_the_one_before() {
    let stage = Stage::new();
    stage.account.state().slow = Some("s3:CreateBucket");
    let leader = stage.lead([held(order())]);
    sleep(Duration::from_secs(5)).await;
    leader.order([in_mode(AwsMode::Plan, held(order()))]);
    minutes(5).await;
    assert_eq!(stage.account.state().writes, ["secrets:patch", "s3:CreateBucket"]);
}

#[tokio::test(start_paused = true)]
async fn what_somebody_else_changes_is_put_right_within_two_minutes_and_told() {
    let (stage, _leader) = settled().await;
    stage.account.state().buckets.get_mut("acme-blobs").unwrap().settings.public_access_blocked = false;
    minutes(2).await;
    assert_eq!(stage.settled(&order()), Ok(()));
    let drift = stage.told().drift.clone();
    assert_eq!(
        drift,
        ["the public access block of the bucket acme-blobs is not as declared, and is put right"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_new_value_of_the_annotation_has_aws_looked_at_at_once() {
    let (stage, leader) = settled().await;
    sleep(Duration::from_secs(5)).await;
    let before = stage.account.state().all_reads();
    leader.order([held(StorageOrder { resync: Some("now".into()), ..order() })]);
    sleep(Duration::from_secs(2)).await;
    assert!(stage.account.state().all_reads() > before);
}

#[tokio::test(start_paused = true)]
async fn refused_calls_change_nothing_are_told_and_are_made_less_often() {
    for (fault, reason) in [
        (Fault::NoCredentials, "NoCredentials"),
        (Fault::Denied, "AccessDenied"),
        (Fault::SignatureRefused, "SignatureRefused"),
        (Fault::Throttled, "Throttled"),
        (Fault::Unreachable, "AwsUnreachable"),
    ] {
        let (stage, _leader) = settled().await;
        let writes = stage.writes();
        stage.account.state().reads.clear();
        stage.refuse(Some("s3:GetBucketLocation"), Some(fault));
        minutes(60).await;
        assert_eq!(stage.reason(|report| report.bucket.clone()).as_deref(), Some(reason));
        let looks = stage.account.state().reads["s3:GetBucketLocation"];
        assert!(looks < 130, "{looks} looks in an hour of {fault:?}");
        stage.refuse(None, None);
        minutes(3).await;
        assert_eq!((stage.settled(&order()), stage.writes()), (Ok(()), writes));
        assert_eq!(stage.reason(|report| report.bucket.clone()), None);
    }
}

#[tokio::test(start_paused = true)]
async fn retained_all_stays_says_so_once_and_is_taken_up_again() {
    let (stage, leader) = settled().await;
    stage.held.lock().unwrap().insert(order().key());
    let (writes, key) = (stage.writes(), stage.key_in_secret(&order()));
    leader.order([deleted(DeletionPolicy::Retain, order())]);
    minutes(2).await;
    assert!(stage.held.lock().unwrap().is_empty());
    let reasons: Vec<_> = stage.told().warnings.iter().map(|it| it.reason.to_string()).collect();
    assert_eq!(reasons, ["Retained"]);
    leader.order([]);
    minutes(2).await;
    leader.order([held(StorageOrder { uid: "another".into(), ..order() })]);
    minutes(5).await;
    assert_eq!((stage.settled(&order()), stage.key_in_secret(&order())), (Ok(()), key));
    assert_eq!(stage.writes(), writes, "{:?}", stage.account.state().writes);
}

#[tokio::test(start_paused = true)]
async fn a_deletion_waits_for_objects_can_be_taken_back_and_ends_with_nothing_left() {
    let (stage, leader) = settled().await;
    let fill = |objects, more| {
        stage.account.state().buckets.get_mut("acme-blobs").unwrap().contents = Contents { objects, more };
    };
    fill(3, false);
    leader.order([deleted(DeletionPolicy::Delete, order())]);
    minutes(5).await;
    assert_eq!(stage.reason(|report| report.bucket.clone()).as_deref(), Some("DeletionBlocked"));
    assert_eq!(stage.told().reports[&order().key()].objects, Some(3));
    assert_eq!(stage.settled(&order()), Ok(()), "as long as it is blocked all works as before");
    fill(25_000, true);
    let mut emptied = deleted(DeletionPolicy::Delete, order());
    emptied.spec.s3.as_mut().unwrap().empty_on_delete = true;
    stage.held.lock().unwrap().insert(order().key());
    leader.order([emptied]);
    minutes(2).await;
    assert_eq!(stage.undone(), Ok(()));
    assert!(stage.held.lock().unwrap().is_empty());
}
