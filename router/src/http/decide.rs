//! What happens with a request, decided from the table.
//!
//! In come a checked request, the table and the door that it came through; out goes the router's own answer or the
//! service that gets it. Order: method, `OPTIONS *`, host, `/.well-known/status` where no route's host is named, the
//! HTTPS redirect, the host's action. Hot: nothing is allocated, and the table is borrowed, not held.

use std::sync::Arc;

use router_config::{RedirectCode, Scheme};

use super::reply::{Location, Reply};
use super::request::{Method, Refusal, Request};
use crate::table::{Action, Host, Redirect, Service, Table};

/// A listener, as far as answers depend on it.
#[derive(Debug, Clone)]
pub(crate) struct Door {
    pub(crate) scheme: Scheme,
    pub(crate) port: u16,
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

/// What happens with a request.
#[derive(Debug)]
pub(crate) enum Decision<'a> {
    Reply(Reply<'a>),
    Forward(&'a Arc<Service>),
}

const STATUS: &[u8] = b"/.well-known/status";
const ACME: &[u8] = b"/.well-known/acme-challenge/";

/// Decides.
pub(crate) fn decide<'a>(request: &Request<'a>, table: &'a Table, door: &'a Door) -> Decision<'a> {
    if matches!(request.method, Method::Connect | Method::Trace) {
        return refused(405, "this method is not served");
    }
    if request.target.is_server() {
        return Decision::Reply(Reply::Options);
    }
    let path = request.target.path();
    let host = table.host(request.authority.host);
    if path == STATUS && (host.is_none() || request.authority.is_address()) {
        return status(request, door);
    }
    let Some(host) = host else {
        return Decision::Reply(Reply::NotFound);
    };
    if host.https_redirect && door.scheme == Scheme::Http && !path.starts_with(ACME) {
        return redirect(request, door, &TO_HTTPS);
    }
    act(request, table, door, host)
}

fn act<'a>(request: &Request<'a>, table: &'a Table, door: &Door, host: &'a Host) -> Decision<'a> {
    match host.paths.find(request.target.path()) {
        None => Decision::Reply(Reply::NotFound),
        Some(Action::Refuse(_)) => Decision::Reply(Reply::Unavailable),
        Some(Action::Redirect(to)) => redirect(request, door, to),
        Some(Action::Forward(slot)) => match table.service(*slot) {
            Some(service) => Decision::Forward(service),
            None => Decision::Reply(Reply::Unavailable),
        },
    }
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
