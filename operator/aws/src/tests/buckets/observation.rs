//! What there is of a bucket: where, whose, with what in it and set how.

use plan::aws::Fault;
use plan::aws::storage::{Bucket, BucketState, Contents, Versioning};
use serde_json::json;

use super::super::account;
use super::super::endpoint::{Endpoint, Reply, Request};
use super::{BUCKET, refusal, s3, says, subject, targets};
use crate::Fence;

/// A bucket with everything as it should be, and a tag of somebody else.
fn kept(request: &Request) -> Reply {
    says(match subject(request) {
        "location" => "<LocationConstraint>eu-west-1</LocationConstraint>",
        "tagging" => "<Tagging><TagSet><Tag><Key>team</Key><Value>a b</Value></Tag></TagSet></Tagging>",
        "versions" | "encoding-type" | "max-keys" => {
            "<ListVersionsResult><MaxKeys>1000</MaxKeys><IsTruncated>true</IsTruncated>
             <Version><Key>a</Key><VersionId>1</VersionId></Version><Version><Key>a</Key><VersionId>2</VersionId></Version>
             <DeleteMarker><Key>b</Key><VersionId>3</VersionId></DeleteMarker></ListVersionsResult>"
        }
        "publicAccessBlock" => {
            "<PublicAccessBlockConfiguration><BlockPublicAcls>true</BlockPublicAcls><IgnorePublicAcls>true</IgnorePublicAcls>
             <BlockPublicPolicy>true</BlockPublicPolicy><RestrictPublicBuckets>true</RestrictPublicBuckets></PublicAccessBlockConfiguration>"
        }
        "ownershipControls" => {
            "<OwnershipControls><Rule><ObjectOwnership>BucketOwnerEnforced</ObjectOwnership></Rule></OwnershipControls>"
        }
        "encryption" => {
            "<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>AES256</SSEAlgorithm>
             </ApplyServerSideEncryptionByDefault><BucketKeyEnabled>false</BucketKeyEnabled></Rule></ServerSideEncryptionConfiguration>"
        }
        "policy" => r#"{"Version":"2012-10-17","Statement":[]}"#,
        "lifecycle" => {
            "<LifecycleConfiguration><Rule><ID>flynn-abort-stale-uploads</ID><Filter><Prefix/></Filter><Status>Enabled</Status>
             <AbortIncompleteMultipartUpload><DaysAfterInitiation>7</DaysAfterInitiation></AbortIncompleteMultipartUpload></Rule>
             </LifecycleConfiguration>"
        }
        "versioning" => "<VersioningConfiguration><Status>Suspended</Status></VersioningConfiguration>",
        other => panic!("nobody asks for {other}"),
    })
}

