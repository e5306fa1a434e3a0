//! The entries of the Secret: the variables that an App reads, Flynn's own beside those of every AWS client.

use std::collections::BTreeMap;

use crds::{Bucket, Reason};

use crate::Refusal;
use crate::aws::storage::StorageOrder;

/// How an App proves who it is. It holds a secret key and cannot be printed.
#[derive(Clone, Copy)]
pub enum Login<'a> {
    /// With an access key.
    Key {
        /// Its id.
        id: &'a str,
        /// The secret key.
        secret: &'a str,
    },
    /// As a role, which its Pod's service account may take on.
    Role {
        /// The role.
        arn: &'a str,
    },
}

/// How the processes of an App get at the objects of a Blobstore, and so which entries its Secret has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// With an access key for a bucket in S3.
    Key,
    /// As a role that may use it.
    Role,
    /// In a folder of this machine.
    Local,
}

/// Every entry that some Secret has, in order.
pub(crate) const VARIABLES: [&str; 9] = [
    "AWS_ACCESS_KEY_ID",
    "AWS_REGION",
    "AWS_ROLE_ARN",
    "AWS_SECRET_ACCESS_KEY",
    "BACKEND_LOCAL",
    "BACKEND_S3MAIN",
    "BLOBSTORE_URL",
    "DEFAULT_BACKEND",
    "S3_BUCKET",
];

/// The entries that an App has in its environment, in order.
pub(crate) fn variables(way: Way) -> impl Iterator<Item = &'static str> {
    let is_one = move |name: &str| match (name, way) {
        ("DEFAULT_BACKEND", _) => true,
        ("BACKEND_LOCAL" | "BLOBSTORE_URL", way) => way == Way::Local,
        ("AWS_ACCESS_KEY_ID" | "AWS_SECRET_ACCESS_KEY", way) => way == Way::Key,
        ("AWS_ROLE_ARN", way) => way == Way::Role,
        (_, way) => way != Way::Local,
    };
    VARIABLES.into_iter().filter(move |name| is_one(name))
}

/// The entries of the Secret of a bucket in S3.
///
/// `BACKEND_S3MAIN` and `DEFAULT_BACKEND` are those of Flynn's blobstore, which splits the former at blanks: none of its values has one.
#[must_use]
pub fn environment(bucket: &Bucket, login: Login<'_>) -> BTreeMap<String, String> {
    let Bucket { bucket, region, .. } = bucket;
    let (login, backend) = match login {
        Login::Key { id, secret } => (
            vec![("AWS_ACCESS_KEY_ID", id.to_owned()), ("AWS_SECRET_ACCESS_KEY", secret.to_owned())],
            format!("access_key_id={id} secret_access_key={secret}"),
        ),
        Login::Role { arn } => (vec![("AWS_ROLE_ARN", arn.to_owned())], "ec2_role=true".to_owned()),
    };
    let entries = [
        ("AWS_REGION", region.clone()),
        ("S3_BUCKET", bucket.clone()),
        ("BACKEND_S3MAIN", format!("backend=s3 region={region} bucket={bucket} {backend}")),
        ("DEFAULT_BACKEND", "s3main".to_owned()),
    ];
    entries.into_iter().chain(login).map(|(name, value)| (name.to_owned(), value)).collect()
}

/// Why a Secret that is somebody else's is not written.
#[must_use]
pub fn secret_taken(order: &StorageOrder) -> Refusal {
    let message = format!(
        "the Secret {} exists and is not this Blobstore's: delete it, or name another in credentials.secret of a Blobstore of another name",
        order.secret()
    );
    Refusal::new(Reason::NameTaken, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bucket() -> Bucket {
        Bucket { bucket: "blobs".into(), region: "eu-west-1".into(), ..Bucket::default() }
    }

    #[test]
    fn the_secret_has_the_variables_of_flynn_beside_those_of_aws() {
        let entries = environment(&bucket(), Login::Key { id: "AKIA1", secret: "s/e+c" });
        let expected = [
            ("AWS_ACCESS_KEY_ID", "AKIA1"),
            ("AWS_REGION", "eu-west-1"),
            ("AWS_SECRET_ACCESS_KEY", "s/e+c"),
            (
                "BACKEND_S3MAIN",
                "backend=s3 region=eu-west-1 bucket=blobs access_key_id=AKIA1 secret_access_key=s/e+c",
            ),
            ("DEFAULT_BACKEND", "s3main"),
            ("S3_BUCKET", "blobs"),
        ];
        assert_eq!(entries, expected.map(|(name, value)| (name.to_owned(), value.to_owned())).into());
    }

    #[test]
    fn an_app_gets_every_entry_of_the_secret_and_no_other() {
        let names = |login| environment(&bucket(), login).into_keys().collect::<Vec<_>>();
        let key = names(Login::Key { id: "AKIA1", secret: "s" });
        assert_eq!(variables(Way::Key).collect::<Vec<_>>(), key);
        let role = names(Login::Role { arn: "arn:aws:iam::1:role/r" });
        assert_eq!(variables(Way::Role).collect::<Vec<_>>(), role);
        let local: Vec<_> = variables(Way::Local).collect();
        assert_eq!(local, ["BACKEND_LOCAL", "BLOBSTORE_URL", "DEFAULT_BACKEND"]);
    }

    #[test]
    fn a_role_has_no_key_in_the_secret() {
        let entries = environment(&bucket(), Login::Role { arn: "arn:aws:iam::1:role/r" });
        assert_eq!(entries["BACKEND_S3MAIN"], "backend=s3 region=eu-west-1 bucket=blobs ec2_role=true");
        assert_eq!(entries["AWS_ROLE_ARN"], "arn:aws:iam::1:role/r");
        assert!(!entries.keys().any(|name| name.contains("KEY")), "{entries:?}");
    }
}
