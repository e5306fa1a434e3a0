//! The least that IAM has to allow the operator for the Blobstores of the manifests.
//!
//! Buckets are named one by one, users and roles by the beginning of their name, which has the namespace and the name of the Blobstore: with these rights nobody else's
//! bucket, user or role can be read or changed. What deletes is allowed where it is declared. (AWS: Service Authorization Reference, pages S3 and IAM.)

use std::collections::BTreeSet;

use crds::{Blobstore, Bucket, DeletionPolicy};
use serde_json::{Value, json};

use super::super::storage::BlobstoreOwner;
use super::partition;
use crate::ObjectKey;

const READ_BUCKET: [&str; 9] = [
    "s3:GetBucketLocation",
    "s3:GetBucketOwnershipControls",
    "s3:GetBucketPolicy",
    "s3:GetBucketPublicAccessBlock",
    "s3:GetBucketTagging",
    "s3:GetBucketVersioning",
    "s3:GetEncryptionConfiguration",
    "s3:GetLifecycleConfiguration",
    "s3:ListBucketVersions",
];

const KEEP_BUCKET: [&str; 8] = [
    "s3:CreateBucket",
    "s3:PutBucketOwnershipControls",
    "s3:PutBucketPolicy",
    "s3:PutBucketPublicAccessBlock",
    "s3:PutBucketTagging",
    "s3:PutBucketVersioning",
    "s3:PutEncryptionConfiguration",
    "s3:PutLifecycleConfiguration",
];

const READ_PRINCIPAL: [&str; 11] = [
    "iam:GetAccessKeyLastUsed",
    "iam:GetRole",
    "iam:GetRolePolicy",
    "iam:GetUser",
    "iam:GetUserPolicy",
    "iam:ListAccessKeys",
    "iam:ListAttachedRolePolicies",
    "iam:ListAttachedUserPolicies",
    "iam:ListGroupsForUser",
    "iam:ListRolePolicies",
    "iam:ListUserPolicies",
];

const KEEP_USER: [&str; 4] = ["iam:CreateAccessKey", "iam:CreateUser", "iam:PutUserPolicy", "iam:TagUser"];

const KEEP_ROLE: [&str; 4] =
    ["iam:CreateRole", "iam:PutRolePolicy", "iam:TagRole", "iam:UpdateAssumeRolePolicy"];

/// What ends keys that are out of use, and a user or role whose place the other has taken.
const END_PRINCIPAL: [&str; 6] = [
    "iam:DeleteAccessKey",
    "iam:DeleteRole",
    "iam:DeleteRolePolicy",
    "iam:DeleteUser",
    "iam:DeleteUserPolicy",
    "iam:UpdateAccessKey",
];

/// A Blobstore in S3, and its bucket.
type InS3<'a> = (&'a Blobstore, &'a Bucket);

/// The statements for these Blobstores; none for those that are local.
pub(super) fn statements<'a>(
    blobstores: impl IntoIterator<Item = &'a Blobstore>,
    writes: bool,
) -> Vec<Value> {
    let in_s3 = blobstores.into_iter().filter_map(|blobstore| Some((blobstore, blobstore.spec.s3.as_ref()?)));
    let in_s3: Vec<InS3<'_>> = in_s3.collect();
    let is_user = |(blobstore, _): &InS3<'_>| blobstore.spec.credentials.role.is_none();
    let is_deleted = |(blobstore, _): &InS3<'_>| blobstore.spec.deletion_policy == DeletionPolicy::Delete;
    let is_emptied = |entry: &InS3<'_>| is_deleted(entry) && entry.1.empty_on_delete;
    let buckets = |is_one: &dyn Fn(&InS3<'_>) -> bool, below: &str| -> BTreeSet<String> {
        let some = in_s3.iter().filter(|entry| is_one(entry));
        some.map(|(_, bucket)| format!("{}{below}", arn_of_bucket(bucket))).collect()
    };
    let principals = |is_one: &dyn Fn(&InS3<'_>) -> bool, kinds: &[&str]| -> BTreeSet<String> {
        let some = in_s3.iter().filter(|entry| is_one(entry));
        some.flat_map(|entry| kinds.iter().map(|kind| arn_of_principal(entry, kind))).collect()
    };
    let both = ["role", "user"];
    let mut statements = vec![
        statement("ReadBuckets", &READ_BUCKET, buckets(&|_| true, "")),
        statement("ReadUsersAndRoles", &READ_PRINCIPAL, principals(&|_| true, &both)),
    ];
    if writes {
        statements.extend([
            statement("KeepBuckets", &KEEP_BUCKET, buckets(&|_| true, "")),
            statement("DeleteBuckets", &["s3:DeleteBucket"], buckets(&is_deleted, "")),
            statement(
                "EmptyBuckets",
                &["s3:DeleteObject", "s3:DeleteObjectVersion"],
                buckets(&is_emptied, "/*"),
            ),
            statement("KeepUsers", &KEEP_USER, principals(&is_user, &["user"])),
            statement("KeepRoles", &KEEP_ROLE, principals(&|entry| !is_user(entry), &["role"])),
            statement("EndKeysUsersAndRoles", &END_PRINCIPAL, principals(&|_| true, &both)),
        ]);
    }
    statements.into_iter().flatten().collect()
}

