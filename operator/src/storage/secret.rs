//! The Secret of a Blobstore, as it is read and as it is written.
//!
//! Both hold a secret key, so that neither can be printed, compared or written as JSON: what the plan needs of the one goes into its words
//! ([`SecretState`]), which hold none, and the other goes to the API server and nowhere else.

use std::collections::BTreeMap;

use crds::{Bucket, names};
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use kube::core::ObjectMeta;
use plan::aws::AccessKeyId;
use plan::aws::storage::{PrincipalKind, SecretMarks, SecretState, StorageOrder};
use plan::blobstore::{Login, environment};

const KEY_ID: &str = "AWS_ACCESS_KEY_ID";
const SECRET_KEY: &str = "AWS_SECRET_ACCESS_KEY";
const ROLE: &str = "AWS_ROLE_ARN";

/// A Secret as it was read.
pub(crate) struct Stored {
    /// Its `metadata.resourceVersion`.
    pub(crate) version: String,
    type_: Option<String>,
    labels: BTreeMap<String, String>,
    marks: SecretMarks,
    entries: BTreeMap<String, String>,
}

/// The entries of a Secret that is to be written.
pub(crate) struct Entries(BTreeMap<String, String>);

/// A Secret as it is to be.
pub(crate) struct Written {
    /// The Blobstore's name, for the label.
    pub(crate) blobstore: String,
    /// What is noted.
    pub(crate) marks: SecretMarks,
    /// The entries; nothing leaves them as they are.
    pub(crate) entries: Option<Entries>,
    /// The version that was read; nothing if there was no Secret.
    pub(crate) version: Option<String>,
}

impl Entries {
    /// What an App needs to get at the bucket.
    pub(crate) fn of(bucket: &Bucket, login: Login<'_>) -> Self {
        Self(environment(bucket, login))
    }

    /// What an App needs to get at a folder of this machine.
    pub(crate) fn local(variables: BTreeMap<String, String>) -> Self {
        Self(variables)
    }
}

impl Stored {
    /// Takes in what the API server gave. Entries that are no text are none of ours.
    pub(crate) fn of(secret: Secret) -> Self {
        let Secret { metadata, data, type_, .. } = secret;
        let ObjectMeta { resource_version, labels, annotations, .. } = metadata;
        let annotation = annotations.as_ref().and_then(|all| all.get(SecretMarks::ANNOTATION));
        let text = |(name, bytes): (String, ByteString)| Some((name, String::from_utf8(bytes.0).ok()?));
        Self {
            version: resource_version.unwrap_or_default(),
            type_,
            labels: labels.unwrap_or_default(),
            marks: SecretMarks::read(annotation.map(String::as_str)),
            entries: data.unwrap_or_default().into_iter().filter_map(text).collect(),
        }
    }

    /// What the plan may know of it.
    pub(crate) fn state(&self, order: &StorageOrder) -> SecretState {
        let entry = |name: &str| self.entries.get(name);
        SecretState {
            ours: self.is_of(&order.owner.name),
            key: entry(KEY_ID).map(AccessKeyId::new),
            role: entry(ROLE).cloned(),
            intact: order.bucket().is_some_and(|bucket| self.is_intact(bucket, order.principal())),
            marks: self.marks.clone(),
        }
    }

    /// The entries that are text.
    pub(crate) fn entries(&self) -> &BTreeMap<String, String> {
        &self.entries
    }

    /// Whether this access key is in it.
    pub(crate) fn has_key(&self, id: &AccessKeyId) -> bool {
        self.entries.get(KEY_ID).is_some_and(|found| found == id.as_str())
    }

    fn is_of(&self, blobstore: &str) -> bool {
        let label = |name: &str| self.labels.get(name).map(String::as_str);
        self.type_.as_deref() == Some(names::BLOBSTORE_SECRET_TYPE)
            && label(names::MANAGED_BY) == Some(names::OPERATOR)
            && label(names::BLOBSTORE) == Some(blobstore)
    }

