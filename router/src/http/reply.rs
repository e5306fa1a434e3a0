//! The router's own answers.
//!
//! In comes what to say; out go its bytes, ready for the client. Bodies are those that Flynn's clients know; a refusal
//! carries the sentence of its reason. Nothing here names an endpoint or says why a service cannot be reached.

use std::fmt::Write;

use router_config::{Hsts, RedirectCode, Scheme};

use super::Buffer;
use super::date::push_date;
use super::hsts;
use super::request::{Refusal, Version};

/// An answer that needs no endpoint.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Reply<'a> {
    /// 404: nothing is served there.
    NotFound,
    /// 503: what should serve it cannot.
    Unavailable(Unavailable<'a>),
    /// The request cannot be served by anybody. The connection closes after it if it may be out of step.
    Refused(Refusal),
    Redirect(Location<'a>),
    /// 200: this router is well. With its version.
    Status(&'a str),
    /// 200 without a body, to `OPTIONS *`.
    Options,
}

/// How a 503 is put.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Unavailable<'a> {
    /// The operator's own page, in HTML.
    pub(crate) page: Option<&'a str>,
    /// Whether a second try may find room soon.
    pub(crate) is_busy: bool,
}

/// Where a redirect points.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Location<'a> {
    pub(crate) code: RedirectCode,
    pub(crate) scheme: Scheme,
    pub(crate) host: &'a [u8],
    /// Left out if it is the scheme's own.
    pub(crate) port: Option<u16>,
    pub(crate) path: &'a [u8],
}

/// How an answer is sent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Manner {
    pub(crate) version: Version,
    /// Whether the connection closes after it.
    pub(crate) close: bool,
    /// Whether it answers a `HEAD`, so that the body is left out.
    pub(crate) to_head: bool,
    /// What the host declares, if the client came over HTTPS.
    pub(crate) hsts: Option<Hsts>,
}

impl Reply<'_> {
    pub(crate) fn status(&self) -> u16 {
        match self {
            Self::NotFound => 404,
            Self::Unavailable(_) => 503,
            Self::Refused(refusal) => refusal.status,
            Self::Redirect(location) => location.code.into(),
            Self::Status(_) | Self::Options => 200,
        }
    }

    /// Why the router answers itself, for those who run it. Some reasons are known where the answer is made, and better.
    pub(crate) fn why(&self) -> Option<&'static str> {
        match self {
            Self::NotFound => Some("no route serves this host and path"),
            Self::Unavailable(_) => Some("the route cannot be served as it is declared"),
            Self::Refused(refusal) => Some(refusal.reason),
            Self::Redirect(_) => Some("the route redirects"),
            Self::Status(_) | Self::Options => Some("the router was asked itself"),
        }
    }

    /// Gives the length of the body that goes out.
    pub(crate) fn render(&self, out: &mut Buffer, manner: Manner) -> usize {
        let status = self.status();
        // Cannot fail: a buffer takes every byte.
        let _ = write!(out, "HTTP/1.1 {status} {}\r\n", phrase(status));
        push_date(out);
        match (manner.close, manner.version) {
            (true, _) => out.push(b"Connection: close\r\n"),
            (false, Version::V10) => out.push(b"Connection: keep-alive\r\n"),
            (false, Version::V11) => {}
        }
        let body = self.body();
        let length: usize = body.text.iter().map(|part| part.len()).sum();
        let _ = write!(out, "Content-Length: {length}\r\n");
        if length > 0 {
            let _ = write!(out, "Content-Type: {}; charset=utf-8\r\n", body.kind);
        }
        if status == 405 {
            out.push(b"Allow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS\r\n");
        }
        match self {
            Self::Redirect(location) => location.push(out),
            Self::Unavailable(Unavailable { is_busy: true, .. }) => out.push(b"Retry-After: 1\r\n"),
            _ => {}
        }
        if let Some(hsts) = manner.hsts {
            hsts::push(hsts, out);
        }
        out.push(b"\r\n");
        if manner.to_head {
            return 0;
        }
        body.text.iter().for_each(|part| out.push(part.as_bytes()));
        length
    }

    fn body(&self) -> Body<'_> {
        let plain = |text| Body { kind: "text/plain", text };
        match self {
            Self::NotFound => plain(["Not Found\n", "", ""]),
            Self::Unavailable(Unavailable { page: Some(page), .. }) => {
                Body { kind: "text/html", text: [page, "", ""] }
            }
            Self::Unavailable(_) => plain(["Service Unavailable\n", "", ""]),
            Self::Refused(refusal) => plain([line(refusal.status), ": ", refusal.reason]),
            Self::Redirect(_) | Self::Options => plain([""; 3]),
            Self::Status(version) => Body {
                kind: "application/json",
                text: [
                    "{\n  \"data\": {\n    \"status\": \"healthy\",\n    \"version\": \"",
                    version,
                    "\"\n  }\n}\n",
                ],
            },
        }
    }
}

/// The body of the router's status, as Flynn's components have it.
pub(crate) fn status_text(version: &str) -> String {
    Reply::Status(version).body().text.concat()
}

struct Body<'a> {
    kind: &'static str,
    text: [&'a str; 3],
}

