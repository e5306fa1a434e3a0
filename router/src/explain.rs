//! What a router does with a request, in words: which host, path, certificate and endpoints, or who refuses, and why.
//!
//! In comes a [`Question`] with a URL; out goes an [`Explanation`]. The request is made up, parsed and decided about by the
//! code that does so for real ones, so that the two cannot differ; only the reasons are found here. Never on the hot path.

mod certificate;
mod listener;
mod listing;
mod told;

use std::net::IpAddr;
use std::rc::Rc;

use router_config::Scheme;

use crate::http::connection::{Door, Peer, Ports};
use crate::http::decide::{Decision, decide};
use crate::http::head::{Head, Progress};
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::serve::Addresses;
use crate::table::{Action, DEFAULT_PORTS, Forward, Host, Service, Table};
pub use certificate::CertificateSeen;
use listener::Listener;
pub(crate) use listing::list;
pub use listing::{HostListed, PathListed, Routes, TcpListed};
pub use told::{Because, EndpointSeen, Explanation, Matched, Outcome, Question, Rules, State};

/// Why a question cannot be answered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a URL that a browser could ask for: write it as https://host/path")]
pub struct NotAUrl(pub String);

/// Explains what a router does that listens there.
pub(crate) fn explain(
    table: &Table,
    question: &Question,
    addresses: &Addresses,
) -> Result<Explanation, NotAUrl> {
    let asked = Asked::of(&question.url).ok_or_else(|| NotAUrl(question.url.clone()))?;
    Ok(match listener::find(table, addresses, asked.scheme, asked.port) {
        Ok(listener) => explain_at(listener, table, question, &asked, addresses.ports()),
        Err(reason) => {
            let outcome = Outcome::Refused { status: None, reason };
            Explanation { host: None, path: None, certificate: None, outcome }
        }
    })
}

fn explain_at(
    listener: Listener,
    table: &Table,
    question: &Question,
    asked: &Asked<'_>,
    ports: Ports,
) -> Explanation {
    let Listener { port, lookup_port } = listener;
    let server_name = question.server_name.as_deref().unwrap_or(asked.host);
    let is_named = asked.scheme == Scheme::Https
        && server_name.parse::<IpAddr>().is_err()
        && !server_name.starts_with('[');
    let named = table.host(server_name.as_bytes(), lookup_port).filter(|_| is_named);
    let shown = match asked.scheme {
        Scheme::Http => None,
        Scheme::Https if is_named => named.and_then(|host| table.certificate_of(host)),
        Scheme::Https => table.default_certificate(),
    };
    let door = Door { scheme: asked.scheme, port, lookup_port, ports, version: "".into() };
    let peer =
        Peer { address: question.client, server_name: is_named.then(|| Rc::from(server_name)), http2: false };
    let host = table.host(asked.host.as_bytes(), lookup_port);
    let outcome = match (asked.scheme, shown) {
        (Scheme::Https, None) => no_handshake(is_named.then_some(server_name), named),
        _ => decided(table, question, asked, &door, &peer, host),
    };
    Explanation {
        host: host.map(|host| matched(host, asked.host, lookup_port)),
        path: host.and_then(|host| host.paths.matched(asked.path.as_bytes())),
        certificate: shown.map(|shown| CertificateSeen::of(shown)),
        outcome,
    }
}

/// The parts of a URL that matter.
struct Asked<'a> {
    scheme: Scheme,
    host: &'a str,
    port: Option<u16>,
    /// Up to the query.
    path: &'a str,
    target: &'a str,
}

impl<'a> Asked<'a> {
    fn of(url: &'a str) -> Option<Self> {
        let (scheme, rest) = match url.split_once("://")? {
            ("http", rest) => (Scheme::Http, rest),
            ("https", rest) => (Scheme::Https, rest),
            _ => return None,
        };
        let rest = rest.split('#').next()?;
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, target) = rest.split_at(end);
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, Some(port.parse().ok()?)),
            _ => (authority, None),
        };
        let path = target.split('?').next()?;
        let path = if path.is_empty() { "/" } else { path };
        (!host.is_empty()).then_some(Self { scheme, host, port, path, target })
    }
}

fn no_handshake(name: Option<&str>, host: Option<&Host>) -> Outcome {
    let reason = match (name, host) {
        (Some(name), None) => format!(
            "the TLS handshake fails: no route serves the name {name}; declare one, or correct the name"
        ),
        (Some(name), Some(_)) => format!(
            "the TLS handshake fails: there is no certificate for {name}, and no default one either; declare a Certificate for it"
        ),
        (None, _) => "the TLS handshake fails: the client names no host, and there is no default certificate"
            .to_owned(),
    };
    Outcome::Refused { status: None, reason }
}

