//! What happens with a request, decided from the table.
//!
//! In come a checked request, the table, the door that it came through and who came; out goes the router's own answer
//! or the service that gets it. Order: method, `OPTIONS *`, host, the name of the handshake, `/.well-known/status` where
//! no route's host is named, the HTTPS redirect, the host's action with its limits. Hot: nothing is allocated, and the
//! table is borrowed, not held.

use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;

use router_config::{Hsts, Protocol, RedirectCode, Scheme};

use super::framing::Framing;
use super::reply::{Location, Reply, Unavailable};
use super::request::{Method, Refusal, Request};
use crate::table::{Action, Forward, Host, Redirect, Service, Table};
use crate::upstream::is_sendable;

/// A listener, as far as answers depend on it.
#[derive(Debug, Clone)]
pub(crate) struct Door {
    pub(crate) scheme: Scheme,
    pub(crate) port: u16,
    /// The port that hosts are looked up by: its own, or [`DEFAULT_PORTS`](crate::table::DEFAULT_PORTS).
    pub(crate) lookup_port: u16,
    pub(crate) ports: Ports,
    /// The router's version, for `/.well-known/status`.
    pub(crate) version: Arc<str>,
}

/// The ports that the router serves the schemes on.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Ports {
    pub(crate) http: Option<u16>,
    pub(crate) https: Option<u16>,
}

/// Who is at the other end of a connection.
#[derive(Debug, Clone)]
pub(crate) struct Peer {
    pub(crate) address: IpAddr,
    /// The host that it named in the TLS handshake.
    pub(crate) server_name: Option<Rc<str>>,
    /// Whether it speaks HTTP/2.
    pub(crate) http2: bool,
}

/// What was decided about a request.
#[derive(Debug)]
pub(crate) struct Verdict<'a> {
    pub(crate) decision: Decision<'a>,
    /// The host that serves the name which the request asks for.
    pub(crate) host: Option<&'a Host>,
    /// What the host declares, if the client came over HTTPS. It goes with every response.
    pub(crate) hsts: Option<Hsts>,
}

/// What happens with a request.
#[derive(Debug)]
pub(crate) enum Decision<'a> {
    Reply(Reply<'a>),
    Forward(&'a Arc<Forward>, &'a Arc<Service>),
}

const STATUS: &[u8] = b"/.well-known/status";
const ACME: &[u8] = b"/.well-known/acme-challenge/";

/// Decides.
pub(crate) fn decide<'a>(
    request: &Request<'a>,
    table: &'a Table,
    door: &'a Door,
    peer: &Peer,
) -> Verdict<'a> {
    let host = table.host(request.authority.host, door.lookup_port);
    let hsts = host.filter(|_| door.scheme == Scheme::Https).and_then(|host| host.hsts);
    Verdict { decision: by_host(request, table, door, peer, host), host, hsts }
}

fn by_host<'a>(
    request: &Request<'a>,
    table: &'a Table,
    door: &'a Door,
    peer: &Peer,
    host: Option<&'a Host>,
) -> Decision<'a> {
    if matches!(request.method, Method::Connect | Method::Trace) {
        return refused(405, "this method is not served");
    }
    if request.target.is_server() {
        return Decision::Reply(Reply::Options);
    }
    let path = request.target.path();
    if path == STATUS && (host.is_none() || request.authority.is_address()) {
        return status(request, door);
    }
    let Some(host) = host else {
        return Decision::Reply(Reply::NotFound);
    };
    if let Some(name) = &peer.server_name
        && is_misdirected(request, table, door, name, host)
    {
        return refused(
            421,
            "this host is served on another connection than the one for the name of the handshake",
        );
    }
    if host.https_redirect && door.scheme == Scheme::Http && !path.starts_with(ACME) {
        return redirect(request, door, &TO_HTTPS);
    }
    act(request, table, door, peer, host)
}

