//! EndpointSlices. Loopback addresses of IPv4 are permitted, unlike on a real server: the processes of one machine are there.

use std::collections::BTreeSet;
use std::net::IpAddr;

use serde_json::Value;

use super::service::NO_ADDRESS;
use super::{entries, immutable, names, one_of, text};
use crate::field_error::Faults;

/// What is said of an address of the machine itself.
pub(super) const LOOPBACK: &str = "may not be in the loopback range (127.0.0.0/8, ::1/128)";
const ADDRESSES: usize = 100;
const ENDPOINTS: usize = 1000;
const PORTS: usize = 20_000;

pub(super) fn endpoint_slice(new: &Value, old: Option<&Value>, faults: &mut Faults) {
    let type_ = &new["addressType"];
    if text(type_).is_empty() {
        faults.required("addressType");
    } else {
        one_of("addressType".to_owned(), type_, &["FQDN", "IPv4", "IPv6"], faults);
    }
    let count = new["endpoints"].as_array().map_or(0, Vec::len);
    if count > ENDPOINTS {
        faults.too_many("endpoints", count, ENDPOINTS);
    } else {
        entries(&new["endpoints"], "endpoints")
            .for_each(|(path, it)| endpoint(&path, it, text(type_), faults));
    }
    ports(&new["ports"], faults);
    if let Some(old) = old {
        immutable("addressType", type_, &old["addressType"], faults);
    }
}

fn endpoint(path: &str, endpoint: &Value, type_: &str, faults: &mut Faults) {
    let list = format!("{path}.addresses");
    match endpoint["addresses"].as_array().map_or(0, Vec::len) {
        0 => faults.required_because(list.as_str(), "must contain at least 1 address"),
        count if count > ADDRESSES => faults.too_many(list.as_str(), count, ADDRESSES),
        _ => {}
    }
    if endpoint["addresses"].as_array().is_some_and(|list| list.len() <= ADDRESSES) {
        for (path, value) in entries(&endpoint["addresses"], &list) {
            address(&list, &path, value, type_, faults);
        }
    }
    let node = text(&endpoint["nodeName"]);
    if !node.is_empty() {
        faults.invalid_text(format!("{path}.nodeName"), node, names::subdomain(node));
    }
    let host = text(&endpoint["hostname"]);
    if !host.is_empty() {
        faults.invalid_text(format!("{path}.hostname"), host, names::label(host));
    }
}

fn address(list: &str, path: &str, value: &Value, type_: &str, faults: &mut Faults) {
    if type_ == "FQDN" {
        faults.invalid_text(path, text(value), names::subdomain(text(value)));
        return;
    }
    let Ok(address) = text(value).parse::<IpAddr>() else {
        let why = if has_leading_zeros(text(value)) { "must not have leading 0s" } else { NO_ADDRESS };
        faults.invalid(path, value, why);
        return;
    };
    match type_ {
        "IPv4" if address.is_ipv6() => faults.invalid(list, value, "must be an IPv4 address"),
        "IPv6" if address.is_ipv4() => faults.invalid(list, value, "must be an IPv6 address"),
        _ => {}
    }
    if (type_ != "IPv6" || address.is_ipv6())
        && let Some(why) = of_this_link(&address)
    {
        faults.invalid(path, value, why);
    }
}

/// Why an address is of no use beyond its machine or its link.
pub(super) fn of_this_link(address: &IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V4(v4) if v4.is_unspecified() => Some("may not be unspecified (0.0.0.0)"),
        IpAddr::V6(v6) if v6.is_unspecified() => Some("may not be unspecified (::)"),
        IpAddr::V6(v6) if v6.is_loopback() => Some(LOOPBACK),
        IpAddr::V4(v4) if v4.is_link_local() => {
            Some("may not be in the link-local range (169.254.0.0/16, fe80::/10)")
        }
        IpAddr::V6(v6) if v6.is_unicast_link_local() => {
            Some("may not be in the link-local range (169.254.0.0/16, fe80::/10)")
        }
        IpAddr::V4(v4) if v4.octets()[..3] == [224, 0, 0] => {
            Some("may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)")
        }
        _ => None,
    }
}

fn has_leading_zeros(text: &str) -> bool {
    let parts: Vec<_> = text.split('.').collect();
    parts.len() == 4
        && parts.iter().all(|part| part.parse::<u8>().is_ok())
        && parts.iter().any(|part| part.len() > 1 && part.starts_with('0'))
}

fn ports(ports: &Value, faults: &mut Faults) {
    let count = ports.as_array().map_or(0, Vec::len);
    if count > PORTS {
        faults.too_many("ports", count, PORTS);
        return;
    }
    let mut known = BTreeSet::new();
    for (path, port) in entries(ports, "ports") {
        let name = text(&port["name"]);
        if !name.is_empty() {
            faults.invalid_text(format!("{path}.name"), name, names::label(name));
        }
        if !known.insert(name) {
            faults.duplicate(format!("{path}.name"), &port["name"]);
        }
        one_of(format!("{path}.protocol"), &port["protocol"], &["SCTP", "TCP", "UDP"], faults);
        let protocol = text(&port["appProtocol"]);
        if !protocol.is_empty() {
            faults.invalid_text(format!("{path}.appProtocol"), protocol, names::qualified(protocol));
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn faults(address: &str) -> Vec<String> {
        let slice = json!({"addressType": "IPv4", "endpoints": [{"addresses": [address]}]});
        let mut faults = Faults::default();
        endpoint_slice(&slice, None, &mut faults);
        faults.0.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn loopback_is_an_address_here() {
        assert_eq!(faults("127.0.0.1"), [""; 0]);
        assert_eq!(faults("127.8.9.1"), [""; 0]);
        assert_eq!(faults("169.254.1.1").len(), 1);
        assert_eq!(faults("::1").len(), 2);
    }
}
