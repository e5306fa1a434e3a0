//! The key that sticky sessions are sealed with. It can be read by the router and by nobody who prints a value.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize, Serializer};

/// 32 bytes, in text standard base64 with padding, as in Flynn's `COOKIE_KEY`.
#[derive(Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(with = "String")]
pub struct CookieKey([u8; 32]);

impl CookieKey {
    /// Wraps a key.
    #[must_use]
    pub fn new(key: [u8; 32]) -> Self {
        Self(key)
    }

    /// The bytes. For the cipher and nobody else.
    #[must_use]
    pub fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl TryFrom<String> for CookieKey {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let bytes = STANDARD.decode(text.trim()).ok().and_then(|bytes| bytes.try_into().ok());
        bytes.map(Self).ok_or("a cookie key is 32 bytes in base64: make one with `openssl rand -base64 32`")
    }
}

impl fmt::Debug for CookieKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(PLACEHOLDER)
    }
}

impl Serialize for CookieKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(PLACEHOLDER)
    }
}

const PLACEHOLDER: &str = "(cookie key)";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_32_bytes_and_is_never_printed() {
        let key = CookieKey::try_from(STANDARD.encode([7; 32])).unwrap();
        assert_eq!(key.bytes(), &[7; 32]);
        assert_eq!(format!("{key:?}"), PLACEHOLDER);
        for text in ["", "AAAA", "not base64"] {
            assert!(CookieKey::try_from(text.to_owned()).is_err(), "{text}");
        }
    }
}
