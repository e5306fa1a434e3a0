//! The endpoints of a Service: a group for each set of ports.
//!
//! A Pod stands behind a Service when its labels match, it has an address and has not ended. One that says at which
//! port of its own a container port is to be found, as Pods that share an address do, is a group by itself.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use k8s_openapi::api::core::v1::{Container, ContainerPort, ObjectReference, Pod, Service, ServicePort};
use k8s_openapi::api::discovery::v1::{Endpoint, EndpointConditions, EndpointPort};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use crate::pod::{has_ended, is_ready};

pub(super) const SERVICE_NAME: &str = "kubernetes.io/service-name";
pub(super) const MANAGED_BY: &str = "endpointslice.kubernetes.io/managed-by";
pub(super) const MANAGER: &str = "endpointslice-controller.k8s.io";

/// An annotation of a Pod: this, with a container port at its end, is the port that the process really has.
const OWN_PORT: &str = "standalone.flynn.io/port.";

/// Endpoints that have their ports in common.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Group {
    pub(super) address_type: &'static str,
    pub(super) ports: Vec<EndpointPort>,
    /// The uid of the Pod that this group belongs to alone.
    pub(super) pod: Option<String>,
    /// By the name of the Pod.
    pub(super) endpoints: BTreeMap<String, Endpoint>,
}

/// Whether the Service says which Pods stand behind it.
pub(super) fn selects(service: &Service) -> bool {
    let Some(spec) = &service.spec else { return false };
    spec.type_.as_deref() != Some("ExternalName") && spec.selector.as_ref().is_some_and(|all| !all.is_empty())
}

/// Whether the labels of the Pod are those that the Service asks for.
pub(super) fn is_selected(service: &Service, pod: &Pod) -> bool {
    let Some(selector) = service.spec.as_ref().and_then(|spec| spec.selector.as_ref()) else { return false };
    let labels = pod.metadata.labels.as_ref();
    selects(service) && selector.iter().all(|(key, value)| labels.and_then(|all| all.get(key)) == Some(value))
}

/// Whether nothing has changed in a Pod that an endpoint shows.
pub(super) fn same(one: &Pod, other: &Pod) -> bool {
    let spec = |pod: &Pod| {
        let spec = pod.spec.clone().unwrap_or_default();
        (spec.node_name, spec.hostname, spec.subdomain)
    };
    let address =
        |pod: &Pod| pod.status.as_ref().map(|status| (status.pod_ip.clone(), status.pod_ips.clone()));
    one.metadata.uid == other.metadata.uid
        && one.metadata.labels == other.metadata.labels
        && one.metadata.annotations == other.metadata.annotations
        && one.metadata.deletion_timestamp.is_some() == other.metadata.deletion_timestamp.is_some()
        && spec(one) == spec(other)
        && address(one) == address(other)
        && has_ended(one) == has_ended(other)
        && is_ready(one) == is_ready(other)
}

/// Every endpoint of the Service.
pub(super) fn groups(service: &Service, pods: &[Arc<Pod>]) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for pod in pods.iter().filter(|pod| is_selected(service, pod) && !has_ended(pod)) {
        let (ports, is_alone) = ports(service, pod);
        let uid = pod.metadata.uid.clone().filter(|_| is_alone);
        for address_type in families(service) {
            let addresses = addresses(pod, address_type);
            if addresses.is_empty() {
                continue;
            }
            let alike = |group: &&mut Group| {
                group.address_type == address_type && group.ports == ports && group.pod == uid
            };
            let name = pod.metadata.name.clone().unwrap_or_default();
            let endpoint = endpoint(service, pod, addresses);
            match groups.iter_mut().find(alike) {
                Some(group) => drop(group.endpoints.insert(name, endpoint)),
                None => groups.push(Group {
                    address_type,
                    ports: ports.clone(),
                    pod: uid.clone(),
                    endpoints: BTreeMap::from([(name, endpoint)]),
                }),
            }
        }
    }
    groups
}

/// Says of each endpoint in which zone its Node is.
pub(super) fn set_zones(groups: &mut [Group], zone: impl Fn(&str) -> Option<String>) {
    for endpoint in groups.iter_mut().flat_map(|group| group.endpoints.values_mut()) {
        endpoint.zone = endpoint.node_name.as_deref().and_then(&zone);
    }
}

/// The address types of a Service.
pub(super) fn families(service: &Service) -> Vec<&'static str> {
    let spec = service.spec.as_ref();
    let families = spec.and_then(|spec| spec.ip_families.as_deref()).unwrap_or_default();
    let known = families.iter().filter_map(|family| match family.as_str() {
        "IPv4" => Some("IPv4"),
        "IPv6" => Some("IPv6"),
        _ => None,
    });
    let known: Vec<_> = known.collect();
    if known.is_empty() { vec!["IPv4"] } else { known }
}

