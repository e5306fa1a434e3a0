//! The endpoints of a Kubernetes Service, port by port: what its EndpointSlices say is ready.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};

use crds::Reason;
use k8s_openapi::api::core::v1::Service;
use k8s_openapi::api::discovery::v1::{Endpoint, EndpointSlice};
use serde::Serialize;

use crate::{ObjectKey, Refusal};

/// What a Service's plan is made from.
#[derive(Debug)]
pub struct ServiceInputs<'a> {
    /// The Service, if it exists.
    pub service: Option<&'a Service>,
    /// Its EndpointSlices, in any order.
    pub slices: Vec<&'a EndpointSlice>,
}

/// The ports of a Service and who answers on each.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ServicePlan {
    /// Whether the Service exists.
    pub exists: bool,
    /// Its TCP ports, by number.
    pub ports: BTreeMap<u16, Port>,
}

/// One port of a Service.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Port {
    /// Its name, empty if it has none.
    pub name: String,
    /// The endpoints that take requests, each once.
    pub endpoints: BTreeSet<SocketAddr>,
}

/// Plans a Service.
///
/// An endpoint takes requests while it is `ready`. If none is, those that are `serving` although they terminate do,
/// as in kube-proxy, so that the last Pod of an App is not cut off before it ends.
#[must_use]
pub fn service(inputs: &ServiceInputs<'_>) -> ServicePlan {
    let Some(service) = inputs.service else { return ServicePlan::default() };
    let declared = service.spec.iter().flat_map(|spec| spec.ports.iter().flatten());
    let tcp = declared.filter(|port| port.protocol.as_deref().unwrap_or("TCP") == "TCP");
    let ports = tcp.filter_map(|port| {
        let name = port.name.clone().unwrap_or_default();
        let endpoints = endpoints(&inputs.slices, &name);
        Some((u16::try_from(port.port).ok()?, Port { name, endpoints }))
    });
    ServicePlan { exists: true, ports: ports.collect() }
}

impl ServicePlan {
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

    /// What Routes read of a Service beside its endpoints: while this stays the same, no host has to be planned again.
    #[must_use]
    pub fn shape(&self) -> (bool, Vec<(u16, &str, bool)>) {
        let ports =
            self.ports.iter().map(|(number, port)| (*number, port.name.as_str(), port.endpoints.is_empty()));
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

fn endpoints(slices: &[&EndpointSlice], port_name: &str) -> BTreeSet<SocketAddr> {
    let ready = addresses(slices, port_name, |endpoint| condition(endpoint, |c| c.ready).unwrap_or(true));
    if !ready.is_empty() {
        return ready;
    }
    addresses(slices, port_name, |endpoint| condition(endpoint, |c| c.serving).unwrap_or(false))
}

fn addresses(
    slices: &[&EndpointSlice],
    port_name: &str,
    takes_requests: fn(&Endpoint) -> bool,
) -> BTreeSet<SocketAddr> {
    let mut addresses = BTreeSet::new();
    for slice in slices {
        let ports = slice.ports.iter().flatten();
        let named = ports.filter(|port| port.name.as_deref().unwrap_or_default() == port_name);
        for port in named.filter_map(|port| u16::try_from(port.port?).ok()) {
            let endpoints = slice.endpoints.iter().flatten().filter(|endpoint| takes_requests(endpoint));
            let parsed = endpoints
                .flat_map(|endpoint| &endpoint.addresses)
                .filter_map(|text| text.parse::<IpAddr>().ok());
            addresses.extend(parsed.map(|address| SocketAddr::new(address, port)));
        }
    }
    addresses
}

fn condition(
    endpoint: &Endpoint,
    read: fn(&k8s_openapi::api::discovery::v1::EndpointConditions) -> Option<bool>,
) -> Option<bool> {
    endpoint.conditions.as_ref().and_then(read)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(ports: serde_json::Value, endpoints: serde_json::Value) -> ServicePlan {
        let service = serde_json::from_value(serde_json::json!({"spec": {"ports": ports}})).unwrap();
        let slice = serde_json::from_value(serde_json::json!({
            "addressType": "IPv4",
            "ports": [{"name": "http", "port": 8080}, {"name": "admin", "port": 9090}],
            "endpoints": endpoints,
        }))
        .unwrap();
        super::service(&ServiceInputs { service: Some(&service), slices: vec![&slice] })
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
        let expected = ["10.0.0.1:8080", "10.0.0.3:8080"].map(|text| text.parse().unwrap());
        assert_eq!(plan.ports[&80].endpoints, BTreeSet::from(expected));
        assert!(plan.ports[&90].endpoints.contains(&"10.0.0.1:9090".parse().unwrap()));
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
        assert_eq!(plan.ports[&80].endpoints, BTreeSet::from(["10.0.0.2:8080".parse().unwrap()]));
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
