//! A response of an endpoint, checked, and its head as the client gets it.
//!
//! In comes a complete [`Head`] from an endpoint; out go the facts that streaming needs, and the bytes of the head for
//! the client (the endpoint's own fields in their order without the hop-by-hop ones, and the framing that was decided here).
//! Hot: rendered into a pooled buffer, nothing allocated.

use std::net::SocketAddr;

use router_config::Hsts;

use super::Buffer;
use super::date::push_date;
use super::framing::{self, Framing};
use super::head::Head;
use super::name::Name;
use super::request::{Connection, Method, Version, options};
use super::sticky::Session;
use super::{hsts, trailers};

/// An endpoint's response whose head is complete and in order.
#[derive(Debug)]
pub(crate) struct Response<'a> {
    head: &'a Head,
    bytes: &'a [u8],
    pub(crate) status: u16,
    /// The status code and the reason phrase, as they were received.
    status_and_reason: &'a [u8],
    pub(crate) framing: Framing,
    /// Whether the endpoint keeps the connection.
    pub(crate) keep_alive: bool,
    /// Whether it carries `Connection: upgrade`.
    upgrade: bool,
    connection: Connection,
}

/// The endpoint's answer is not HTTP/1.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BadResponse;

/// What the client needs to know beside the endpoint's fields.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Delivery<'a> {
    pub(crate) version: Version,
    /// Whether the client's connection closes after this response.
    pub(crate) close: bool,
    /// Whether the body goes out in chunks.
    pub(crate) chunked: bool,
    /// Whether the endpoint's trailers follow them.
    pub(crate) trailers: bool,
    /// What the host declares, if the client came over HTTPS.
    pub(crate) hsts: Option<Hsts>,
    /// The client's session, and the endpoint that it is with now.
    pub(crate) session: Option<(&'a Session, SocketAddr)>,
}

impl<'a> Response<'a> {
    pub(crate) fn parse(head: &'a Head, bytes: &'a [u8], request: Method) -> Result<Self, BadResponse> {
        let (version, status_and_reason) = match head.start_line(bytes) {
            [b'H', b'T', b'T', b'P', b'/', b'1', b'.', minor @ (b'0' | b'1'), b' ', rest @ ..] => {
                (if *minor == b'0' { Version::V10 } else { Version::V11 }, rest)
            }
            _ => return Err(BadResponse),
        };
        let status = parse_status(status_and_reason).ok_or(BadResponse)?;
        let connection = Connection::of(head, bytes);
        let framing = framing::of_response(head, bytes, version, status, request == Method::Head)
            .map_err(|_| BadResponse)?;
        let both = head.values(bytes, Name::ContentLength).count() > 0
            && head.values(bytes, Name::TransferEncoding).count() > 0;
        let keep_alive = !connection.close && (version == Version::V11 || connection.keep_alive);
        Ok(Self {
            keep_alive: keep_alive && framing != Framing::UntilClose && !both,
            upgrade: connection.upgrade && version == Version::V11,
            head,
            bytes,
            status,
            status_and_reason,
            framing,
            connection,
        })
    }

    /// How long the endpoint says that it keeps an idle connection, in seconds (`Keep-Alive: timeout=5`).
    pub(crate) fn idle_seconds(&self) -> Option<u64> {
        self.head
            .values(self.bytes, Name::KeepAlive)
            .flat_map(|line| line.split(|byte| *byte == b','))
            .find_map(|option| option.trim_ascii().strip_prefix(b"timeout="))
            .and_then(|seconds| std::str::from_utf8(seconds).ok()?.parse().ok())
    }

    /// Renders the head of a response that is not a 101.
    pub(crate) fn render(&self, out: &mut Buffer, delivery: Delivery<'_>) {
        out.push(b"HTTP/1.1 ");
        out.push(self.status_and_reason);
        out.push(b"\r\n");
        let mut dated = false;
        for field in self.head.fields() {
            dated |= field.kind == Name::Date;
            if self.passes(field.kind, field.name(self.bytes), &delivery) {
                push_field(out, field.name(self.bytes), field.value(self.bytes));
            }
        }
        if let Some((session, endpoint)) = delivery.session {
            session.push_cookie(endpoint, out);
        }
        if let Some(hsts) = delivery.hsts {
            hsts::push(hsts, out);
        }
        if !dated {
            push_date(out);
        }
        if delivery.chunked {
            out.push(b"Transfer-Encoding: chunked\r\n");
        }
        self.push_connection(out, delivery);
        out.push(b"\r\n");
    }

