//! Whose a bucket, a user or a role is.
//!
//! The mark names the Kubernetes cluster and the Blobstore by namespace and name, and not by its uid: a Blobstore that was deleted with `Retain`, or by
//! mistake, finds its bucket and its user again when it is applied once more.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::super::AccessKeyId;
use super::super::owner::hexadecimal;

/// The tag with the Blobstore.
const TAG: &str = "flynn.io/blobstore";

/// The tag of a bucket that was there before.
const ADOPTED: &str = "flynn.io/adopted";

/// The tag of a user with the access keys that the operator made.
const KEYS: &str = "flynn.io/keys";

/// What IAM takes as the name of a user or a role.
const LONGEST_NAME: usize = 64;

/// How many bytes of a hash that name has.
const HASH: usize = 6;

/// The Blobstore in whose name resources are made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BlobstoreOwner {
    /// What tells this Kubernetes cluster from others: the uid of its namespace `kube-system`.
    pub installation: String,
    /// The Blobstore's namespace.
    pub namespace: String,
    /// The Blobstore's name.
    pub name: String,
}

/// Who uses a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum PrincipalKind {
    /// A user with access keys.
    User,
    /// A role without any.
    Role,
}

/// What the tags of a resource say of its owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mark {
    /// It is this Blobstore's.
    Ours {
        /// Whether it was there before, so that it is never deleted.
        adopted: bool,
    },
    /// It is another Blobstore's: of this name, in this Kubernetes cluster or another.
    Another(String),
    /// It has none.
    None,
}

impl BlobstoreOwner {
    /// The owner that this Blobstore is.
    pub fn new(
        installation: impl Into<String>,
        namespace: impl Into<String>,
        name: impl Into<String>,
    ) -> Self {
        Self { installation: installation.into(), namespace: namespace.into(), name: name.into() }
    }

    /// The name of the user or the role: for people, with a hash that makes it one of a kind.
    #[must_use]
    pub fn principal(&self) -> String {
        format!("{}-{}", self.principal_beginning(), hexadecimal(self.mark().as_bytes(), HASH))
    }

    /// The part of that name before its hash: the same in every Kubernetes cluster.
    pub(crate) fn principal_beginning(&self) -> String {
        let words = format!("flynn-{}-{}", self.namespace, self.name);
        words.chars().take(LONGEST_NAME - 2 * HASH - 1).collect()
    }

    /// The tags of the bucket.
    #[must_use]
    pub fn bucket_tags(&self, adopted: bool) -> BTreeMap<String, String> {
        let adopted = adopted.then(|| (ADOPTED.to_owned(), "true".to_owned()));
        std::iter::once((TAG.to_owned(), self.mark())).chain(adopted).collect()
    }

    /// The tags of the user or the role; those of a user list the keys that are ours, in case that the Secret is lost.
    #[must_use]
    pub fn principal_tags(&self, keys: &BTreeSet<AccessKeyId>) -> BTreeMap<String, String> {
        let ids: Vec<_> = keys.iter().map(AccessKeyId::as_str).collect();
        let keys = (!ids.is_empty()).then(|| (KEYS.to_owned(), ids.join(" ")));
        std::iter::once((TAG.to_owned(), self.mark())).chain(keys).collect()
    }

    /// The keys that the tags of a user list.
    #[must_use]
    pub fn tagged_keys(tags: &BTreeMap<String, String>) -> BTreeSet<AccessKeyId> {
        tags.get(KEYS).into_iter().flat_map(|ids| ids.split(' ')).map(AccessKeyId::new).collect()
    }

    /// Whose a resource with these tags is.
    #[must_use]
    pub fn mark_of(&self, tags: &BTreeMap<String, String>) -> Mark {
        match tags.get(TAG) {
            Some(mark) if *mark == self.mark() => Mark::Ours { adopted: tags.contains_key(ADOPTED) },
            Some(mark) => {
                Mark::Another(mark.split_once('/').map_or(mark.as_str(), |(_, name)| name).to_owned())
            }
            None => Mark::None,
        }
    }

    fn mark(&self) -> String {
        format!("{}/{}/{}", self.installation, self.namespace, self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_user_fits_and_is_one_of_a_kind() {
        let long = BlobstoreOwner::new("u", "n".repeat(63), "b".repeat(63));
        let other = BlobstoreOwner::new("u", "n".repeat(63), "c".repeat(63));
        assert_eq!(long.principal().len(), LONGEST_NAME);
        assert_ne!(long.principal(), other.principal());
        assert!(BlobstoreOwner::new("u", "shop", "blobs").principal().starts_with("flynn-shop-blobs-"));
    }

    #[test]
    fn what_one_blobstore_marks_another_does_not_own_and_the_next_of_its_name_does() {
        let (one, other) = (BlobstoreOwner::new("u", "shop", "a"), BlobstoreOwner::new("v", "shop", "a"));
        assert_eq!(one.mark_of(&one.bucket_tags(true)), Mark::Ours { adopted: true });
        assert_eq!(one.clone().mark_of(&one.bucket_tags(false)), Mark::Ours { adopted: false });
        assert_eq!(one.mark_of(&other.bucket_tags(false)), Mark::Another("shop/a".into()));
        assert_eq!(one.mark_of(&BTreeMap::new()), Mark::None);
    }

    #[test]
    fn the_keys_in_the_tags_of_a_user_are_read_again() {
        let keys: BTreeSet<_> = ["AKIA1", "AKIA2"].map(AccessKeyId::new).into();
        let owner = BlobstoreOwner::new("u", "shop", "a");
        assert_eq!(BlobstoreOwner::tagged_keys(&owner.principal_tags(&keys)), keys);
        assert!(BlobstoreOwner::tagged_keys(&owner.principal_tags(&BTreeSet::new())).is_empty());
    }
}
