//! Heads of requests, beside `httparse` and `http`, which is what hyper reads them with.
//!
//! The router may refuse what they accept; what it accepts they have to accept too, and read alike. And what it makes of
//! it for an endpoint has to be the same request, with one framing and one host.

use std::net::{IpAddr, Ipv4Addr};

use http::{HeaderName, HeaderValue, Uri};
use router_config::Scheme;

use super::{MAX_INPUT, naive_framing};
use crate::http::Buffer;
use crate::http::forward::{Origin, render};
use crate::http::framing::Framing;
use crate::http::head::{Head, HeadFault, MAX_FIELDS, Progress};
use crate::http::request::{Method, Request, Version};

/// More fields than the router accepts, and than it adds.
const ROOM: usize = 2 * MAX_FIELDS;

/// Reads bytes as the head of a request.
///
/// # Panics
/// If the router accepts what others do not, or reads it differently.
pub fn request(data: &[u8]) {
    let data = &data[..data.len().min(MAX_INPUT)];
    let mut head = Head::default();
    let outcome = read(&mut head, data, data.len().max(1));
    for step in [1, 13] {
        assert_eq!(read(&mut Head::default(), data, step), outcome, "in parts of {step}");
    }
    let Ok(Progress::Complete(length)) = outcome else {
        return;
    };
    let bytes = &data[..length];
    if let Ok(request) = Request::parse(&head, bytes) {
        compare(&request, bytes);
        let mut forwarded = Buffer::default();
        let origin = Origin { peer: IpAddr::V4(Ipv4Addr::LOCALHOST), scheme: Scheme::Http, port: 80 };
        render(&request, origin, true, &mut forwarded);
        check_forwarded(&request, forwarded.bytes());
    }
}

/// What comes of a head that arrives in parts.
pub(super) fn read(head: &mut Head, data: &[u8], step: usize) -> Result<Progress, HeadFault> {
    for end in (step..data.len()).step_by(step) {
        match head.advance(&data[..end])? {
            Progress::Partial => {}
            complete => return Ok(complete),
        }
    }
    head.advance(data)
}

fn compare(request: &Request<'_>, bytes: &[u8]) {
    check_lines(bytes);
    let mut fields = [httparse::EMPTY_HEADER; ROOM];
    let mut theirs = httparse::Request::new(&mut fields);
    assert_eq!(theirs.parse(bytes), Ok(httparse::Status::Complete(bytes.len())), "httparse refuses it");
    assert_eq!(theirs.method.map(str::as_bytes), Some(request.method_name));
    assert_eq!(theirs.path.map(str::as_bytes), Some(request.target.raw));
    assert_eq!(theirs.version == Some(1), request.version == Version::V11);
    compare_fields(request.head, bytes, theirs.headers);
    assert_eq!(naive_framing(theirs.headers), Some(request.framing), "the framing is not what it says");
    let coded = theirs.headers.iter().any(|field| field.name.eq_ignore_ascii_case("transfer-encoding"));
    assert!(!coded || request.version == Version::V11, "HTTP/1.0 has no transfer codings");
    assert!(http::Method::from_bytes(request.method_name).is_ok(), "hyper refuses the method");
    compare_target(request);
}

/// Others are content with a bare LF, so that this has to be asked of the bytes.
pub(super) fn check_lines(head: &[u8]) {
    let count = |wanted: u8| head.iter().filter(|byte| **byte == wanted).count();
    let ends = head.windows(2).filter(|pair| pair == b"\r\n").count();
    assert_eq!((count(b'\r'), count(b'\n')), (ends, ends), "a line ends in something else than CRLF");
}

/// Names and values, in their order, as hyper takes them.
pub(super) fn compare_fields(head: &Head, bytes: &[u8], theirs: &[httparse::Header<'_>]) {
    assert_eq!(head.fields().len(), theirs.len());
    for (field, theirs) in head.fields().iter().zip(theirs) {
        assert_eq!(field.name(bytes), theirs.name.as_bytes());
        assert_eq!(field.value(bytes), theirs.value.trim_ascii());
        assert!(HeaderName::from_bytes(field.name(bytes)).is_ok(), "hyper refuses the name");
        assert!(HeaderValue::from_bytes(field.value(bytes)).is_ok(), "hyper refuses the value");
    }
}

/// Where both read the target, they read the same. (`http` refuses more, and drops fragments.)
fn compare_target(request: &Request<'_>) {
    let raw = request.target.raw;
    let Ok(uri) = Uri::try_from(raw) else {
        return;
    };
    if request.method == Method::Connect || request.target.is_server() || raw.contains(&b'#') {
        return;
    }
    assert_eq!(uri.path().as_bytes(), request.target.path());
    if let Some(host) = uri.host() {
        assert_eq!(host.as_bytes(), request.authority.host);
    }
}

fn check_forwarded(request: &Request<'_>, bytes: &[u8]) {
    let mut fields = [httparse::EMPTY_HEADER; ROOM];
    let mut sent = httparse::Request::new(&mut fields);
    assert_eq!(sent.parse(bytes), Ok(httparse::Status::Complete(bytes.len())), "not one head");
    assert_eq!(sent.method.map(str::as_bytes), Some(request.method_name));
    assert_eq!(sent.path.map(str::as_bytes), Some(request.target.raw));
    assert_eq!(sent.version, Some(1));
    assert_eq!(naive_framing(sent.headers), Some(request.framing), "forwarded with another framing");
    let of = |name: &str| -> Vec<&[u8]> {
        let named =
            sent.headers.iter().filter(|field| field.name.replace('_', "-").eq_ignore_ascii_case(name));
        named.map(|field| field.value).collect()
    };
    assert_eq!(of("host"), [request.authority.raw]);
    for name in ["x-forwarded-for", "x-forwarded-proto", "x-forwarded-port", "x-request-start"] {
        assert_eq!(of(name).len(), 1, "{name}");
    }
    assert!(of("x-forwarded-for")[0].ends_with(b"127.0.0.1"));
    assert!(of("connection").len() <= 1 && (of("connection").is_empty() || request.upgrade));
    assert!(of("content-length").is_empty() || request.framing != Framing::Chunked);
}
