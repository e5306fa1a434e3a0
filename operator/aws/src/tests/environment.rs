//! Credentials and endpoints come from where the SDK looks for them. The environment belongs to a process, so each test starts this program again.

use std::process::Command;

use route53_double::Route53;
use route53_double::settings::{Settings as Double, Signatures};
use tempfile::TempDir;

use super::endpoint::{Endpoint, Reply, Request};
use crate::{Account, BucketRef, Fence, Settings};

const STS: &str = "<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><Credentials>
  <AccessKeyId>AKIDWEBIDENTITY</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>
  <Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleWithWebIdentityResult>
  </AssumeRoleWithWebIdentityResponse>";

const ROLE: &str = r#"{"Code":"Success","Type":"AWS-HMAC","AccessKeyId":"AKIDINSTANCE","SecretAccessKey":"s",
  "Token":"t","Expiration":"2099-01-01T00:00:00Z","AccountId":"123456789012"}"#;

const NO_KEYS: &str =
    "<ListAccessKeysResponse><ListAccessKeysResult><AccessKeyMetadata/><IsTruncated>false</IsTruncated>
  </ListAccessKeysResult></ListAccessKeysResponse>";

const NO_BUCKET: &str = "<Error><Code>NoSuchBucket</Code><Message>There is none</Message></Error>";

/// What the program of [`outcome`] does: a read of each service, as the environment says.
#[tokio::test]
#[ignore = "is started by the others, each with an environment of its own"]
async fn reads() {
    let settings = Settings { region: "eu-west-1".to_owned() };
    let account = Account::connect(&settings, std::sync::Arc::new(()), Fence::closed()).await;
    let cloud = account.cloud;
    let addresses = cloud.addresses.list().await.map(|addresses| addresses.len());
    let zones = cloud.zones.list().await.map(|zones| zones.len());
    println!("addresses: {addresses:?}\nzones: {zones:?}");
    let bucket = BucketRef { name: "blobs", region: "eu-central-1" };
    println!(
        "bucket: {:?}\nkeys: {:?}",
        account.buckets.read(bucket).await,
        account.principals.keys("u").await
    );
}

/// Runs [`reads`] with this environment and no other, and returns what it printed.
async fn outcome(variables: &[(&str, &str)]) -> String {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "tests::environment::reads", "--ignored", "--nocapture"]);
    command.env_clear().env("HOME", "/nonexistent").envs(variables.iter().copied());
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The three services at one endpoint, and the instance's metadata.
async fn amazon() -> Endpoint {
    Endpoint::start(|request| match request.action() {
        "DescribeAddresses" => says("<DescribeAddressesResponse><addressesSet/></DescribeAddressesResponse>"),
        "AssumeRoleWithWebIdentity" => says(STS),
        "ListAccessKeys" => says(NO_KEYS),
        _ => metadata(request),
    })
    .await
}

fn metadata(request: &Request) -> Reply {
    match request.target.as_str() {
        "PUT /latest/api/token" => says("token"),
        "GET /latest/meta-data/iam/security-credentials/" => says("router"),
        "GET /latest/meta-data/iam/security-credentials/router" => says(ROLE),
        target if target.contains("hostedzone") => says(
            "<ListHostedZonesResponse><HostedZones/><MaxItems>100</MaxItems><IsTruncated>false</IsTruncated></ListHostedZonesResponse>",
        ),
        target if target.contains("location") => Some((404, NO_BUCKET.to_owned())),
        _ => Some((404, String::new())),
    }
}

fn says(text: &str) -> Reply {
    Some((200, text.to_owned()))
}

/// The access key that the calls to EC2 were signed with.
fn signed_with(endpoint: &Endpoint) -> String {
    let requests = endpoint.requests();
    let call = requests.iter().find(|request| request.action() == "DescribeAddresses").unwrap();
    call.headers["authorization"].split(['=', '/']).nth(1).unwrap().to_owned()
}

