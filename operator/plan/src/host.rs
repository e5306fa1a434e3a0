//! A host: whose it is, what its Routes come to, and its entries in the router's table, one for each port.
//!
//! In come every Route that names the host and the plans of what they refer to; out go the table's entries and one verdict per
//! Route. One Route's fault stays that Route's.

mod claims;
mod target;
mod tls;

use std::collections::BTreeMap;

use crds::{ClusterSpec, HttpRoute, Reason, Route, StrictTransportSecurity};
use router_config::{Action, Host, Hsts};
use serde::Serialize;

use crate::backend::Targets;
use crate::{CertificatePlan, HostName, ObjectKey, Refusal, Verdict};
use claims::{Claim, Claims};

/// What a host's plan is made from.
#[derive(Debug)]
pub struct HostInputs<'a> {
    /// The host.
    pub host: &'a HostName,
    /// Every Route that names it.
    pub routes: BTreeMap<ObjectKey, &'a Route>,
    /// The active Cluster.
    pub cluster: Option<&'a ClusterSpec>,
    /// The labels of the namespaces of those Routes, as far as the namespaces are known.
    pub namespace_labels: BTreeMap<&'a str, &'a BTreeMap<String, String>>,
    /// What the Routes can lead to.
    pub targets: Targets<'a>,
    /// All Certificates.
    pub certificates: &'a BTreeMap<ObjectKey, CertificatePlan>,
    /// Whether clients that name no host get a certificate.
    pub has_default_certificate: bool,
}

/// What is served on a host, and what each Route for it came to.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct HostPlan {
    /// The table's entries, by the names that they have there; see `table_key`.
    pub entries: BTreeMap<String, Host>,
    /// What each Route came to.
    pub routes: BTreeMap<ObjectKey, RouteVerdict>,
}

/// What a Route came to, the same on the leader and on every node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RouteVerdict {
    /// Whether it has its host and path, or its port.
    pub accepted: Verdict,
    /// Whether what it names can be used.
    pub resolved: Verdict,
    /// What answers, in words.
    pub target: String,
}

/// Plans a host.
#[must_use]
pub fn host(inputs: &HostInputs<'_>) -> HostPlan {
    let claims = Claims::settle(inputs);
    let mut plan = HostPlan::default();
    for (key, claim) in claims.iter() {
        let route = inputs.routes[key];
        let Some(http) = &route.spec.http else { continue };
        let target = target::target(inputs, key, route, http);
        let certificate = tls::verdict(inputs, key, http);
        let accepted = match claim {
            Claim::Won(path) => {
                let entry = plan.entries.entry(table_key(inputs.host, http.port));
                let entry = entry.or_insert_with(|| bare_entry(inputs, claims.root(http.port), http.port));
                entry.paths.insert(path.clone(), target.action);
                Ok(())
            }
            Claim::Lost(refusal) => Err(refusal.clone()),
        };
        let verdict =
            RouteVerdict { accepted, resolved: target.resolved.and(certificate), target: target.words };
        plan.routes.insert(key.clone(), verdict);
    }
    if inputs.cluster.is_some_and(|cluster| is_status_host(cluster, inputs.host)) {
        let key = table_key(inputs.host, None);
        plan.entries.entry(key).or_insert_with(|| status_entry(inputs));
    }
    plan
}

/// The name of a host in the router's table; with a port, it is served there and nowhere else.
pub(crate) fn table_key(host: &HostName, port: Option<u16>) -> String {
    port.map_or_else(|| host.to_string(), |port| format!("{host}:{port}"))
}

/// The hosts on which the routers tell how they are, unless a Route claims them: `status.<domain>`.
pub(crate) fn status_hosts(cluster: &ClusterSpec) -> impl Iterator<Item = HostName> {
    cluster.domains.iter().map(|domain| HostName::new(&format!("status.{}", domain.name)))
}

fn is_status_host(cluster: &ClusterSpec, host: &HostName) -> bool {
    status_hosts(cluster).any(|name| name == *host)
}

/// An entry without paths. An additional port speaks either HTTP or HTTPS, so that nothing is redirected there.
fn bare_entry(inputs: &HostInputs<'_>, root: Option<&ObjectKey>, port: Option<u16>) -> Host {
    let root = root.and_then(|key| Some((key, inputs.routes[key].spec.http.as_ref()?)));
    let certificate = tls::certificate(inputs, root);
    // Without any certificate a redirect would lead to a handshake that fails.
    let has_certificate = certificate.is_some() || inputs.has_default_certificate;
    let redirects = inputs.cluster.is_some_and(|cluster| cluster.https_redirect);
    Host {
        certificate,
        https_redirect: port.is_none() && has_certificate && redirects,
        hsts: hsts(inputs, root.map(|(_, http)| http)),
        paths: BTreeMap::new(),
    }
}

fn hsts(inputs: &HostInputs<'_>, root: Option<&HttpRoute>) -> Option<Hsts> {
    let own = root.and_then(|http| http.hsts.as_ref());
    let router = inputs.cluster.and_then(|cluster| cluster.router.as_ref());
    let declared = own.or_else(|| router.and_then(|router| router.hsts.as_ref()))?;
    let StrictTransportSecurity { max_age_seconds, include_subdomains, preload } = *declared;
    Some(Hsts { max_age_seconds, include_subdomains, preload })
}

/// Load balancers ask for it over plain HTTP too, so that it is never redirected.
fn status_entry(inputs: &HostInputs<'_>) -> Host {
    let paths = BTreeMap::from([("/".to_owned(), Action::Status)]);
    Host { https_redirect: false, paths, ..bare_entry(inputs, None, None) }
}

/// A path as the table has it: whole segments between slashes.
pub(crate) fn normal_path(declared: &str) -> String {
    if declared.ends_with('/') { declared.to_owned() } else { format!("{declared}/") }
}

fn refuse(reason: Reason, message: impl Into<String>) -> Refusal {
    Refusal::new(reason, message)
}
