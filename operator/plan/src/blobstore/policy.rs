//! The policies: what the user of a bucket may do, who may take on a role, and that the bucket takes TLS only.

use std::collections::BTreeSet;

use crds::Bucket;
use serde_json::{Value, json};

use crate::aws::partition;

/// What the user of a bucket may do: the seven actions that Flynn's blobstore needs.
pub const ACTIONS: [&str; 7] = [
    "s3:AbortMultipartUpload",
    "s3:DeleteObject",
    "s3:GetObject",
    "s3:ListBucket",
    "s3:ListBucketMultipartUploads",
    "s3:ListMultipartUploadParts",
    "s3:PutObject",
];

/// The name of our inline policy.
pub(super) const NAME: &str = "flynn-blobstore";

/// The statement of ours in a bucket's policy.
const TLS_ONLY: &str = "FlynnTlsOnly";

const VERSION: &str = "2012-10-17";

/// What the user or the role may do: the seven actions on this bucket, and nothing else anywhere.
pub(super) fn of_principal(bucket: &Bucket) -> Value {
    let statement = json!({ "Effect": "Allow", "Action": ACTIONS, "Resource": resources(bucket) });
    json!({ "Version": VERSION, "Statement": [statement] })
}

/// Who may take on the role: the Pods of these service accounts, with the token of the provider.
pub(super) fn of_trust(role: &crds::Role, namespace: &str) -> Value {
    let (_, provider) = role.provider_arn.split_once(":oidc-provider/").unwrap_or_default();
    let subject = |name: &String| format!("system:serviceaccount:{namespace}:{name}");
    let subjects: BTreeSet<_> = role.service_accounts.iter().map(subject).collect();
    let statement = json!({
        "Effect": "Allow",
        "Principal": { "Federated": role.provider_arn },
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": { "StringEquals": {
            format!("{provider}:aud"): "sts.amazonaws.com",
            format!("{provider}:sub"): subjects,
        } },
    });
    json!({ "Version": VERSION, "Statement": [statement] })
}

/// The policy of the bucket: what others wrote, and that nobody gets in without TLS.
pub(super) fn of_bucket(bucket: &Bucket, existing: Option<&Value>) -> Value {
    let others = foreign_statements(existing);
    let version = existing.filter(|_| !others.is_empty()).and_then(|policy| policy["Version"].as_str());
    let statements: Vec<Value> = others.into_iter().cloned().chain([tls_only(bucket)]).collect();
    json!({ "Version": version.unwrap_or(VERSION), "Statement": statements })
}

/// The statements in a bucket's policy that are not ours.
pub(super) fn foreign_statements(policy: Option<&Value>) -> Vec<&Value> {
    let statements = policy.into_iter().flat_map(|policy| match &policy["Statement"] {
        Value::Array(several) => several.iter().collect::<Vec<_>>(),
        Value::Null => Vec::new(),
        one => vec![one],
    });
    statements.filter(|statement| statement["Sid"] != TLS_ONLY).collect()
}

/// Whether two policies say the same: AWS gives lists back in another order, and one that has a single entry as the entry.
pub(super) fn same(one: &Value, other: &Value) -> bool {
    normal(one) == normal(other)
}

fn tls_only(bucket: &Bucket) -> Value {
    json!({
        "Sid": TLS_ONLY,
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": resources(bucket),
        "Condition": { "Bool": { "aws:SecureTransport": "false" } },
    })
}

fn resources(bucket: &Bucket) -> [String; 2] {
    let arn = format!("arn:{}:s3:::{}", partition(&bucket.region), bucket.bucket);
    [arn.clone(), format!("{arn}/*")]
}

fn normal(value: &Value) -> Value {
    match value {
        Value::Object(fields) => fields.iter().map(|(name, value)| (name.clone(), normal(value))).collect(),
        Value::Array(items) => match items.as_slice() {
            [one] => normal(one),
            several => {
                let sorted: BTreeSet<String> = several.iter().map(|item| normal(item).to_string()).collect();
                sorted.into_iter().map(Value::String).collect()
            }
        },
        Value::Bool(flag) => Value::String(flag.to_string()),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bucket(region: &str) -> Bucket {
        Bucket { bucket: "blobs".into(), region: region.into(), ..Bucket::default() }
    }

    #[test]
    fn a_user_may_do_exactly_seven_things_on_exactly_one_bucket() {
        let policy = of_principal(&bucket("us-east-1"));
        assert_eq!(policy["Statement"].as_array().unwrap().len(), 1);
        let statement = &policy["Statement"][0];
        assert_eq!(statement["Action"].as_array().unwrap().len(), 7);
        assert_eq!(statement["Resource"], json!(["arn:aws:s3:::blobs", "arn:aws:s3:::blobs/*"]));
        assert_eq!(
            of_principal(&bucket("cn-north-1"))["Statement"][0]["Resource"][0],
            "arn:aws-cn:s3:::blobs"
        );
        assert_eq!(
            of_principal(&bucket("us-gov-west-1"))["Statement"][0]["Resource"][0],
            "arn:aws-us-gov:s3:::blobs"
        );
    }

    #[test]
    fn a_role_is_for_the_named_service_accounts_of_the_namespace_alone() {
        let role = crds::Role {
            provider_arn: "arn:aws:iam::123456789012:oidc-provider/oidc.example.com/id/A".into(),
            service_accounts: vec!["www".into()],
        };
        let condition = &of_trust(&role, "shop")["Statement"][0]["Condition"]["StringEquals"];
        assert_eq!(condition["oidc.example.com/id/A:sub"], json!(["system:serviceaccount:shop:www"]));
        assert_eq!(condition["oidc.example.com/id/A:aud"], "sts.amazonaws.com");
    }

    #[test]
    fn what_others_wrote_into_the_policy_of_a_bucket_stays() {
        let theirs = json!({ "Version": "2008-10-17", "Statement": { "Sid": "Theirs", "Effect": "Deny" } });
        let merged = of_bucket(&bucket("us-east-1"), Some(&theirs));
        assert_eq!(merged["Version"], "2008-10-17");
        assert_eq!(foreign_statements(Some(&merged)), [&json!({ "Sid": "Theirs", "Effect": "Deny" })]);
        assert_eq!(of_bucket(&bucket("us-east-1"), Some(&merged)), merged, "again, it stays");
    }

    #[test]
    fn a_policy_is_the_same_in_whatever_order_it_comes_back() {
        let ours = json!({ "Statement": [{ "Action": ["a", "b"], "Resource": ["r"] }] });
        let theirs = json!({ "Statement": { "Action": ["b", "a"], "Resource": "r" } });
        assert!(same(&ours, &theirs));
        assert!(!same(&ours, &json!({ "Statement": { "Action": ["b"], "Resource": "r" } })));
    }
}
