//! What is written to a bucket that is there.

use std::collections::BTreeMap;

use plan::aws::Fault;
use serde_json::json;

use super::super::account;
use super::super::endpoint::{Endpoint, Reply, Request};
use super::{BUCKET, refusal, s3, says, subject, targets};
use crate::Fence;

/// The body of the last request.
fn written(endpoint: &Endpoint) -> String {
    endpoint.requests().pop().unwrap().body
}

/// A page of versions: `inside` is what is in it.
fn versions(inside: &str) -> Reply {
    says(&format!("<ListVersionsResult>{inside}</ListVersionsResult>"))
}

#[tokio::test]
async fn each_protection_is_one_call_that_says_all_of_it() {
    let (endpoint, account) = s3(|_| says("")).await;
    account.buckets.block_public_access(BUCKET).await.unwrap();
    assert_eq!(written(&endpoint).matches(">true<").count(), 4);
    account.buckets.enforce_ownership(BUCKET).await.unwrap();
    assert!(written(&endpoint).contains("<ObjectOwnership>BucketOwnerEnforced</ObjectOwnership>"));
    account.buckets.encrypt(BUCKET).await.unwrap();
    assert!(written(&endpoint).contains("<SSEAlgorithm>AES256</SSEAlgorithm>"));
    account.buckets.set_versioning(BUCKET, true).await.unwrap();
    assert!(written(&endpoint).contains("<Status>Enabled</Status>"));
    account.buckets.set_versioning(BUCKET, false).await.unwrap();
    assert!(written(&endpoint).contains("<Status>Suspended</Status>"));
    let policy = json!({ "Version": "2012-10-17", "Statement": [{ "Sid": "FlynnTlsOnly" }] });
    account.buckets.put_policy(BUCKET, &policy).await.unwrap();
    assert_eq!(serde_json::from_str::<serde_json::Value>(&written(&endpoint)).unwrap(), policy);
    let paths =
        ["publicAccessBlock", "ownershipControls", "encryption", "versioning", "versioning", "policy"];
    assert_eq!(targets(&endpoint), paths.map(|path| format!("PUT /blobs/?{path}")));
}

#[tokio::test]
async fn a_write_that_comes_to_the_same_each_time_outlives_two_faults_that_pass() {
    let faults: [fn() -> Reply; 3] =
        [|| refusal(503, "SlowDown"), || refusal(400, "RequestTimeout"), || None];
    for fault in faults {
        let left = std::sync::atomic::AtomicU32::new(2);
        let (endpoint, account) = s3(move |_| {
            let is_faulty = left.fetch_update(SEQ, SEQ, |left| left.checked_sub(1)).is_ok();
            if is_faulty { fault() } else { says("") }
        })
        .await;
        account.buckets.encrypt(BUCKET).await.unwrap();
        assert_eq!(endpoint.requests().len(), 3);
    }
}

const SEQ: std::sync::atomic::Ordering = std::sync::atomic::Ordering::SeqCst;

#[tokio::test]
async fn tags_are_put_beside_those_of_others() {
    let theirs = "<Tagging><TagSet><Tag><Key>team</Key><Value>a</Value></Tag><Tag><Key>ours</Key><Value>old</Value></Tag>
        </TagSet></Tagging>";
    let (endpoint, account) = s3(|request| says(if is_read(request) { theirs } else { "" })).await;
    let tags = BTreeMap::from([("ours".to_owned(), "u/shop/blobs".to_owned())]);
    account.buckets.tag(BUCKET, &tags).await.unwrap();
    let body = written(&endpoint);
    assert!(body.contains("<Key>team</Key><Value>a</Value>"), "{body}");
    assert!(body.contains("<Key>ours</Key><Value>u/shop/blobs</Value>") && !body.contains("old"), "{body}");
    assert_eq!(targets(&endpoint), ["GET /blobs/?tagging", "PUT /blobs/?tagging"]);
}

#[tokio::test]
async fn no_tag_is_written_while_those_of_others_cannot_be_read() {
    let (endpoint, account) = s3(|_| refusal(403, "AccessDenied")).await;
    let failure = account.buckets.tag(BUCKET, &BTreeMap::new()).await.unwrap_err();
    assert_eq!((failure.call, failure.fault), ("s3:GetBucketTagging", Fault::Denied));
    assert_eq!(targets(&endpoint), ["GET /blobs/?tagging"]);
}

