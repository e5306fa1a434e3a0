//! The bucket and who uses it: made, found, kept.

use crds::{AwsMode, Reason};
use plan::aws::storage::{BlobstoreOwner, Contents, Versioning};
use serde_json::json;

use super::account::plain;
use super::story::{BUCKET, Ending, Story};

fn reason(story: &Story) -> Option<Reason> {
    story.plan().report.bucket.unwrap().err().map(|refusal| refusal.reason)
}

#[test]
fn a_bucket_its_user_and_a_key_are_made_in_one_pass_and_then_nothing_is_called() {
    let mut story = Story::new();
    story.pass(usize::MAX, Ending::Answered);
    let expected = [
        "secrets:patch",
        "s3:CreateBucket",
        "s3:PutBucketTagging",
        "secrets:patch",
        "s3:PutBucketPublicAccessBlock",
        "s3:PutBucketOwnershipControls",
        "s3:PutEncryptionConfiguration",
        "s3:PutBucketPolicy",
        "s3:PutLifecycleConfiguration",
        "iam:CreateUser",
        "iam:PutUserPolicy",
        "secrets:patch",
        "iam:CreateAccessKey",
    ];
    assert_eq!(story.actions(), expected);
    story.calls.clear();
    let plan = story.settle();
    assert_eq!(
        story.actions(),
        ["iam:TagUser"],
        "the user's tags list the key, in case that the Secret is lost"
    );
    assert_eq!(plan.report.bucket, Some(Ok(String::new())));
    assert_eq!(plan.report.credentials, Some(Ok(String::new())));
    assert_eq!(plan.report.key.map(|(id, _)| id), story.key());
    assert_eq!(plan.report.drift, Vec::<String>::new());
}

#[test]
fn each_setting_that_somebody_changes_is_put_right_by_one_call_and_told() {
    type Change = fn(&mut plan::aws::storage::Bucket);
    let changes: [(Change, &str); 7] = [
        (|bucket| bucket.settings.public_access_blocked = false, "s3:PutBucketPublicAccessBlock"),
        (|bucket| bucket.settings.owner_enforced = false, "s3:PutBucketOwnershipControls"),
        (|bucket| bucket.settings.encryption = Some("aws:kms".into()), "s3:PutEncryptionConfiguration"),
        (|bucket| bucket.settings.encryption = None, "s3:PutEncryptionConfiguration"),
        (|bucket| bucket.settings.policy = None, "s3:PutBucketPolicy"),
        (|bucket| bucket.settings.uploads_aborted_after_days = Some(700), "s3:PutLifecycleConfiguration"),
        (|bucket| bucket.settings.versioning = Versioning::Enabled, "s3:PutBucketVersioning"),
    ];
    for (change, call) in changes {
        let mut story = Story::settled();
        change(story.account.bucket(BUCKET));
        let plan = story.pass(usize::MAX, Ending::Answered);
        assert_eq!(story.actions(), [call]);
        assert_eq!(plan.report.drift.len(), 1, "{call}");
        assert_eq!(plan.report.bucket.unwrap().unwrap_err().reason, Reason::Pending);
        assert!(story.plan().calls.is_empty(), "{call}");
    }
}

#[test]
fn the_policy_of_the_user_is_put_right_and_what_others_gave_it_is_reported() {
    let mut story = Story::settled();
    let user = story.user();
    let policies = &mut story.account.users.get_mut(&user).unwrap().policies;
    policies.insert("flynn-blobstore".into(), json!({ "Statement": { "Effect": "Allow", "Action": "*" } }));
    policies.insert("theirs".into(), json!({}));
    let plan = story.settle();
    assert_eq!(story.actions(), ["iam:PutUserPolicy"]);
    assert!(plan.report.warnings[0].message.contains("theirs"), "{:?}", plan.report.warnings);
    assert!(story.account.users[&user].policies.contains_key("theirs"));
}

#[test]
fn a_statement_of_somebody_else_in_the_policy_of_the_bucket_stays() {
    let mut story = Story::settled();
    let policy = story.account.bucket(BUCKET).settings.policy.as_mut().unwrap();
    policy["Statement"].as_array_mut().unwrap().push(json!({ "Sid": "Theirs", "Effect": "Deny" }));
    let plan = story.settle();
    assert!(story.calls.is_empty(), "{:?}", story.actions());
    assert!(plan.report.bucket.unwrap().unwrap().contains("somebody else"));
}

#[test]
fn a_bucket_that_is_not_ours_is_left_alone_and_told_why() {
    let mut taken = Story::new();
    taken.account.taken.insert(BUCKET.into());
    let mut elsewhere = Story::new();
    elsewhere.account.buckets.insert(BUCKET.into(), plain("eu-west-1"));
    let mut empty = Story::new();
    empty.account.buckets.insert(BUCKET.into(), plain("us-east-1"));
    let mut full = empty.clone();
    full.account.bucket(BUCKET).contents = Contents { objects: 3, more: false };
    let mut another = empty.clone();
    let other = BlobstoreOwner::new("kube-system-uid", "shop", "other");
    another.account.bucket(BUCKET).tags = other.bucket_tags(false);
    for (story, expected) in [
        (taken, Reason::BucketTaken),
        (elsewhere, Reason::BucketInOtherRegion),
        (empty, Reason::NotOwned),
        (full, Reason::BucketNotEmpty),
        (another, Reason::NotOwned),
    ] {
        let plan = story.plan();
        assert_eq!(reason(&story), Some(expected));
        assert_eq!(plan.calls, [], "{expected:?}");
        assert_eq!(plan.report.credentials.unwrap().unwrap_err().reason, Reason::Blocked);
    }
}

