//! A Kubernetes Service, port by port: who answers there by its EndpointSlices, who leads, and what its Routes want of it.
//!
//! Out goes what Routes need to know of the Service, and the router's services: one for each set of wishes, so that Routes that
//! ask alike share one. `service/want.rs` has the wishes, `service/leader.rs` the leader, `service/endpoints.rs` the addresses.

mod endpoints;
mod leader;
mod want;

use std::collections::BTreeMap;
use std::net::SocketAddr;

use crds::{Reason, names};
use k8s_openapi::api::core::v1::Service;
use k8s_openapi::api::discovery::v1::EndpointSlice;
use kube::ResourceExt as _;
use router_config::{Instance, Protocol};
use serde::Serialize;

use crate::{ObjectKey, Refusal};
use endpoints::endpoints;

pub use leader::Election;
pub(crate) use leader::holder;
pub use want::Want;

/// What a Service's plan is made from.
#[derive(Debug)]
pub struct ServiceInputs<'a> {
    /// What it is called.
    pub key: &'a ObjectKey,
    /// The Service, if it exists.
    pub service: Option<&'a Service>,
    /// Its EndpointSlices, in any order.
    pub slices: Vec<&'a EndpointSlice>,
    /// What the Routes that name it want.
    pub wants: Vec<Want>,
    /// Who may lead.
    pub election: Election<'a>,
}

/// The ports of a Service and who answers on each.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ServicePlan {
    /// Whether the Service exists.
    pub exists: bool,
    /// Its TCP ports, by number.
    pub ports: BTreeMap<u16, Port>,
    /// The router's services that its Routes use, by name.
    pub routers: BTreeMap<String, router_config::Service>,
}

/// One port of a Service.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Port {
    /// Its name, empty if it has none.
    pub name: String,
    /// What is spoken there.
    pub protocol: Protocol,
    /// The endpoints that take requests, each once, with the name of its Pod; empty if it is no Pod's.
    pub endpoints: BTreeMap<SocketAddr, String>,
    /// The endpoint that leads, or why none does; nothing if no Route asks.
    pub leader: Option<Result<SocketAddr, Refusal>>,
}

/// What Routes read of a port beside its endpoints.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct PortShape<'a> {
    number: u16,
    name: &'a str,
    is_ready: bool,
    leaderless: Option<&'a Refusal>,
}

/// Plans a Service.
#[must_use]
pub fn service(inputs: &ServiceInputs<'_>) -> ServicePlan {
    let Some(service) = inputs.service else { return ServicePlan::default() };
    let asked = inputs.wants.iter().any(|want| want.leader);
    let declared = service.spec.iter().flat_map(|spec| spec.ports.iter().flatten());
    let tcp = declared.filter(|port| port.protocol.as_deref().unwrap_or("TCP") == "TCP");
    let ports = tcp.filter_map(|port| {
        let name = port.name.clone().unwrap_or_default();
        let endpoints = endpoints(&inputs.slices, &name);
        let leader = asked.then(|| inputs.election.leader(inputs.key, &endpoints));
        let protocol = protocol(port.app_protocol.as_deref());
        Some((u16::try_from(port.port).ok()?, Port { name, protocol, endpoints, leader }))
    });
    let mut plan = ServicePlan { exists: true, ports: ports.collect(), routers: BTreeMap::new() };
    plan.routers = plan.routers_for(inputs, service);
    plan
}

fn protocol(declared: Option<&str>) -> Protocol {
    if declared == Some(names::H2C) { Protocol::H2c } else { Protocol::Http1 }
}

impl ServicePlan {
    /// The services that the Routes use. A wish that any Route of one has, all of them have: its endpoints are the same.
    fn routers_for(
        &self,
        inputs: &ServiceInputs<'_>,
        service: &Service,
    ) -> BTreeMap<String, router_config::Service> {
        let mut routers: BTreeMap<String, router_config::Service> = BTreeMap::new();
        for want in &inputs.wants {
            let Ok(number) = self.port(inputs.key, want.port) else { continue };
            let port = &self.ports[&number];
            let router = routers.entry(want.router_service(inputs.key, number)).or_insert_with(|| {
                router_config::Service {
                    endpoints: port.endpoints.keys().copied().collect(),
                    protocol: port.protocol,
                    health: want.health.clone(),
                    max_in_flight: want.max_in_flight,
                    ..router_config::Service::default()
                }
            });
            if want.leader {
                router.leader = port.leader.as_ref().and_then(|leader| leader.as_ref().ok()).copied();
            }
            if want.drain_events {
                router.drain_events = true;
                router.instances = instances(port, service);
            }
        }
        routers
    }

    /// The port that a Route means: the one it names, else the one called `http`, else the only one.
    ///
    /// # Errors
    /// `ServiceNotFound`, `PortNotFound` or `AmbiguousPort`, with what to do.
    pub fn port(&self, key: &ObjectKey, wanted: Option<u16>) -> Result<u16, Refusal> {
        if !self.exists {
            let message = format!(
                "the Service {} does not exist in namespace {}: create it, or name another",
                key.name, key.namespace
            );
            return Err(Refusal::new(Reason::ServiceNotFound, message));
        }
        if let Some(port) = wanted {
            return if self.ports.contains_key(&port) {
                Ok(port)
            } else {
                Err(self.port_not_found(key, port))
            };
        }
        if self.ports.is_empty() {
            let message = format!("the Service {} has no TCP port: give it one", key.name);
            return Err(Refusal::new(Reason::PortNotFound, message));
        }
        let http = self.ports.iter().find(|(_, port)| port.name == "http").map(|(number, _)| *number);
        let only = || self.ports.keys().next().copied().filter(|_| self.ports.len() == 1);
        http.or_else(only).ok_or_else(|| {
            let message = format!(
                "the Service {} has {} and none is called http: set service.port",
                key.name,
                self.listed()
            );
            Refusal::new(Reason::AmbiguousPort, message)
        })
    }

