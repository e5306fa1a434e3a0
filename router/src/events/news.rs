//! What a change means to those who follow it: the difference of two configurations in Flynn's terms.
//!
//! In come the configuration that is served and a change of it; out go first the endpoints and routes that go, then the
//! routes and endpoints that come. Services that do not ask for it are left out. Pure.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;

use router_config::{Action, Config, Delta, Forward, Host, Instance, Service};
use serde::Serialize;

use crate::table::Endpoint;

/// What came with one table.
#[derive(Debug)]
pub(crate) struct Batch {
    pub(crate) generation: u64,
    pub(crate) news: Vec<News>,
}

/// One piece of it.
#[derive(Debug)]
pub(crate) enum News {
    Up(Backend),
    /// With the endpoint as it was.
    Down(Backend, Option<Arc<Endpoint>>),
    Set(Route),
    Removed(Route),
}

/// An endpoint of a service, in Flynn's words.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) struct Backend {
    service: String,
    addr: SocketAddr,
    app: String,
    job_id: String,
}

/// A path of a host, or a TCP port, in Flynn's words. Never a certificate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Route {
    #[serde(rename = "type")]
    kind: &'static str,
    id: String,
    service: String,
    port: u16,
    leader: bool,
    drain_backends: bool,
    #[serde(skip_serializing_if = "str::is_empty")]
    domain: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    path: String,
    sticky: bool,
}

impl Backend {
    pub(crate) fn new(service: &str, addr: SocketAddr, instance: Option<&Instance>) -> Self {
        let Instance { app, job } = instance.cloned().unwrap_or_default();
        Self { service: service.to_owned(), addr, app, job_id: job }
    }
}

/// What a change brings and takes. `endpoint` finds what an address was served by until now.
pub(crate) fn of_change(
    from: &Config,
    delta: &Delta,
    endpoint: impl Fn(SocketAddr) -> Option<Arc<Endpoint>>,
) -> Vec<News> {
    let (mut down, mut up) = (Vec::new(), Vec::new());
    for (name, to) in &delta.services {
        let (before, after) = (told(from.services.get(name)), told(to.as_ref()));
        let instance = |service: Option<&Service>, address: &SocketAddr| {
            Backend::new(name, *address, service.and_then(|service| service.instances.get(address)))
        };
        let gone = before.difference(&after);
        down.extend(gone.map(|at| News::Down(instance(from.services.get(name), at), endpoint(*at))));
        up.extend(after.difference(&before).map(|at| News::Up(instance(to.as_ref(), at))));
    }
    let drains = |service: &str| match delta.services.get(service) {
        Some(to) => to.as_ref().is_some_and(|service| service.drain_events),
        None => from.services.get(service).is_some_and(|service| service.drain_events),
    };
    let (mut removed, mut set) = (Vec::new(), Vec::new());
    for (key, to) in &delta.hosts {
        let before = from.hosts.get(key);
        let (old, new) = (forwards(before), forwards(to.as_ref()));
        let kept = |path: &str| new.iter().any(|(other, _)| *other == path);
        let gone = old.iter().filter(|(path, _)| !kept(path));
        removed.extend(gone.map(|(path, forward)| News::Removed(Route::http(key, path, forward, &drains))));
        let whole = before.map(|host| &host.certificate) != to.as_ref().map(|host| &host.certificate);
        let changed = new.iter().filter(|found| whole || !old.contains(found));
        set.extend(changed.map(|(path, forward)| News::Set(Route::http(key, path, forward, &drains))));
    }
    for (port, to) in &delta.tcp {
        let before = from.tcp.get(port);
        match to {
            Some(route) if before != Some(route) => {
                set.push(News::Set(Route::tcp(*port, &route.service, route.leader, &drains)));
            }
            None => removed.extend(
                before.map(|route| News::Removed(Route::tcp(*port, &route.service, route.leader, &drains))),
            ),
            Some(_) => {}
        }
    }
    down.into_iter().chain(removed).chain(set).chain(up).collect()
}