#[test]
fn a_bucket_with_objects_is_adopted_when_declared() {
    let mut story = Story::new();
    story.account.buckets.insert(BUCKET.into(), plain("us-east-1"));
    story.account.bucket(BUCKET).contents = Contents { objects: 3, more: false };
    story.order.spec.s3.as_mut().unwrap().adopt = true;
    story.settle();
    assert_eq!(story.plan().report.bucket, Some(Ok(String::new())));
    assert_eq!(story.account.bucket(BUCKET).contents.objects, 3);
    assert_eq!(story.account.bucket(BUCKET).tags["flynn.io/adopted"], "true");
}

#[test]
fn another_region_than_the_clusters_is_a_warning_that_says_what_it_costs() {
    let mut story = Story::settled();
    story.order.account.as_mut().unwrap().region = "eu-west-1".into();
    let report = story.plan().report;
    assert_eq!(report.warnings[0].reason, Reason::RegionMismatch);
    assert!(report.bucket.unwrap().unwrap().contains("0.02 USD"));
}

#[test]
fn without_aws_in_the_cluster_or_without_s3_nothing_is_called() {
    let mut story = Story::new();
    story.order.account = None;
    assert_eq!(story.plan().report.accepted.unwrap_err().reason, Reason::AwsNotDeclared);
    assert_eq!(story.plan().calls, []);
    story.order.spec.s3 = None;
    story.order.spec.local = Some(crds::LocalBlobstore::default());
    assert_eq!(story.plan().report.accepted.unwrap_err().reason, Reason::LocalNeedsStandalone);
    story.order.platform = plan::Platform::Standalone;
    assert_eq!(story.plan().report.accepted, Ok(String::new()));
    assert_eq!(story.plan().calls, []);
}

#[test]
fn a_plan_lists_its_calls_and_says_that_they_are_not_made() {
    let mut story = Story::new();
    story.order.account.as_mut().unwrap().mode = AwsMode::Plan;
    let report = story.plan().report;
    assert_eq!(report.planned_calls[1], "s3:CreateBucket acme-blobs in us-east-1");
    assert_eq!(report.bucket.unwrap().unwrap_err().reason, Reason::NotApplied);
    story.order.account.as_mut().unwrap().mode = AwsMode::Observe;
    let report = story.plan().report;
    assert_eq!(report.planned_calls, Vec::<String>::new());
    assert_eq!(report.credentials.unwrap().unwrap_err().reason, Reason::NotApplied);
}

#[test]
fn one_setting_that_aws_refuses_keeps_nothing_else_from_being_made() {
    let mut story = Story::new();
    for _ in 0..2 {
        let plan = story.plan();
        story.history = plan.history;
        for call in plan.calls {
            let denied = call.action() == "s3:PutLifecycleConfiguration";
            let result = match denied {
                true => Err(super::account::failure(&call, plan::aws::Fault::Denied)),
                false => story.account.apply(&call, super::account::Cut::Nowhere),
            };
            story.history.take(&[plan::aws::storage::StorageOutcome { call, result }], story.account.now);
            if denied {
                break;
            }
        }
    }
    let report = story.plan().report;
    assert_eq!(report.bucket.unwrap().unwrap_err().reason, Reason::AccessDenied);
    assert!(story.key().is_some(), "the credentials were made in the second pass");
}

#[test]
fn a_role_is_trusted_by_its_service_accounts_and_the_secret_has_no_key() {
    let mut story = Story::new();
    story.order.spec.credentials.role = Some(crds::Role {
        provider_arn: "arn:aws:iam::123456789012:oidc-provider/oidc.example.com".into(),
        service_accounts: vec!["www".into()],
    });
    let plan = story.settle();
    assert_eq!(plan.report.credentials, Some(Ok(String::new())));
    let secret = story.account.secret.clone().unwrap();
    assert_eq!((secret.key, secret.role.is_some()), (None, true));
    assert!(story.account.users.is_empty() && story.account.keys.is_empty());
    let name = story.user();
    story.account.roles.get_mut(&name).unwrap().trust = Some(json!({ "Statement": [] }));
    story.calls.clear();
    story.settle();
    assert_eq!(story.actions(), ["iam:UpdateAssumeRolePolicy"]);
}

#[test]
fn a_user_goes_when_a_role_has_taken_its_place_and_no_pod_has_its_key() {
    let mut story = Story::settled();
    story.order.spec.credentials.role = Some(crds::Role {
        provider_arn: "arn:aws:iam::123456789012:oidc-provider/oidc.example.com".into(),
        service_accounts: vec!["www".into()],
    });
    story.settle();
    assert!(story.account.keys[0].active, "a Pod still has it");
    story.account.restart_pods();
    story.settle();
    assert_eq!((story.account.keys.len(), story.account.users.len()), (0, 0));
    assert_eq!(story.account.roles.len(), 1);
    story.order.spec.credentials.role = None;
    story.settle();
    story.account.restart_pods();
    story.settle();
    assert_eq!((story.account.keys.len(), story.account.roles.len()), (1, 0));
}

#[test]
fn a_secret_of_somebody_else_is_never_written() {
    let mut story = Story::new();
    story.account.secret = Some(plan::aws::storage::SecretState::default());
    let plan = story.settle();
    assert_eq!(story.calls, []);
    assert_eq!(plan.report.bucket.unwrap().unwrap_err().reason, Reason::Blocked);
    let mut story = Story::settled();
    story.account.secret = Some(plan::aws::storage::SecretState::default());
    let plan = story.settle();
    assert_eq!(story.calls, []);
    assert_eq!(plan.report.credentials.unwrap().unwrap_err().reason, Reason::NameTaken);
}
