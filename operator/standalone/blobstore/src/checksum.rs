//! The SHA-512 of a content, which goes on when something is appended.

use aws_lc_rs::digest::{Context, SHA512};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// A checksum of what came so far.
#[derive(Clone)]
pub(crate) struct Checksum(Context);

impl Checksum {
    /// That of nothing.
    pub(crate) fn new() -> Self {
        Self(Context::new(&SHA512))
    }

    pub(crate) fn update(&mut self, data: &[u8]) {
        self.0.update(data);
    }

    /// What it is now, in base64, as Flynn's entity tags have it. More may come.
    pub(crate) fn text(&self) -> String {
        STANDARD.encode(self.0.clone().finish())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checksum_goes_on_after_it_was_read() {
        let (mut whole, mut pieces) = (Checksum::new(), Checksum::new());
        whole.update(b"abc");
        pieces.update(b"a");
        assert_ne!(pieces.text(), whole.text());
        pieces.update(b"bc");
        assert_eq!(pieces.text(), whole.text());
        // The example of FIPS 180 for "abc".
        assert!(
            whole.text().starts_with("3a81oZNherrMQXNJriBBMRLm+k6JqX6iCp7u5ktV05ohkpk"),
            "{}",
            whole.text()
        );
    }
}
