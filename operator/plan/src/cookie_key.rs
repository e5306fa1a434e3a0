//! The key of sticky sessions, which all routers share: the Secret `flynn-system/flynn-operator-router`, entry `cookieKey`.
//!
//! It is made once, when the first Route is sticky, and never changed by us: whoever migrates from Flynn puts Flynn's own
//! `COOKIE_KEY` there, and sessions go on. Without a usable key each router draws one, which its restart ends.

use crds::{Reason, names};
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use kube::core::ObjectMeta;
use router_config::CookieKey;
use serde::Serialize;

use crate::{ObjectKey, Refusal};

/// An order for a new key: to make one takes randomness. It is carried out only where no Secret of that name is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RouterKey {
    /// The Secret to make.
    pub secret: ObjectKey,
}

impl RouterKey {
    /// The order.
    #[must_use]
    pub fn order() -> Self {
        Self { secret: secret_key() }
    }

    /// The Secret, with a key as `COOKIE_KEY` has it: 32 bytes in base64.
    #[must_use]
    pub fn secret(&self, key: String) -> Secret {
        let labels = [(names::MANAGED_BY.to_owned(), names::OPERATOR.to_owned())];
        Secret {
            metadata: ObjectMeta {
                namespace: Some(self.secret.namespace.clone()),
                name: Some(self.secret.name.clone()),
                labels: Some(labels.into()),
                ..ObjectMeta::default()
            },
            type_: Some("Opaque".to_owned()),
            data: Some([(names::COOKIE_KEY.to_owned(), ByteString(key.into_bytes()))].into()),
            ..Secret::default()
        }
    }
}

/// Where the key is.
pub(crate) fn secret_key() -> ObjectKey {
    ObjectKey::new(names::SYSTEM_NAMESPACE, names::ROUTER_SECRET)
}

/// Reads the key.
///
/// # Errors
/// `SecretMalformed`, which names the entry and never quotes it.
pub(crate) fn cookie_key(secret: &Secret) -> Result<CookieKey, Refusal> {
    let entry = secret.data.as_ref().and_then(|data| data.get(names::COOKIE_KEY));
    let text = entry.and_then(|bytes| String::from_utf8(bytes.0.clone()).ok());
    text.and_then(|text| CookieKey::try_from(text).ok()).ok_or_else(|| {
        let message = format!(
            "the Secret {} has no {} of 32 bytes in base64, so that sticky sessions end with each router's process: delete it to have another made",
            secret_key(),
            names::COOKIE_KEY
        );
        Refusal::new(Reason::SecretMalformed, message)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_what_flynn_has_in_its_environment() {
        let text = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
        let key = cookie_key(&RouterKey::order().secret(text.to_owned())).unwrap();
        assert_eq!(key.bytes()[..4], [0, 1, 2, 3]);
    }

    #[test]
    fn a_damaged_key_is_told_and_not_quoted() {
        for text in ["", "c2hvcnQ=", "no base64 at all"] {
            let refusal = cookie_key(&RouterKey::order().secret(text.to_owned())).unwrap_err();
            assert_eq!(refusal.reason, Reason::SecretMalformed);
            assert!(text.is_empty() || !refusal.message.contains(text), "{}", refusal.message);
        }
    }
}
