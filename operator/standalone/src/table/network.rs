//! Services and EndpointSlices.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::Value;

use super::age;
use super::builtin::{items, name, number, plain, string};
use super::column::{AGE, Head, NAME, text, wide};

/// Where there is nothing to show.
const NONE: &str = "<none>";

/// How many ports or addresses of an EndpointSlice are shown.
const SHOWN: usize = 3;

/// The columns of Services.
pub(super) const SERVICE: [Head; 7] = [
    NAME,
    text("Type", "How the Service is reached: ClusterIP, NodePort, LoadBalancer or ExternalName."),
    text("Cluster-IP", "The address of the Service inside the cluster."),
    text("External-IP", "Addresses outside of the cluster."),
    text("Port(s)", "The ports."),
    AGE,
    wide(text("Selector", "The labels of the Pods that the Service is for.")),
];

/// The columns of EndpointSlices.
pub(super) const ENDPOINT_SLICE: [Head; 5] = [
    NAME,
    text("AddressType", "The kind of addresses: IPv4, IPv6 or FQDN."),
    text("Ports", "The ports of every endpoint."),
    text("Endpoints", "The addresses of the endpoints."),
    AGE,
];

/// The row of a Service.
pub(super) fn service(object: &Value, now: Timestamp) -> Vec<Value> {
    let spec = &object["spec"];
    let cluster_ip = match &spec["clusterIPs"][0] {
        Value::Null => &spec["clusterIP"],
        address => address,
    };
    let ports = items(&spec["ports"]).iter().map(port).collect::<Vec<_>>().join(",");
    vec![
        name(object),
        string(&spec["type"]),
        cluster_ip.as_str().unwrap_or(NONE).into(),
        external(object).into(),
        if ports.is_empty() { NONE.into() } else { ports.into() },
        age::of(object, now),
        labels(&spec["selector"]).into(),
    ]
}

/// The row of an EndpointSlice.
pub(super) fn endpoint_slice(object: &Value, now: Timestamp) -> Vec<Value> {
    let ports =
        items(&object["ports"]).iter().map(|port| match (port["port"].as_i64(), port["name"].as_str()) {
            (Some(number), _) => number.to_string(),
            (None, Some(name)) => name.to_owned(),
            (None, None) => "*".to_owned(),
        });
    let addresses = items(&object["endpoints"]).iter().flat_map(|endpoint| items(&endpoint["addresses"]));
    let addresses = addresses.map(|address| plain(address).to_owned());
    vec![
        name(object),
        string(&object["addressType"]),
        first(ports.collect()).into(),
        first(addresses.collect()).into(),
        age::of(object, now),
    ]
}

/// `80/TCP`, or `80:30080/TCP` where the nodes listen too.
fn port(port: &Value) -> String {
    let protocol = plain(&port["protocol"]);
    match (number(&port["port"]), number(&port["nodePort"])) {
        (inside, 0) => format!("{inside}/{protocol}"),
        (inside, outside) => format!("{inside}:{outside}/{protocol}"),
    }
}

fn external(service: &Value) -> String {
    let spec = &service["spec"];
    let own = items(&spec["externalIPs"]).iter().map(plain).map(str::to_owned).collect::<Vec<_>>();
    match plain(&spec["type"]) {
        "ClusterIP" | "NodePort" if own.is_empty() => NONE.to_owned(),
        "ClusterIP" | "NodePort" => own.join(","),
        "LoadBalancer" => {
            let all = balancers(service).into_iter().chain(own).collect::<Vec<_>>();
            if all.is_empty() { "<pending>".to_owned() } else { all.join(",") }
        }
        "ExternalName" => plain(&spec["externalName"]).to_owned(),
        _ => age::UNKNOWN.to_owned(),
    }
}

fn balancers(service: &Value) -> BTreeSet<String> {
    let ingress = items(&service["status"]["loadBalancer"]["ingress"]).iter();
    let addresses = ingress.map(|ingress| match plain(&ingress["ip"]) {
        "" => plain(&ingress["hostname"]).to_owned(),
        ip => ip.to_owned(),
    });
    addresses.filter(|address| !address.is_empty()).collect()
}

fn labels(labels: &Value) -> String {
    let labels = labels.as_object().into_iter().flatten();
    let labels = labels.map(|(key, value)| format!("{key}={}", plain(value))).collect::<Vec<_>>().join(",");
    if labels.is_empty() { NONE.to_owned() } else { labels }
}

/// The first few, and how many more there are.
fn first(all: Vec<String>) -> String {
    let shown = all.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join(",");
    match all.len().checked_sub(SHOWN) {
        None | Some(0) if shown.is_empty() => "<unset>".to_owned(),
        None | Some(0) => shown,
        Some(more) => format!("{shown} + {more} more..."),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn row(spec: Value, status: Value) -> Vec<Value> {
        let object = json!({"metadata": {"name": "web"}, "spec": spec, "status": status});
        service(&object, Timestamp::UNIX_EPOCH)[1..5].to_vec()
    }

    #[test]
    fn a_service_tells_its_addresses_and_ports() {
        let port = json!({"port": 80, "protocol": "TCP"});
        let node_port = json!({"port": 80, "protocol": "UDP", "nodePort": 30080});
        let spec = json!({"type": "ClusterIP", "clusterIPs": ["10.0.0.1"], "ports": [port, node_port]});
        assert_eq!(row(spec, json!({})), ["ClusterIP", "10.0.0.1", "<none>", "80/TCP,80:30080/UDP"]);
        let spec = json!({"type": "ClusterIP", "clusterIP": "None", "externalIPs": ["1.2.3.4", "5.6.7.8"]});
        assert_eq!(row(spec, json!({})), ["ClusterIP", "None", "1.2.3.4,5.6.7.8", "<none>"]);
        let spec = json!({"type": "ExternalName", "externalName": "example.com"});
        assert_eq!(row(spec, json!({})), ["ExternalName", "<none>", "example.com", "<none>"]);
    }

    #[test]
    fn a_load_balancer_is_pending_until_it_has_an_address() {
        let spec = json!({"type": "LoadBalancer", "clusterIPs": ["10.0.0.1"]});
        assert_eq!(row(spec.clone(), json!({}))[2], "<pending>");
        let ingress = json!({"loadBalancer": {"ingress": [{"ip": "9.9.9.9"}, {"hostname": "lb.example"}]}});
        assert_eq!(row(spec, ingress)[2], "9.9.9.9,lb.example");
    }

    #[test]
    fn a_slice_tells_the_first_three() {
        let endpoint = |address: &str| json!({"addresses": [address]});
        let slice = |addresses: &[&str]| {
            let endpoints = addresses.iter().map(|address| endpoint(address)).collect::<Vec<_>>();
            let object = json!({
                "metadata": {"name": "s"},
                "addressType": "IPv4",
                "ports": [{"port": 80}, {"name": "dns"}, {}],
                "endpoints": endpoints,
            });
            endpoint_slice(&object, Timestamp::UNIX_EPOCH)[2..4].to_vec()
        };
        assert_eq!(slice(&[]), ["80,dns,*", "<unset>"]);
        assert_eq!(slice(&["a", "b", "c"]), ["80,dns,*", "a,b,c"]);
        assert_eq!(slice(&["a", "b", "c", "d", "e"]), ["80,dns,*", "a,b,c + 2 more..."]);
    }

    #[test]
    fn a_service_without_a_selector_shows_none() {
        assert_eq!(labels(&json!(null)), "<none>");
        assert_eq!(labels(&json!({"b": "2", "a": "1"})), "a=1,b=2");
    }
}
