//! What a Route for HTTP does with its requests, and whether that can be done.

use crds::{HttpRoute, RedirectScheme, Route};
use router_config::{Action, Forward, Redirect, RedirectCode, Scheme};

use super::HostInputs;
use crate::backend::networks;
use crate::{ObjectKey, Refusal, Verdict};

/// A Route's target, found or not.
pub(super) struct Target {
    /// What the router does; a target that cannot be used is an explicit 503 with the reason.
    pub(super) action: Action,
    /// Whether it can be used.
    pub(super) resolved: Verdict,
    /// What answers, in words.
    pub(super) words: String,
}

/// Finds what answers for a Route.
pub(super) fn target(inputs: &HostInputs<'_>, key: &ObjectKey, route: &Route, http: &HttpRoute) -> Target {
    if let Some(declared) = &route.spec.redirect {
        return redirect(declared);
    }
    let backend = inputs.targets.backend(key, route);
    let forward = backend.service.and_then(|service| forward(service, http));
    let (action, resolved) = match forward {
        Ok(forward) => (Action::Forward(forward), backend.resolved),
        Err(refusal) => (Action::Refuse { reason: refusal.message.clone() }, Err(refusal)),
    };
    Target { action, resolved, words: backend.words }
}

fn forward(service: String, http: &HttpRoute) -> Result<Forward, Refusal> {
    let timeouts = http.timeouts.clone().unwrap_or_default();
    Ok(Forward {
        sticky: http.sticky,
        leader: http.leader,
        keep_alive: !http.disable_keep_alives,
        response_seconds: timeouts.response_seconds.unwrap_or_else(Forward::default_response_seconds),
        idle_seconds: timeouts.idle_seconds.unwrap_or_else(Forward::default_idle_seconds),
        min_body_bytes_per_second: timeouts
            .min_body_bytes_per_second
            .unwrap_or_else(Forward::default_min_body_bytes_per_second),
        max_body_bytes: http.max_body_bytes,
        clients: networks(&http.clients)?,
        ..Forward::to(service)
    })
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
