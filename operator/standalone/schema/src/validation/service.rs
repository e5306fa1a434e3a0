//! Services.

use std::collections::BTreeSet;
use std::net::IpAddr;

use serde_json::Value;

use super::endpoint_slice::{LOOPBACK, of_this_link};
use super::probe::{self, NO_PORT, is_port};
use super::{entries, metadata, names, one_of, text};
use crate::field_error::Faults;

/// What is said of an address that is none.
pub(super) const NO_ADDRESS: &str = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)";
const NO_RANGE: &str = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)";
const NOT_FOR_NAMES: &str = "may not be set for ExternalName services";
const ONLY_FOR_BALANCERS: &str = "may only be used when `type` is 'LoadBalancer'";

pub(super) fn service(new: &Value, old: Option<&Value>, faults: &mut Faults) {
    let spec = &new["spec"];
    let type_ = text(&spec["type"]);
    let is_headless = spec["clusterIP"] == "None";
    if spec["ports"].as_array().is_none_or(Vec::is_empty) && !is_headless && type_ != "ExternalName" {
        faults.required("spec.ports");
    }
    if type_ == "ExternalName" {
        match text(&spec["externalName"]).strip_suffix('.').unwrap_or(text(&spec["externalName"])) {
            "" => faults.required("spec.externalName"),
            name => faults.invalid_text("spec.externalName", name, names::subdomain(name)),
        }
    }
    ports(spec, faults);
    metadata::labels("spec.selector", &spec["selector"], faults);
    affinity(spec, faults);
    addresses(spec, old, faults);
    let types = ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"];
    one_of("spec.type".to_owned(), &spec["type"], &types, faults);
    balancer(spec, faults);
    policies(spec, faults);
}

/// A new status of a Service.
pub(super) fn status(new: &Value, faults: &mut Faults) {
    let ingress = &new["status"]["loadBalancer"]["ingress"];
    if new["spec"]["type"] != "LoadBalancer" && ingress.as_array().is_some_and(|list| !list.is_empty()) {
        let why = "may only be used when `spec.type` is 'LoadBalancer'";
        faults.forbidden("status.loadBalancer.ingress", why);
    }
}

fn ports(spec: &Value, faults: &mut Faults) {
    let count = spec["ports"].as_array().map_or(0, Vec::len);
    let mut known = BTreeSet::new();
    for (path, port) in entries(&spec["ports"], "spec.ports") {
        let name = text(&port["name"]);
        if name.is_empty() {
            if count > 1 {
                faults.required(format!("{path}.name"));
            }
        } else {
            let whys = names::label(name);
            let is_name = whys.is_empty();
            faults.invalid_text(format!("{path}.name"), name, whys);
            if is_name && !known.insert(name) {
                faults.duplicate(format!("{path}.name"), &port["name"]);
            }
        }
        if !is_port(&port["port"]) {
            faults.invalid(format!("{path}.port"), &port["port"], NO_PORT);
        }
        one_of(format!("{path}.protocol"), &port["protocol"], &["SCTP", "TCP", "UDP"], faults);
        probe::port(&format!("{path}.targetPort"), &port["targetPort"], faults);
        let protocol = text(&port["appProtocol"]);
        if !protocol.is_empty() {
            faults.invalid_text(format!("{path}.appProtocol"), protocol, names::qualified(protocol));
        }
    }
    only_once(spec, faults);
    for (path, port) in entries(&spec["ports"], "spec.ports") {
        if spec["type"] == "ClusterIP" && port["nodePort"].as_i64().unwrap_or(0) != 0 {
            faults.forbidden(format!("{path}.nodePort"), "may not be used when `type` is 'ClusterIP'");
        }
    }
}

/// Each port once for each protocol; told as the Go value that it is decoded into.
fn only_once(spec: &Value, faults: &mut Faults) {
    let mut known = BTreeSet::new();
    for (path, port) in entries(&spec["ports"], "spec.ports") {
        let (protocol, number) = (text(&port["protocol"]), port["port"].as_i64());
        if !known.insert((protocol, number)) {
            let number = number.unwrap_or(0);
            let shown = format!(
                r#"{{"Name":"","Protocol":"{protocol}","AppProtocol":null,"Port":{number},"TargetPort":0,"NodePort":0}}"#
            );
            faults.duplicate_shown(path, &shown);
        }
    }
}

fn affinity(spec: &Value, faults: &mut Faults) {
    one_of("spec.sessionAffinity".to_owned(), &spec["sessionAffinity"], &["ClientIP", "None"], faults);
    let seconds = &spec["sessionAffinityConfig"]["clientIP"]["timeoutSeconds"];
    if spec["sessionAffinity"] == "ClientIP"
        && seconds.as_i64().is_some_and(|seconds| !(1..=86_400).contains(&seconds))
    {
        let path = "spec.sessionAffinityConfig.clientIP.timeoutSeconds";
        faults.invalid(path, seconds, "must be greater than 0 and less than 86400");
    }
}

