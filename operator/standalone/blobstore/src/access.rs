//! Who may do what: each Blobstore is behind a key of its own, which stands in the path of every request.
//!
//! All Blobstores of a machine share one port. A port of its own for each would keep nobody out, since every process of the machine can
//! connect to all of them; a key that cannot be guessed does, as the secret key of a bucket would. Several keys may open one Blobstore, so
//! that a key can be replaced while it is in use. A key is looked up by its hash, so that the time of an answer tells nothing about it.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::Objects;

const KEY_BYTES: usize = 32;

/// Opens one Blobstore: 256 random bits, written so that they stand in a URL as they are. Printed, it is left out.
#[derive(Clone, PartialEq, Eq)]
pub struct AccessKey(String);

/// Which key opens which Blobstore.
#[derive(Debug, Default)]
pub struct Access {
    granted: RwLock<HashMap<[u8; 32], Arc<Objects>>>,
}

impl AccessKey {
    /// A new one.
    ///
    /// # Panics
    /// When the system has no randomness, as nothing that needs a key could go on then.
    #[must_use]
    pub fn generate() -> Self {
        let mut bytes = [0; KEY_BYTES];
        aws_lc_rs::rand::fill(&mut bytes).expect("the system has randomness");
        Self(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// One that was kept.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        (bytes.len() == KEY_BYTES).then(|| Self(text.to_owned()))
    }

    /// The key itself, which is a secret.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for AccessKey {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("AccessKey(..)")
    }
}

impl Access {
    /// From now on the key opens this Blobstore, and no other.
    pub fn grant(&self, key: &AccessKey, objects: Arc<Objects>) {
        let mut granted = self.granted.write().unwrap_or_else(PoisonError::into_inner);
        granted.insert(hash(key.reveal()), objects);
    }

    /// The key opens nothing any more. Requests that have begun go on.
    pub fn revoke(&self, key: &AccessKey) {
        self.granted.write().unwrap_or_else(PoisonError::into_inner).remove(&hash(key.reveal()));
    }

    /// What a text opens, if it is a key.
    pub(crate) fn open(&self, key: &str) -> Option<Arc<Objects>> {
        self.granted.read().unwrap_or_else(PoisonError::into_inner).get(&hash(key)).cloned()
    }

    /// Every Blobstore, as often as there are keys for it.
    pub(crate) fn all(&self) -> Vec<Arc<Objects>> {
        self.granted.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }
}

fn hash(key: &str) -> [u8; 32] {
    digest(&SHA256, key.as_bytes()).as_ref().try_into().expect("a SHA-256 has 32 bytes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_was_kept_is_the_same_and_anything_else_is_none() {
        let key = AccessKey::generate();
        assert_eq!(AccessKey::parse(key.reveal()), Some(key.clone()));
        assert_ne!(AccessKey::generate(), key);
        for text in ["", "short", &key.reveal()[1..], &format!("{}/", key.reveal())] {
            assert_eq!(AccessKey::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_key_is_not_printed() {
        let key = AccessKey::generate();
        assert!(!format!("{key:?}").contains(key.reveal()));
    }

    #[test]
    fn two_keys_open_one_blobstore_until_each_is_revoked() {
        let folder = tempfile::tempdir().unwrap();
        let objects = Arc::new(Objects::open(folder.path()).unwrap());
        let (access, old, new) = (Access::default(), AccessKey::generate(), AccessKey::generate());
        access.grant(&old, objects.clone());
        access.grant(&new, objects);
        assert!(access.open(old.reveal()).is_some() && access.open(new.reveal()).is_some());
        access.revoke(&old);
        assert!(access.open(old.reveal()).is_none() && access.open(new.reveal()).is_some());
    }
}
