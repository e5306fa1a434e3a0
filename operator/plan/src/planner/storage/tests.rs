//! What goes out for a Blobstore, and what its status says of it.

use crds::{Cluster, Reason};
use k8s_openapi::api::core::v1::Namespace;
use serde_json::{Value, json};

use super::*;
use crate::aws::AccessKeyId;
use crate::{Finding, Platform, Refusal, Role};

fn now() -> Timestamp {
    "2026-11-22T12:00:00Z".parse().unwrap()
}

fn key() -> ObjectKey {
    ObjectKey::new("shop", "blobs")
}

fn cluster(region: Option<&str>) -> Cluster {
    let aws = region.map(|region| json!({"region": region}));
    let mut spec = json!({"domains": [{"name": "site.com"}]});
    spec["aws"] = aws.unwrap_or_default();
    serde_json::from_value(json!({"metadata": {"name": "site", "uid": "c"}, "spec": spec})).unwrap()
}

fn kube_system() -> Namespace {
    serde_json::from_value(json!({"metadata": {"name": "kube-system", "uid": "installation"}})).unwrap()
}

/// A Blobstore in S3, of this generation and with more metadata.
fn blobstore(generation: i64, more: Value) -> Blobstore {
    let mut metadata = json!({"namespace": "shop", "name": "blobs", "uid": "b", "generation": generation});
    metadata.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let spec = json!({"s3": {"bucket": "abc", "region": "us-east-1"}});
    serde_json::from_value(json!({"metadata": metadata, "spec": spec})).unwrap()
}

/// A planner that knows the installation and a Cluster with AWS in us-east-1.
fn planner() -> Planner {
    let mut planner = Planner::new(Role::Leader);
    planner.put(kube_system().into());
    planner.put(cluster(Some("us-east-1")).into());
    planner
}

fn report(generation: i64) -> StorageReport {
    let held = || Some(Ok(String::new()));
    StorageReport {
        blobstore: key(),
        uid: "b".into(),
        generation,
        accepted: Ok(String::new()),
        bucket: held(),
        credentials: held(),
        warnings: Vec::new(),
        drift: Vec::new(),
        key: Some((AccessKeyId::new("AKIA1"), Some(now()))),
        objects: None,
        planned_calls: Vec::new(),
        undone: false,
    }
}

fn order(step: &Step) -> Option<Option<StorageOrder>> {
    step.storage.get(&key()).map(|order| order.as_deref().cloned())
}

fn told(step: &Step) -> Option<&Value> {
    step.statuses.iter().find(|write| write.kind == Kind::Blobstore).map(|write| &write.status)
}

/// The conditions of a status, each as `Type=Reason`.
fn conditions(status: &Value) -> Vec<String> {
    let conditions = status["conditions"].as_array().unwrap().iter();
    let line = |c: &Value| format!("{}={}", c["type"].as_str().unwrap(), c["reason"].as_str().unwrap());
    conditions.map(line).collect()
}

/// The Blobstore with the status that a step wrote.
fn with_status(mut blobstore: Blobstore, step: &Step) -> Blobstore {
    blobstore.status = serde_json::from_value(told(step).unwrap().clone()).unwrap();
    blobstore
}

/// A planner whose Blobstore has its bucket and its key, and the Blobstore.
fn settled() -> (Planner, Blobstore) {
    let mut planner = planner();
    planner.put(blobstore(1, json!({})).into());
    planner.step(now());
    planner.report_storage(report(1));
    let settled = with_status(blobstore(1, json!({})), &planner.step(now()));
    planner.put(settled.clone().into());
    assert_eq!(told(&planner.step(now())), None);
    (planner, settled)
}

#[test]
fn an_order_goes_out_once_and_again_when_what_it_is_made_from_changes() {
    let mut planner = planner();
    planner.put(blobstore(1, json!({})).into());
    let first = order(&planner.step(now())).unwrap().unwrap();
    assert_eq!((first.owner.installation.as_str(), first.uid.as_str()), ("installation", "b"));
    assert_eq!(first.account.unwrap().region, "us-east-1");
    planner.put(blobstore(1, json!({"labels": {"of": "no interest"}})).into());
    assert_eq!(order(&planner.step(now())), None);
    planner.put(blobstore(1, json!({"annotations": {"flynn.io/rotate": "now"}})).into());
    assert_eq!(order(&planner.step(now())).unwrap().unwrap().rotate.as_deref(), Some("now"));
    planner.put(cluster(Some("eu-west-1")).into());
    assert_eq!(order(&planner.step(now())).unwrap().unwrap().account.unwrap().region, "eu-west-1");
    planner.touch_all();
    assert!(order(&planner.step(now())).unwrap().is_some(), "a new leader has none");
    planner.delete(Kind::Blobstore, &key());
    assert_eq!(order(&planner.step(now())), Some(None));
}

#[test]
fn nobody_is_called_before_it_is_known_which_kubernetes_cluster_this_is() {
    let mut planner = planner();
    planner.delete(Kind::Namespace, &ObjectKey::new("", "kube-system"));
    planner.put(blobstore(1, json!({})).into());
    let step = planner.step(now());
    assert_eq!(order(&step), None);
    assert_eq!(conditions(told(&step).unwrap())[1], "BucketReady=Pending");
    planner.put(kube_system().into());
    assert!(order(&planner.step(now())).unwrap().is_some());
}

