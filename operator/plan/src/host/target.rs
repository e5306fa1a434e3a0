//! What a Route sends its requests to, and whether that can be used.

use crds::{Reason, RedirectScheme, Route};
use router_config::{Action, Redirect, RedirectCode, Scheme};

use super::{HostInputs, refuse};
use crate::world::target_service;
use crate::{ObjectKey, ServicePort, Verdict};

/// A Route's target, found or not.
pub(super) struct Target {
    /// What the router does; a target that cannot be used is an explicit 503 with the reason.
    pub(super) action: Action,
    /// Whether it can be used.
    pub(super) resolved: Verdict,
    /// What answers, in words.
    pub(super) words: String,
}

/// The name of a Service's port in the router's configuration.
#[must_use]
pub(crate) fn router_service(service: &ObjectKey, port: u16) -> String {
    ServicePort { service: service.clone(), port }.to_string()
}

/// Finds what answers for a Route.
pub(super) fn target(inputs: &HostInputs<'_>, key: &ObjectKey, route: &Route) -> Target {
    match (&route.spec.redirect, target_service(key, route)) {
        (Some(declared), _) => redirect(declared),
        (None, Some(service)) => forward(inputs, key, route, &service),
        (None, None) => refused(
            refuse(Reason::ServiceNotFound, "the Route names no target: set app, service or redirect"),
            String::new(),
        ),
    }
}

fn forward(inputs: &HostInputs<'_>, key: &ObjectKey, route: &Route, service: &ObjectKey) -> Target {
    let wanted = route.spec.service.as_ref().and_then(|reference| reference.port);
    if let Some(app) = &route.spec.app
        && !inputs.apps.contains(&ObjectKey::new(&key.namespace, app))
    {
        let message = format!(
            "the App {app} does not exist in namespace {}: create it, or name another",
            key.namespace
        );
        return refused(refuse(Reason::AppNotFound, message), format!("app {app}"));
    }
    let words = |port: Option<u16>| match (&route.spec.app, port) {
        (Some(app), _) => format!("app {app}"),
        (None, Some(port)) => format!("service {}:{port}", service.name),
        (None, None) => format!("service {}", service.name),
    };
    if let Some(app) = &route.spec.app
        && !inputs.services.get(service).is_some_and(|plan| plan.exists)
    {
        return refused(no_web(&key.namespace, app), words(None));
    }
    let unknown = crate::ServicePlan::default();
    let plan = inputs.services.get(service).unwrap_or(&unknown);
    match plan.port(service, wanted) {
        Err(refusal) => refused(refusal, words(wanted)),
        Ok(port) => Target {
            action: Action::Forward { service: router_service(service, port) },
            resolved: if plan.is_ready(port) { Ok(()) } else { Err(not_ready(service, port)) },
            words: words(Some(port)),
        },
    }
}

fn refused(refusal: crate::Refusal, words: String) -> Target {
    Target { action: Action::Refuse { reason: refusal.message.clone() }, resolved: Err(refusal), words }
}

/// The Service of an App is the operator's to make, so that nobody is told to create it.
fn no_web(namespace: &str, app: &str) -> crate::Refusal {
    let message = format!(
        "the App {app} has no process web that takes requests: look at `kubectl -n {namespace} describe fapp {app}`"
    );
    refuse(Reason::NoReadyEndpoints, message)
}

fn not_ready(service: &ObjectKey, port: u16) -> crate::Refusal {
    let message = format!(
        "the Service {} has no ready endpoint on port {port}: look at `kubectl -n {} get pods,endpointslices`",
        service.name, service.namespace
    );
    refuse(Reason::NoReadyEndpoints, message)
}

fn redirect(declared: &crds::Redirect) -> Target {
    let action = Redirect {
        scheme: declared.scheme.map(|scheme| match scheme {
            RedirectScheme::Http => Scheme::Http,
            RedirectScheme::Https => Scheme::Https,
        }),
        host: declared.host.clone(),
        port: declared.port,
        path: declared.path.clone(),
        // Admission lets nothing else through; an older object with another code gets the default.
        code: RedirectCode::try_from(declared.code).unwrap_or_default(),
    };
    Target { words: redirect_words(&action), action: Action::Redirect(action), resolved: Ok(()) }
}

fn redirect_words(redirect: &Redirect) -> String {
    let scheme = match redirect.scheme {
        Some(Scheme::Http) => "http://",
        Some(Scheme::Https) => "https://",
        None => "",
    };
    let host = redirect.host.as_deref().unwrap_or("<same host>");
    let port = redirect.port.map(|port| format!(":{port}")).unwrap_or_default();
    let path = redirect.path.as_deref().unwrap_or_default();
    format!("{} to {scheme}{host}{port}{path}", u16::from(redirect.code))
}
