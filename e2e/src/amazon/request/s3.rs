//! The operations of S3 by method, path and query, as the "Request Syntax" of each in the Amazon S3 API reference has them.
//! Buckets stand in the path: endpoints without a name have no other way.

use std::collections::BTreeMap;

use http::Method;
use http::header::HeaderName;
use http::request::Parts;

const COPY_SOURCE: HeaderName = HeaderName::from_static("x-amz-copy-source");

/// The settings of a bucket: the word of the query, and the end of the operation's name.
const SETTINGS: [(&str, &str); 10] = [
    ("acl", "BucketAcl"),
    ("encryption", "BucketEncryption"),
    ("lifecycle", "BucketLifecycleConfiguration"),
    ("location", "BucketLocation"),
    ("ownershipControls", "BucketOwnershipControls"),
    ("policy", "BucketPolicy"),
    ("policyStatus", "BucketPolicyStatus"),
    ("publicAccessBlock", "PublicAccessBlock"),
    ("tagging", "BucketTagging"),
    ("versioning", "BucketVersioning"),
];

/// The operation that a request asks for, with its bucket and key.
pub(super) fn operation(head: &Parts) -> (String, BTreeMap<String, String>) {
    let query = head.uri.query().unwrap_or_default();
    let mut parameters: BTreeMap<String, String> =
        form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let path = head.uri.path().trim_start_matches('/');
    let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
    let has = |word: &str| parameters.contains_key(word);
    let operation = if bucket.is_empty() {
        "ListBuckets".to_owned()
    } else if key.is_empty() {
        of_bucket(&head.method, has)
    } else {
        of_object(&head.method, has, head.headers.contains_key(COPY_SOURCE)).to_owned()
    };
    parameters.remove("x-id"); // the SDK's own name of the operation
    for (name, value) in [("Bucket", bucket), ("Key", key)] {
        if !value.is_empty() {
            parameters.insert(name.to_owned(), value.to_owned());
        }
    }
    (operation, parameters)
}

fn of_bucket(method: &Method, has: impl Fn(&str) -> bool) -> String {
    if let Some((_, setting)) = SETTINGS.iter().find(|(word, _)| has(word)) {
        return match method.as_str() {
            "PUT" => format!("Put{setting}"),
            "DELETE" => format!("Delete{}", setting.trim_end_matches("Configuration")),
            _ => format!("Get{setting}"),
        };
    }
    let name = match method.as_str() {
        "PUT" => "CreateBucket",
        "DELETE" => "DeleteBucket",
        "HEAD" => "HeadBucket",
        "POST" => "DeleteObjects",
        _ if has("uploads") => "ListMultipartUploads",
        _ if has("versions") => "ListObjectVersions",
        _ if has("list-type") => "ListObjectsV2",
        _ => "ListObjects",
    };
    name.to_owned()
}

fn of_object(method: &Method, has: impl Fn(&str) -> bool, copies: bool) -> &'static str {
    match method.as_str() {
        "POST" if has("uploads") => "CreateMultipartUpload",
        "POST" => "CompleteMultipartUpload",
        "PUT" if has("uploadId") => "UploadPart",
        "PUT" if copies => "CopyObject",
        "PUT" => "PutObject",
        "DELETE" if has("uploadId") => "AbortMultipartUpload",
        "DELETE" => "DeleteObject",
        "HEAD" => "HeadObject",
        _ if has("uploadId") => "ListParts",
        _ => "GetObject",
    }
}
