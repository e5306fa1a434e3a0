//! Tokens: made here, compared by their hash, never shown.

use std::fmt;
use std::fs::{File, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

/// The secret of a user. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Token(String);

/// What is kept of a token.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Digest([u8; 32]);

impl Token {
    /// A new one, of 256 random bits.
    #[must_use]
    pub fn generate() -> Self {
        let mut bits = [0; 32];
        aws_lc_rs::rand::fill(&mut bits).expect("the system gives random bits");
        Self(URL_SAFE_NO_PAD.encode(bits))
    }

    /// The one that the file holds; where there is no file, a new one, which only its owner may read.
    ///
    /// # Errors
    /// The file cannot be read or written, or is empty.
    pub fn load_or_create(file: &Path) -> io::Result<Self> {
        match std::fs::read_to_string(file) {
            Ok(text) if text.trim().is_empty() => {
                Err(io::Error::new(ErrorKind::InvalidData, "the token file is empty"))
            }
            Ok(text) => {
                std::fs::set_permissions(file, Permissions::from_mode(0o600))?;
                Ok(Self(text.trim().to_owned()))
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let token = Self::generate();
                write_private(file, &token.0)?;
                Ok(token)
            }
            Err(error) => Err(error),
        }
    }

    /// The secret itself, for a kubeconfig.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<String> for Token {
    fn from(token: String) -> Self {
        Self(token)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Token(..)")
    }
}

impl Digest {
    pub(super) fn of(token: &str) -> Self {
        let hash = digest(&SHA256, token.as_bytes());
        Self(hash.as_ref().try_into().expect("SHA-256 has 32 bytes"))
    }

    /// From 64 hexadecimal digits, as `sha256sum` prints them.
    pub(super) fn from_hex(text: &str) -> Option<Self> {
        let digits = text.as_bytes();
        if digits.len() != 64 || !digits.iter().all(u8::is_ascii_hexdigit) {
            return None;
        }
        let mut hash = [0; 32];
        for (byte, pair) in hash.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
        }
        Some(Self(hash))
    }

    /// Compares in a time that does not depend on where they differ.
    pub(super) fn is(&self, other: &Self) -> bool {
        verify_slices_are_equal(&self.0, &other.0).is_ok()
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Digest(..)")
    }
}

/// Writes a file that only its owner may read, at once or not at all.
///
/// # Errors
/// The folder cannot be written.
pub fn write_private(file: &Path, content: &str) -> io::Result<()> {
    let mut beside = file.as_os_str().to_owned();
    beside.push(".new");
    let beside = Path::new(&beside);
    let written = create_private(beside).and_then(|mut new| {
        new.write_all(content.as_bytes())?;
        new.sync_all()?;
        std::fs::rename(beside, file)
    });
    if written.is_err() {
        let _ = std::fs::remove_file(beside);
    }
    written
}

/// The mode of a file that was there would stay, so one left by a crash goes first.
fn create_private(file: &Path) -> io::Result<File> {
    match std::fs::remove_file(file) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(file: &Path) -> u32 {
        std::fs::metadata(file).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_token_is_made_once_and_only_its_owner_may_read_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("token");
        let first = Token::load_or_create(&file).unwrap();
        assert_eq!(first.expose().len(), 43);
        assert_eq!(mode(&file), 0o600);

        std::fs::set_permissions(&file, Permissions::from_mode(0o644)).unwrap();
        assert_eq!(Token::load_or_create(&file).unwrap(), first);
        assert_eq!(mode(&file), 0o600);
        assert_ne!(Token::generate(), first);
    }

    #[test]
    fn an_empty_token_file_is_an_error_and_not_a_token() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("token");
        std::fs::write(&file, "\n").unwrap();
        assert!(Token::load_or_create(&file).is_err());
    }

    #[test]
    fn debug_output_shows_no_token() {
        let token = Token::from("very-secret".to_owned());
        assert!(!format!("{token:?} {:?}", Digest::of("very-secret")).contains("secret"));
    }

    #[test]
    fn a_private_file_is_replaced_with_its_mode() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("kubeconfig");
        std::fs::write(&file, "old").unwrap();
        std::fs::set_permissions(&file, Permissions::from_mode(0o644)).unwrap();
        write_private(&file, "new").unwrap();
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "new");
        assert_eq!(mode(&file), 0o600);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_hash_is_read_as_sha256sum_prints_it() {
        let hash = "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b";
        assert!(Digest::from_hex(hash).unwrap().is(&Digest::of("secret")));
        assert!(Digest::from_hex(&hash.to_uppercase()).unwrap().is(&Digest::of("secret")));
        assert!(Digest::from_hex(&hash[1..]).is_none());
        assert!(Digest::from_hex(&hash.replace('2', "g")).is_none());
    }
}