/// The addresses of a service that wants them to be told.
fn told(service: Option<&Service>) -> BTreeSet<SocketAddr> {
    let told = service.filter(|service| service.drain_events);
    told.map(|service| crate::table::usable(&service.endpoints).0).unwrap_or_default()
}

fn forwards(host: Option<&Host>) -> Vec<(&str, &Forward)> {
    let paths = host.into_iter().flat_map(|host| &host.paths);
    paths
        .filter_map(|(path, action)| match action {
            Action::Forward(forward) => Some((path.as_str(), forward)),
            Action::Redirect(_) | Action::Status | Action::Refuse { .. } => None,
        })
        .collect()
}

impl Route {
    fn http(key: &str, path: &str, forward: &Forward, drains: &impl Fn(&str) -> bool) -> Self {
        let (domain, port) = key.split_once(':').unwrap_or((key, "0"));
        Self {
            kind: "http",
            id: format!("{key}{path}"),
            service: forward.service.clone(),
            port: port.parse().unwrap_or_default(),
            leader: forward.leader,
            drain_backends: drains(&forward.service),
            domain: domain.to_owned(),
            path: path.to_owned(),
            sticky: forward.sticky,
        }
    }

    fn tcp(port: u16, service: &str, leader: bool, drains: &impl Fn(&str) -> bool) -> Self {
        Self {
            kind: "tcp",
            id: port.to_string(),
            service: service.to_owned(),
            port,
            leader,
            drain_backends: drains(service),
            domain: String::new(),
            path: String::new(),
            sticky: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(json: serde_json::Value) -> Config {
        serde_json::from_value(json).unwrap()
    }

    fn told(from: &Config, to: &Config) -> Vec<String> {
        let news = of_change(from, &from.diff(to), |_| None);
        let text = |news: &News| match news {
            News::Up(backend) => format!("up {} {}", backend.addr, backend.job_id),
            News::Down(backend, _) => format!("down {} {}", backend.addr, backend.job_id),
            News::Set(route) => format!("set {}", route.id),
            News::Removed(route) => format!("remove {}", route.id),
        };
        news.iter().map(text).collect()
    }

    #[test]
    fn what_goes_is_told_before_what_comes_and_endpoints_within_their_routes() {
        let one = config(serde_json::json!({
            "services": {"web": {
                "endpoints": ["10.0.0.1:1", "10.0.0.2:1"],
                "drainEvents": true,
                "instances": {"10.0.0.1:1": {"app": "a", "job": "j1"}},
            }},
            "hosts": {"a.com": {"paths": {"/": {"forward": {"service": "web"}}}}},
            "tcp": {"3000": {"service": "web"}},
        }));
        let two = config(serde_json::json!({
            "services": {"web": {"endpoints": ["10.0.0.2:1", "10.0.0.3:1"], "drainEvents": true}},
            "hosts": {"a.com": {"paths": {"/x": {"forward": {"service": "web"}}}}},
        }));
        let none = Config::default();
        assert_eq!(told(&none, &one), ["set a.com/", "set 3000", "up 10.0.0.1:1 j1", "up 10.0.0.2:1 "]);
        assert_eq!(
            told(&one, &two),
            ["down 10.0.0.1:1 j1", "remove a.com/", "remove 3000", "set a.com/x", "up 10.0.0.3:1 "]
        );
        assert_eq!(told(&two, &none), ["down 10.0.0.2:1 ", "down 10.0.0.3:1 ", "remove a.com/x"]);
        assert!(told(&one, &one).is_empty());
    }

    #[test]
    fn the_endpoints_of_a_service_that_does_not_ask_are_not_told() {
        let quiet = config(serde_json::json!({"services": {"web": {"endpoints": ["10.0.0.1:1"]}}}));
        assert!(told(&Config::default(), &quiet).is_empty());
    }
}
