//! A certificate with its key. The key can be read by the router and by nobody who prints a value.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize, Serializer};

/// A certificate chain and the private key of its leaf.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct KeyPair {
    /// The chain as PEM, the leaf first. It is sent as given.
    pub chain: String,
    /// The leaf's private key as PEM: PKCS #8, PKCS #1 or SEC 1.
    pub key: PrivateKey,
}

/// A private key as PEM. Printing and serialising it yields a placeholder, so that no log, plan or event can hold a key.
#[derive(Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct PrivateKey(String);

impl PrivateKey {
    /// Wraps a key given as PEM.
    #[must_use]
    pub fn new(pem: String) -> Self {
        Self(pem)
    }

    /// The PEM text. For the TLS stack and nobody else.
    #[must_use]
    pub fn pem(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(PLACEHOLDER)
    }
}

impl Serialize for PrivateKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(PLACEHOLDER)
    }
}

const PLACEHOLDER: &str = "(private key)";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn printed_or_serialised_a_private_key_shows_nothing() {
        let pair = KeyPair { chain: "chain".into(), key: PrivateKey::new("secret".into()) };
        assert!(!format!("{pair:?}").contains("secret"));
    }
}
