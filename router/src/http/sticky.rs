//! Sticky sessions: a client stays with its endpoint by a cookie that only a router with the key can write or read.
//!
//! In comes the client's first `_backend` cookie; out go the endpoint that it names, and a new cookie where another
//! endpoint answers. The format is Flynn's, so that sessions survive a move from there: standard base64 of a nonce and a
//! NaCl secretbox (XSalsa20-Poly1305) of the address as text. A cookie that cannot be read is as good as none.

use std::fmt::Write;
use std::net::SocketAddr;
use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use crypto_secretbox::aead::{AeadInPlace, KeyInit};
use crypto_secretbox::{Nonce, Tag, XSalsa20Poly1305};
use router_config::CookieKey;

use super::Buffer;
use super::name::Name;
use super::request::Request;
use crate::tls;

/// What is known of a client's session.
#[derive(Debug, Clone)]
pub(crate) struct Session {
    key: CookieKey,
    /// What its cookie names, whether or not that is still there.
    endpoint: Option<SocketAddr>,
}

const NAME: &[u8] = b"_backend";

const NONCE: usize = 24;
const TAG: usize = 16;

/// The longest address as text: `[`, 39 characters, `]`, `:` and five digits.
const ADDRESS: usize = 47;

/// What is sealed, with its nonce and tag, and the same in base64.
const SEALED: usize = NONCE + TAG + ADDRESS;
const ENCODED: usize = SEALED.div_ceil(3) * 4;

/// The key of a router that was given none: all workers share it, and sessions end with the process.
static OWN_KEY: LazyLock<CookieKey> = LazyLock::new(|| {
    let mut key = [0; 32];
    tls::fill_random(&mut key);
    CookieKey::new(key)
});

impl Session {
    /// The session that a request belongs to. `key` is the configured one.
    pub(crate) fn of(request: &Request<'_>, key: Option<&CookieKey>) -> Self {
        let key = key.unwrap_or(&OWN_KEY).clone();
        let endpoint = cookie(request).and_then(|value| open(&key, value));
        Self { key, endpoint }
    }

    /// The endpoint that the client had.
    pub(crate) fn endpoint(&self) -> Option<SocketAddr> {
        self.endpoint
    }

    /// Tells the client its endpoint, unless it knows it.
    pub(crate) fn push_cookie(&self, endpoint: SocketAddr, out: &mut Buffer) {
        if self.endpoint == Some(endpoint) {
            return;
        }
        let mut nonce = [0; NONCE];
        tls::fill_random(&mut nonce);
        let mut encoded = [0; ENCODED];
        out.push(b"Set-Cookie: ");
        out.push(NAME);
        out.push(b"=");
        out.push(seal(&self.key, endpoint, nonce, &mut encoded));
        out.push(b"; Path=/\r\n");
    }
}

/// The value of the first cookie of our name, on any `Cookie` line.
fn cookie<'a>(request: &Request<'a>) -> Option<&'a [u8]> {
    let (head, bytes) = (request.head, request.bytes);
    head.values(bytes, Name::Cookie)
        .flat_map(|line| line.split(|byte| *byte == b';'))
        .find_map(|pair| pair.trim_ascii().strip_prefix(NAME)?.strip_prefix(b"="))
        .map(|value| value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\"")).unwrap_or(value))
}

fn open(key: &CookieKey, value: &[u8]) -> Option<SocketAddr> {
    if value.len() > ENCODED {
        return None;
    }
    let mut sealed = [0; SEALED];
    let length = STANDARD.decode_slice(value, &mut sealed).ok()?;
    let (nonce, rest) = sealed[..length].split_at_mut_checked(NONCE)?;
    let (tag, text) = rest.split_at_mut_checked(TAG)?;
    let cipher = XSalsa20Poly1305::new(key.bytes().into());
    cipher.decrypt_in_place_detached(Nonce::from_slice(nonce), b"", text, Tag::from_slice(tag)).ok()?;
    std::str::from_utf8(text).ok()?.parse().ok()
}

fn seal<'a>(
    key: &CookieKey,
    endpoint: SocketAddr,
    nonce: [u8; NONCE],
    encoded: &'a mut [u8; ENCODED],
) -> &'a [u8] {
    let mut address = Text { bytes: [0; ADDRESS], length: 0 };
    write!(address, "{endpoint}").expect("no address is longer");
    let text = &mut address.bytes[..address.length];
    let cipher = XSalsa20Poly1305::new(key.bytes().into());
    let tag = cipher
        .encrypt_in_place_detached(&nonce.into(), b"", text)
        .expect("an address is shorter than what a nonce can seal");
    let mut sealed = [0; SEALED];
    let length = NONCE + TAG + text.len();
    sealed[..NONCE].copy_from_slice(&nonce);
    sealed[NONCE..NONCE + TAG].copy_from_slice(&tag);
    sealed[NONCE + TAG..length].copy_from_slice(text);
    let length = STANDARD.encode_slice(&sealed[..length], encoded).expect("the longest address fits");
    &encoded[..length]
}

/// An address as text, on the stack.
struct Text {
    bytes: [u8; ADDRESS],
    length: usize,
}

impl Write for Text {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        let end = self.length + text.len();
        self.bytes.get_mut(self.length..end).ok_or(std::fmt::Error)?.copy_from_slice(text.as_bytes());
        self.length = end;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
