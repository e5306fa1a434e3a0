//! Whichever call a leader dies at, and however many lead at once: it comes to the same end.

use std::sync::Arc;
use std::time::Duration;

use crds::{DeletionPolicy, Reason};
use plan::aws::Fault;
use plan::aws::storage::StorageOrder;
use tokio::time::timeout;

use super::credentials::rotated;
use super::stage::{Loop, Stage, deleted, held, minutes, order};

/// Long enough for all waits of a plan to end: an hour for a key that is out of use, and those of calls that failed.
const SETTLED: u64 = 70;

/// A Blobstore's life: it begins, gets a new key, and ends.
fn life() -> [StorageOrder; 3] {
    [held(order()), rotated("now"), deleted(DeletionPolicy::Delete, rotated("now"))]
}

/// Lives it, with a Pod that has the newest key at the end of each part. Whether a leader died.
async fn live(stage: &Arc<Stage>) -> bool {
    let mut has_died = false;
    for order in life() {
        let mut leader = stage.lead([order.clone()]);
        has_died |= settle(stage, &order, &mut leader).await;
        if order.deleted_at.is_some() {
            assert_eq!(stage.undone(), Ok(()), "{:?}", stage.account.state().writes);
            continue;
        }
        stage.start_pod(&order, stage.key_in_secret(&order));
        has_died |= settle(stage, &order, &mut leader).await;
        ends_well(stage, &order);
    }
    has_died
}

/// Lets time pass; a leader that dies is followed by one that remembers nothing. Whether one died.
async fn settle(stage: &Arc<Stage>, order: &StorageOrder, leader: &mut Loop) -> bool {
    let has_died = timeout(Duration::from_secs(60 * SETTLED), stage.account.died.notified()).await.is_ok();
    if has_died {
        *leader = stage.lead([order.clone()]);
        minutes(SETTLED).await;
    }
    has_died
}

fn ends_well(stage: &Stage, order: &StorageOrder) {
    assert_eq!(stage.settled(order), Ok(()), "{:?}", stage.account.state().writes);
    assert_eq!(stage.keys(order).len(), 1, "{:?}", stage.account.state().writes);
}

async fn dies_at_each_call(is_carried_out: bool) {
    for call in 0.. {
        let stage = Stage::new();
        stage.account.state().death = Some((call, is_carried_out));
        if !live(&stage).await {
            assert!(call > 20, "a life has more than {call} calls");
            println!("a life of {call} calls");
            return;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn whichever_call_a_leader_dies_after_the_next_one_comes_to_the_same_end() {
    dies_at_each_call(true).await;
}

#[tokio::test(start_paused = true)]
async fn whichever_call_a_leader_dies_before_the_next_one_comes_to_the_same_end() {
    dies_at_each_call(false).await;
}

#[tokio::test(start_paused = true)]
async fn two_leaders_at_once_do_no_harm() {
    let stage = Stage::new();
    let both = [stage.lead([held(order())]), stage.lead([held(order())])];
    minutes(SETTLED).await;
    ends_well(&stage, &held(order()));
    both[0].order([rotated("now")]);
    minutes(1).await;
    both[1].order([rotated("now")]);
    minutes(SETTLED).await;
    stage.start_pod(&order(), stage.key_in_secret(&order()));
    minutes(SETTLED).await;
    ends_well(&stage, &rotated("now"));
    both.iter().for_each(|leader| leader.order([deleted(DeletionPolicy::Delete, order())]));
    minutes(SETTLED).await;
    assert_eq!(stage.undone(), Ok(()));
}

#[tokio::test(start_paused = true)]
async fn who_may_soon_not_lead_any_more_does_not_go_on() {
    let stage = Stage::new();
    let leader = stage.lead([order()]);
    stage.refuse(None, Some(Fault::NotLeader));
    minutes(1).await;
    assert_eq!(stage.writes(), 0);
    drop(leader);
    stage.refuse(None, None);
    let _next = stage.lead([held(order())]);
    minutes(5).await;
    assert_eq!(stage.settled(&order()), Ok(()));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_was_kept_back_is_not_told_as_one_that_failed() {
    let stage = Stage::new();
    stage.refuse(Some("secrets:patch"), Some(Fault::NotLeader));
    let _leader = stage.lead([held(order())]);
    minutes(5).await;
    let bucket = stage.told().reports[&order().key()].bucket.clone();
    let fault = bucket.unwrap().unwrap_err();
    assert_eq!(
        (fault.reason, fault.message.contains("secrets:patch")),
        (Reason::Pending, false),
        "{fault:?}"
    );
    stage.refuse(None, None);
    minutes(2).await;
    assert_eq!(stage.settled(&order()), Ok(()));
}
