//! The access keys: rotated without a person, and never one taken away that a person made or a Pod still has.

use crds::Reason;
use jiff::SignedDuration;
use plan::aws::Fault;
use plan::aws::storage::{KeyIntent, StorageOutcome};

use super::account::{Cut, failure};
use super::story::{Ending, Story};

const DAY: SignedDuration = SignedDuration::from_hours(24);

fn credentials(story: &Story) -> Result<String, Reason> {
    story.plan().report.credentials.unwrap().map_err(|refusal| refusal.reason)
}

#[test]
fn a_key_that_is_old_is_replaced_step_by_step() {
    let mut story = Story::settled();
    let first = story.key().unwrap();
    story.account.pass(DAY * 91);
    story.account.use_keys();
    story.settle();
    let second = story.key().unwrap();
    assert_ne!(first, second);
    assert!(story.account.key(&first).unwrap().active, "a Pod still has it");
    assert!(credentials(&story).unwrap().contains("www-1"), "it says whom it waits for");

    story.account.restart_pods();
    let plan = story.plan();
    assert_eq!(
        plan.calls.iter().map(ToString::to_string).collect::<Vec<_>>(),
        [format!("iam:UpdateAccessKey {} {first} Inactive", story.user())]
    );
    story.pass(usize::MAX, Ending::Answered);
    let inactive_at = story.account.now;
    assert!(story.plan().calls.is_empty(), "it may still be taken back");
    story.settle();
    assert_eq!(story.account.key(&first), None);
    assert!(story.account.now >= inactive_at + SignedDuration::from_hours(1));
    assert_eq!(credentials(&story), Ok(String::new()));
}

#[test]
fn a_key_is_not_deleted_before_it_was_out_of_use_for_an_hour() {
    let mut story = Story::settled();
    let first = story.key().unwrap();
    story.order.rotate = Some("now".into());
    story.settle();
    story.account.restart_pods();
    story.pass(usize::MAX, Ending::Answered);
    story.pass(usize::MAX, Ending::Answered);
    story.account.pass(SignedDuration::from_mins(30));
    story.account.keys[0].last_used = Some(story.account.now);
    story.account.pass(SignedDuration::from_mins(45));
    assert!(story.pass(usize::MAX, Ending::Answered).calls.is_empty(), "AWS said late that it was used");
    story.account.pass(SignedDuration::from_mins(16));
    story.pass(usize::MAX, Ending::Answered);
    assert_eq!(story.account.key(&first), None);
}

#[test]
fn each_new_value_of_the_annotation_replaces_the_key_once() {
    let mut story = Story::settled();
    for value in ["1", "2"] {
        let before = story.key();
        story.order.rotate = Some(value.into());
        story.settle();
        assert_ne!(story.key(), before);
        story.account.restart_pods();
        story.settle();
        assert_eq!(story.account.keys.len(), 1);
    }
    story.order.rotate = None;
    story.calls.clear();
    story.settle();
    assert!(story.calls.is_empty());
}

#[test]
fn a_key_made_by_hand_is_left_alone_and_a_rotation_waits_for_its_room() {
    let mut story = Story::settled();
    let by_hand = story.account.key_by_hand().unwrap();
    story.settle();
    assert_eq!(credentials(&story), Ok(String::new()));
    assert!(story.plan().report.warnings[0].message.contains(by_hand.as_str()));
    story.order.rotate = Some("now".into());
    story.settle();
    assert!(story.calls.is_empty(), "{:?}", story.actions());
    assert_eq!(credentials(&story), Err(Reason::KeyLimitReached));
    story.account.keys.retain(|key| key.id != by_hand);
    story.settle();
    assert!(credentials(&story).is_ok());
    assert_eq!(story.actions()[..2], ["secrets:patch", "iam:CreateAccessKey"]);
}

#[test]
fn a_deleted_secret_gets_a_new_key_and_the_old_one_goes() {
    let mut story = Story::settled();
    let first = story.key().unwrap();
    story.account.secret = None;
    story.settle();
    assert_ne!(story.key().unwrap(), first);
    story.account.restart_pods();
    story.settle();
    assert_eq!(story.account.key(&first), None, "the user's tags said that it is ours");
    assert_eq!(story.account.keys.len(), 1);
}