/// Whether a connection that was made for one host is used for another that shows another certificate: its client has
/// not seen that the router may speak for it (RFC 9110 section 7.4).
fn is_misdirected(request: &Request<'_>, table: &Table, door: &Door, name: &str, host: &Host) -> bool {
    if request.authority.host.eq_ignore_ascii_case(name.as_bytes()) {
        return false;
    }
    let shown = table.host(name.as_bytes(), door.lookup_port).and_then(|named| table.certificate_of(named));
    let own = table.certificate_of(host);
    match (shown, own) {
        (Some(shown), Some(own)) => !Arc::ptr_eq(shown, own) && shown.cert != own.cert,
        _ => true,
    }
}

fn act<'a>(
    request: &Request<'a>,
    table: &'a Table,
    door: &'a Door,
    peer: &Peer,
    host: &'a Host,
) -> Decision<'a> {
    match host.paths.find(request.target.path()) {
        None => Decision::Reply(Reply::NotFound),
        Some(Action::Refuse(_)) => unavailable(table),
        Some(Action::Redirect(to)) => redirect(request, door, to),
        Some(Action::Status) => status(request, door),
        Some(Action::Forward(forward)) if !forward.admits(peer.address) => {
            refused(403, "clients of your network are not served here")
        }
        Some(Action::Forward(forward)) if is_too_long(request, forward) => TOO_LONG,
        Some(Action::Forward(forward)) => match table.service(forward.service) {
            None => unavailable(table),
            Some(service) if service.protocol == Protocol::H2c && !is_sendable(request) => refused(
                400,
                "this route speaks HTTP/2, in which the host or the path has no form: escape what is no part of a URL",
            ),
            Some(service) => Decision::Forward(forward, service),
        },
    }
}

/// What a client is told whose body is larger than its route takes.
pub(super) const BODY_TOO_LONG: Refusal =
    Refusal { status: 413, reason: "the body is longer than this route takes" };

const TOO_LONG: Decision<'static> = Decision::Reply(Reply::Refused(BODY_TOO_LONG));

/// Whether the request says itself that its body is larger than it may be. One in chunks is measured as it comes.
fn is_too_long(request: &Request<'_>, forward: &Forward) -> bool {
    match (request.framing, forward.max_body) {
        (Framing::Length(length), Some(most)) => length > most,
        _ => false,
    }
}

fn unavailable(table: &Table) -> Decision<'_> {
    Decision::Reply(Reply::Unavailable(Unavailable {
        page: table.unavailable_page.as_deref(),
        is_busy: false,
    }))
}

fn status<'a>(request: &Request<'a>, door: &'a Door) -> Decision<'a> {
    match request.method {
        Method::Get | Method::Head => Decision::Reply(Reply::Status(&door.version)),
        _ => refused(405, "the status can be read with GET and HEAD"),
    }
}

static TO_HTTPS: Redirect = Redirect {
    scheme: Some(Scheme::Https),
    host: None,
    port: None,
    path: None,
    code: RedirectCode::PermanentRedirect,
};

fn redirect<'a>(request: &Request<'a>, door: &Door, to: &'a Redirect) -> Decision<'a> {
    let host = to.host.as_deref().map_or(request.authority.host, str::as_bytes);
    if host.is_empty() {
        return refused(400, "missing required Host header");
    }
    let scheme = to.scheme.unwrap_or(door.scheme);
    let own = match scheme {
        Scheme::Http => door.ports.http,
        Scheme::Https => door.ports.https,
    };
    let kept: &[u8] = match request.target.path_and_query {
        [] => b"/",
        path => path,
    };
    Decision::Reply(Reply::Redirect(Location {
        code: to.code,
        scheme,
        host,
        port: to.port.or(own),
        path: to.path.as_deref().map_or(kept, str::as_bytes),
    }))
}

fn refused(status: u16, reason: &'static str) -> Decision<'static> {
    Decision::Reply(Reply::Refused(Refusal { status, reason }))
}