/// What the code that decides about requests says to this one.
fn decided(
    table: &Table,
    question: &Question,
    asked: &Asked<'_>,
    door: &Door,
    peer: &Peer,
    host: Option<&Host>,
) -> Outcome {
    let refused = |status, reason: &str| Outcome::Refused { status: Some(status), reason: reason.to_owned() };
    let slash = if asked.target.starts_with('/') { "" } else { "/" };
    let authority = asked.port.map_or(asked.host.to_owned(), |port| format!("{}:{port}", asked.host));
    let text = format!("{} {slash}{} HTTP/1.1\r\nHost: {authority}\r\n\r\n", question.method, asked.target);
    let mut head = Head::default();
    if !matches!(head.advance(text.as_bytes()), Ok(Progress::Complete(length)) if length == text.len()) {
        return refused(400, "the request cannot be written as one of HTTP/1.1");
    }
    let request = match Request::parse(&head, text.as_bytes()) {
        Ok(request) => request,
        Err(refusal) => return refused(refusal.status, refusal.reason),
    };
    match decide(&request, table, door, peer).decision {
        Decision::Forward(forward, service) => forwarded(forward, service),
        Decision::Reply(Reply::Redirect(location)) => {
            Outcome::Redirected { status: location.code.into(), location: location.to_text() }
        }
        Decision::Reply(Reply::Status(_) | Reply::Options) => Outcome::Answered { status: 200 },
        Decision::Reply(Reply::NotFound) if host.is_some() => {
            refused(404, "the route serves nothing at this path; give it a path that leads here, or `/`")
        }
        Decision::Reply(Reply::NotFound) => {
            refused(404, "no route serves this host on this port; declare one, or correct the name")
        }
        Decision::Reply(Reply::Refused(refusal)) => refused(refusal.status, refusal.reason),
        Decision::Reply(Reply::Unavailable(_)) => refused(503, &unavailable(host, asked.path)),
    }
}

/// Why the entry that is meant cannot be served.
fn unavailable(host: Option<&Host>, path: &str) -> String {
    match host.and_then(|host| host.paths.find(path.as_bytes())) {
        Some(Action::Refuse(reason)) => reason.to_string(),
        _ => NO_SERVICE.to_owned(),
    }
}

/// Why a route to a name that is nowhere defined answers 503.
pub(crate) const NO_SERVICE: &str = "the service is not in the configuration";

fn forwarded(forward: &Forward, service: &Service) -> Outcome {
    let candidates = service.candidates(forward.leader);
    let refused = |reason| Outcome::Refused { status: Some(503), reason };
    match candidates {
        [] if !service.endpoints.is_empty() => refused(format!(
            "the service {} has no leader, and the route is for the leader alone",
            service.name
        )),
        [] => refused(format!("the service {} has no endpoint that is ready", service.name)),
        _ => Outcome::Forwarded {
            service: service.name.to_string(),
            rules: Rules::of(forward),
            endpoints: endpoints(service, forward.leader),
        },
    }
}

fn endpoints(service: &Service, leader_only: bool) -> Vec<EndpointSeen> {
    let seen = |endpoint: &std::sync::Arc<crate::table::Endpoint>| EndpointSeen {
        address: endpoint.address,
        state: match (endpoint.health.is_ejected(), endpoint.health.is_suspect()) {
            (true, _) => State::Ejected,
            (false, true) => State::Unhealthy,
            (false, false) => State::Healthy,
        },
        in_flight: endpoint.in_flight(),
        leader: service.leader() == Some(endpoint.address),
    };
    service.candidates(leader_only).iter().map(seen).collect()
}

fn matched(host: &Host, name: &str, lookup_port: u16) -> Matched {
    let because = match &*host.name {
        "*" => Because::Any,
        pattern if pattern.eq_ignore_ascii_case(name) => Because::Exact,
        _ => Because::Wildcard,
    };
    let port = (lookup_port != DEFAULT_PORTS).then_some(lookup_port);
    Matched { pattern: host.name.to_string(), port, because }
}

impl Rules {
    fn of(forward: &Forward) -> Self {
        Self {
            sticky: forward.sticky,
            leader: forward.leader,
            response_seconds: forward.response_timeout.as_secs(),
            idle_seconds: forward.idle_timeout.as_secs(),
            min_body_bytes_per_second: forward.min_body_rate,
            max_body_bytes: forward.max_body,
            clients: forward.networks().iter().map(ToString::to_string).collect(),
        }
    }
}

#[cfg(test)]
mod tests;