#[tokio::test]
async fn our_lifecycle_rule_is_put_beside_those_of_others() {
    let theirs = "<LifecycleConfiguration><Rule><ID>archive</ID><Filter><Prefix>old/</Prefix></Filter><Status>Enabled</Status>
        <Transition><Days>30</Days><StorageClass>GLACIER</StorageClass></Transition></Rule>
        <Rule><ID>flynn-abort-stale-uploads</ID><Filter><Prefix/></Filter><Status>Disabled</Status></Rule></LifecycleConfiguration>";
    let (endpoint, account) = s3(|request| says(if is_read(request) { theirs } else { "" })).await;
    account.buckets.abort_stale_uploads(BUCKET, 7).await.unwrap();
    let body = written(&endpoint);
    assert!(
        body.contains("<ID>archive</ID>") && body.contains("<StorageClass>GLACIER</StorageClass>"),
        "{body}"
    );
    assert!(
        body.contains("<DaysAfterInitiation>7</DaysAfterInitiation>") && !body.contains("Disabled"),
        "{body}"
    );
    assert_eq!(body.matches("flynn-abort-stale-uploads").count(), 1);
}

#[tokio::test]
async fn what_holds_for_the_lifecycle_rules_of_others_stays() {
    const LEAST: &str = "x-amz-transition-default-minimum-object-size";
    let header = "x-amz-transition-default-minimum-object-size: varies_by_storage_class";
    let endpoint = Endpoint::with_header(header, |request| match is_read(request) {
        true => says("<LifecycleConfiguration/>"),
        false => says(""),
    })
    .await;
    let (account, _) = account(endpoint.url(), Fence::open());
    account.buckets.abort_stale_uploads(BUCKET, 7).await.unwrap();
    assert_eq!(endpoint.requests()[1].headers[LEAST], "varies_by_storage_class");
}

#[tokio::test]
async fn a_bucket_without_lifecycle_gets_our_rule_alone() {
    let (endpoint, account) = s3(|request| match is_read(request) {
        true => refusal(404, "NoSuchLifecycleConfiguration"),
        false => says(""),
    })
    .await;
    account.buckets.abort_stale_uploads(BUCKET, 7).await.unwrap();
    assert_eq!(written(&endpoint).matches("<Rule>").count(), 1);
}

#[tokio::test]
async fn versions_and_delete_markers_are_deleted_by_their_ids() {
    let (endpoint, account) = s3(|request| {
        match subject(request) {
        "delete" => says("<DeleteResult/>"),
        _ => versions(
            "<EncodingType>url</EncodingType><Version><Key>a%2Bb+c%01</Key><VersionId>v1</VersionId></Version>
             <DeleteMarker><Key>d</Key><VersionId>null</VersionId></DeleteMarker>",
        ),
    }
    })
    .await;
    account.buckets.empty(BUCKET).await.unwrap();
    assert!(endpoint.requests()[0].target.contains("encoding-type=url"));
    let body = written(&endpoint);
    assert!(body.contains("<Key>a+b c") && body.contains("<VersionId>v1</VersionId>"), "{body}");
    assert!(
        body.contains("<Key>d</Key><VersionId>null</VersionId>") && body.contains("<Quiet>true</Quiet>"),
        "{body}"
    );
}

#[tokio::test]
async fn nothing_is_deleted_from_an_empty_bucket() {
    let (endpoint, account) = s3(|_| versions("")).await;
    account.buckets.empty(BUCKET).await.unwrap();
    assert_eq!(endpoint.requests().len(), 1);
}

#[tokio::test]
async fn an_object_that_stays_is_told_with_its_key() {
    let (_endpoint, account) = s3(|request| match subject(request) {
        "delete" => says(
            "<DeleteResult><Error><Key>a</Key><Code>AccessDenied</Code><Message>It is locked</Message></Error></DeleteResult>",
        ),
        _ => versions("<Version><Key>a</Key><VersionId>v1</VersionId></Version>"),
    })
    .await;
    let failure = account.buckets.empty(BUCKET).await.unwrap_err();
    assert_eq!((failure.call, failure.fault), ("s3:DeleteObjectVersion", Fault::Denied));
    assert_eq!(
        (failure.code.as_deref(), failure.message.as_str()),
        (Some("AccessDenied"), "a: It is locked")
    );
}

fn is_read(request: &Request) -> bool {
    request.target.starts_with("GET")
}
