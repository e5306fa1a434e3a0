//! A request, checked: what may be routed and forwarded.
//!
//! In comes a complete [`Head`]; out goes a [`Request`] that borrows from the read buffer, or a [`Refusal`] with the
//! status that the client gets (RFC 9112 sections 3 and 6, RFC 9110 sections 7 and 10). Nothing that two servers could
//! read differently gets past here. Hot: no allocation, no copy.

mod target;

use super::framing::{self, Framing, FramingFault};
use super::head::{Head, HeadFault, is_token};
use super::name::Name;
use super::trailers;

pub(crate) use target::{Authority, Target};

/// A request whose head is complete and in order.
#[derive(Debug)]
pub(crate) struct Request<'a> {
    pub(crate) head: &'a Head,
    /// The bytes that the head's places refer to.
    pub(crate) bytes: &'a [u8],
    pub(crate) method: Method,
    pub(crate) method_name: &'a [u8],
    pub(crate) target: Target<'a>,
    /// From the target if that names one, else from `Host`; empty if neither does.
    pub(crate) authority: Authority<'a>,
    pub(crate) version: Version,
    pub(crate) framing: Framing,
    /// Whether the client wants the connection kept.
    pub(crate) keep_alive: bool,
    /// Whether the client waits for a 100 before it sends the body.
    pub(crate) expects_continue: bool,
    /// Whether it asks to switch protocols.
    pub(crate) upgrade: bool,
    pub(crate) connection: Connection,
}

/// What stays known of a request when its head has left the buffer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Facts {
    pub(crate) method: Method,
    pub(crate) version: Version,
    pub(crate) framing: Framing,
    pub(crate) keep_alive: bool,
    pub(crate) expects_continue: bool,
    pub(crate) upgrade: bool,
    /// Whether the client wants what an endpoint says after a body.
    pub(crate) takes_trailers: bool,
    /// Whether there is a body, and it says of itself that it is a call of gRPC.
    pub(crate) is_grpc: bool,
}

/// The version that a message was sent with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Version {
    V10,
    V11,
}

/// The methods that some rule is about, or any other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Method {
    Get,
    Head,
    Options,
    Put,
    Delete,
    Connect,
    Trace,
    /// Safe, and sent without a body.
    Search,
    Other,
}

/// What a client is told whose request is not served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    /// One sentence for the client.
    pub(crate) reason: &'static str,
}

impl<'a> Request<'a> {
    /// # Errors
    /// With the status and sentence for the client, after which the connection is closed.
    pub(crate) fn parse(head: &'a Head, bytes: &'a [u8]) -> Result<Self, Refusal> {
        let (method_name, target, version) = split_line(head.start_line(bytes))?;
        let framing = framing::of_request(head, bytes, version)?;
        let method = Method::of(method_name);
        let target = Target::parse(target, method)?;
        let connection = Connection::of(head, bytes);
        if connection.named > MAX_NAMED {
            return Err(bad("the Connection header names too many headers"));
        }
        Ok(Self {
            authority: authority(head, bytes, &target, version)?,
            expects_continue: expects_continue(head, bytes, version)? && framing != Framing::Empty,
            keep_alive: !connection.close && (version == Version::V11 || connection.keep_alive),
            upgrade: connection.upgrade && version == Version::V11 && !asks_for_h2c(head, bytes),
            head,
            bytes,
            method,
            method_name,
            target,
            version,
            framing,
            connection,
        })
    }

    pub(crate) fn facts(&self) -> Facts {
        Facts {
            method: self.method,
            version: self.version,
            framing: self.framing,
            keep_alive: self.keep_alive,
            expects_continue: self.expects_continue,
            upgrade: self.upgrade,
            takes_trailers: trailers::are_taken(self.head, self.bytes),
            is_grpc: self.framing != Framing::Empty && is_grpc(self.head, self.bytes),
        }
    }
}

impl Method {
    fn of(name: &[u8]) -> Self {
        match name {
            b"GET" => Self::Get,
            b"HEAD" => Self::Head,
            b"OPTIONS" => Self::Options,
            b"PUT" => Self::Put,
            b"DELETE" => Self::Delete,
            b"CONNECT" => Self::Connect,
            b"TRACE" => Self::Trace,
            b"PROPFIND" | b"SEARCH" => Self::Search,
            _ => Self::Other,
        }
    }

    /// Whether sending it twice is the same as sending it once (RFC 9110 section 9.2.2).
    pub(crate) fn is_idempotent(self) -> bool {
        !matches!(self, Self::Other | Self::Connect)
    }

    /// Whether a request without a body is sent without a length too, because nobody expects one.
    pub(crate) fn is_usually_bodyless(self) -> bool {
        matches!(self, Self::Get | Self::Head | Self::Options | Self::Delete | Self::Search)
    }
}

/// What the `Connection` fields ask for (RFC 9110 section 7.6.1), on all their lines.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Connection {
    pub(crate) close: bool,
    pub(crate) keep_alive: bool,
    pub(crate) upgrade: bool,
    /// How many other options there are: names of headers that belong to this hop.
    pub(crate) named: usize,
}

/// The most headers that `Connection` may name; each header is compared with each of them.
const MAX_NAMED: usize = 32;

