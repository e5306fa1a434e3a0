//! One test for each rule of an App that names a Blobstore.

use crds::{BlobstoreSpec, BlobstoreStatus, Bucket, LocalBlobstore};
use k8s_openapi::api::core::v1::PodTemplateSpec;

use super::*;

/// The App `www` that names the Blobstore `blobs`, which is not there.
fn without_blobstore() -> Namespace {
    let mut shop = www();
    shop.app.spec.blobstore = Some("blobs".into());
    shop
}

fn blobstore(spec: BlobstoreSpec, secret: Option<&str>, key: Option<&str>) -> Blobstore {
    let owned = |text: Option<&str>| text.map(str::to_owned);
    let status = BlobstoreStatus { secret: owned(secret), key_id: owned(key), ..BlobstoreStatus::default() };
    Blobstore { status: Some(status), ..Blobstore::new("blobs", spec) }
}

fn in_s3(secret: Option<&str>, key: Option<&str>) -> Blobstore {
    let bucket = Bucket { bucket: "abc".into(), region: "us-east-1".into(), ..Bucket::default() };
    blobstore(BlobstoreSpec { s3: Some(bucket), ..BlobstoreSpec::default() }, secret, key)
}

/// The same with a Blobstore whose key `AKIA1` is in the Secret `keys`.
fn with_blobstore() -> Namespace {
    Namespace { blobstore: Some(in_s3(Some("keys"), Some("AKIA1"))), ..without_blobstore() }
}

fn template(shop: &Namespace) -> PodTemplateSpec {
    shop.deployments[&key("www-web")].spec.clone().unwrap().template
}

/// The key that the Pods are stamped with.
fn stamp(shop: &Namespace) -> Option<String> {
    template(shop).metadata?.annotations?.remove("flynn.io/blobstore-key")
}

/// The variables from a Secret, each as `secret/entry`, without those whose name is not the entry's.
fn from_secret(shop: &Namespace) -> Vec<String> {
    let env = template(shop).spec.unwrap().containers.remove(0).env.unwrap();
    let entries = env.into_iter().filter_map(|variable| {
        let entry = variable.value_from?.secret_key_ref?;
        (entry.key == variable.name && entry.optional.is_none())
            .then(|| format!("{}/{}", entry.name, entry.key))
    });
    entries.collect()
}

fn reason(verdict: &Option<Verdict>) -> Option<String> {
    Some(verdict.clone()?.err()?.reason.to_string())
}

const OF_KEY: [&str; 6] = [
    "keys/AWS_ACCESS_KEY_ID",
    "keys/AWS_REGION",
    "keys/AWS_SECRET_ACCESS_KEY",
    "keys/BACKEND_S3MAIN",
    "keys/DEFAULT_BACKEND",
    "keys/S3_BUCKET",
];

#[test]
fn a_process_gets_each_entry_of_the_secret_and_the_stamp_of_the_key() {
    let shop = with_blobstore().settled();
    assert_eq!(from_secret(&shop), OF_KEY);
    assert_eq!(stamp(&shop).as_deref(), Some("AKIA1"));
    let labels = template(&shop).metadata.unwrap().labels.unwrap();
    assert_eq!(labels["flynn.io/blobstore"], "blobs");
    let selector = shop.deployments[&key("www-web")].spec.clone().unwrap().selector.match_labels.unwrap();
    assert!(!selector.contains_key("flynn.io/blobstore"), "a selector can never change");
    assert_eq!(shop.plan().resolved, Some(Ok(())));
}

#[test]
fn a_role_has_its_own_variables_and_no_stamp() {
    let mut shop = with_blobstore();
    shop.blobstore = Some(in_s3(Some("keys"), None));
    let shop = shop.settled();
    let expected = ["AWS_REGION", "AWS_ROLE_ARN", "BACKEND_S3MAIN", "DEFAULT_BACKEND", "S3_BUCKET"];
    assert_eq!(from_secret(&shop), expected.map(|name| format!("keys/{name}")));
    assert_eq!(stamp(&shop), None);
}

#[test]
fn a_local_blobstore_has_its_own_variables() {
    let mut shop = with_blobstore();
    let local = BlobstoreSpec { local: Some(LocalBlobstore::default()), ..BlobstoreSpec::default() };
    shop.blobstore = Some(blobstore(local, Some("keys"), None));
    let expected = ["BACKEND_LOCAL", "BLOBSTORE_URL", "DEFAULT_BACKEND"];
    assert_eq!(from_secret(&shop.settled()), expected.map(|name| format!("keys/{name}")));
}

