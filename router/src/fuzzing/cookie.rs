//! Cookies of sticky sessions: nobody without the key makes one.
//!
//! The seeds are cookies for `127.0.0.1:8080`, sealed with a key of zeros. No change of them may name another endpoint.

use std::net::SocketAddr;

use router_config::CookieKey;

use super::MAX_INPUT;
use crate::http::head::{Head, Progress};
use crate::http::request::Request;
use crate::http::sticky::Session;

/// Reads bytes as the cookies of a request.
///
/// # Panics
/// If a cookie that the router did not make is believed.
pub fn cookie(data: &[u8]) {
    let start = b"GET / HTTP/1.1\r\nHost: a\r\nCookie: ";
    let bytes = [start, &data[..data.len().min(MAX_INPUT)], b"\r\n\r\n"].concat();
    let mut head = Head::default();
    let Ok(Progress::Complete(length)) = head.advance(&bytes) else {
        return;
    };
    let Ok(request) = Request::parse(&head, &bytes[..length]) else {
        return;
    };
    let sealed = SocketAddr::from(([127, 0, 0, 1], 8080));
    let named = Session::of(&request, Some(&CookieKey::new([0; 32]))).endpoint();
    assert!(named.is_none_or(|endpoint| endpoint == sealed), "{named:?} was never sealed");
    let with_another_key = Session::of(&request, Some(&CookieKey::new([1; 32]))).endpoint();
    assert_eq!(with_another_key, None, "sealed with another key");
}