/// Where the Service is found in the cluster: one address and the list of which it is the first.
fn cluster_address(spec: &Value, faults: &mut Faults) {
    let (address, list, type_) = (&spec["clusterIP"], &spec["clusterIPs"], text(&spec["type"]));
    let first = list.get(0).unwrap_or(&Value::Null);
    if type_ == "ExternalName" {
        let fields = ["clusterIPs", "ipFamilies", "ipFamilyPolicy"];
        let has_address = !text(address).is_empty();
        for field in fields
            .into_iter()
            .filter(|field| !spec[*field].is_null() || *field == "clusterIPs" && has_address)
        {
            faults.forbidden(format!("spec.{field}"), NOT_FOR_NAMES);
        }
    } else if text(address).is_empty() && !first.is_null() {
        faults.invalid("spec.clusterIPs", list, "must be empty when `clusterIP` is not specified");
    } else if !first.is_null() && first != address {
        faults.invalid("spec.clusterIPs", list, "first value must match `clusterIP`");
    } else if first.is_null() && address == "None" && ["NodePort", "LoadBalancer"].contains(&type_) {
        let why = format!("may not be set to 'None' for {type_} services");
        faults.invalid("spec.clusterIPs[0]", address, &why);
    }
}

fn addresses(spec: &Value, old: Option<&Value>, faults: &mut Faults) {
    cluster_address(spec, faults);
    for (path, address) in entries(&spec["clusterIPs"], "spec.clusterIPs") {
        if *address != "None" && text(address).parse::<IpAddr>().is_err() {
            faults.invalid(path, address, NO_ADDRESS);
        }
    }
    let family_policies = ["PreferDualStack", "RequireDualStack", "SingleStack"];
    one_of("spec.ipFamilyPolicy".to_owned(), &spec["ipFamilyPolicy"], &family_policies, faults);
    for (path, family) in entries(&spec["ipFamilies"], "spec.ipFamilies") {
        one_of(path, family, &["IPv4", "IPv6"], faults);
    }
    for (path, address) in entries(&spec["externalIPs"], "spec.externalIPs") {
        match text(address).parse::<IpAddr>() {
            Err(_) => faults.invalid(path, address, NO_ADDRESS),
            Ok(IpAddr::V4(v4)) if v4.is_loopback() => faults.invalid(path, address, LOOPBACK),
            Ok(parsed) => {
                of_this_link(&parsed).into_iter().for_each(|why| faults.invalid(path.as_str(), address, why));
            }
        }
    }
    let before = old.map_or(&Value::Null, |old| &old["spec"]["clusterIPs"]);
    let keeps_type =
        old.is_some_and(|old| old["spec"]["type"] != "ExternalName") && spec["type"] != "ExternalName";
    if keeps_type && before.is_array() && *before != spec["clusterIPs"] {
        faults.invalid("spec.clusterIPs[0]", &spec["clusterIPs"], "may not change once set");
    }
}

/// What only a load balancer has.
fn balancer(spec: &Value, faults: &mut Faults) {
    let is_balancer = spec["type"] == "LoadBalancer";
    let ranges = &spec["loadBalancerSourceRanges"];
    if !is_balancer && !ranges.is_null() {
        faults.forbidden("spec.LoadBalancerSourceRanges", ONLY_FOR_BALANCERS);
    }
    for (path, range) in entries(ranges, "spec.LoadBalancerSourceRanges") {
        if let Some(why) = fault_of_range(text(range)) {
            faults.invalid(path, range, why);
        }
    }
    for field in ["allocateLoadBalancerNodePorts", "loadBalancerClass"] {
        if !is_balancer && !spec[field].is_null() {
            faults.forbidden(format!("spec.{field}"), ONLY_FOR_BALANCERS);
        }
    }
}

fn policies(spec: &Value, faults: &mut Faults) {
    let values = ["Cluster", "Local"];
    let external = &spec["externalTrafficPolicy"];
    let is_external = ["NodePort", "LoadBalancer"].contains(&text(&spec["type"]))
        || spec["externalIPs"].as_array().is_some_and(|list| !list.is_empty());
    if !is_external && !text(external).is_empty() {
        let why = "may only be set for externally-accessible services";
        faults.invalid("spec.externalTrafficPolicy", external, why);
    } else {
        one_of("spec.externalTrafficPolicy".to_owned(), external, &values, faults);
    }
    let port = &spec["healthCheckNodePort"];
    if port.as_i64().unwrap_or(0) != 0 {
        if spec["type"] != "LoadBalancer" || external != "Local" {
            let why = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'";
            faults.invalid("spec.healthCheckNodePort", port, why);
        } else if !is_port(port) {
            faults.invalid("spec.healthCheckNodePort", port, NO_PORT);
        }
    }
    let internal = &spec["internalTrafficPolicy"];
    one_of("spec.internalTrafficPolicy".to_owned(), internal, &values, faults);
}

/// Why a text is no range of addresses.
fn fault_of_range(text: &str) -> Option<&'static str> {
    let Some((address, length)) = text.split_once('/') else { return Some(NO_RANGE) };
    let (Ok(address), Ok(length)) = (address.parse::<IpAddr>(), length.parse::<u32>()) else {
        return Some(NO_RANGE);
    };
    let (width, bits) = match address {
        IpAddr::V4(v4) => (32, u128::from(v4.to_bits())),
        IpAddr::V6(v6) => (128, v6.to_bits()),
    };
    let most = u128::MAX >> (128 - width);
    let beyond = most.checked_shr(length).unwrap_or(0);
    match length > width {
        true => Some(NO_RANGE),
        false if bits & beyond != 0 => Some("must not have bits set beyond the prefix length"),
        false => None,
    }
}