#[test]
fn a_secret_with_other_entries_or_a_key_that_is_gone_or_inactive_gets_a_new_key() {
    type Change = fn(&mut Story);
    let changes: [Change; 3] = [
        |story| story.account.secret.as_mut().unwrap().intact = false,
        |story| story.account.keys.clear(),
        |story| story.account.keys[0].active = false,
    ];
    for change in changes {
        let mut story = Story::settled();
        let first = story.key();
        change(&mut story);
        story.settle();
        assert_ne!(story.key(), first);
        assert!(credentials(&story).is_ok());
    }
}

#[test]
fn a_key_that_iam_does_not_show_yet_is_waited_for() {
    let mut story = Story::new();
    story.pass(usize::MAX, Ending::Answered);
    let shown = std::mem::take(&mut story.account.keys);
    let plan = story.plan();
    assert!(!plan.calls.iter().any(|call| call.action() == "iam:CreateAccessKey"), "{:?}", plan.calls);
    story.account.keys = shown;
    story.settle();
    assert_eq!(story.account.keys.len(), 1);
}

#[test]
fn an_intent_does_not_make_a_key_ours_that_was_used_or_that_came_much_later() {
    for used in [true, false] {
        let mut story = Story::settled();
        let known = story.account.keys.iter().map(|key| key.id.clone()).collect();
        story.account.secret.as_mut().unwrap().marks.key = Some(KeyIntent { at: story.account.now, known });
        if !used {
            story.account.pass(DAY);
        }
        let by_hand = story.account.key_by_hand().unwrap();
        if used {
            story.account.keys[1].last_used = Some(story.account.now);
        }
        story.settle();
        assert!(story.account.key(&by_hand).is_some_and(|key| key.active), "used: {used}");
        assert_eq!(story.account.secret.as_ref().unwrap().marks.key, None);
    }
}

#[test]
fn of_two_keys_that_could_be_the_lost_one_none_is_touched() {
    let mut story = Story::settled();
    story.account.keys.clear();
    let at = story.account.now;
    story.account.secret.as_mut().unwrap().marks.key = Some(KeyIntent { at, known: [].into() });
    story.account.secret.as_mut().unwrap().key = None;
    story.account.key_by_hand().unwrap();
    story.account.key_by_hand().unwrap();
    story.settle();
    assert_eq!(story.account.keys.len(), 2);
    assert_eq!(credentials(&story), Err(Reason::KeyLimitReached));
}

#[test]
fn a_call_that_iam_refuses_leaves_no_intent_behind() {
    let mut story = Story::settled();
    story.order.rotate = Some("now".into());
    let plan = story.plan();
    story.account.apply(&plan.calls[0], Cut::Nowhere).unwrap();
    let refused = failure(&plan.calls[1], Fault::Denied);
    let outcome = StorageOutcome { call: plan.calls[1].clone(), result: Err(refused) };
    story.history.take(&[outcome], story.account.now);
    story.pass(usize::MAX, Ending::Answered);
    assert_eq!(story.account.secret.as_ref().unwrap().marks.key, None);
    assert_eq!(credentials(&story), Err(Reason::AccessDenied));
}

#[test]
fn a_key_that_aws_does_not_let_end_is_told_and_the_one_in_use_goes_on() {
    for (fault, told) in [(Fault::Denied, Err(Reason::AccessDenied)), (Fault::Throttled, Ok(()))] {
        let mut story = Story::settled();
        let first = story.key().unwrap();
        story.order.rotate = Some("now".into());
        story.settle();
        story.account.restart_pods();
        let plan = story.plan();
        let refused = failure(&plan.calls[0], fault);
        let message = refused.refusal().message;
        let outcome = StorageOutcome { call: plan.calls[0].clone(), result: Err(refused) };
        story.history.take(&[outcome], story.account.now);
        assert_eq!(credentials(&story).map(drop), told, "{fault:?}");
        let said = story.plan().report.credentials.unwrap().unwrap_or_else(|refusal| refusal.message);
        assert_eq!(said, message);

        story.settle();
        assert_eq!(story.account.key(&first), None);
        assert_eq!(credentials(&story), Ok(String::new()));
    }
}