fn endpoint(service: &Service, pod: &Pod, addresses: Vec<String>) -> Endpoint {
    let spec = pod.spec.clone().unwrap_or_default();
    let publish = service.spec.as_ref().and_then(|spec| spec.publish_not_ready_addresses).unwrap_or_default();
    let serving = is_ready(pod);
    let terminating = pod.metadata.deletion_timestamp.is_some();
    let has_hostname = spec.subdomain.is_some()
        && spec.subdomain == service.metadata.name
        && service.metadata.name.is_some();
    Endpoint {
        addresses,
        conditions: Some(EndpointConditions {
            ready: Some(publish || (serving && !terminating)),
            serving: Some(serving),
            terminating: Some(terminating),
        }),
        hostname: spec.hostname.filter(|_| has_hostname),
        node_name: spec.node_name,
        target_ref: Some(ObjectReference {
            kind: Some("Pod".to_owned()),
            namespace: pod.metadata.namespace.clone(),
            name: pod.metadata.name.clone(),
            uid: pod.metadata.uid.clone(),
            ..ObjectReference::default()
        }),
        ..Endpoint::default()
    }
}

/// The ports of a Pod that the Service leads to, and whether any is the Pod's own.
fn ports(service: &Service, pod: &Pod) -> (Vec<EndpointPort>, bool) {
    let wanted = service.spec.as_ref().and_then(|spec| spec.ports.as_deref()).unwrap_or_default();
    let mut is_alone = false;
    let found = wanted.iter().filter_map(|wanted| {
        let declared = target(wanted, pod)?;
        let own = own_port(pod, declared);
        is_alone |= own.is_some();
        Some(EndpointPort {
            name: Some(wanted.name.clone().unwrap_or_default()),
            port: Some(own.unwrap_or(declared)),
            protocol: Some(protocol(wanted.protocol.as_deref()).to_owned()),
            app_protocol: wanted.app_protocol.clone(),
        })
    });
    let ports = found.collect();
    (ports, is_alone)
}

/// The container port that a port of the Service means: by number, by name, or the same number.
fn target(wanted: &ServicePort, pod: &Pod) -> Option<i32> {
    let name = match &wanted.target_port {
        None | Some(IntOrString::Int(0)) => return Some(wanted.port),
        Some(IntOrString::Int(number)) => return Some(*number),
        Some(IntOrString::String(name)) => name,
    };
    let spec = pod.spec.as_ref()?;
    let stays = |container: &&Container| container.restart_policy.as_deref() == Some("Always");
    let sidecars = spec.init_containers.iter().flatten().filter(stays);
    let ports = spec.containers.iter().chain(sidecars).flat_map(|container| container.ports.iter().flatten());
    let same_protocol = |port: Option<&str>| protocol(port) == protocol(wanted.protocol.as_deref());
    let named =
        |port: &&ContainerPort| port.name.as_ref() == Some(name) && same_protocol(port.protocol.as_deref());
    ports.into_iter().find(named).map(|port| port.container_port)
}

fn protocol(protocol: Option<&str>) -> &str {
    protocol.unwrap_or("TCP")
}

fn own_port(pod: &Pod, declared: i32) -> Option<i32> {
    let annotations = pod.metadata.annotations.as_ref()?;
    annotations.get(&format!("{OWN_PORT}{declared}"))?.parse().ok()
}

fn addresses(pod: &Pod, address_type: &str) -> Vec<String> {
    let Some(status) = &pod.status else { return Vec::new() };
    let listed = status.pod_ips.iter().flatten().map(|address| address.ip.as_str());
    let mut all: Vec<&str> = listed.collect();
    if all.is_empty() {
        all.extend(status.pod_ip.as_deref());
    }
    let parsed = all.into_iter().filter_map(|address| address.parse::<IpAddr>().ok());
    let wanted = parsed.filter(|address| address.is_ipv6() == (address_type == "IPv6"));
    wanted.map(|address| address.to_string()).collect()
}

#[cfg(test)]
pub(super) mod tests {
    use serde_json::{Value, json};

    use super::*;

    pub(in crate::endpoint_slice) fn service(ports: Value) -> Service {
        serde_json::from_value(json!({
            "metadata": {"namespace": "a", "name": "web", "uid": "uid-web"},
            "spec": {
                "selector": {"app": "web"}, "ports": ports, "clusterIP": "10.0.0.1", "ipFamilies": ["IPv4"]
            }
        }))
        .unwrap()
    }

    pub(in crate::endpoint_slice) fn pod(name: &str, address: &str) -> Pod {
        serde_json::from_value(json!({
            "metadata": {
                "namespace": "a", "name": name, "uid": format!("uid-{name}"), "labels": {"app": "web"}
            },
            "spec": {
                "nodeName": "n",
                "containers": [{"name": "c", "ports": [{"name": "http", "containerPort": 8080}]}]
            },
            "status": {
                "phase": "Running", "podIP": address, "podIPs": [{"ip": address}],
                "conditions": [{"type": "Ready", "status": "True"}]
            }
        }))
        .unwrap()
    }