#[test]
fn the_pods_are_replaced_when_the_key_is_and_for_nothing_else_about_the_blobstore() {
    let mut shop = with_blobstore().settled();
    let before = shop.deployments.clone();
    let status = shop.blobstore.as_mut().unwrap().status.as_mut().unwrap();
    status.observed_generation = 7;
    status.objects = Some(3);
    status.bucket = Some("abc".into());
    status.planned_calls = vec!["s3:PutBucketPolicy abc".into()];
    status.rotated_at = created(9);
    assert!(shop.settle().is_empty());
    assert_eq!(shop.deployments, before);
    shop.blobstore.as_mut().unwrap().status.as_mut().unwrap().key_id = Some("AKIA2".into());
    assert_eq!(written(&shop.settle().update), ["Deployment www-web"]);
    assert_eq!(stamp(&shop).as_deref(), Some("AKIA2"));
}

#[test]
fn the_apps_own_variable_wins_over_the_blobstores() {
    let mut shop = with_blobstore();
    shop.app.spec.env.insert("S3_BUCKET".into(), "another".into());
    let shop = shop.settled();
    assert_eq!(from_secret(&shop), OF_KEY[..5]);
    let env = template(&shop).spec.unwrap().containers.remove(0).env.unwrap();
    let own: Vec<_> = env.iter().filter(|variable| variable.name == "S3_BUCKET").collect();
    assert_eq!((own.len(), own[0].value.as_deref()), (1, Some("another")));
}

#[test]
fn a_new_app_waits_for_its_blobstore_and_has_all_but_its_deployments() {
    let mut shop = without_blobstore();
    assert_eq!(written(&shop.settle().create), ["Route www.site.com", "Service www-web"]);
    let plan = shop.plan();
    assert_eq!(reason(&plan.resolved).as_deref(), Some("BlobstoreNotFound"));
    assert_eq!(plan.accepted, Ok(()));
    let lack = plan.available.unwrap_err();
    assert_eq!(lack, Refusal::new(crds::Reason::Blocked, "web waits for the App's Blobstore"));
    shop.blobstore = Some(in_s3(None, None));
    assert_eq!(reason(&shop.plan().resolved).as_deref(), Some("BlobstoreNotReady"));
    assert!(shop.settle().is_empty());
    shop.blobstore = with_blobstore().blobstore;
    assert_eq!(written(&shop.settle().create), ["Deployment www-web"]);
}

#[test]
fn what_runs_keeps_running_and_can_be_changed_when_the_blobstore_is_gone() {
    let mut shop = with_blobstore().settled();
    for gone in [Some(in_s3(None, None)), None] {
        shop.blobstore = gone;
        assert!(shop.settle().is_empty());
    }
    shop.app.spec.image = Some("registry.example/www:2".into());
    assert_eq!(written(&shop.settle().update), ["Deployment www-web"]);
    assert_eq!(
        (from_secret(&shop), stamp(&shop).as_deref()),
        (OF_KEY.map(str::to_owned).into(), Some("AKIA1"))
    );
}

#[test]
fn a_deployment_without_the_blobstores_variables_stays_as_it_is_until_there_are_some() {
    let mut shop = www().settled();
    let before = shop.deployments.clone();
    shop.app.spec.blobstore = Some("blobs".into());
    shop.app.spec.image = Some("registry.example/www:2".into());
    shop.process("web").replicas = 3;
    assert!(shop.settle().is_empty());
    assert_eq!(shop.deployments, before);
    assert_eq!(reason(&shop.plan().resolved).as_deref(), Some("BlobstoreNotFound"));
}

#[test]
fn another_blobstore_that_has_no_credentials_yet_leaves_the_deployment_with_those_of_the_one_before() {
    let mut shop = with_blobstore().settled();
    let before = shop.deployments.clone();
    shop.app.spec.blobstore = Some("other".into());
    shop.app.spec.image = Some("registry.example/www:2".into());
    shop.blobstore = None;
    assert!(shop.settle().is_empty());
    assert_eq!(shop.deployments, before);
}

#[test]
fn a_process_that_is_declared_no_more_goes_while_the_blobstore_is_waited_for() {
    let mut shop = www();
    shop.process("worker").command = vec!["work".into()];
    let mut shop = shop.settled();
    shop.app.spec.blobstore = Some("blobs".into());
    shop.app.spec.processes.remove("worker");
    assert_eq!(names(&shop.settle().delete), ["Deployment www-worker"]);
    assert!(shop.deployments.contains_key(&key("www-web")));
}

#[test]
fn an_app_that_names_no_blobstore_any_more_loses_variables_and_stamp() {
    let mut shop = with_blobstore().settled();
    shop.app.spec.blobstore = None;
    assert_eq!(written(&shop.settle().update), ["Deployment www-web"]);
    assert_eq!((from_secret(&shop), stamp(&shop)), (Vec::new(), None));
    assert_eq!(shop.plan().resolved, None);
}