    /// Whether it has every entry that it should have. What others wrote beside counts for nothing: no write of ours takes it away.
    fn is_intact(&self, bucket: &Bucket, kind: PrincipalKind) -> bool {
        let entry = |name: &str| self.entries.get(name).map(String::as_str);
        let login = match kind {
            PrincipalKind::User => {
                entry(KEY_ID).zip(entry(SECRET_KEY)).map(|(id, secret)| Login::Key { id, secret })
            }
            PrincipalKind::Role => entry(ROLE).map(|arn| Login::Role { arn }),
        };
        let Some(login) = login else { return false };
        environment(bucket, login).iter().all(|(name, value)| entry(name) == Some(value))
    }
}

impl Written {
    /// The object to apply, and whether its entries are part of it.
    pub(crate) fn into_object(self) -> (Secret, bool) {
        let Self { blobstore, marks, entries, version } = self;
        let labels = [(names::MANAGED_BY, names::OPERATOR.to_owned()), (names::BLOBSTORE, blobstore)];
        let has_entries = entries.is_some();
        let bytes = |(name, text): (String, String)| (name, ByteString(text.into_bytes()));
        let secret = Secret {
            metadata: ObjectMeta {
                labels: Some(labels.map(|(name, value)| (name.to_owned(), value)).into()),
                annotations: Some([(SecretMarks::ANNOTATION.to_owned(), marks.write())].into()),
                resource_version: version,
                ..ObjectMeta::default()
            },
            type_: Some(names::BLOBSTORE_SECRET_TYPE.to_owned()),
            data: entries.map(|Entries(entries)| entries.into_iter().map(bytes).collect()),
            ..Secret::default()
        };
        (secret, has_entries)
    }
}

#[cfg(test)]
mod tests {
    use crds::{Blobstore, BlobstoreSpec, Role};
    use plan::Platform;

    use super::*;

    fn order(role: Option<Role>) -> StorageOrder {
        let bucket = Bucket { bucket: "abc".into(), region: "us-east-1".into(), ..Bucket::default() };
        let mut spec = BlobstoreSpec { s3: Some(bucket), ..BlobstoreSpec::default() };
        spec.credentials.role = role;
        StorageOrder::of(&Blobstore::new("blobs", spec), "u", None, Platform::Kubernetes)
    }

    fn written(order: &StorageOrder) -> Secret {
        let login = match order.principal() {
            PrincipalKind::User => Login::Key { id: "AKIA1", secret: "s" },
            PrincipalKind::Role => Login::Role { arn: "arn:aws:iam::1:role/r" },
        };
        let written = Written {
            blobstore: "blobs".into(),
            marks: SecretMarks::default(),
            entries: Some(Entries::of(order.bucket().unwrap(), login)),
            version: None,
        };
        written.into_object().0
    }

    #[test]
    fn what_is_written_is_ours_and_intact_when_it_is_read() {
        for order in [order(None), order(Some(Role::default()))] {
            let state = Stored::of(written(&order)).state(&order);
            assert!(state.ours && state.intact, "{state:?}");
            let way = (state.key.is_some(), state.role.is_some());
            assert_eq!(
                way,
                (order.principal() == PrincipalKind::User, order.principal() == PrincipalKind::Role)
            );
        }
    }

    #[test]
    fn an_entry_that_was_changed_or_taken_away_is_noticed_and_one_more_is_not() {
        let order = order(None);
        let change = |name: &str, value: Option<&str>| {
            let mut secret = written(&order);
            let data = secret.data.as_mut().unwrap();
            data.remove(name);
            data.extend(value.map(|value| (name.to_owned(), ByteString(value.into()))));
            Stored::of(secret).state(&order).intact
        };
        for name in environment(order.bucket().unwrap(), Login::Key { id: "AKIA1", secret: "s" }).keys() {
            assert!(!change(name, Some("other")) && !change(name, None), "{name}");
        }
        assert!(change("theirs", Some("value")));
    }

    #[test]
    fn a_secret_of_another_type_or_blobstore_is_not_ours() {
        let order = order(None);
        let mut other_type = written(&order);
        other_type.type_ = Some("Opaque".into());
        let mut unlabelled = written(&order);
        unlabelled.metadata.labels = None;
        let mut another = written(&order);
        another.metadata.labels.as_mut().unwrap().insert(names::BLOBSTORE.into(), "other".into());
        for secret in [other_type, unlabelled, another] {
            assert!(!Stored::of(secret).state(&order).ours);
        }
    }
}