    /// Renders an interim head, after which another one comes: it has no body and says nothing about the connection.
    pub(crate) fn render_interim(&self, out: &mut Buffer) {
        out.push(b"HTTP/1.1 ");
        out.push(self.status_and_reason);
        out.push(b"\r\n");
        for field in self.head.fields() {
            let name = field.name(self.bytes);
            let passes = matches!(field.kind, Name::Date | Name::Other) && !self.is_named(name);
            if passes {
                push_field(out, name, field.value(self.bytes));
            }
        }
        out.push(b"\r\n");
    }

    /// Renders the head of a 101: what the endpoint said, with the options of this hop.
    pub(crate) fn render_switch(&self, out: &mut Buffer, session: Option<(&Session, SocketAddr)>) {
        out.push(b"HTTP/1.1 ");
        out.push(self.status_and_reason);
        out.push(b"\r\nConnection: upgrade\r\n");
        for field in self.head.fields() {
            let hop = matches!(
                field.kind,
                Name::Connection | Name::ContentLength | Name::Te | Name::Trailer | Name::TransferEncoding
            );
            if !hop {
                push_field(out, field.name(self.bytes), field.value(self.bytes));
            }
        }
        if let Some((session, endpoint)) = session {
            session.push_cookie(endpoint, out);
        }
        out.push(b"\r\n");
    }

    fn passes(&self, kind: Name, name: &[u8], delivery: &Delivery<'_>) -> bool {
        match kind {
            Name::Connection | Name::Te | Name::TransferEncoding => false,
            Name::Trailer => delivery.trailers && trailers::is_announcement(name),
            Name::StrictTransportSecurity if delivery.hsts.is_some() => false,
            Name::ContentLength => {
                !delivery.chunked && !framing::is_bodyless(self.status) && self.framing != Framing::Chunked
            }
            Name::Upgrade => self.upgrade,
            Name::KeepAlive => self.upgrade || !self.connection.keep_alive,
            _ => self.upgrade || !self.is_named(name),
        }
    }

    /// Whether a `Connection` line says that a field is of this hop only.
    fn is_named(&self, name: &[u8]) -> bool {
        self.connection.named > 0 && is_option(self.head, self.bytes, name)
    }

    fn push_connection(&self, out: &mut Buffer, delivery: Delivery<'_>) {
        let line: &[u8] = match (delivery.close, self.upgrade) {
            (true, _) => b"Connection: close\r\n",
            (false, true) => b"Connection: upgrade\r\n",
            (false, false) if delivery.version == Version::V10 => b"Connection: keep-alive\r\n",
            (false, false) => b"",
        };
        out.push(line);
    }
}

/// The status of a start line after which another response follows. A switch of protocols (101) is final.
pub(crate) fn interim_status(line: &[u8]) -> Option<u16> {
    let status = parse_status(line.strip_prefix(b"HTTP/1.1 ")?)?;
    (status < 200 && status != 101).then_some(status)
}

/// Whether a field is named by a `Connection` line, and so belongs to the hop that it came over.
pub(crate) fn is_option(head: &Head, bytes: &[u8], name: &[u8]) -> bool {
    options(head, bytes).any(|option| option.eq_ignore_ascii_case(name))
}

pub(crate) fn push_field(out: &mut Buffer, name: &[u8], value: &[u8]) {
    out.push(name);
    out.push(b": ");
    out.push(value);
    out.push(b"\r\n");
}

