//! `Blobstore`: a private bucket for the objects of Apps, with credentials that can do what an App needs and nothing else.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A private place for objects, with its credentials in a Secret. An App that names it in `blobstore` has them in its environment.
#[derive(CustomResource, KubeSchema, Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[kube(
    group = "flynn.io",
    version = "v1alpha1",
    kind = "Blobstore",
    plural = "blobstores",
    shortname = "fblob",
    category = "flynn",
    namespaced,
    status = "BlobstoreStatus",
    derive = "PartialEq",
    derive = "Default",
    doc = "A private place for objects, with its credentials in a Secret. An App that names it in `blobstore` has them in its environment.",
    validation = Rule::new("self.metadata.name.size() <= 63 && self.metadata.name.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')")
        .message("a Blobstore's name stands in tags and in the name of its user: use at most 63 lower-case letters, digits and dashes"),
    printcolumn(name = "Bucket", type_ = "string", json_path = ".status.bucket"),
    printcolumn(name = "Region", type_ = "string", json_path = ".status.region"),
    printcolumn(name = "Secret", type_ = "string", json_path = ".status.secret"),
    printcolumn(name = "Rotated", type_ = "date", json_path = ".status.rotatedAt"),
    printcolumn(name = "Ready", type_ = "string", json_path = r#".status.conditions[?(@.type=="Ready")].status"#),
    printcolumn(name = "Reason", type_ = "string", json_path = r#".status.conditions[?(@.type=="Ready")].reason"#),
    printcolumn(name = "Key", type_ = "string", json_path = ".status.keyID", priority = 1),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("has(self.s3) != has(self.local)")
        .message("say where the objects are: in s3, or local to this machine"),
    validation = Rule::new("has(self.s3) == has(oldSelf.s3)")
        .message("objects do not move between s3 and local: declare another Blobstore")
)]
pub struct BlobstoreSpec {
    /// A bucket in Amazon S3. It is made if it does not exist, and kept private: no public access, TLS only, encrypted, and uploads
    /// that were never finished are removed after 7 days. A setting that somebody changes is put right again. Wants `spec.aws` of the Cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub s3: Option<Bucket>,

    /// A folder of this machine, behind the variables of the same names: for `flynn-operator up`, to try a manifest without an account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub local: Option<LocalBlobstore>,

    /// How Apps get at the objects.
    #[serde(default)]
    pub credentials: Credentials,

    /// What becomes of the bucket or the folder, the user and the Secret when the Blobstore is deleted. `Retain` leaves all as it is: a
    /// Blobstore of the same name takes them up again. `Delete` deletes them, but nothing that has objects in it, unless `emptyOnDelete`
    /// says so, and no bucket that was adopted. Default: Retain.
    #[serde(default)]
    pub deletion_policy: DeletionPolicy,
}

/// A bucket in Amazon S3.
#[derive(KubeSchema, Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Bucket {
    /// The bucket's name, which nobody else in the world may have: 3 to 63 lower-case letters, digits, dashes and dots. It cannot be changed.
    #[schemars(length(min = 3, max = 63))]
    #[x_kube(
        validation = Rule::new("self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$') && !self.matches('^[0-9]+([.][0-9]+){3}$')")
            .message("the name of a bucket has lower-case letters, digits, dashes and dots, begins and ends with a letter or digit, and is no IP address"),
        validation = Rule::new("!self.matches('^(xn--|sthree-|amzn-s3-demo-)') && !self.matches('(-s3alias|--ol-s3|--x-s3|--table-s3|[.]mrap)$')")
            .message("S3 keeps this name for itself: no bucket begins with xn--, sthree- or amzn-s3-demo-, or ends with -s3alias, --ol-s3, --x-s3, --table-s3 or .mrap"),
        validation = Rule::new("self == oldSelf")
            .message("a bucket cannot be renamed: declare another Blobstore, and copy the objects")
    )]
    pub bucket: String,

    /// The bucket's region, such as `us-east-1`. Best the Cluster's: what leaves the region is slower and costs money. It cannot be changed.
    #[schemars(length(min = 6, max = 32))]
    #[x_kube(
        validation = Rule::new("self.matches('^[a-z]{2}(-[a-z]+)+-[0-9]+$')")
            .message("a region is written as in us-east-1"),
        validation = Rule::new("self == oldSelf")
            .message("a bucket cannot be moved to another region: declare another Blobstore, and copy the objects")
    )]
    pub region: String,

    /// Whether S3 keeps former versions of objects. Each is paid for as an object of its own until somebody deletes it. When this is turned off again, those that
    /// there are stay. Default: false.
    #[serde(default)]
    pub versioning: bool,

    /// Whether a bucket of this account that is there already is taken over with its objects: its settings become those that are declared,
    /// and it is never deleted. Left out, such a bucket is reported and stays as it is. Default: false.
    #[serde(default)]
    pub adopt: bool,

    /// Whether all objects are deleted, with all their versions, so that `deletionPolicy: Delete` can delete the bucket. There is no way
    /// back. Default: false.
    #[serde(default)]
    pub empty_on_delete: bool,
}

