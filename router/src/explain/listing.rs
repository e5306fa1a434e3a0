//! The whole table as it is served, for people and programs. It holds no key.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{CertificateSeen, EndpointSeen, NO_SERVICE, Rules, endpoints};
use crate::table::{Action, DEFAULT_PORTS, Forward, Host, Slot, Table};

/// The table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Routes {
    /// The number of the table: one higher after each change.
    pub generation: u64,
    /// The hosts, in the order of their names.
    pub hosts: Vec<HostListed>,
    /// The TCP routes, in the order of their ports.
    pub tcp: Vec<TcpListed>,
}

/// A host of the table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HostListed {
    /// As it is written in the configuration, without the port.
    pub host: String,
    /// The port that it is served on; none: the default ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// The certificate that its clients are shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate: Option<CertificateSeen>,
    /// Whether plain HTTP is sent to HTTPS.
    pub https_redirect: bool,
    /// Its paths, in their order.
    pub paths: Vec<PathListed>,
}

/// A path of a host.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PathListed {
    /// As `/a/b/`.
    pub path: String,
    /// `forward`, `redirect`, `status` or `refuse`.
    pub action: String,
    /// Of one that is forwarded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// Of one that is forwarded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rules: Option<Rules>,
    /// Those that its requests can go to.
    pub endpoints: Vec<EndpointSeen>,
    /// Why it is refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A TCP route.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TcpListed {
    /// Where clients connect.
    pub port: u16,
    /// Left out if the configuration has none of the name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// Those that its connections can go to.
    pub endpoints: Vec<EndpointSeen>,
}

/// All of it.
pub(crate) fn list(table: &Table) -> Routes {
    // Hosts share certificates.
    let mut seen = BTreeMap::new();
    let mut hosts: Vec<_> = table
        .hosts()
        .map(|(port, host)| {
            let certificate = table.certificate_of(host).map(|certificate| {
                let key = std::sync::Arc::as_ptr(certificate) as usize;
                seen.entry(key).or_insert_with(|| CertificateSeen::of(certificate)).clone()
            });
            host_listed(table, (port != DEFAULT_PORTS).then_some(port), host, certificate)
        })
        .collect();
    hosts.sort_by(|a, b| (&a.host, a.port).cmp(&(&b.host, b.port)));
    let tcp = table.tcp.iter().map(|(port, route)| {
        let (service, endpoints) = served_by(table, route.service, route.leader);
        TcpListed { port: *port, service, endpoints }
    });
    Routes { generation: table.generation, hosts, tcp: tcp.collect() }
}

fn host_listed(
    table: &Table,
    port: Option<u16>,
    host: &Host,
    certificate: Option<CertificateSeen>,
) -> HostListed {
    let paths = host.paths.all().into_iter().map(|(path, action)| path_listed(table, path, action));
    HostListed {
        host: host.name.to_string(),
        port,
        certificate,
        https_redirect: host.https_redirect,
        paths: paths.collect(),
    }
}

fn path_listed(table: &Table, path: String, action: &Action) -> PathListed {
    let listed = |action: &str| PathListed {
        path,
        action: action.to_owned(),
        service: None,
        rules: None,
        endpoints: Vec::new(),
        reason: None,
    };
    match action {
        Action::Forward(forward) => forward_listed(table, forward, listed("forward")),
        Action::Redirect(_) => listed("redirect"),
        Action::Status => listed("status"),
        Action::Refuse(reason) => PathListed { reason: Some(reason.to_string()), ..listed("refuse") },
    }
}

fn forward_listed(table: &Table, forward: &Forward, listed: PathListed) -> PathListed {
    let (service, endpoints) = served_by(table, forward.service, forward.leader);
    let reason = service.is_none().then(|| NO_SERVICE.to_owned());
    PathListed { service, rules: Some(Rules::of(forward)), endpoints, reason, ..listed }
}

fn served_by(table: &Table, service: Slot, leader_only: bool) -> (Option<String>, Vec<EndpointSeen>) {
    match table.service(service) {
        Some(service) => (Some(service.name.to_string()), endpoints(service, leader_only)),
        None => (None, Vec::new()),
    }
}
