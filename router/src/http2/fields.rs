//! Header fields between HTTP/1.1 and HTTP/2 (RFC 9113 section 8.2).
//!
//! In come the fields of one; out go those of the other, without what belongs to a connection of HTTP/1.1. A value
//! never brings a line of its own along: `h2` refuses such values, and heads of HTTP/1.1 are parsed before they come here.

use std::io;

use h2::ext::Protocol;
use http::header::{HeaderMap, HeaderName, HeaderValue};

use crate::http::Buffer;
use crate::http::head::Head;
use crate::http::name::Name;
use crate::http::response::push_field;

/// Whether a field is about a connection of HTTP/1.1, which a message of HTTP/2 does not have.
fn is_of_connection(kind: Name, name: &[u8]) -> bool {
    match kind {
        Name::Connection | Name::KeepAlive | Name::Te | Name::TransferEncoding | Name::Upgrade => true,
        _ => name.eq_ignore_ascii_case(b"proxy-connection"),
    }
}

/// The fields of a head for HTTP/2, in their order, except those that `without` names.
///
/// # Errors
/// If a field cannot be sent in HTTP/2.
pub(crate) fn of_head(head: &Head, bytes: &[u8], without: &[&str]) -> io::Result<HeaderMap> {
    let mut map = HeaderMap::with_capacity(head.fields().len());
    for field in head.fields() {
        let name = field.name(bytes);
        let is_left_out = without.iter().any(|other| name.eq_ignore_ascii_case(other.as_bytes()));
        if !is_left_out && !is_of_connection(field.kind, name) {
            append(&mut map, name, field.value(bytes))?;
        }
    }
    Ok(map)
}

/// Fields after a body, for HTTP/2.
///
/// # Errors
/// If a field cannot be sent in HTTP/2.
pub(crate) fn of_trailers<'a>(trailers: impl Iterator<Item = (&'a [u8], &'a [u8])>) -> io::Result<HeaderMap> {
    let mut map = HeaderMap::new();
    for (name, value) in trailers {
        append(&mut map, name, value)?;
    }
    Ok(map)
}

fn append(map: &mut HeaderMap, name: &[u8], value: &[u8]) -> io::Result<()> {
    let name = HeaderName::from_bytes(name).map_err(unfit)?;
    let value = HeaderValue::from_bytes(value).map_err(unfit)?;
    map.append(name, value);
    Ok(())
}

/// Something that has no form in HTTP/2.
pub(crate) fn unfit(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

/// Adds fields of HTTP/2 to a head or to trailers of HTTP/1.1, except those that `without` names.
pub(crate) fn push_all(out: &mut Buffer, map: &HeaderMap, without: &[HeaderName]) {
    for (name, value) in map.iter().filter(|(name, _)| !without.contains(name)) {
        push_field(out, name.as_str().as_bytes(), value.as_bytes());
    }
}

/// Whether a value has whitespace around it, which makes a message malformed (RFC 9113 section 8.2.1).
pub(crate) fn is_padded(value: &HeaderValue) -> bool {
    let is_space = |byte: Option<&u8>| matches!(byte, Some(b' ' | b'\t'));
    is_space(value.as_bytes().first()) || is_space(value.as_bytes().last())
}

/// Whether an extended CONNECT asks for a WebSocket (RFC 8441 section 4).
pub(crate) fn is_websocket(protocol: &Protocol) -> bool {
    protocol.as_str().eq_ignore_ascii_case("websocket")
}