/// A folder of this machine.
#[derive(KubeSchema, Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LocalBlobstore {
    /// Whether all objects are deleted with the Blobstore when `deletionPolicy` is `Delete`. There is no way back. Default: false.
    #[serde(default)]
    pub empty_on_delete: bool,
}

/// How Apps get at the objects of a bucket: with the access keys of a user of its own, or, without any key, as a role.
#[derive(KubeSchema, Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("(has(self.secret) ? self.secret : '') == (has(oldSelf.secret) ? oldSelf.secret : '')")
        .message("the Secret cannot be renamed: declare another Blobstore").field_path(".secret")
)]
pub struct Credentials {
    /// The Secret, in this namespace, that the operator makes for them. Left out: it has the Blobstore's name. One that exists and is not the
    /// operator's is never changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(
        validation = Rule::new("self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$')")
            .message("the name of a Secret has lower-case letters, digits, dashes and dots")
    )]
    pub secret: Option<String>,

    /// After how many days an access key is replaced by a new one, 1 to 365. The old one ends when every Pod has the new one and nobody has used it
    /// for an hour. The annotation `flynn.io/rotate` replaces it at once, for each new value. Default: 90.
    #[serde(default = "ninety")]
    #[schemars(with = "i32", range(min = 1, max = 365))]
    pub rotate_after_days: u16,

    /// Left out, there is a user with access keys. With a role there are none: Pods of these service accounts prove who they are with their
    /// tokens (web identity).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
}

/// A role that Pods of service accounts take on.
#[derive(KubeSchema, Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Role {
    /// The account's OpenID Connect provider for this Kubernetes cluster, such as
    /// `arn:aws:iam::123456789012:oidc-provider/oidc.example.com/id/AB12`.
    #[serde(rename = "providerARN")]
    #[schemars(length(min = 20, max = 400))]
    #[x_kube(
        validation = Rule::new("self.matches('^arn:aws[-a-z]*:iam::[0-9]{12}:oidc-provider/[^/]+(/.+)?$')")
            .message("an OpenID Connect provider is named as in arn:aws:iam::123456789012:oidc-provider/oidc.example.com")
    )]
    pub provider_arn: String,

    /// The service accounts of this namespace whose Pods may take the role on. 1 to 16 names.
    #[schemars(length(min = 1, max = 16), inner(length(min = 1, max = 253)), extend("x-kubernetes-list-type" = "set"))]
    #[x_kube(
        validation = Rule::new("self.all(name, name.matches('^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$'))")
            .message("the name of a service account has lower-case letters, digits, dashes and dots")
    )]
    pub service_accounts: Vec<String>,
}

/// What becomes of things in AWS when their Blobstore is deleted.
#[derive(JsonSchema, Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum DeletionPolicy {
    /// They stay.
    #[default]
    Retain,
    /// They are deleted.
    Delete,
}

/// What the operator found.
#[derive(JsonSchema, Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct BlobstoreStatus {
    /// The `metadata.generation` that this status is about.
    pub observed_generation: i64,
    /// What is true of the Blobstore now.
    #[schemars(schema_with = "crate::schema::conditions")]
    pub conditions: Vec<Condition>,
    /// The bucket.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bucket: Option<String>,
    /// The bucket's region.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// The Secret with the credentials, from when it has some.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
    /// The id of the access key in the Secret. It is not secret; the key is.
    #[serde(skip_serializing_if = "Option::is_none", rename = "keyID")]
    pub key_id: Option<String>,
    /// When that access key was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "crate::schema::time")]
    pub rotated_at: Option<Time>,
    /// How many objects are in the way of a deletion. Versions count as objects; of many, at least so many.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub objects: Option<i64>,
    /// The calls that would be made, with `mode: Plan` in the Cluster, in their order. At most 100.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub planned_calls: Vec<String>,
}

impl Default for Credentials {
    fn default() -> Self {
        Self { secret: None, rotate_after_days: ninety(), role: None }
    }
}

fn ninety() -> u16 {
    90
}