fn parse_status(text: &[u8]) -> Option<u16> {
    let (digits, rest) = text.split_at_checked(3)?;
    let is_end = matches!(rest.first(), None | Some(b' '));
    let status: u16 = std::str::from_utf8(digits).ok()?.parse().ok()?;
    (is_end && digits.iter().all(u8::is_ascii_digit) && (100..=999).contains(&status)).then_some(status)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(text: &str) -> Head {
        let mut head = Head::default();
        head.advance(text.as_bytes()).unwrap();
        head
    }

    fn rendered(text: &str, delivery: Delivery<'_>) -> String {
        let head = head(text);
        let response = Response::parse(&head, text.as_bytes(), Method::Get).unwrap();
        let mut out = Buffer::default();
        response.render(&mut out, delivery);
        String::from_utf8(out.bytes().to_vec()).unwrap()
    }

    fn keeps(text: &str) -> bool {
        Response::parse(&head(text), text.as_bytes(), Method::Get).unwrap().keep_alive
    }

    const KEPT: Delivery<'_> = Delivery {
        version: Version::V11,
        close: false,
        chunked: false,
        trailers: false,
        hsts: None,
        session: None,
    };

    #[test]
    fn an_endpoints_connection_is_kept_only_if_nothing_speaks_against_it() {
        assert!(keeps("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n"));
        assert!(keeps("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\n"));
        assert!(!keeps("HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\n"));
        assert!(!keeps("HTTP/1.1 200 OK\r\n\r\n"));
        assert!(!keeps("HTTP/1.1 200 OK\r\nConnection: x, close\r\nContent-Length: 1\r\n\r\n"));
        assert!(!keeps("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"));
    }

    #[test]
    fn what_is_not_http_1_is_refused() {
        for line in [
            "HTTP/2.0 200 OK",
            "ICY 200 OK",
            "HTTP/1.1 20 OK",
            "HTTP/1.1 2000 OK",
            "HTTP/1.1 +20 OK",
            "HTTP/1.1 099 X",
            "HTTP/1.1  200",
            "",
        ] {
            let text = format!("{line}\r\nX: y\r\n\r\n");
            let mut head = Head::default();
            let complete = head.advance(text.as_bytes()).is_ok();
            assert!(!complete || Response::parse(&head, text.as_bytes(), Method::Get).is_err(), "{line}");
        }
    }

    #[test]
    fn hop_by_hop_fields_stay_on_their_hop() {
        let text = "HTTP/1.1 299 Fine\r\nDate: x\r\nConnection: a , b\r\nConnection: c\r\nA: 1\r\nB: 2\r\nC: 3\r\nD: 4\r\n\
                    Upgrade: h2\r\nTE: x\r\nTrailer: y\r\nKeep-Alive: timeout=5\r\nContent-Length: 1\r\n\r\n";
        let expected =
            "HTTP/1.1 299 Fine\r\nDate: x\r\nD: 4\r\nKeep-Alive: timeout=5\r\nContent-Length: 1\r\n\r\n";
        assert_eq!(rendered(text, KEPT), expected);
    }

    #[test]
    fn the_length_is_left_out_where_there_is_no_body_or_chunks() {
        let without = "HTTP/1.1 204 No Content\r\nDate: x\r\n\r\n";
        assert_eq!(
            rendered("HTTP/1.1 204 No Content\r\nDate: x\r\nContent-Length: 0\r\n\r\n", KEPT),
            without
        );
        let chunked = Delivery { chunked: true, close: true, ..KEPT };
        let text = "HTTP/1.1 200 OK\r\nDate: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n";
        let expected =
            "HTTP/1.1 200 OK\r\nDate: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n";
        assert_eq!(rendered(text, chunked), expected);
    }

    #[test]
    fn trailers_are_announced_only_where_they_are_passed_on() {
        let text =
            "HTTP/1.1 200 OK\r\nDate: x\r\nTrailer: A\r\nTrailers: B\r\nTransfer-Encoding: chunked\r\n\r\n";
        let chunked = Delivery { chunked: true, ..KEPT };
        assert!(!rendered(text, chunked).contains("Trailer"));
        let with = rendered(text, Delivery { trailers: true, ..chunked });
        assert!(with.contains("\r\nTrailer: A\r\n") && !with.contains("Trailers"), "{with}");
    }

    #[test]
    fn the_hosts_declaration_takes_the_place_of_the_endpoints() {
        let text =
            "HTTP/1.1 200 OK\r\nDate: x\r\nStrict-Transport-Security: max-age=1\r\nContent-Length: 1\r\n\r\n";
        let hsts = Some(Hsts { max_age_seconds: 9, include_subdomains: false, preload: false });
        let lines = |delivery| {
            let text = rendered(text, delivery);
            text.lines().filter(|line| line.starts_with("Strict")).map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(lines(KEPT), ["Strict-Transport-Security: max-age=1"]);
        assert_eq!(lines(Delivery { hsts, ..KEPT }), ["Strict-Transport-Security: max-age=9"]);
    }

    #[test]
    fn an_interim_head_carries_nothing_of_its_hop() {
        let text = "HTTP/1.1 103 Early Hints\r\nLink: x\r\nConnection: a\r\nA: 1\r\nContent-Length: 5\r\nSet-Cookie: b\r\n\r\n";
        let head = head(text);
        let mut out = Buffer::default();
        Response::parse(&head, text.as_bytes(), Method::Get).unwrap().render_interim(&mut out);
        assert_eq!(out.bytes(), b"HTTP/1.1 103 Early Hints\r\nLink: x\r\nSet-Cookie: b\r\n\r\n");
    }

    #[test]
    fn an_endpoint_says_how_long_it_keeps_a_connection() {
        let text = "HTTP/1.1 200 OK\r\nKeep-Alive: max=3, timeout=5\r\nContent-Length: 1\r\n\r\n";
        let head = head(text);
        assert_eq!(Response::parse(&head, text.as_bytes(), Method::Get).unwrap().idle_seconds(), Some(5));
    }
}
