//! The target of a request and the authority it is for (RFC 9112 section 3.2, RFC 3986 section 3.2).
//!
//! In come the raw target and `Host`; out go the parts that routing needs. The target itself is kept: it is forwarded
//! byte for byte. Hot: no allocation.

use super::{Method, Refusal, bad};
use crate::table::paths::hex;

/// A request target in one of its forms.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Target<'a> {
    /// As it was received.
    pub(crate) raw: &'a [u8],
    /// Everything from the path on, query included; empty for `*` and for `CONNECT`.
    pub(crate) path_and_query: &'a [u8],
    /// Of the absolute form.
    pub(crate) authority: Option<Authority<'a>>,
}

/// A host with or without a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Authority<'a> {
    /// As it was received.
    pub(crate) raw: &'a [u8],
    /// Without the port; an IPv6 literal keeps its brackets.
    pub(crate) host: &'a [u8],
}

const MAX_HOST: usize = 255;

impl<'a> Target<'a> {
    pub(super) fn parse(raw: &'a [u8], method: Method) -> Result<Self, Refusal> {
        // Not every server takes other bytes than these, encoded or not (RFC 3986 section 2 has ASCII only).
        if std::str::from_utf8(raw).is_err() {
            return Err(bad("the request target is not UTF-8"));
        }
        let nowhere = Self { raw, path_and_query: &[], authority: None };
        let target = match raw {
            [b'/', ..] => Self { path_and_query: raw, ..nowhere },
            b"*" if method == Method::Options => nowhere,
            _ if method == Method::Connect => nowhere,
            _ => absolute(raw).ok_or(bad("the request target is neither a path nor an http URL"))?,
        };
        if !is_decodable(target.path()) {
            return Err(bad("the path holds a `%` without two hexadecimal digits"));
        }
        Ok(target)
    }

    /// Up to the query. `/` for an absolute form without a path.
    pub(crate) fn path(&self) -> &'a [u8] {
        let end = memchr::memchr(b'?', self.path_and_query).unwrap_or(self.path_and_query.len());
        match &self.path_and_query[..end] {
            [] if self.authority.is_some() => b"/",
            path => path,
        }
    }

    /// Whether it is the `*` of `OPTIONS *`.
    pub(crate) fn is_server(&self) -> bool {
        self.raw == b"*"
    }
}

fn absolute(raw: &[u8]) -> Option<Target<'_>> {
    let scheme = [&b"http://"[..], b"https://"]
        .into_iter()
        .find(|scheme| raw.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme)))?;
    let rest = &raw[scheme.len()..];
    let end = memchr::memchr2(b'/', b'?', rest).unwrap_or(rest.len());
    let authority = Authority::parse(&rest[..end]).filter(|authority| !authority.host.is_empty())?;
    Some(Target { raw, path_and_query: &rest[end..], authority: Some(authority) })
}

impl<'a> Authority<'a> {
    /// `None` if it is no host with or without a port. An empty one is a host without a name.
    pub(crate) fn parse(raw: &'a [u8]) -> Option<Self> {
        let end = if raw.first() == Some(&b'[') {
            memchr::memchr(b']', raw)? + 1
        } else {
            memchr::memchr(b':', raw).unwrap_or(raw.len())
        };
        let (host, port) = raw.split_at(end);
        let is_host = match host {
            [b'[', address @ .., b']'] => is_address(address),
            name => name.iter().all(|byte| is_name_byte(*byte)) && is_decodable(name),
        };
        (is_host && host.len() <= MAX_HOST && is_port(port)).then_some(Self { raw, host })
    }

    /// Whether the host is an IPv4 or IPv6 address.
    pub(crate) fn is_address(&self) -> bool {
        self.host.first() == Some(&b'[')
            || std::str::from_utf8(self.host).is_ok_and(|host| host.parse::<std::net::Ipv4Addr>().is_ok())
    }
}

fn is_address(text: &[u8]) -> bool {
    std::str::from_utf8(text).is_ok_and(|text| text.parse::<std::net::Ipv6Addr>().is_ok())
}

/// `reg-name` of RFC 3986 section 3.2.2.
fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=%".contains(&byte)
}

fn is_port(port: &[u8]) -> bool {
    match port {
        [] => true,
        [b':', digits @ ..] => digits.len() <= 5 && digits.iter().all(u8::is_ascii_digit),
        _ => false,
    }
}

/// Whether each `%` has its two digits.
fn is_decodable(text: &[u8]) -> bool {
    let is_digit = |place: usize| text.get(place).copied().and_then(hex).is_some();
    memchr::memchr_iter(b'%', text).all(|place| is_digit(place + 1) && is_digit(place + 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(raw: &str) -> Option<Target<'_>> {
        Target::parse(raw.as_bytes(), Method::Get).ok()
    }

    #[test]
    fn the_path_is_what_comes_before_the_query() {
        let path = |raw| target(raw).map(|target| std::str::from_utf8(target.path()).unwrap().to_owned());
        assert_eq!(path("/a%2Fb?x=%zz").as_deref(), Some("/a%2Fb"));
        assert_eq!(path("//foo/bar?").as_deref(), Some("//foo/bar"));
        assert_eq!(path("http://a.b/c?d").as_deref(), Some("/c"));
        assert_eq!(path("HTTPS://a.b?d").as_deref(), Some("/"));
        assert_eq!(path("http://a.b").as_deref(), Some("/"));
    }

    #[test]
    fn a_target_that_is_no_path_and_no_url_is_refused() {
        for raw in [
            "*",
            "a/b",
            "/%zz",
            "/%2",
            "http://",
            "http:///x",
            "ftp://a/",
            "http://u@a/",
            "http://a:b/",
            "http:/a",
        ] {
            assert!(target(raw).is_none(), "{raw}");
        }
        assert!(Target::parse(b"*", Method::Options).unwrap().is_server());
    }

    #[test]
    fn a_target_is_text() {
        assert!(target("/\u{e9}").is_some());
        assert!(Target::parse(b"/\xe9", Method::Get).is_err());
    }

    #[test]
    fn an_authority_is_a_host_with_or_without_a_port() {
        let host = |raw: &'static str| {
            Authority::parse(raw.as_bytes()).map(|found| std::str::from_utf8(found.host).unwrap())
        };
        assert_eq!(host("a.b"), Some("a.b"));
        assert_eq!(host("a.b:80"), Some("a.b"));
        assert_eq!(host("a.b:"), Some("a.b"));
        assert_eq!(host("*.foo.bar"), Some("*.foo.bar"));
        assert_eq!(host("[::1]:80"), Some("[::1]"));
        assert_eq!(host("[::1]"), Some("[::1]"));
        assert_eq!(host(""), Some(""));
        for raw in [
            "a b", "a/b", "u@a", "a:b", "a:123456", "::1", "[::1", "[x]", "[::1]x", "a:80:80", "a%z",
            "a\u{e9}", "a,b c",
        ] {
            assert_eq!(host(raw), None, "{raw}");
        }
        assert!(Authority::parse("a".repeat(256).as_bytes()).is_none());
    }

    #[test]
    fn addresses_are_told_from_names() {
        let is_address = |raw: &str| Authority::parse(raw.as_bytes()).unwrap().is_address();
        assert!(is_address("10.0.0.1:80") && is_address("[::1]"));
        assert!(!is_address("a.b") && !is_address("") && !is_address("10.0.0.1.com"));
    }
}
