//! Where a message's body ends (RFC 9112 section 6.3), decided from its head alone.
//!
//! In come the fields; out goes a [`Framing`] or a refusal. A request that two servers could read differently is
//! refused: both framings, two lengths (even equal ones), a length that is not plain digits, any transfer coding but
//! `chunked`. Hot: no allocation.

use super::head::Head;
use super::name::Name;
use super::request::Version;

/// How long a body is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framing {
    Empty,
    /// This many bytes, at least one.
    Length(u64),
    Chunked,
    /// Up to the end of the connection. Responses only.
    UntilClose,
}

/// Why the framing of a message is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FramingFault {
    /// `Content-Length` and `Transfer-Encoding` in one message.
    Both,
    BadLength,
    BadCoding,
    /// A transfer coding before `chunked` that we do not implement.
    UnknownCoding,
}

enum Coding {
    None,
    Chunked,
}

/// The framing of a request.
pub(crate) fn of_request(head: &Head, bytes: &[u8], version: Version) -> Result<Framing, FramingFault> {
    let length = length(head, bytes)?;
    match coding(head, bytes, version)? {
        Coding::Chunked if length.is_some() => Err(FramingFault::Both),
        Coding::Chunked => Ok(Framing::Chunked),
        Coding::None => Ok(of_length(length.unwrap_or(0))),
    }
}

/// The framing of a response. A `Transfer-Encoding` wins over a length here, as section 6.3 allows; the caller sends
/// only what it decided, and does not use such a connection again.
pub(crate) fn of_response(
    head: &Head,
    bytes: &[u8],
    version: Version,
    status: u16,
    to_head: bool,
) -> Result<Framing, FramingFault> {
    let length = length(head, bytes)?;
    let coding = coding(head, bytes, version)?;
    if to_head || is_bodyless(status) {
        return Ok(Framing::Empty);
    }
    match (coding, length) {
        (Coding::Chunked, _) => Ok(Framing::Chunked),
        (Coding::None, Some(length)) => Ok(of_length(length)),
        (Coding::None, None) => Ok(Framing::UntilClose),
    }
}

/// Whether a response with this status has no body, whatever its head says.
pub(crate) fn is_bodyless(status: u16) -> bool {
    status < 200 || matches!(status, 204 | 304)
}

fn of_length(length: u64) -> Framing {
    match length {
        0 => Framing::Empty,
        length => Framing::Length(length),
    }
}

fn length(head: &Head, bytes: &[u8]) -> Result<Option<u64>, FramingFault> {
    let mut values = head.values(bytes, Name::ContentLength);
    let Some(value) = values.next() else {
        return Ok(None);
    };
    if values.next().is_some() {
        return Err(FramingFault::BadLength);
    }
    parse_length(value).map(Some).ok_or(FramingFault::BadLength)
}

/// Plain digits, nothing else: no sign, no space, no list.
fn parse_length(value: &[u8]) -> Option<u64> {
    if value.is_empty() || value.len() > 18 {
        return None;
    }
    value
        .iter()
        .try_fold(0, |length, byte| byte.is_ascii_digit().then(|| length * 10 + u64::from(byte - b'0')))
}