impl Connection {
    pub(crate) fn of(head: &Head, bytes: &[u8]) -> Self {
        let mut asked = Self::default();
        for option in options(head, bytes) {
            match option {
                option if option.eq_ignore_ascii_case(b"close") => asked.close = true,
                option if option.eq_ignore_ascii_case(b"keep-alive") => asked.keep_alive = true,
                option if option.eq_ignore_ascii_case(b"upgrade") => asked.upgrade = true,
                _ => asked.named += 1,
            }
        }
        asked
    }
}

/// The options of all `Connection` lines, without the whitespace around them and without the empty ones.
pub(crate) fn options<'a>(head: &'a Head, bytes: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
    head.values(bytes, Name::Connection)
        .flat_map(|line| line.split(|byte| *byte == b','))
        .map(<[u8]>::trim_ascii)
        .filter(|option| !option.is_empty())
}

fn split_line(line: &[u8]) -> Result<(&[u8], &[u8], Version), Refusal> {
    let bad = bad("the request line is not `METHOD target HTTP/1.1`");
    let (Some(first), Some(last)) = (memchr::memchr(b' ', line), memchr::memrchr(b' ', line)) else {
        return Err(bad);
    };
    if first == last {
        return Err(bad);
    }
    let (method, target, version) = (&line[..first], &line[first + 1..last], &line[last + 1..]);
    if !is_token(method) || target.is_empty() || target.contains(&b' ') {
        return Err(bad);
    }
    match version {
        b"HTTP/1.1" => Ok((method, target, Version::V11)),
        b"HTTP/1.0" => Ok((method, target, Version::V10)),
        [b'H', b'T', b'T', b'P', b'/', major, b'.', minor]
            if major.is_ascii_digit() && minor.is_ascii_digit() =>
        {
            Err(Refusal { status: 505, reason: "use HTTP/1.1" })
        }
        _ => Err(bad),
    }
}

fn authority<'a>(
    head: &'a Head,
    bytes: &'a [u8],
    target: &Target<'a>,
    version: Version,
) -> Result<Authority<'a>, Refusal> {
    let mut hosts = head.values(bytes, Name::Host);
    let host = match (hosts.next(), hosts.next()) {
        (_, Some(_)) => return Err(bad("there is more than one Host header")),
        (None, None) if version == Version::V11 => return Err(bad("missing required Host header")),
        (host, None) => host.unwrap_or_default(),
    };
    let host =
        Authority::parse(host).ok_or(bad("the Host header is not a host name with or without a port"))?;
    Ok(target.authority.unwrap_or(host))
}

fn expects_continue(head: &Head, bytes: &[u8], version: Version) -> Result<bool, Refusal> {
    let mut lines = head.values(bytes, Name::Expect);
    match (lines.next(), lines.next()) {
        (None, _) => Ok(false),
        (Some(value), None) if value.eq_ignore_ascii_case(b"100-continue") => Ok(version == Version::V11),
        _ => {
            Err(Refusal { status: 417, reason: "the only expectation that can be met is 100-continue, once" })
        }
    }
}

/// An upgrade to cleartext HTTP/2 would carry requests past every rule of the router, so it is not passed on.
fn asks_for_h2c(head: &Head, bytes: &[u8]) -> bool {
    head.values(bytes, Name::Upgrade)
        .flat_map(|line| line.split(|byte| *byte == b','))
        .any(|protocol| protocol.trim_ascii().eq_ignore_ascii_case(b"h2c"))
}

/// `application/grpc`, also with a format behind `+` or parameters behind `;`. gRPC-Web is none: its calls are ordinary requests.
fn is_grpc(head: &Head, bytes: &[u8]) -> bool {
    const TYPE: &[u8] = b"application/grpc";
    let is_type = |value: &[u8]| {
        value.split_at_checked(TYPE.len()).is_some_and(|(kind, rest)| {
            kind.eq_ignore_ascii_case(TYPE) && matches!(rest.trim_ascii_start(), [] | [b'+' | b';', ..])
        })
    };
    let named = |name: &[u8]| name.eq_ignore_ascii_case(b"content-type");
    head.fields().iter().any(|field| named(field.name(bytes)) && is_type(field.value(bytes)))
}

const fn bad(reason: &'static str) -> Refusal {
    Refusal { status: 400, reason }
}

impl From<HeadFault> for Refusal {
    fn from(fault: HeadFault) -> Self {
        match fault {
            HeadFault::BareLineFeed => bad("a line does not end in CRLF"),
            HeadFault::ControlByte => bad("a control byte is in the head"),
            HeadFault::FoldedLine => bad("a header starts with whitespace"),
            HeadFault::NoColon => bad("a header has no colon"),
            HeadFault::BadName => bad("a header's name is not a token"),
            HeadFault::StartLineTooLong => Refusal { status: 414, reason: "the request target is too long" },
            HeadFault::TooLong => Refusal { status: 431, reason: "the headers are too long" },
            HeadFault::TooManyFields => Refusal { status: 431, reason: "there are too many headers" },
        }
    }
}

impl From<FramingFault> for Refusal {
    fn from(fault: FramingFault) -> Self {
        match fault {
            FramingFault::Both => bad("Content-Length and Transfer-Encoding exclude each other"),
            FramingFault::BadLength => bad("Content-Length must be there once, in plain digits"),
            FramingFault::BadCoding => bad("Transfer-Encoding must be `chunked`, once, in HTTP/1.1"),
            FramingFault::UnknownCoding => {
                Refusal { status: 501, reason: "the only transfer coding is `chunked`" }
            }
        }
    }
}

#[cfg(test)]
mod tests;
