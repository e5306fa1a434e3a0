//! A host: whose it is, what its Routes come to, and its entry in the router's table.
//!
//! In come every Route that names the host and the plans of what they refer to; out go the table entry and one verdict per
//! Route. One Route's fault stays that Route's.

mod claims;
mod target;
mod tls;

use std::collections::{BTreeMap, BTreeSet};

use crds::{ClusterSpec, Reason, Route};
use router_config::Host;
use serde::Serialize;

use crate::{CertificatePlan, HostName, ObjectKey, Refusal, ServicePlan, Verdict};
use claims::{Claim, Claims};

pub(crate) use target::router_service;

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
    /// Which Apps exist, at least among those that the Routes name.
    pub apps: BTreeSet<ObjectKey>,
    /// The Services that Routes name.
    pub services: &'a BTreeMap<ObjectKey, ServicePlan>,
    /// All Certificates.
    pub certificates: &'a BTreeMap<ObjectKey, CertificatePlan>,
    /// Whether clients that name no host get a certificate.
    pub has_default_certificate: bool,
}

/// What is served on a host, and what each Route for it came to.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct HostPlan {
    /// The table entry; none if no Route is accepted.
    pub entry: Option<Host>,
    /// What each Route came to.
    pub routes: BTreeMap<ObjectKey, RouteVerdict>,
}

/// What a Route came to, the same on the leader and on every node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RouteVerdict {
    /// Whether it has its host and path.
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
    let mut entry = Host {
        certificate: tls::certificate(inputs, claims.root()),
        https_redirect: false,
        paths: BTreeMap::new(),
    };
    let mut routes = BTreeMap::new();
    for (key, claim) in claims.iter() {
        let route = inputs.routes[key];
        let target = target::target(inputs, key, route);
        let certificate = tls::verdict(inputs, key, route);
        let accepted = match claim {
            Claim::Won(path) => {
                entry.paths.insert(path.clone(), target.action);
                Ok(())
            }
            Claim::Lost(refusal) => Err(refusal.clone()),
        };
        let verdict =
            RouteVerdict { accepted, resolved: target.resolved.and(certificate), target: target.words };
        routes.insert(key.clone(), verdict);
    }
    // Without any certificate a redirect would lead to a handshake that fails.
    let has_certificate = entry.certificate.is_some() || inputs.has_default_certificate;
    entry.https_redirect = has_certificate && inputs.cluster.is_some_and(|cluster| cluster.https_redirect);
    HostPlan { entry: (!entry.paths.is_empty()).then_some(entry), routes }
}

/// A path as the table has it: whole segments between slashes.
pub(crate) fn normal_path(declared: &str) -> String {
    if declared.ends_with('/') { declared.to_owned() } else { format!("{declared}/") }
}

fn refuse(reason: Reason, message: impl Into<String>) -> Refusal {
    Refusal::new(reason, message)
}