impl Location<'_> {
    /// The URL alone.
    pub(crate) fn to_text(self) -> String {
        let mut line = Buffer::default();
        self.push(&mut line);
        let text = String::from_utf8_lossy(line.bytes()).into_owned();
        text.trim_start_matches("Location: ").trim_end().to_owned()
    }

    fn push(&self, out: &mut Buffer) {
        let (scheme, default): (&[u8], u16) = match self.scheme {
            Scheme::Http => (b"http://", 80),
            Scheme::Https => (b"https://", 443),
        };
        out.push(b"Location: ");
        out.push(scheme);
        out.push(self.host);
        if let Some(port) = self.port.filter(|port| *port != default) {
            let _ = write!(out, ":{port}");
        }
        out.push(self.path);
        out.push(b"\r\n");
    }
}

fn line(status: u16) -> &'static str {
    match status {
        400 => "400 Bad Request",
        403 => "403 Forbidden",
        405 => "405 Method Not Allowed",
        408 => "408 Request Timeout",
        413 => "413 Content Too Large",
        414 => "414 URI Too Long",
        417 => "417 Expectation Failed",
        421 => "421 Misdirected Request",
        431 => "431 Request Header Fields Too Large",
        501 => "501 Not Implemented",
        505 => "505 HTTP Version Not Supported",
        200 => "200 OK",
        301 => "301 Moved Permanently",
        302 => "302 Found",
        307 => "307 Temporary Redirect",
        308 => "308 Permanent Redirect",
        404 => "404 Not Found",
        _ => "503 Service Unavailable",
    }
}

fn phrase(status: u16) -> &'static str {
    line(status).get(4..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEPT: Manner = Manner { version: Version::V11, close: false, to_head: false, hsts: None };

    fn rendered(reply: Reply<'_>, manner: Manner) -> String {
        let mut out = Buffer::default();
        reply.render(&mut out, manner);
        let text = String::from_utf8(out.bytes().to_vec()).unwrap();
        text.lines().filter(|line| !line.starts_with("Date: ")).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn the_answers_that_flynns_clients_know() {
        assert_eq!(
            rendered(Reply::NotFound, KEPT),
            "HTTP/1.1 404 Not Found\nContent-Length: 10\nContent-Type: text/plain; charset=utf-8\n\nNot Found"
        );
        assert_eq!(
            rendered(Reply::Unavailable(Unavailable::default()), KEPT),
            "HTTP/1.1 503 Service Unavailable\nContent-Length: 20\nContent-Type: text/plain; charset=utf-8\n\nService Unavailable"
        );
        let refusal = Refusal { status: 400, reason: "missing required Host header" };
        assert!(
            rendered(Reply::Refused(refusal), KEPT)
                .ends_with("\n\n400 Bad Request: missing required Host header")
        );
    }

    #[test]
    fn a_503_has_the_operators_page_and_says_when_to_try_again() {
        let own = Unavailable { page: Some("<h1>custom</h1>"), is_busy: false };
        assert_eq!(
            rendered(Reply::Unavailable(own), KEPT),
            "HTTP/1.1 503 Service Unavailable\nContent-Length: 15\nContent-Type: text/html; charset=utf-8\n\n<h1>custom</h1>"
        );
        let busy = Unavailable { page: None, is_busy: true };
        assert!(rendered(Reply::Unavailable(busy), KEPT).contains("\nRetry-After: 1\n"));
    }

    #[test]
    fn the_answer_to_head_has_the_length_without_the_body() {
        let text = rendered(Reply::NotFound, Manner { to_head: true, ..KEPT });
        assert!(text.contains("Content-Length: 10") && !text.ends_with("Found\n\nNot Found"), "{text}");
    }

    #[test]
    fn the_connection_line_depends_on_the_version() {
        assert!(!rendered(Reply::NotFound, KEPT).contains("Connection"));
        assert!(rendered(Reply::NotFound, Manner { close: true, ..KEPT }).contains("Connection: close"));
        assert!(
            rendered(Reply::NotFound, Manner { version: Version::V10, ..KEPT })
                .contains("Connection: keep-alive")
        );
    }

    #[test]
    fn the_port_of_a_location_is_left_out_if_it_is_the_schemes_own() {
        let location = |scheme, port| {
            let location =
                Location { code: RedirectCode::Found, scheme, host: b"a.b", port: Some(port), path: b"/c?d" };
            let text = rendered(Reply::Redirect(location), KEPT);
            text.lines().find_map(|line| line.strip_prefix("Location: ")).unwrap().to_owned()
        };
        assert_eq!(location(Scheme::Https, 443), "https://a.b/c?d");
        assert_eq!(location(Scheme::Https, 8443), "https://a.b:8443/c?d");
        assert_eq!(location(Scheme::Http, 443), "http://a.b:443/c?d");
        assert_eq!(location(Scheme::Http, 80), "http://a.b/c?d");
    }

    #[test]
    fn the_status_says_that_the_router_is_well() {
        let text = rendered(Reply::Status("v1"), KEPT);
        assert!(text.contains("Content-Type: application/json"), "{text}");
        assert!(
            text.ends_with("{\n  \"data\": {\n    \"status\": \"healthy\",\n    \"version\": \"v1\"\n  }\n}"),
            "{text}"
        );
    }
}
