//! The end of a Blobstore: what stays, what goes, and what is in the way.

use crds::{AwsMode, DeletionPolicy, Reason};
use plan::aws::storage::Contents;

use super::account::plain;
use super::story::{BUCKET, Story};

fn deleted(policy: DeletionPolicy) -> Story {
    let mut story = Story::settled();
    story.account.buckets.insert("somebody-elses".into(), plain("us-east-1"));
    story.order.spec.deletion_policy = policy;
    story.order.deleted_at = Some(story.account.now);
    story
}

#[test]
fn retain_leaves_all_and_the_next_of_its_name_takes_it_up() {
    let mut story = deleted(DeletionPolicy::Retain);
    let plan = story.settle();
    assert!(plan.report.undone && story.calls.is_empty());
    assert_eq!(plan.report.warnings[0].reason, Reason::Retained);
    story.order.deleted_at = None;
    story.order.generation = 1;
    let plan = story.settle();
    assert!(story.calls.is_empty(), "{:?}", story.actions());
    assert_eq!(plan.report.credentials, Some(Ok(String::new())));
}

#[test]
fn delete_takes_all_of_ours_and_nothing_else() {
    let mut story = deleted(DeletionPolicy::Delete);
    let plan = story.settle();
    assert!(plan.report.undone);
    let expected = [
        "iam:DeleteAccessKey",
        "iam:DeleteUserPolicy",
        "iam:DeleteUser",
        "s3:DeleteBucket",
        "secrets:delete",
    ];
    assert_eq!(story.actions(), expected);
    assert_eq!(story.account.buckets.keys().collect::<Vec<_>>(), ["somebody-elses"]);
}

#[test]
fn objects_block_a_deletion_before_anything_is_touched_and_retain_cancels_it() {
    let mut story = deleted(DeletionPolicy::Delete);
    story.account.bucket(BUCKET).contents = Contents { objects: 1000, more: true };
    let plan = story.settle();
    assert!(story.calls.is_empty() && !plan.report.undone);
    let fault = plan.report.bucket.unwrap().unwrap_err();
    assert_eq!((fault.reason, plan.report.objects), (Reason::DeletionBlocked, Some(1000)));
    assert!(fault.message.contains("at least 1000 objects"), "{}", fault.message);
    story.order.spec.deletion_policy = DeletionPolicy::Retain;
    assert!(story.settle().report.undone && story.calls.is_empty());
}

#[test]
fn objects_are_deleted_when_declared() {
    let mut story = deleted(DeletionPolicy::Delete);
    story.account.bucket(BUCKET).contents = Contents { objects: 2500, more: true };
    story.order.spec.s3.as_mut().unwrap().empty_on_delete = true;
    assert!(story.settle().report.undone);
    assert!(!story.account.buckets.contains_key(BUCKET));
    assert_eq!(story.actions().iter().filter(|action| **action == "s3:DeleteObjectVersion").count(), 3);
}

#[test]
fn where_nothing_may_be_called_a_deletion_waits_and_says_for_what() {
    for (mode, planned) in [(AwsMode::Plan, 5), (AwsMode::Observe, 0)] {
        let mut story = deleted(DeletionPolicy::Delete);
        story.order.account.as_mut().unwrap().mode = mode;
        let report = story.plan().report;
        assert!(!report.undone);
        assert_eq!(report.bucket.unwrap().unwrap_err().reason, Reason::NotApplied);
        assert_eq!(report.planned_calls.len(), planned);
    }
    let mut story = deleted(DeletionPolicy::Delete);
    story.order.account = None;
    let plan = story.plan();
    assert!(plan.calls.is_empty() && !plan.report.undone);
    let fault = plan.report.bucket.unwrap().unwrap_err();
    assert_eq!(fault.reason, Reason::AwsNotDeclared);
    assert!(fault.message.contains("deletionPolicy: Retain"), "{}", fault.message);
}

#[test]
fn an_adopted_bucket_is_never_emptied_nor_deleted() {
    let mut story = deleted(DeletionPolicy::Delete);
    let bucket = story.account.bucket(BUCKET);
    bucket.tags.insert("flynn.io/adopted".into(), "true".into());
    bucket.contents = Contents { objects: 7, more: false };
    story.order.spec.s3.as_mut().unwrap().empty_on_delete = true;
    assert!(story.settle().report.undone);
    assert_eq!(story.account.bucket(BUCKET).contents.objects, 7);
    assert!(story.account.users.is_empty());
}

#[test]
fn what_somebody_else_made_blocks_a_deletion_before_anything_is_touched() {
    let mut by_hand = deleted(DeletionPolicy::Delete);
    by_hand.account.key_by_hand().unwrap();
    let mut attached = deleted(DeletionPolicy::Delete);
    let user = attached.user();
    attached.account.users.get_mut(&user).unwrap().attached.insert("ReadOnlyAccess".into());
    for mut story in [by_hand, attached] {
        let plan = story.settle();
        assert_eq!(plan.report.bucket.unwrap().unwrap_err().reason, Reason::DeletionBlocked);
        assert!(story.calls.is_empty());
    }
}
