//! Buckets, against an endpoint that plays S3.

mod observation;
mod settings;

use plan::aws::Fault;
use plan::aws::storage::BucketState;

use super::account;
use super::endpoint::{Endpoint, Reply, Request};
use crate::{Account, BucketRef, Fence};

const BUCKET: BucketRef<'_> = BucketRef { name: "blobs", region: "eu-west-1" };

async fn s3(answer: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> (Endpoint, Account) {
    let endpoint = Endpoint::start(answer).await;
    let (account, _) = account(endpoint.url(), Fence::open());
    (endpoint, account)
}

fn says(text: &str) -> Reply {
    Some((200, text.to_owned()))
}

/// A refusal as S3 words it.
fn refusal(status: u16, code: &str) -> Reply {
    Some((status, format!("<Error><Code>{code}</Code><Message>No.</Message></Error>")))
}

/// What a request is about: `?policy` in `GET /blobs/?policy`.
fn subject(request: &Request) -> &str {
    request.target.split_once('?').map_or("", |(_, query)| query.split(['&', '=']).next().unwrap())
}

fn targets(endpoint: &Endpoint) -> Vec<String> {
    endpoint.requests().into_iter().map(|request| request.target).collect()
}

#[tokio::test]
async fn a_bucket_is_created_in_its_region_and_owned_from_the_start() {
    let (endpoint, account) = s3(|_| says("")).await;
    account.buckets.create(BUCKET).await.unwrap();
    let request = &endpoint.requests()[0];
    assert_eq!(request.target, "PUT /blobs/");
    assert_eq!(request.headers["x-amz-object-ownership"], "BucketOwnerEnforced");
    assert!(request.headers["authorization"].contains("/eu-west-1/s3/"));
    assert!(request.body.contains("<LocationConstraint>eu-west-1</LocationConstraint>"), "{}", request.body);
}

#[tokio::test]
async fn the_first_region_is_not_named_when_a_bucket_is_created_there() {
    let (endpoint, account) = s3(|_| says("")).await;
    account.buckets.create(BucketRef { region: "us-east-1", ..BUCKET }).await.unwrap();
    let request = &endpoint.requests()[0];
    assert_eq!(request.body, "");
    assert!(request.headers["authorization"].contains("/us-east-1/s3/"));
}

#[tokio::test]
async fn a_creation_whose_reply_is_lost_is_sent_once() {
    let (endpoint, account) = s3(|_| None).await;
    let failure = account.buckets.create(BUCKET).await.unwrap_err();
    assert_eq!((failure.fault, failure.is_ambiguous()), (Fault::Unreachable, true));
    assert_eq!(targets(&endpoint), ["PUT /blobs/"]);
}

#[tokio::test]
async fn a_creation_that_s3_failed_in_is_sent_once() {
    let (endpoint, account) = s3(|_| refusal(500, "InternalError")).await;
    assert_eq!(account.buckets.create(BUCKET).await.unwrap_err().fault, Fault::Server);
    assert_eq!(targets(&endpoint), ["PUT /blobs/"]);
}

#[tokio::test]
async fn what_s3_refuses_to_create_says_why() {
    let faults = [
        (409, "BucketAlreadyExists", Fault::Conflict),
        (409, "BucketAlreadyOwnedByYou", Fault::Conflict),
        (400, "TooManyBuckets", Fault::Quota),
        (400, "InvalidBucketName", Fault::Invalid),
        (403, "AccessDenied", Fault::Denied),
    ];
    for (status, code, fault) in faults {
        let (_endpoint, account) = s3(move |_| refusal(status, code)).await;
        let failure = account.buckets.create(BUCKET).await.unwrap_err();
        assert_eq!((failure.fault, failure.code.as_deref()), (fault, Some(code)));
        assert_eq!(failure.call, "s3:CreateBucket");
    }
}

#[tokio::test]
async fn a_bucket_that_is_gone_is_deleted_and_one_that_has_objects_is_a_conflict() {
    let (endpoint, account) = s3(|_| refusal(404, "NoSuchBucket")).await;
    account.buckets.delete(BUCKET).await.unwrap();
    assert_eq!(targets(&endpoint), ["DELETE /blobs/"]);
    let (_endpoint, account) = s3(|_| refusal(409, "BucketNotEmpty")).await;
    assert_eq!(account.buckets.delete(BUCKET).await.unwrap_err().fault, Fault::Conflict);
}

#[tokio::test]
async fn the_fence_keeps_every_write_back_and_no_read() {
    let endpoint = Endpoint::start(|_| refusal(404, "NoSuchBucket")).await;
    let (account, log) = account(endpoint.url(), Fence::closed());
    let buckets = &account.buckets;
    let failures = [
        buckets.create(BUCKET).await,
        buckets.block_public_access(BUCKET).await,
        buckets.enforce_ownership(BUCKET).await,
        buckets.encrypt(BUCKET).await,
        buckets.put_policy(BUCKET, &serde_json::json!({})).await,
        buckets.set_versioning(BUCKET, true).await,
        buckets.delete(BUCKET).await,
    ];
    assert!(failures.iter().all(|it| it.as_ref().unwrap_err().fault == Fault::NotLeader), "{failures:?}");
    assert_eq!(targets(&endpoint), [""; 0]);
    assert!(log.attempts().iter().all(|(_, outcome)| *outcome == "NotLeader"));
    assert_eq!(buckets.read(BUCKET).await.unwrap(), BucketState::Absent);
}
