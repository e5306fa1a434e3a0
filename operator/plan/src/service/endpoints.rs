//! The addresses that take requests, out of EndpointSlices.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use k8s_openapi::api::discovery::v1::{Endpoint, EndpointConditions, EndpointSlice};

/// The endpoints of a port, each with the name of its Pod.
///
/// An endpoint takes requests while it is `ready`. If none is, those that are `serving` although they terminate do,
/// as in kube-proxy, so that the last Pod of an App is not cut off before it ends.
pub(super) fn endpoints(slices: &[&EndpointSlice], port_name: &str) -> BTreeMap<SocketAddr, String> {
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
) -> BTreeMap<SocketAddr, String> {
    let mut addresses = BTreeMap::new();
    for slice in slices {
        let ports = slice.ports.iter().flatten();
        let named = ports.filter(|port| port.name.as_deref().unwrap_or_default() == port_name);
        for port in named.filter_map(|port| u16::try_from(port.port?).ok()) {
            let endpoints = slice.endpoints.iter().flatten().filter(|endpoint| takes_requests(endpoint));
            let parsed = endpoints.flat_map(|endpoint| {
                let addresses = endpoint.addresses.iter().filter_map(|text| text.parse::<IpAddr>().ok());
                addresses.map(|address| (address, pod(endpoint)))
            });
            addresses.extend(parsed.map(|(address, pod)| (SocketAddr::new(address, port), pod)));
        }
    }
    addresses
}

fn pod(endpoint: &Endpoint) -> String {
    let target = endpoint.target_ref.as_ref().filter(|target| target.kind.as_deref() == Some("Pod"));
    target.and_then(|target| target.name.clone()).unwrap_or_default()
}

fn condition(endpoint: &Endpoint, read: fn(&EndpointConditions) -> Option<bool>) -> Option<bool> {
    endpoint.conditions.as_ref().and_then(read)
}
