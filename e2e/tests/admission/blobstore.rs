//! The rules of a Blobstore, and of an App that names one.

use anyhow::Result;
use e2e::{TestBed, definitions, unique};

use super::{accepted, declaration, refused, refused_by_name, refused_by_the_api};

const FORM: &str = "the name of a bucket has lower-case letters, digits, dashes and dots, begins and ends with a letter or digit, and is no IP address";
const KEPT: &str = "S3 keeps this name for itself: no bucket begins with xn--, sthree- or amzn-s3-demo-, or ends with -s3alias, --ol-s3, --x-s3, --table-s3 or .mrap";

async fn refused_blobstore(spec: &str, sentence: &str) -> Result<()> {
    refused("Blobstore", spec, sentence).await
}

#[tokio::test]
async fn admit_a_blobstore_in_s3_or_local() -> Result<()> {
    accepted("Blobstore", "{s3: {bucket: acme-flynn-blobs, region: us-east-1}}").await?;
    accepted("Blobstore", "{local: {}}").await?;
    let s3 = "{bucket: a.b-1, region: cn-northwest-1, versioning: true, adopt: true, emptyOnDelete: true}";
    let role = "{providerARN: 'arn:aws-cn:iam::123456789012:oidc-provider/oidc.example.com/id/AB12', serviceAccounts: [www]}";
    let credentials = format!("{{secret: blobs.v1, rotateAfterDays: 365, role: {role}}}");
    accepted("Blobstore", &format!("{{s3: {s3}, credentials: {credentials}, deletionPolicy: Delete}}"))
        .await?;
    accepted("App", "{image: a, blobstore: blobs}").await
}

#[tokio::test]
async fn admit_no_blobstore_from_nowhere_or_in_two_places() -> Result<()> {
    let either = "spec: Invalid value: say where the objects are: in s3, or local to this machine";
    refused_blobstore("{}", either).await?;
    refused_blobstore("{local: {}, s3: {bucket: abc, region: us-east-1}}", either).await?;
    let policy = r#"spec.deletionPolicy: Unsupported value: "Keep": supported values: "Retain", "Delete""#;
    refused_blobstore("{local: {}, deletionPolicy: Keep}", policy).await
}

#[tokio::test]
async fn admit_no_bucket_that_s3_would_not_take() -> Result<()> {
    let with = |bucket: &str| format!("{{s3: {{bucket: {bucket:?}, region: us-east-1}}}}");
    for bucket in ["Upper", "under_score", "-dash", "dash-", "two..dots", "dot.-dash", "192.168.5.4"] {
        let sentence = format!("spec.s3.bucket: Invalid value: {bucket:?}: {FORM}");
        refused_blobstore(&with(bucket), &sentence).await?;
    }
    for bucket in ["xn--a", "sthree-a", "amzn-s3-demo-a", "a-s3alias", "a--ol-s3", "a--x-s3", "a.mrap"] {
        let sentence = format!("spec.s3.bucket: Invalid value: {bucket:?}: {KEPT}");
        refused_blobstore(&with(bucket), &sentence).await?;
    }
    let short =
        r#"spec.s3.bucket: Invalid value: "ab": spec.s3.bucket in body should be at least 3 chars long"#;
    refused_blobstore(&with("ab"), short).await?;
    let long = "spec.s3.bucket: Too long: may not be more than 63 bytes";
    refused_blobstore(&with(&"a".repeat(64)), long).await?;
    let region = r#"spec.s3.region: Invalid value: "useast1": a region is written as in us-east-1"#;
    refused_blobstore("{s3: {bucket: abc, region: useast1}}", region).await
}

#[tokio::test]
async fn admit_no_credentials_that_cannot_be() -> Result<()> {
    let with = |credentials: &str| format!("{{local: {{}}, credentials: {credentials}}}");
    let path = "spec.credentials.rotateAfterDays";
    let low = format!("{path}: Invalid value: 0: {path} in body should be greater than or equal to 1");
    refused_blobstore(&with("{rotateAfterDays: 0}"), &low).await?;
    let high = format!("{path}: Invalid value: 366: {path} in body should be less than or equal to 365");
    refused_blobstore(&with("{rotateAfterDays: 366}"), &high).await?;
    let name = r#"spec.credentials.secret: Invalid value: "A": the name of a Secret has lower-case letters, digits, dashes and dots"#;
    refused_blobstore(&with("{secret: A}"), name).await?;
    let provider = "arn:aws:iam::123456789012:role/somebody";
    let sentence = format!(
        "spec.credentials.role.providerARN: Invalid value: {provider:?}: an OpenID Connect provider is named as in arn:aws:iam::123456789012:oidc-provider/oidc.example.com"
    );
    refused_blobstore(
        &with(&format!("{{role: {{providerARN: {provider:?}, serviceAccounts: [a]}}}}")),
        &sentence,
    )
    .await?;
    let accounts = "spec.credentials.role.serviceAccounts: Invalid value: the name of a service account has lower-case letters, digits, dashes and dots";
    let role =
        "{providerARN: 'arn:aws:iam::123456789012:oidc-provider/oidc.example.com', serviceAccounts: ['*']}";
    refused_blobstore(&with(&format!("{{role: {role}}}")), accounts).await
}

#[tokio::test]
async fn admit_no_blobstore_whose_name_does_not_fit_into_a_tag() -> Result<()> {
    let sentence = "<nil>: Invalid value: a Blobstore's name stands in tags and in the name of its user: use at most 63 lower-case letters, digits and dashes";
    refused_by_name("Blobstore", "a.b", "{local: {}}", sentence).await
}

#[tokio::test]
async fn admit_no_app_whose_blobstore_has_no_name() -> Result<()> {
    let empty =
        r#"spec.blobstore: Invalid value: "": spec.blobstore in body should be at least 1 chars long"#;
    refused("App", "{image: a, blobstore: ''}", empty).await?;
    let long = format!("{{image: a, blobstore: {}}}", "a".repeat(64));
    refused("App", &long, "spec.blobstore: Too long: may not be more than 63 bytes").await
}

#[tokio::test]
async fn admit_no_change_of_where_the_objects_are() -> Result<()> {
    let bed = TestBed::shared().await?;
    definitions::install(&bed).await?;
    let kubectl = bed.kubectl("default");
    let name = unique("immutable");
    let spec = "{s3: {bucket: abc, region: us-east-1}, credentials: {secret: a}}";
    kubectl.apply(&declaration("Blobstore", &name, spec)).await?;
    let changes = [
        (
            "{s3: {bucket: abd, region: us-east-1}, credentials: {secret: a}}",
            r#"spec.s3.bucket: Invalid value: "abd": a bucket cannot be renamed: declare another Blobstore, and copy the objects"#,
        ),
        (
            "{s3: {bucket: abc, region: us-east-2}, credentials: {secret: a}}",
            r#"spec.s3.region: Invalid value: "us-east-2": a bucket cannot be moved to another region: declare another Blobstore, and copy the objects"#,
        ),
        (
            "{s3: {bucket: abc, region: us-east-1}}",
            "spec.credentials.secret: Invalid value: the Secret cannot be renamed: declare another Blobstore",
        ),
        (
            "{local: {}, s3: null, credentials: {secret: a}}",
            "spec: Invalid value: objects do not move between s3 and local: declare another Blobstore",
        ),
    ];
    for (spec, sentence) in changes {
        refused_by_the_api("Blobstore", &name, spec, sentence).await?;
    }
    kubectl.ok(&["delete", "blobstore", &name]).await?;
    Ok(())
}
