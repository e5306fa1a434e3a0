//! The head of a request as the endpoint gets it.
//!
//! In comes a checked [`Request`] and where it came from; out go the bytes of the new head: target and host verbatim,
//! the client's fields in their order without the hop-by-hop ones, and what the router vouches for (`X-Forwarded-*`,
//! `X-Request-*`, framing). Nothing that a client sends can take the place of those. Hot: rendered into a pooled
//! buffer, nothing allocated.

use std::fmt::Write;
use std::net::IpAddr;

use router_config::Scheme;

use super::Buffer;
use super::date::unix_time;
use super::framing::Framing;
use super::name::Name;
use super::request::Request;
use super::response::{is_option, push_field};
use super::trailers;

/// Where a request came from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Origin {
    pub(crate) peer: IpAddr,
    pub(crate) scheme: Scheme,
    /// The port that the router was reached on.
    pub(crate) port: u16,
}

/// Renders the head for an endpoint. `keep_alive` says whether its connection is used again.
pub(crate) fn render(request: &Request<'_>, origin: Origin, keep_alive: bool, out: &mut Buffer) {
    out.push(request.method_name);
    out.push(b" ");
    out.push(request.target.raw);
    out.push(b" HTTP/1.1\r\nHost: ");
    out.push(request.authority.raw);
    out.push(b"\r\n");
    push_fields(request, out);
    push_forwarded(request, origin, out);
    push_request_marks(request, out);
    push_framing(request, out);
    match (request.upgrade, keep_alive) {
        (true, _) => out.push(b"Connection: upgrade\r\n"),
        (false, false) => out.push(b"Connection: close\r\n"),
        (false, true) => {}
    }
    out.push(b"\r\n");
}

fn push_fields(request: &Request<'_>, out: &mut Buffer) {
    for field in request.head.fields() {
        let name = field.name(request.bytes);
        if passes(request, field.kind, name) {
            push_field(out, name, field.value(request.bytes));
        }
    }
}

fn passes(request: &Request<'_>, kind: Name, name: &[u8]) -> bool {
    match kind {
        // Written anew below, or of this hop only, or a forgery.
        Name::Host
        | Name::Connection
        | Name::ContentLength
        | Name::TransferEncoding
        | Name::Te
        | Name::XForwardedFor
        | Name::XForwardedPort
        | Name::XForwardedProto
        | Name::XRequestId
        | Name::XRequestStart
        | Name::Alias => false,
        Name::Trailer => request.framing == Framing::Chunked && trailers::is_announcement(name),
        Name::Upgrade => request.upgrade,
        Name::KeepAlive => request.upgrade || (!request.connection.keep_alive && !is_named(request, name)),
        Name::Cookie | Name::Date | Name::Expect | Name::StrictTransportSecurity | Name::Other => {
            request.upgrade || !is_named(request, name)
        }
    }
}

fn is_named(request: &Request<'_>, name: &[u8]) -> bool {
    request.connection.named > 0 && is_option(request.head, request.bytes, name)
}

fn push_forwarded(request: &Request<'_>, origin: Origin, out: &mut Buffer) {
    push_list(request, Name::XForwardedFor, b"X-Forwarded-For: ", out);
    // Cannot fail: a buffer takes every byte.
    let _ = write!(out, "{}\r\n", origin.peer.to_canonical());
    push_list(request, Name::XForwardedProto, b"X-Forwarded-Proto: ", out);
    out.push(match origin.scheme {
        Scheme::Http => b"http\r\n",
        Scheme::Https => b"https\r\n",
    });
    push_list(request, Name::XForwardedPort, b"X-Forwarded-Port: ", out);
    let _ = write!(out, "{}\r\n", origin.port);
}

/// Folds the client's lines of a field into one, to which the router's own value is added.
fn push_list(request: &Request<'_>, kind: Name, start: &[u8], out: &mut Buffer) {
    out.push(start);
    for value in request.head.values(request.bytes, kind).filter(|value| !value.is_empty()) {
        out.push(value);
        out.push(b", ");
    }
}

fn push_request_marks(request: &Request<'_>, out: &mut Buffer) {
    let _ = write!(out, "X-Request-Start: {:013}\r\n", unix_time().as_millis());
    let mut ids = request.head.values(request.bytes, Name::XRequestId).peekable();
    if !ids.peek().is_some_and(|id| is_request_id(id)) || is_named(request, b"x-request-id") {
        return push_new_id(out);
    }
    for id in ids {
        push_field(out, b"X-Request-Id", id);
    }
}

/// Whether a client's request id is kept: 20 to 200 bytes of base64 and `-`.
fn is_request_id(id: &[u8]) -> bool {
    let allowed = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=' | b'-');
    (20..=200).contains(&id.len()) && id.iter().all(allowed)
}

/// A random UUID (RFC 9562 section 5.4).
fn push_new_id(out: &mut Buffer) {
    let (high, low) = (fastrand::u64(..), fastrand::u64(..));
    let high = high & !0xf000 | 0x4000;
    let low = low & !(0b11 << 62) | 0b10 << 62;
    let _ = write!(
        out,
        "X-Request-Id: {:08x}-{:04x}-{:04x}-{:04x}-{:012x}\r\n",
        high >> 32,
        high >> 16 & 0xffff,
        high & 0xffff,
        low >> 48,
        low & 0xffff_ffff_ffff
    );
}

fn push_framing(request: &Request<'_>, out: &mut Buffer) {
    match request.framing {
        Framing::Length(length) => {
            let _ = write!(out, "Content-Length: {length}\r\n");
        }
        Framing::Chunked => out.push(b"Transfer-Encoding: chunked\r\n"),
        Framing::Empty | Framing::UntilClose if request.method.is_usually_bodyless() => {}
        Framing::Empty | Framing::UntilClose => out.push(b"Content-Length: 0\r\n"),
    }
}

#[cfg(test)]
mod tests;