    fn found(service: &Service, pods: Vec<Pod>) -> Vec<Group> {
        let pods: Vec<_> = pods.into_iter().map(Arc::new).collect();
        groups(service, &pods)
    }

    fn numbers(group: &Group) -> Vec<i32> {
        group.ports.iter().filter_map(|port| port.port).collect()
    }

    #[test]
    fn ports_go_by_number_by_name_and_by_default() {
        let table = [
            (json!([{"port": 80, "targetPort": 9000}]), vec![9000]),
            (json!([{"port": 80, "targetPort": "http"}]), vec![8080]),
            (json!([{"port": 80}]), vec![80]),
            (json!([{"port": 80, "targetPort": "absent"}]), vec![]),
            (json!([{"port": 80, "targetPort": "http", "protocol": "UDP"}]), vec![]),
        ];
        for (ports, expected) in table {
            let groups = found(&service(ports.clone()), vec![pod("x", "10.0.0.2")]);
            assert_eq!(numbers(&groups[0]), expected, "{ports}");
        }
    }

    #[test]
    fn conditions_follow_readiness_and_the_end() {
        let service = service(json!([{"port": 80}]));
        let mut ending = pod("x", "10.0.0.2");
        ending.metadata.deletion_timestamp =
            Some(serde_json::from_value(json!("2026-01-01T00:00:00Z")).unwrap());
        let mut starting = pod("y", "10.0.0.3");
        starting.status.as_mut().unwrap().conditions = None;
        let groups = found(&service, vec![ending, starting, pod("z", "10.0.0.4")]);
        let conditions = |name: &str| {
            let conditions = groups[0].endpoints[name].conditions.clone().unwrap();
            [conditions.ready, conditions.serving, conditions.terminating].map(Option::unwrap)
        };
        assert_eq!(conditions("x"), [false, true, true]);
        assert_eq!(conditions("y"), [false, false, false]);
        assert_eq!(conditions("z"), [true, true, false]);
    }

    #[test]
    fn pods_that_have_ended_or_have_no_address_are_left_out() {
        let service = service(json!([{"port": 80}]));
        let mut ended = pod("x", "10.0.0.2");
        ended.status.as_mut().unwrap().phase = Some("Failed".into());
        let mut nowhere = pod("y", "10.0.0.2");
        nowhere.status.as_mut().unwrap().pod_ips = None;
        nowhere.status.as_mut().unwrap().pod_ip = None;
        assert_eq!(found(&service, vec![ended, nowhere]), []);
    }

    #[test]
    fn a_pod_with_a_port_of_its_own_is_a_group_by_itself() {
        let service = service(json!([{"name": "http", "port": 80, "targetPort": "http"}]));
        let own = |name: &str, port: &str| {
            let mut pod = pod(name, "127.0.0.1");
            pod.metadata.annotations = Some([(format!("{OWN_PORT}8080"), port.to_owned())].into());
            pod
        };
        let groups = found(&service, vec![own("x", "40001"), own("y", "40002"), pod("z", "10.0.0.4")]);
        let seen: Vec<_> = groups.iter().map(|group| (group.pod.as_deref(), numbers(group))).collect();
        let expected = [(Some("uid-x"), vec![40001]), (Some("uid-y"), vec![40002]), (None, vec![8080])];
        assert_eq!(seen, expected);
    }

    #[test]
    fn an_endpoint_is_in_the_zone_of_its_node() {
        let mut groups = found(&service(json!([])), vec![pod("x", "10.0.0.2")]);
        set_zones(&mut groups, |node| Some(format!("zone of {node}")));
        assert_eq!(groups[0].endpoints["x"].zone.as_deref(), Some("zone of n"));
        set_zones(&mut groups, |_| None);
        assert_eq!(groups[0].endpoints["x"].zone, None);
    }

    #[test]
    fn a_service_without_a_selector_selects_nobody() {
        let mut service = service(json!([]));
        assert!(is_selected(&service, &pod("x", "10.0.0.2")));
        service.spec.as_mut().unwrap().selector = None;
        assert!(!is_selected(&service, &pod("x", "10.0.0.2")));
    }

    #[test]
    fn addresses_are_told_apart_by_family() {
        let mut service = service(json!([{"port": 80}]));
        service.spec.as_mut().unwrap().ip_families = Some(vec!["IPv6".into(), "IPv4".into()]);
        let mut both = pod("x", "10.0.0.2");
        both.status.as_mut().unwrap().pod_ips =
            serde_json::from_value(json!([{"ip": "10.0.0.2"}, {"ip": "fd00:0::2"}])).unwrap();
        let groups = found(&service, vec![both]);
        let seen: Vec<_> =
            groups.iter().map(|group| (group.address_type, group.endpoints["x"].addresses.clone())).collect();
        assert_eq!(seen, [("IPv6", vec!["fd00::2".to_owned()]), ("IPv4", vec!["10.0.0.2".to_owned()])]);
    }
}
