//! What a request needs to be allowed: the actions that IAM knows it by, each with its resource. For S3 they are not the names of the operations
//! (Service Authorization Reference, page S3). Where a resource is not told, the action alone counts.

use anyhow::Result;

use crate::amazon::request::{Request, Service};
use crate::amazon::rules::Rules;

/// moto's account.
const ACCOUNT: &str = "123456789012";

/// An action, and what it is on.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Need {
    pub(super) action: String,
    pub(super) resource: Option<String>,
}

/// What a request needs, all of it.
pub(super) async fn of(rules: &Rules, request: &Request) -> Result<Vec<Need>> {
    Ok(match request.service {
        Service::S3 => vec![of_s3(request)],
        Service::Iam => of_iam(request, &principal(rules, request).await?),
        Service::Ec2 | Service::Route53 | Service::Sts => {
            vec![Need { action: request.action(), resource: None }]
        }
    })
}

fn of_s3(request: &Request) -> Need {
    let action = action_of_s3(&request.operation, request.parameter("versionId").is_some());
    let bucket = request.parameter("Bucket").unwrap_or("*");
    let resource = match (action, request.parameter("Key")) {
        ("ListAllMyBuckets", _) => "*".to_owned(),
        ("DeleteObject" | "DeleteObjectVersion", None) => format!("arn:aws:s3:::{bucket}/*"),
        (_, None) => format!("arn:aws:s3:::{bucket}"),
        (_, Some(key)) => format!("arn:aws:s3:::{bucket}/{key}"),
    };
    Need { action: format!("s3:{action}"), resource: Some(resource) }
}

/// The action for an operation, of an object or of one of its versions.
fn action_of_s3(operation: &str, of_version: bool) -> &str {
    match operation {
        "ListBuckets" => "ListAllMyBuckets",
        "HeadBucket" | "ListObjects" | "ListObjectsV2" => "ListBucket",
        "ListObjectVersions" => "ListBucketVersions",
        "ListMultipartUploads" => "ListBucketMultipartUploads",
        "ListParts" => "ListMultipartUploadParts",
        "GetBucketEncryption" => "GetEncryptionConfiguration",
        "PutBucketEncryption" | "DeleteBucketEncryption" => "PutEncryptionConfiguration",
        "GetBucketLifecycleConfiguration" => "GetLifecycleConfiguration",
        "PutBucketLifecycleConfiguration" | "DeleteBucketLifecycle" => "PutLifecycleConfiguration",
        "GetPublicAccessBlock" => "GetBucketPublicAccessBlock",
        "PutPublicAccessBlock" | "DeletePublicAccessBlock" => "PutBucketPublicAccessBlock",
        "DeleteBucketOwnershipControls" => "PutBucketOwnershipControls",
        "DeleteBucketTagging" => "PutBucketTagging",
        "GetObject" | "HeadObject" if of_version => "GetObjectVersion",
        "HeadObject" => "GetObject",
        "DeleteObject" if of_version => "DeleteObjectVersion",
        // What is deleted together is asked for by version where there are some: the operator always does.
        "DeleteObjects" => "DeleteObjectVersion",
        "CopyObject" | "CreateMultipartUpload" | "UploadPart" | "CompleteMultipartUpload" => "PutObject",
        same => same,
    }
}

/// What tags in the same call has to be allowed to do both (IAM User Guide, "Tagging IAM resources").
fn of_iam(request: &Request, principal: &str) -> Vec<Need> {
    let tag = match request.operation.as_str() {
        "CreateUser" => Some("TagUser"),
        "CreateRole" => Some("TagRole"),
        _ => None,
    };
    let tag = tag.filter(|_| request.parameter("Tags.member.1.Key").is_some());
    let actions = [Some(request.operation.as_str()), tag].into_iter().flatten();
    actions
        .map(|action| Need { action: format!("iam:{action}"), resource: Some(principal.to_owned()) })
        .collect()
}

/// The user or the role that a request is about; `*` if it is about none.
async fn principal(rules: &Rules, request: &Request) -> Result<String> {
    if request.operation == "GetAccessKeyLastUsed" {
        let used = rules.account.iam.get_access_key_last_used();
        let used = used.set_access_key_id(request.parameter("AccessKeyId").map(str::to_owned)).send().await;
        let owner = used.ok().and_then(|used| used.user_name);
        return Ok(owner.map_or_else(|| "*".to_owned(), |owner| arn("user", &owner)));
    }
    let named = |parameter: &str, kind: &str| Some(arn(kind, request.parameter(parameter)?));
    Ok(named("UserName", "user").or_else(|| named("RoleName", "role")).unwrap_or_else(|| "*".to_owned()))
}

fn arn(kind: &str, name: &str) -> String {
    format!("arn:aws:iam::{ACCOUNT}:{kind}/{name}")
}

#[cfg(test)]
mod tests {
    use http::Request as Http;

    use super::*;

    fn need(method: &str, uri: &str) -> Need {
        let scope = "AWS4-HMAC-SHA256 Credential=AKIA/20261122/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0";
        let request = Http::builder().method(method).uri(uri).header("authorization", scope).body(());
        let (head, ()) = request.expect("the method and the URI are well formed").into_parts();
        of_s3(&Request::read(head, bytes::Bytes::new()))
    }

    #[test]
    fn an_operation_of_s3_is_known_by_its_action_and_on_the_bucket_or_on_the_object() {
        let needs = [
            ("PUT", "/b?publicAccessBlock", "s3:PutBucketPublicAccessBlock", "arn:aws:s3:::b"),
            ("PUT", "/b?encryption", "s3:PutEncryptionConfiguration", "arn:aws:s3:::b"),
            ("GET", "/b?uploads", "s3:ListBucketMultipartUploads", "arn:aws:s3:::b"),
            ("GET", "/b/a/c?uploadId=1", "s3:ListMultipartUploadParts", "arn:aws:s3:::b/a/c"),
            ("POST", "/b?delete", "s3:DeleteObjectVersion", "arn:aws:s3:::b/*"),
            ("DELETE", "/b/a", "s3:DeleteObject", "arn:aws:s3:::b/a"),
            ("GET", "/", "s3:ListAllMyBuckets", "*"),
        ];
        for (method, uri, action, resource) in needs {
            let expected = Need { action: action.to_owned(), resource: Some(resource.to_owned()) };
            assert_eq!(need(method, uri), expected);
        }
    }
}