    /// Whether somebody answers on that port.
    #[must_use]
    pub fn is_ready(&self, port: u16) -> bool {
        self.ports.get(&port).is_some_and(|port| !port.endpoints.is_empty())
    }

    /// Whether somebody leads on that port.
    ///
    /// # Errors
    /// `NoLeader`, with what to do.
    pub fn has_leader(&self, port: u16) -> crate::Verdict {
        match self.ports.get(&port).and_then(|port| port.leader.as_ref()) {
            Some(Err(refusal)) => Err(refusal.clone()),
            _ => Ok(()),
        }
    }

    /// What Routes read of a Service beside its endpoints: while this stays the same, no host has to be planned again.
    pub(crate) fn shape(&self) -> (bool, Vec<PortShape<'_>>) {
        let ports = self.ports.iter().map(|(number, port)| PortShape {
            number: *number,
            name: &port.name,
            is_ready: !port.endpoints.is_empty(),
            leaderless: port.leader.as_ref().and_then(|leader| leader.as_ref().err()),
        });
        (self.exists, ports.collect())
    }

    fn port_not_found(&self, key: &ObjectKey, port: u16) -> Refusal {
        let message = format!(
            "the Service {} has no TCP port {port}, it has {}: correct service.port",
            key.name,
            self.listed()
        );
        Refusal::new(Reason::PortNotFound, message)
    }

    fn listed(&self) -> String {
        let ports: Vec<String> = self.ports.keys().map(u16::to_string).collect();
        match ports.as_slice() {
            [] => "no TCP port".to_owned(),
            [only] => format!("the port {only}"),
            several => format!("the ports {}", several.join(", ")),
        }
    }
}

/// Whose the endpoints are: the App's, or what the Service is called.
fn instances(port: &Port, service: &Service) -> BTreeMap<SocketAddr, Instance> {
    let app = service.labels().get(names::APP).cloned().unwrap_or_else(|| service.name_any());
    let named = port.endpoints.iter().filter(|(_, pod)| !pod.is_empty());
    named.map(|(address, pod)| (*address, Instance { app: app.clone(), job: pod.clone() })).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(port: &Port) -> Vec<String> {
        port.endpoints.keys().map(ToString::to_string).collect()
    }

    fn plan(ports: serde_json::Value, endpoints: serde_json::Value) -> ServicePlan {
        let service = serde_json::from_value(serde_json::json!({"spec": {"ports": ports}})).unwrap();
        let slice = serde_json::from_value(serde_json::json!({
            "addressType": "IPv4",
            "ports": [{"name": "http", "port": 8080}, {"name": "admin", "port": 9090}],
            "endpoints": endpoints,
        }))
        .unwrap();
        let key = ObjectKey::new("shop", "api");
        super::service(&ServiceInputs {
            key: &key,
            service: Some(&service),
            slices: vec![&slice],
            wants: Vec::new(),
            election: Election::default(),
        })
    }

    fn two_ports() -> serde_json::Value {
        serde_json::json!([{"name": "http", "port": 80}, {"name": "admin", "port": 90}])
    }

    #[test]
    fn an_endpoint_that_is_not_ready_gets_no_requests() {
        let plan = plan(
            two_ports(),
            serde_json::json!([
                {"addresses": ["10.0.0.1"], "conditions": {"ready": true}},
                {"addresses": ["10.0.0.2"], "conditions": {"ready": false, "serving": true, "terminating": true}},
                {"addresses": ["10.0.0.3"]},
            ]),
        );
        assert_eq!(addresses(&plan.ports[&80]), ["10.0.0.1:8080", "10.0.0.3:8080"]);
        assert!(plan.ports[&90].endpoints.contains_key(&"10.0.0.1:9090".parse().unwrap()));
    }

    #[test]
    fn terminating_endpoints_serve_when_no_other_is_left() {
        let plan = plan(
            two_ports(),
            serde_json::json!([
                {"addresses": ["10.0.0.2"], "conditions": {"ready": false, "serving": true, "terminating": true}},
                {"addresses": ["10.0.0.3"], "conditions": {"ready": false, "serving": false}},
            ]),
        );
        assert_eq!(addresses(&plan.ports[&80]), ["10.0.0.2:8080"]);
    }

    #[test]
    fn the_port_called_http_is_meant_unless_a_route_names_one() {
        let key = ObjectKey::new("shop", "api");
        let plan = plan(two_ports(), serde_json::json!([]));
        assert_eq!(plan.port(&key, None), Ok(80));
        assert_eq!(plan.port(&key, Some(90)), Ok(90));
        assert_eq!(plan.port(&key, Some(91)).unwrap_err().reason, Reason::PortNotFound);
    }

    #[test]
    fn several_ports_without_one_called_http_are_ambiguous() {
        let key = ObjectKey::new("shop", "api");
        let several = plan(
            serde_json::json!([{"name": "a", "port": 1}, {"name": "b", "port": 2}]),
            serde_json::json!([]),
        );
        assert_eq!(several.port(&key, None).unwrap_err().reason, Reason::AmbiguousPort);
        let only = plan(serde_json::json!([{"name": "a", "port": 1}]), serde_json::json!([]));
        assert_eq!(only.port(&key, None), Ok(1));
    }
}