async fn observed(answer: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Bucket {
    let (_endpoint, account) = s3(answer).await;
    match account.buckets.read(BUCKET).await.unwrap() {
        BucketState::Here(bucket) => bucket,
        other => panic!("{other:?}"),
    }
}

/// The kept bucket with one answer in the place of another.
fn but(about: &'static str, reply: Reply) -> impl Fn(&Request) -> Reply {
    move |request| if subject(request) == about { reply.clone() } else { kept(request) }
}

#[tokio::test]
async fn a_bucket_is_read_whole() {
    let bucket = observed(kept).await;
    assert_eq!(bucket.region, "eu-west-1");
    assert_eq!(bucket.tags, [("team".to_owned(), "a b".to_owned())].into());
    assert_eq!(bucket.contents, Contents { objects: 3, more: true });
    let settings = &bucket.settings;
    assert!(settings.public_access_blocked && settings.owner_enforced);
    assert_eq!(settings.encryption.as_deref(), Some("AES256"));
    assert_eq!(settings.policy, Some(json!({ "Version": "2012-10-17", "Statement": [] })));
    assert_eq!(settings.uploads_aborted_after_days, Some(7));
    assert_eq!(settings.versioning, Versioning::Suspended);
}

#[tokio::test]
async fn a_setting_that_was_never_made_is_none() {
    let bucket = observed(|request| match subject(request) {
        "location" => says("<LocationConstraint/>"),
        "encoding-type" | "max-keys" | "versions" => {
            says("<ListVersionsResult><IsTruncated>false</IsTruncated></ListVersionsResult>")
        }
        "versioning" => says("<VersioningConfiguration/>"),
        "tagging" => refusal(404, "NoSuchTagSet"),
        "publicAccessBlock" => refusal(404, "NoSuchPublicAccessBlockConfiguration"),
        "ownershipControls" => refusal(404, "OwnershipControlsNotFoundError"),
        "encryption" => refusal(404, "ServerSideEncryptionConfigurationNotFoundError"),
        "policy" => refusal(404, "NoSuchBucketPolicy"),
        _ => refusal(404, "NoSuchLifecycleConfiguration"),
    })
    .await;
    assert_eq!(bucket.region, "us-east-1");
    assert_eq!((bucket.contents, bucket.tags.len()), (Contents::default(), 0));
    assert_eq!(bucket.settings, Default::default());
}

#[tokio::test]
async fn a_protection_that_is_only_half_there_is_none() {
    let half = "<PublicAccessBlockConfiguration><BlockPublicAcls>true</BlockPublicAcls><IgnorePublicAcls>true</IgnorePublicAcls>
        <BlockPublicPolicy>false</BlockPublicPolicy><RestrictPublicBuckets>true</RestrictPublicBuckets></PublicAccessBlockConfiguration>";
    assert!(!observed(but("publicAccessBlock", says(half))).await.settings.public_access_blocked);
    let writer =
        "<OwnershipControls><Rule><ObjectOwnership>ObjectWriter</ObjectOwnership></Rule></OwnershipControls>";
    assert!(!observed(but("ownershipControls", says(writer))).await.settings.owner_enforced);
}

#[tokio::test]
async fn our_lifecycle_rule_counts_only_as_we_write_it() {
    let rule = |inside: &str| {
        says(&format!(
            "<LifecycleConfiguration><Rule><ID>flynn-abort-stale-uploads</ID>{inside}</Rule></LifecycleConfiguration>"
        ))
    };
    let abort = "<AbortIncompleteMultipartUpload><DaysAfterInitiation>7</DaysAfterInitiation></AbortIncompleteMultipartUpload>";
    let on = "<Status>Enabled</Status>";
    let rules = [
        (format!("<Filter/>{on}{abort}"), Some(7)),
        (format!("<Filter><Prefix>a/</Prefix></Filter>{on}{abort}"), None),
        (format!("<Filter><Prefix/></Filter><Status>Disabled</Status>{abort}"), None),
        (format!("<Filter><Prefix/></Filter>{on}<Expiration><Days>1</Days></Expiration>{abort}"), None),
    ];
    for (inside, days) in rules {
        let bucket = observed(but("lifecycle", rule(&inside))).await;
        assert_eq!(bucket.settings.uploads_aborted_after_days, days, "{inside}");
    }
}

#[tokio::test]
async fn a_name_that_nobody_has_is_absent_and_one_that_is_shut_is_taken() {
    for (status, code, state) in
        [(404, "NoSuchBucket", BucketState::Absent), (403, "AccessDenied", BucketState::Taken)]
    {
        let (endpoint, account) = s3(move |_| refusal(status, code)).await;
        assert_eq!(account.buckets.read(BUCKET).await.unwrap(), state);
        assert_eq!(targets(&endpoint), ["GET /blobs/?location"]);
    }
}

#[tokio::test]
async fn credentials_that_are_not_taken_are_no_bucket_of_somebody_else() {
    let codes = [
        ("ExpiredToken", Fault::CredentialsRefused),
        ("InvalidAccessKeyId", Fault::CredentialsRefused),
        ("SignatureDoesNotMatch", Fault::SignatureRefused),
        ("RequestTimeTooSkewed", Fault::SignatureRefused),
        ("AllAccessDisabled", Fault::Denied),
    ];
    for (code, fault) in codes {
        let (_endpoint, account) = s3(move |_| refusal(403, code)).await;
        assert_eq!(account.buckets.read(BUCKET).await.unwrap_err().fault, fault, "{code}");
    }
}

#[tokio::test]
async fn a_bucket_in_another_region_is_asked_for_there() {
    let endpoint = Endpoint::with_header("x-amz-bucket-region: eu-central-1", |request| {
        match request.headers["authorization"].contains("/eu-central-1/s3/") {
            false => refusal(400, "IllegalLocationConstraintException"),
            true if subject(request) == "location" => {
                says("<LocationConstraint>eu-central-1</LocationConstraint>")
            }
            true => kept(request),
        }
    })
    .await;
    let (account, log) = account(endpoint.url(), Fence::open());
    let BucketState::Here(bucket) = account.buckets.read(BUCKET).await.unwrap() else { panic!() };
    assert_eq!((bucket.region.as_str(), bucket.contents.objects), ("eu-central-1", 3));
    let refused = log.attempts().iter().filter(|(_, outcome)| *outcome != "Ok").count();
    assert_eq!(refused, 1, "what follows is asked where it is");
}

#[tokio::test]
async fn a_bucket_of_somebody_else_in_another_region_is_taken() {
    let endpoint = Endpoint::with_header("x-amz-bucket-region: eu-central-1", |request| {
        match request.headers["authorization"].contains("/eu-central-1/s3/") {
            false => refusal(301, "PermanentRedirect"),
            true => refusal(403, "AccessDenied"),
        }
    })
    .await;
    let (account, _) = account(endpoint.url(), Fence::open());
    assert_eq!(account.buckets.read(BUCKET).await.unwrap(), BucketState::Taken);
    assert_eq!(endpoint.requests().len(), 2);
}

#[tokio::test]
async fn a_region_that_refuses_itself_is_a_failure_and_no_circle() {
    let endpoint =
        Endpoint::with_header("x-amz-bucket-region: eu-west-1", |_| refusal(400, "BadRequest")).await;
    let (account, _) = account(endpoint.url(), Fence::open());
    assert_eq!(account.buckets.read(BUCKET).await.unwrap_err().fault, Fault::Invalid);
    assert_eq!(endpoint.requests().len(), 1);
}

#[tokio::test]
async fn a_bucket_that_goes_while_it_is_read_is_absent() {
    let (_endpoint, account) = s3(but("policy", refusal(404, "NoSuchBucket"))).await;
    assert_eq!(account.buckets.read(BUCKET).await.unwrap(), BucketState::Absent);
}

#[tokio::test]
async fn a_setting_that_may_not_be_read_is_no_setting_that_was_never_made() {
    let settings = [
        ("tagging", "s3:GetBucketTagging"),
        ("publicAccessBlock", "s3:GetBucketPublicAccessBlock"),
        ("ownershipControls", "s3:GetBucketOwnershipControls"),
        ("encryption", "s3:GetEncryptionConfiguration"),
        ("policy", "s3:GetBucketPolicy"),
        ("lifecycle", "s3:GetLifecycleConfiguration"),
        ("versioning", "s3:GetBucketVersioning"),
    ];
    for (about, call) in settings {
        let (_endpoint, account) = s3(but(about, refusal(403, "AccessDenied"))).await;
        let failure = account.buckets.read(BUCKET).await.unwrap_err();
        assert_eq!((failure.call, failure.fault), (call, Fault::Denied));
    }
}

#[tokio::test]
async fn tags_that_were_cut_off_are_no_tags() {
    let cut = says("<Tagging><TagSet><Tag><Key>team</Key><Value>a</Value></Tag>");
    let (_endpoint, account) = s3(but("tagging", cut)).await;
    assert_eq!(account.buckets.read(BUCKET).await.unwrap_err().fault, Fault::Server);
}