fn coding(head: &Head, bytes: &[u8], version: Version) -> Result<Coding, FramingFault> {
    let mut values = head.values(bytes, Name::TransferEncoding);
    let Some(value) = values.next() else {
        return Ok(Coding::None);
    };
    // HTTP/1.0 has no transfer codings: such a message was framed by somebody confused (RFC 9112 section 6.1).
    if version == Version::V10 || values.next().is_some() {
        return Err(FramingFault::BadCoding);
    }
    let is_chunked = |coding: &[u8]| coding.trim_ascii().eq_ignore_ascii_case(b"chunked");
    let Some(comma) = memchr::memrchr(b',', value) else {
        return if is_chunked(value) { Ok(Coding::Chunked) } else { Err(FramingFault::BadCoding) };
    };
    let (before, last) = (&value[..comma], &value[comma + 1..]);
    if !is_chunked(last)
        || before.split(|byte| *byte == b',').any(|coding| is_chunked(coding) || coding.is_empty())
    {
        return Err(FramingFault::BadCoding);
    }
    Err(FramingFault::UnknownCoding)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(fields: &str) -> (Head, Vec<u8>) {
        let text = format!("start\r\n{fields}\r\n").into_bytes();
        let mut head = Head::default();
        head.advance(&text).unwrap();
        (head, text)
    }

    fn request(fields: &str) -> Result<Framing, FramingFault> {
        let (head, text) = head(fields);
        of_request(&head, &text, Version::V11)
    }

    fn response(fields: &str, status: u16, to_head: bool) -> Result<Framing, FramingFault> {
        let (head, text) = head(fields);
        of_response(&head, &text, Version::V11, status, to_head)
    }

    #[test]
    fn a_request_has_the_body_that_its_head_declares() {
        assert_eq!(request(""), Ok(Framing::Empty));
        assert_eq!(request("Content-Length: 0\r\n"), Ok(Framing::Empty));
        assert_eq!(request("Content-Length: 12\r\n"), Ok(Framing::Length(12)));
        assert_eq!(request("Content-Length: 007\r\n"), Ok(Framing::Length(7)));
        assert_eq!(request("Transfer-Encoding: Chunked\r\n"), Ok(Framing::Chunked));
    }

    #[test]
    fn a_length_that_is_not_plain_digits_or_not_alone_is_refused() {
        for value in ["", "+5", "-5", "5 5", "5,5", "5, 5", "0x5", "5a", "5.0", "9999999999999999999"] {
            assert_eq!(
                request(&format!("Content-Length: {value}\r\n")),
                Err(FramingFault::BadLength),
                "{value}"
            );
        }
        assert_eq!(request("Content-Length: 5\r\nContent-Length: 5\r\n"), Err(FramingFault::BadLength));
        assert_eq!(request("Content-Length: 5\r\nContent-Length: 6\r\n"), Err(FramingFault::BadLength));
    }

    #[test]
    fn both_framings_are_refused() {
        let both = "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n";
        assert_eq!(request(both), Err(FramingFault::Both));
        assert_eq!(response(both, 200, false), Ok(Framing::Chunked));
    }

    #[test]
    fn any_coding_but_chunked_alone_is_refused() {
        for value in [
            "",
            "identity",
            "xchunked",
            "chunked, identity",
            "chunked, chunked",
            "chunked;a=b",
            ", chunked",
            "chunked,",
            "\"chunked\"",
        ] {
            assert_eq!(
                request(&format!("Transfer-Encoding: {value}\r\n")),
                Err(FramingFault::BadCoding),
                "{value}"
            );
        }
        assert_eq!(request("Transfer-Encoding: gzip, chunked\r\n"), Err(FramingFault::UnknownCoding));
        let twice = "Transfer-Encoding: chunked\r\n".repeat(2);
        assert_eq!(request(&twice), Err(FramingFault::BadCoding));
        let (head, text) = head("Transfer-Encoding: chunked\r\n");
        assert_eq!(of_request(&head, &text, Version::V10), Err(FramingFault::BadCoding));
    }

    #[test]
    fn a_response_without_a_length_lasts_until_the_connection_ends() {
        assert_eq!(response("", 200, false), Ok(Framing::UntilClose));
        assert_eq!(response("Content-Length: 3\r\n", 200, false), Ok(Framing::Length(3)));
    }

    #[test]
    fn some_responses_never_have_a_body() {
        assert_eq!(response("Content-Length: 3\r\n", 200, true), Ok(Framing::Empty));
        for status in [101, 204, 304] {
            assert_eq!(response("Transfer-Encoding: chunked\r\n", status, false), Ok(Framing::Empty));
        }
    }
}
