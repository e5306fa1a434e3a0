//! What a Route wants of the Service that it names.

use std::fmt::Write as _;

use crds::{HttpRoute, Route, RouteHealthCheck};
use router_config::HealthCheck;

use crate::{ObjectKey, ServicePort};

/// The wishes of one Route.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Want {
    /// The Service's port; left out, the Service decides.
    pub port: Option<u16>,
    /// How the router asks the endpoints itself.
    pub health: Option<HealthCheck>,
    /// The most requests at once for one endpoint.
    pub max_in_flight: Option<u32>,
    /// Whether only the leader is sent to.
    pub leader: bool,
    /// Whether coming and going endpoints are told.
    pub drain_events: bool,
}

impl Want {
    /// Reads a Route.
    #[must_use]
    pub fn of(route: &Route) -> Self {
        let port = route.spec.service.as_ref().and_then(|reference| reference.port);
        let http = route.spec.http.as_ref();
        let tcp = route.spec.tcp.as_ref();
        Self {
            port,
            health: http.and_then(|http| http.health_check.as_ref()).map(health),
            max_in_flight: http.and_then(|http: &HttpRoute| http.max_in_flight_per_endpoint),
            leader: http.is_some_and(|http| http.leader) || tcp.is_some_and(|tcp| tcp.leader),
            drain_events: http.is_some_and(|http| http.drain_backends)
                || tcp.is_some_and(|tcp| tcp.drain_backends),
        }
    }

    /// The name of the router's service: that of the port, and behind it what sets it apart from others on the same port.
    /// The path stands last, because anything may be in it.
    #[must_use]
    pub fn router_service(&self, service: &ObjectKey, port: u16) -> String {
        let mut name = ServicePort { service: service.clone(), port }.to_string();
        if let Some(most) = self.max_in_flight {
            let _ = write!(name, " max={most}");
        }
        if let Some(check) = &self.health {
            let HealthCheck { path, host: _, interval_seconds, timeout_seconds, .. } = check;
            let (bad, good) = (check.unhealthy_after, check.healthy_after);
            let _ = write!(name, " check={interval_seconds}s,{timeout_seconds}s,{bad},{good} {path}");
        }
        name
    }
}

fn health(declared: &RouteHealthCheck) -> HealthCheck {
    let mut check = HealthCheck::of(&declared.path);
    let fields = [
        (&mut check.interval_seconds, declared.interval_seconds),
        (&mut check.timeout_seconds, declared.timeout_seconds),
        (&mut check.unhealthy_after, declared.unhealthy_after),
        (&mut check.healthy_after, declared.healthy_after),
    ];
    for (field, given) in fields {
        *field = given.unwrap_or(*field);
    }
    check
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes_that_ask_alike_share_a_router_service() {
        let key = ObjectKey::new("shop", "api");
        let name = |check: Option<&str>, max| {
            let health = check.map(HealthCheck::of);
            Want { health, max_in_flight: max, ..Want::default() }.router_service(&key, 80)
        };
        assert_eq!(name(None, None), "shop/api:80");
        assert_eq!(name(None, Some(5)), "shop/api:80 max=5");
        assert_eq!(name(Some("/ok"), Some(5)), "shop/api:80 max=5 check=10s,2s,3,1 /ok");
    }
}
