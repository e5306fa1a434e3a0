//! The App or Service that a Route leads to: which of the router's services that is, and whether it can be used.
//! The same for HTTP and TCP.

use std::collections::{BTreeMap, BTreeSet};

use crds::{Reason, Route};
use router_config::IpNet;

use crate::service::Want;
use crate::world::target_service;
use crate::{ObjectKey, Refusal, ServicePlan, Verdict};

/// What Routes can lead to.
#[derive(Debug, Clone)]
pub struct Targets<'a> {
    /// Which Apps exist, at least among those that the Routes name.
    pub apps: BTreeSet<ObjectKey>,
    /// The Services that Routes name.
    pub services: &'a BTreeMap<ObjectKey, ServicePlan>,
}

/// What a Route leads to, found or not.
pub(crate) struct Backend {
    /// The name of the router's service, or why there is none.
    pub(crate) service: Result<String, Refusal>,
    /// Whether it can be used.
    pub(crate) resolved: Verdict,
    /// What answers, in words.
    pub(crate) words: String,
}

impl Targets<'_> {
    /// Finds what a Route leads to.
    pub(crate) fn backend(&self, key: &ObjectKey, route: &Route) -> Backend {
        let Some(service) = target_service(key, route) else {
            let message = "the Route names no target: set app, service or redirect";
            return unusable(Refusal::new(Reason::ServiceNotFound, message), String::new());
        };
        let want = Want::of(route);
        let words = words(route, &service, want.port);
        if let Some(refusal) = self.app_missing(key, route, &service) {
            return unusable(refusal, words);
        }
        let unknown = ServicePlan::default();
        let plan = self.services.get(&service).unwrap_or(&unknown);
        match plan.port(&service, want.port) {
            Err(refusal) => unusable(refusal, words),
            Ok(port) => Backend {
                service: Ok(want.router_service(&service, port)),
                resolved: usable(plan, &service, port, want.leader),
                words: self::words(route, &service, Some(port)),
            },
        }
    }

    fn app_missing(&self, key: &ObjectKey, route: &Route, service: &ObjectKey) -> Option<Refusal> {
        let app = route.spec.app.as_ref()?;
        if !self.apps.contains(&ObjectKey::new(&key.namespace, app)) {
            let message = format!(
                "the App {app} does not exist in namespace {}: create it, or name another",
                key.namespace
            );
            return Some(Refusal::new(Reason::AppNotFound, message));
        }
        // The Service of an App is the operator's to make, so that nobody is told to create it.
        let exists = self.services.get(service).is_some_and(|plan| plan.exists);
        (!exists).then(|| {
            let message = format!(
                "the App {app} has no process web that takes requests: look at `kubectl -n {} describe fapp {app}`",
                key.namespace
            );
            Refusal::new(Reason::NoReadyEndpoints, message)
        })
    }
}

/// The networks that a Route lets in.
///
/// # Errors
/// `InvalidNetwork`: admission lets none through, but an older object may have one, and to drop it would let in too many.
pub(crate) fn networks(declared: &[String]) -> Result<Vec<IpNet>, Refusal> {
    let parsed = declared.iter().map(|text| {
        text.parse().map_err(|_| {
            let message =
                format!("{text} in clients is no network: write it as 10.0.0.0/8 or 203.0.113.7/32");
            Refusal::new(Reason::InvalidNetwork, message)
        })
    });
    parsed.collect()
}

fn usable(plan: &ServicePlan, service: &ObjectKey, port: u16, leader: bool) -> Verdict {
    if !plan.is_ready(port) {
        let message = format!(
            "the Service {} has no ready endpoint on port {port}: look at `kubectl -n {} get pods,endpointslices`",
            service.name, service.namespace
        );
        return Err(Refusal::new(Reason::NoReadyEndpoints, message));
    }
    if leader { plan.has_leader(port) } else { Ok(()) }
}

fn unusable(refusal: Refusal, words: String) -> Backend {
    Backend { service: Err(refusal.clone()), resolved: Err(refusal), words }
}

fn words(route: &Route, service: &ObjectKey, port: Option<u16>) -> String {
    match (&route.spec.app, port) {
        (Some(app), _) => format!("app {app}"),
        (None, Some(port)) => format!("service {}:{port}", service.name),
        (None, None) => format!("service {}", service.name),
    }
}
