//! A request of HTTP/2 as the head of a request of HTTP/1.1 (RFC 9113 section 8.3.1, RFC 8441 section 5).
//!
//! In comes what `h2` has read; out go bytes that `http/head.rs` and `http/request.rs` check like those of any client.
//! Checked here is only what they cannot see. The head says `Connection: close`: a stream carries one request.

use http::header::{CONTENT_LENGTH, COOKIE, HOST, HeaderName, TE};
use http::request::Parts;
use http::{HeaderMap, Method};

use super::fields;
use super::inflow::Form;
use crate::http::Buffer;

/// A request that is no message of HTTP/2; the stream is reset (RFC 9113 section 8.1.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Malformed;

/// What the bytes of a stream mean after the head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rendered {
    pub(super) form: Form,
    /// Whether the bytes are a WebSocket's once the endpoint has agreed.
    pub(super) websocket: bool,
}

/// Renders the head. `ended` says whether nothing follows it.
pub(super) fn render(request: &Parts, ended: bool, out: &mut Buffer) -> Result<Rendered, Malformed> {
    if request.headers.values().any(fields::is_padded) {
        return Err(Malformed);
    }
    let websocket = request.extensions.get().is_some_and(fields::is_websocket);
    if websocket && request.headers.contains_key(CONTENT_LENGTH) {
        // What follows is a tunnel, and must not be taken for a body (RFC 9110 section 9.3.6).
        return Err(Malformed);
    }
    push_line(request, websocket, out)?;
    push_host(request, out);
    push_cookies(&request.headers, out);
    // In HTTP/2 trailers need not be asked for, and `h2` takes no other value.
    out.push(b"TE: trailers\r\n");
    fields::push_all(out, &request.headers, &[HOST, COOKIE, TE, SEC_WEBSOCKET_KEY]);
    let form = if websocket {
        push_upgrade(out);
        Form::Verbatim
    } else {
        out.push(b"Connection: close\r\n");
        form(&request.headers, ended)
    };
    if form == Form::Chunks {
        out.push(b"Transfer-Encoding: chunked\r\n");
    }
    out.push(b"\r\n");
    Ok(Rendered { form, websocket })
}

fn form(headers: &HeaderMap, ended: bool) -> Form {
    if ended || headers.contains_key(CONTENT_LENGTH) { Form::Verbatim } else { Form::Chunks }
}

fn push_line(request: &Parts, websocket: bool, out: &mut Buffer) -> Result<(), Malformed> {
    let path = request.uri.path_and_query().map_or("", |path| path.as_str());
    let authority = request.uri.authority().map_or("", |authority| authority.as_str());
    let (method, target, is_fit) = match &request.method {
        _ if websocket => ("GET", path, path.starts_with('/')),
        // The router serves no other CONNECT, with a protocol or without: it is refused later.
        &Method::CONNECT => ("CONNECT", authority, !authority.is_empty()),
        &Method::OPTIONS => ("OPTIONS", path, path == "*" || path.starts_with('/')),
        method => (method.as_str(), path, path.starts_with('/')),
    };
    if !is_fit {
        return Err(Malformed);
    }
    out.push(method.as_bytes());
    out.push(b" ");
    out.push(target.as_bytes());
    out.push(b" HTTP/1.1\r\n");
    Ok(())
}

/// One line if the authority and `Host` agree. If not there are several, and the parser refuses that.
fn push_host(request: &Parts, out: &mut Buffer) {
    let authority = request.uri.authority().map(|authority| authority.as_str().as_bytes());
    let agrees = |host: &[u8]| authority.is_some_and(|authority| authority.eq_ignore_ascii_case(host));
    let others = request.headers.get_all(HOST).iter().map(http::HeaderValue::as_bytes);
    for host in authority.into_iter().chain(others.filter(|host| !agrees(host))) {
        out.push(b"Host: ");
        out.push(host);
        out.push(b"\r\n");
    }
}

/// Joins the crumbs of a cookie into one line (RFC 9113 section 8.2.3).
fn push_cookies(headers: &HeaderMap, out: &mut Buffer) {
    let mut crumbs = headers.get_all(COOKIE).iter();
    let Some(first) = crumbs.next() else {
        return;
    };
    out.push(b"cookie: ");
    out.push(first.as_bytes());
    for crumb in crumbs {
        out.push(b"; ");
        out.push(crumb.as_bytes());
    }
    out.push(b"\r\n");
}

const SEC_WEBSOCKET_KEY: HeaderName = http::header::SEC_WEBSOCKET_KEY;

/// HTTP/2 has no key; HTTP/1.1 asks for 16 random bytes in base64 (RFC 6455 section 4.1).
fn push_upgrade(out: &mut Buffer) {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    out.push(b"Connection: upgrade, close\r\nUpgrade: websocket\r\nSec-WebSocket-Key: ");
    for _ in 0..21 {
        out.push(&[ALPHABET[fastrand::usize(..64)]]);
    }
    // The last digit holds two bits: 128 is 21 times 6, and 2.
    out.push(&[ALPHABET[fastrand::usize(..4) << 4]]);
    out.push(b"==\r\n");
}

#[cfg(test)]
mod tests;