#[tokio::test]
async fn keys_and_the_endpoint_of_each_service_come_from_the_environment() {
    let ec2 = amazon().await;
    let signatures = Signatures { region: Some("us-east-1".into()), ..Signatures::default() };
    let route53 = Route53::start(Double { signatures, ..Double::instant() }).await.unwrap();
    route53.create_zone("site.test").unwrap();
    let said = outcome(&[
        ("AWS_ACCESS_KEY_ID", "AKIDENVIRONMENT"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
        ("AWS_ENDPOINT_URL_EC2", ec2.url()),
        ("AWS_ENDPOINT_URL_ROUTE_53", &route53.endpoint()),
    ])
    .await;
    assert!(said.contains("addresses: Ok(0)") && said.contains("zones: Ok(1)"), "{said}");
    assert_eq!(signed_with(&ec2), "AKIDENVIRONMENT");
    assert!(ec2.requests()[0].headers["authorization"].contains("/eu-west-1/ec2/"));
    assert!(ec2.requests()[0].headers["user-agent"].contains("app/flynn-operator"));
}

#[tokio::test]
async fn s3_is_asked_in_the_region_of_the_bucket_and_iam_in_its_only_one() {
    let (amazon, s3, iam) = (amazon().await, amazon().await, amazon().await);
    let said = outcome(&[
        ("AWS_ACCESS_KEY_ID", "AKIDENVIRONMENT"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
        ("AWS_ENDPOINT_URL", amazon.url()),
        ("AWS_ENDPOINT_URL_S3", s3.url()),
        ("AWS_ENDPOINT_URL_IAM", iam.url()),
    ])
    .await;
    assert!(said.contains("bucket: Ok(Absent)") && said.contains("keys: Ok([])"), "{said}");
    let (of_s3, of_iam) = (&s3.requests()[0], &iam.requests()[0]);
    assert_eq!(of_s3.target, "GET /blobs/?location", "the name is no part of a host that is a number");
    assert!(of_s3.headers["authorization"].contains("/eu-central-1/s3/"), "{of_s3:?}");
    assert!(of_iam.headers["authorization"].contains("/us-east-1/iam/"), "{of_iam:?}");
}

#[tokio::test]
async fn a_profile_is_read_from_the_shared_files() {
    let amazon = amazon().await;
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("credentials");
    std::fs::write(&file, "[site]\naws_access_key_id = AKIDPROFILE\naws_secret_access_key = s\n").unwrap();
    let said = outcome(&[
        ("AWS_PROFILE", "site"),
        ("AWS_SHARED_CREDENTIALS_FILE", file.to_str().unwrap()),
        ("AWS_ENDPOINT_URL", amazon.url()),
    ])
    .await;
    assert!(said.contains("addresses: Ok(0)") && said.contains("zones: Ok(0)"), "{said}");
    assert_eq!(signed_with(&amazon), "AKIDPROFILE");
}

#[tokio::test]
async fn a_service_account_is_exchanged_for_its_role() {
    let amazon = amazon().await;
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("token");
    std::fs::write(&file, "ey.token").unwrap();
    let said = outcome(&[
        ("AWS_WEB_IDENTITY_TOKEN_FILE", file.to_str().unwrap()),
        ("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/flynn"),
        ("AWS_ENDPOINT_URL_STS", amazon.url()),
        ("AWS_ENDPOINT_URL", amazon.url()),
    ])
    .await;
    assert!(said.contains("addresses: Ok(0)"), "{said}");
    assert_eq!(signed_with(&amazon), "AKIDWEBIDENTITY");
}

#[tokio::test]
async fn the_role_of_the_instance_is_asked_for_last() {
    let amazon = amazon().await;
    let said =
        outcome(&[("AWS_EC2_METADATA_SERVICE_ENDPOINT", amazon.url()), ("AWS_ENDPOINT_URL", amazon.url())])
            .await;
    assert!(said.contains("addresses: Ok(0)"), "{said}");
    assert_eq!(signed_with(&amazon), "AKIDINSTANCE");
}

#[tokio::test]
async fn without_credentials_no_call_is_made() {
    let amazon = amazon().await;
    let said = outcome(&[("AWS_EC2_METADATA_DISABLED", "true"), ("AWS_ENDPOINT_URL", amazon.url())]).await;
    assert_eq!(said.matches("fault: NoCredentials").count(), 4, "{said}");
    assert!(amazon.requests().is_empty());
}

#[tokio::test]
async fn an_instance_that_tells_nobody_its_metadata_has_no_credentials_to_renew() {
    let amazon = Endpoint::start(|_| Some((403, String::new()))).await;
    let said =
        outcome(&[("AWS_EC2_METADATA_SERVICE_ENDPOINT", amazon.url()), ("AWS_ENDPOINT_URL", amazon.url())])
            .await;
    assert_eq!(said.matches("fault: NoCredentials").count(), 4, "{said}");
    assert!(amazon.requests().iter().all(|request| request.target == "PUT /latest/api/token"), "{said}");
}

#[tokio::test]
async fn a_role_that_may_not_be_assumed_is_no_lack_of_credentials() {
    let amazon = Endpoint::start(|_| {
        let error = "<Error><Code>AccessDenied</Code><Message>Not authorized</Message></Error>";
        Some((403, format!("<ErrorResponse>{error}</ErrorResponse>")))
    })
    .await;
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("token");
    std::fs::write(&file, "ey.token").unwrap();
    let said = outcome(&[
        ("AWS_WEB_IDENTITY_TOKEN_FILE", file.to_str().unwrap()),
        ("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/flynn"),
        ("AWS_ENDPOINT_URL", amazon.url()),
    ])
    .await;
    assert!(said.contains("fault: CredentialsRefused") && !said.contains("ey.token"), "{said}");
}