/// A statement about these resources; none about none.
fn statement(sid: &str, actions: &[&str], resources: BTreeSet<String>) -> Option<Value> {
    (!resources.is_empty())
        .then(|| json!({ "Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resources }))
}

fn arn_of_bucket(bucket: &Bucket) -> String {
    format!("arn:{}:s3:::{}", partition(&bucket.region), bucket.bucket)
}

/// The name ends in a hash of the Kubernetes cluster, which the manifests do not tell.
fn arn_of_principal((blobstore, bucket): &InS3<'_>, kind: &str) -> String {
    let ObjectKey { namespace, name } = ObjectKey::of(*blobstore);
    let beginning = BlobstoreOwner::new("", namespace, name).principal_beginning();
    format!("arn:{}:iam::*:{kind}/{beginning}-*", partition(&bucket.region))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Platform;
    use crate::aws::storage::StorageOrder;

    fn blobstore(spec: Value) -> Blobstore {
        let metadata = json!({"namespace": "shop", "name": "blobs"});
        serde_json::from_value(json!({"metadata": metadata, "spec": spec})).unwrap()
    }

    fn with_user() -> Blobstore {
        blobstore(json!({"s3": {"bucket": "acme-blobs", "region": "eu-west-1"}}))
    }

    /// The actions that are allowed, each with its resources.
    fn allowed(blobstore: &Blobstore, writes: bool) -> Vec<(String, Vec<String>)> {
        let words = |value: &Value| -> Vec<String> { serde_json::from_value(value.clone()).unwrap() };
        let statements = statements([blobstore], writes);
        let each = statements.iter().flat_map(|statement| {
            let resources = words(&statement["Resource"]);
            words(&statement["Action"]).into_iter().map(move |action| (action, resources.clone()))
        });
        each.collect()
    }

    fn resources(blobstore: &Blobstore, action: &str) -> Vec<String> {
        allowed(blobstore, true).into_iter().filter(|(name, _)| name == action).flat_map(|it| it.1).collect()
    }

    #[test]
    fn only_the_declared_bucket_and_what_has_its_owners_name_can_be_changed() {
        assert_eq!(resources(&with_user(), "s3:PutBucketPolicy"), ["arn:aws:s3:::acme-blobs"]);
        let [user] = resources(&with_user(), "iam:CreateAccessKey").try_into().unwrap();
        assert_eq!(user, "arn:aws:iam::*:user/flynn-shop-blobs-*");
        let order = StorageOrder::of(&with_user(), "u", None, Platform::Kubernetes);
        assert!(order.owner.principal().starts_with("flynn-shop-blobs-"));
    }

    #[test]
    fn what_deletes_a_bucket_or_objects_is_allowed_where_it_is_declared() {
        let deletes = |blobstore: &Blobstore| {
            let all = allowed(blobstore, true).into_iter();
            all.filter(|(action, _)| action.starts_with("s3:Delete")).collect::<Vec<_>>()
        };
        assert_eq!(deletes(&with_user()), []);
        let mut deleted = with_user();
        deleted.spec.deletion_policy = DeletionPolicy::Delete;
        assert_eq!(deletes(&deleted), [("s3:DeleteBucket".into(), vec!["arn:aws:s3:::acme-blobs".into()])]);
        deleted.spec.s3.as_mut().unwrap().empty_on_delete = true;
        let objects = vec!["arn:aws:s3:::acme-blobs/*".to_owned()];
        assert!(deletes(&deleted).contains(&("s3:DeleteObjectVersion".into(), objects)));
    }

    #[test]
    fn a_role_is_made_where_one_is_declared_and_never_a_key() {
        let role = json!({"providerARN": "arn:aws:iam::123456789012:oidc-provider/oidc.test", "serviceAccounts": ["web"]});
        let bucket = json!({"bucket": "acme-blobs", "region": "eu-west-1"});
        let with_role = blobstore(json!({"s3": bucket, "credentials": {"role": role}}));
        assert_eq!(resources(&with_role, "iam:CreateAccessKey"), Vec::<String>::new());
        assert_eq!(resources(&with_role, "iam:CreateRole"), ["arn:aws:iam::*:role/flynn-shop-blobs-*"]);
        assert_eq!(resources(&with_user(), "iam:CreateRole"), Vec::<String>::new());
    }

    #[test]
    fn without_apply_nothing_but_reads_is_allowed_and_a_local_one_needs_nothing() {
        let reads = allowed(&with_user(), false);
        assert!(
            reads.iter().all(|(action, _)| action.contains(":Get") || action.contains(":List")),
            "{reads:?}"
        );
        assert!(statements([&blobstore(json!({"local": {}}))], true).is_empty());
    }
}
