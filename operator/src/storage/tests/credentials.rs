//! Keys and the Secret: rotation, what is lost on the way, and what is never told.

use std::sync::Arc;

use plan::aws::storage::StorageOrder;
use plan::aws::{AccessKeyId, Fault};

use super::settled;
use super::stage::{Loop, Stage, held, minutes, order};

/// The order that asks for a new key.
pub(super) fn rotated(value: &str) -> StorageOrder {
    held(StorageOrder { rotate: Some(value.into()), ..order() })
}

/// The ids of the keys that work.
fn active(stage: &Stage) -> Vec<AccessKeyId> {
    stage.keys(&order()).into_iter().filter(|key| key.active).map(|key| key.id).collect()
}

/// A Blobstore with a Pod that has its key, a new key beside, and the old one.
async fn rotating() -> (Arc<Stage>, Loop, AccessKeyId) {
    let (stage, leader) = settled().await;
    let old = stage.key_in_secret(&order()).unwrap();
    stage.start_pod(&order(), Some(old.clone()));
    leader.order([rotated("now")]);
    minutes(5).await;
    assert_ne!(stage.key_in_secret(&order()).as_ref(), Some(&old));
    (stage, leader, old)
}

#[tokio::test(start_paused = true)]
async fn the_old_key_works_until_every_pod_has_the_new_one_and_goes_an_hour_after() {
    let (stage, _leader, old) = rotating().await;
    minutes(600).await;
    assert_eq!(active(&stage).len(), 2, "a Pod has the old key");
    stage.start_pod(&order(), stage.key_in_secret(&order()));
    minutes(3).await;
    assert_eq!(stage.settled(&order()), Ok(()));
    assert!(stage.keys(&order()).iter().any(|key| key.id == old), "it can be made to work again");
    minutes(65).await;
    assert_eq!(stage.keys(&order()).len(), 1);
    let writes = stage.writes();
    minutes(600).await;
    assert_eq!(stage.writes(), writes, "the annotation asks once");
}

#[tokio::test(start_paused = true)]
async fn as_long_as_it_is_not_known_which_pods_there_are_no_key_ends() {
    let (stage, _leader, _) = rotating().await;
    stage.start_pod(&order(), stage.key_in_secret(&order()));
    stage.refuse(Some("pods:list"), Some(Fault::Denied));
    minutes(120).await;
    assert_eq!(active(&stage).len(), 2);
    let told = stage.told().reports[&order().key()].credentials.clone();
    let told = told.unwrap().unwrap_err();
    assert!(told.message.contains("flynn-operator-blobstores"), "{told:?}");
    stage.refuse(None, None);
    minutes(5).await;
    assert_eq!(active(&stage).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_key_that_a_person_made_is_never_touched() {
    let (stage, leader) = settled().await;
    let now = stage.account.now();
    let by_hand = stage.account.state().make_key(&order().owner.principal(), now).unwrap().0;
    leader.order([rotated("now")]);
    minutes(600).await;
    assert_eq!(active(&stage).len(), 2);
    assert!(active(&stage).contains(&by_hand));
    let reason = stage.reason(|report| report.credentials.clone());
    assert_eq!(reason.as_deref(), Some("KeyLimitReached"));
    let warned = stage.told().warnings.clone();
    assert!(warned.iter().any(|warning| warning.message.contains(by_hand.as_str())), "{warned:?}");
}

#[tokio::test(start_paused = true)]
async fn a_key_that_cannot_be_written_down_is_deleted_again() {
    let stage = Stage::new();
    let _leader = stage.lead([held(order())]);
    stage.account.state().refused_entries = Some(Fault::Denied);
    minutes(30).await;
    assert!(stage.keys(&order()).is_empty());
    let state = |call: &str| stage.account.state().writes.iter().filter(|made| **made == call).count();
    assert!(state("iam:CreateAccessKey") > 1 && state("iam:CreateAccessKey") < 30);
    assert_eq!(state("iam:CreateAccessKey"), state("iam:DeleteAccessKey"));
    assert_eq!(stage.reason(|report| report.credentials.clone()).as_deref(), Some("AccessDenied"));
    stage.account.state().refused_entries = None;
    minutes(5).await;
    assert_eq!(stage.settled(&order()), Ok(()));
}

#[tokio::test(start_paused = true)]
async fn a_key_of_which_the_api_server_gave_no_word_is_kept_if_it_is_written_down() {
    let stage = Stage::new();
    stage.account.state().refuses_too_late = true;
    stage.account.state().refused_entries = Some(Fault::Server);
    let _leader = stage.lead([held(order())]);
    minutes(5).await;
    assert_eq!(stage.settled(&order()), Ok(()));
    assert_eq!(stage.account.state().issued.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_lost_key_is_found_ended_and_replaced() {
    let stage = Stage::new();
    stage.account.state().refuses_too_late = true;
    stage.refuse(Some("iam:CreateAccessKey"), Some(Fault::Unreachable));
    let _leader = stage.lead([held(order())]);
    minutes(1).await;
    assert_eq!(stage.keys(&order()).len(), 1, "it was made, and nobody has its secret");
    stage.refuse(None, None);
    minutes(5).await;
    assert_eq!(stage.settled(&order()), Ok(()));
    assert_eq!(stage.keys(&order()).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_is_changed_in_the_secret_is_made_anew_and_who_writes_at_the_same_moment_is_noticed() {
    let (stage, _leader) = settled().await;
    let key = order().secret();
    let mut changed = stage.account.state().secrets[&key].clone();
    changed.metadata.resource_version = Some("else".into());
    changed.data.as_mut().unwrap().remove("BACKEND_S3MAIN");
    stage.account.state().secrets.insert(key.clone(), changed);
    minutes(125).await;
    assert_eq!(stage.settled(&order()), Ok(()));
    assert_eq!(stage.keys(&order()).len(), 1, "the key from before has ended");
}

#[tokio::test(start_paused = true)]
async fn nothing_that_is_told_has_a_secret_key_in_it() {
    let (stage, _leader, _) = rotating().await;
    stage.refuse(None, Some(Fault::Invalid));
    minutes(10).await;
    let told = stage.told();
    let text = format!("{told:?} {}", told.text);
    let state = stage.account.state();
    assert!(text.contains("AKIA") && state.issued.len() == 2);
    state.issued.values().for_each(|secret| assert!(!text.contains(secret), "{text}"));
}