#[test]
fn what_cannot_be_followed_says_why_at_once_and_has_no_order() {
    let mut planner = Planner::new(Role::Leader);
    planner.put(kube_system().into());
    planner.put(blobstore(1, json!({})).into());
    let step = planner.step(now());
    assert_eq!(order(&step), None);
    assert_eq!(conditions(told(&step).unwrap())[..2], ["Accepted=AwsNotDeclared", "BucketReady=Blocked"]);
    planner.put(with_status(blobstore(1, json!({})), &step).into());
    planner.put(cluster(Some("us-east-1")).into());
    let step = planner.step(now());
    assert!(order(&step).unwrap().is_some());
    assert_eq!(conditions(told(&step).unwrap())[..2], ["Accepted=Accepted", "BucketReady=Pending"]);
}

#[test]
fn a_local_one_is_for_one_machine() {
    let local = || {
        let mut local = blobstore(1, json!({}));
        (local.spec.s3, local.spec.local) = (None, Some(crds::LocalBlobstore::default()));
        local
    };
    let accepted = |platform| {
        let mut planner = Planner::new(Role::Leader).on(platform);
        planner.put(kube_system().into());
        planner.put(local().into());
        let step = planner.step(now());
        (conditions(told(&step).unwrap()).remove(0), order(&step).is_some())
    };
    assert_eq!(accepted(Platform::Kubernetes), ("Accepted=LocalNeedsStandalone".into(), false));
    assert_eq!(accepted(Platform::Standalone), ("Accepted=Accepted".into(), true));
}

#[test]
fn the_status_says_what_the_last_look_found_and_waits_for_one_after_an_edit() {
    let (mut planner, told_before) = settled();
    let status = told_before.status.unwrap();
    assert_eq!((status.bucket.as_deref(), status.region.as_deref()), (Some("abc"), Some("us-east-1")));
    assert_eq!((status.secret.as_deref(), status.key_id.as_deref()), (Some("blobs"), Some("AKIA1")));
    assert!(status.rotated_at.is_some());
    planner.put(Blobstore { status: Some(status), ..blobstore(2, json!({})) }.into());
    assert_eq!(told(&planner.step(now())), None, "nobody has looked since");
    planner.report_storage(report(2));
    assert_eq!(told(&planner.step(now())).unwrap()["observedGeneration"], 2);
}

#[test]
fn a_new_leader_leaves_what_the_one_before_said_until_it_has_looked() {
    let (_, settled) = settled();
    let mut next = planner();
    next.put(settled.into());
    assert_eq!(told(&next.step(now())), None);
}

#[test]
fn a_look_that_failed_leaves_secret_and_key_as_they_were_told() {
    let (mut planner, _) = settled();
    let failed = || -> Option<Finding> { Some(Err(Refusal::new(Reason::Throttled, "later"))) };
    planner.report_storage(StorageReport { bucket: failed(), credentials: failed(), key: None, ..report(1) });
    let step = planner.step(now());
    let status = told(&step).unwrap();
    assert_eq!(conditions(status)[1], "BucketReady=Throttled");
    assert_eq!((&status["secret"], &status["keyID"]), (&json!("blobs"), &json!("AKIA1")));
    assert_eq!(status["bucket"], "abc");
}

#[test]
fn a_role_takes_the_place_of_the_key_when_the_secret_has_it() {
    let (mut planner, _) = settled();
    planner.report_storage(StorageReport { key: None, ..report(1) });
    let step = planner.step(now());
    let status = told(&step).unwrap();
    assert_eq!((&status["secret"], &status["keyID"]), (&json!("blobs"), &Value::Null));
}

#[test]
fn what_was_found_about_another_of_the_name_is_not_taken() {
    let mut planner = planner();
    planner.put(blobstore(1, json!({})).into());
    planner.step(now());
    planner.report_storage(StorageReport { uid: "before".into(), ..report(1) });
    assert_eq!(told(&planner.step(now())), None);
    planner.report_storage(report(1));
    planner.step(now());
    let mut namesake = blobstore(1, json!({}));
    namesake.metadata.uid = Some("after".into());
    planner.put(namesake.into());
    assert_eq!(conditions(told(&planner.step(now())).unwrap())[1], "BucketReady=Pending");
}

#[test]
fn a_blocked_deletion_says_how_many_objects_are_in_the_way_and_apps_keep_their_key() {
    let (mut planner, before) = settled();
    let deleted = json!({"deletionTimestamp": "2026-11-22T12:00:00Z", "finalizers": ["flynn.io/aws"]});
    planner.put(Blobstore { status: before.status, ..blobstore(2, deleted) }.into());
    assert!(order(&planner.step(now())).unwrap().unwrap().deleted_at.is_some());
    let blocked = Some(Err(Refusal::new(Reason::DeletionBlocked, "3 objects")));
    planner.report_storage(StorageReport {
        bucket: blocked,
        credentials: None,
        key: None,
        objects: Some(3),
        ..report(2)
    });
    let step = planner.step(now());
    let status = told(&step).unwrap();
    assert_eq!(status["objects"], 3);
    assert_eq!(conditions(status).last().unwrap(), "Stalled=DeletionBlocked");
    assert_eq!(status["keyID"], "AKIA1");
}

#[test]
fn the_end_of_what_was_made_is_looked_at_also_where_aws_is_declared_no_more() {
    let (mut planner, before) = settled();
    planner.put(cluster(None).into());
    assert_eq!(order(&planner.step(now())), Some(None));
    let deleted = |finalizers: Value| {
        let more = json!({"deletionTimestamp": "2026-11-22T12:00:00Z", "finalizers": finalizers});
        Blobstore { status: before.status.clone(), ..blobstore(2, more) }
    };
    planner.put(deleted(json!(["flynn.io/aws"])).into());
    assert_eq!(order(&planner.step(now())).unwrap().unwrap().account, None);
    planner.put(deleted(json!(["another"])).into());
    assert_eq!(order(&planner.step(now())), Some(None));
}
