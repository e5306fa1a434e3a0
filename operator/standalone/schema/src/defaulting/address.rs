//! The address of a Service, which an API server allocates and keeps as long as the Service wants one; and what goes with
//! the type of a Service when that changes.
//!
//! Here it is none (`None`), as for a headless Service: nothing would answer at another one.

use serde_json::{Value, json};

use crate::Resource;

/// What is allocated.
const ALLOCATED: [&str; 4] = ["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"];

/// Whether a Service has a use for a field.
type Need = fn(&Value) -> bool;

/// Fields that only some types of Services need, and which these are.
const NEEDED: [(&str, Need); 9] = [
    ("clusterIP", needs_address),
    ("clusterIPs", needs_address),
    ("ipFamilies", needs_address),
    ("ipFamilyPolicy", needs_address),
    ("internalTrafficPolicy", needs_address),
    ("healthCheckNodePort", needs_health_check),
    ("externalTrafficPolicy", needs_external_policy),
    ("allocateLoadBalancerNodePorts", is_load_balancer),
    ("loadBalancerClass", is_load_balancer),
];

impl Resource {
    /// Gives a Service what it did not ask for, or what it had before. It comes after the defaults and before validation;
    /// for other kinds it does nothing.
    pub fn allocate(&self, new: &mut Value, old: Option<&Value>) {
        let is_service = (self.group.as_str(), self.kind.as_str()) == ("", "Service");
        if !is_service {
            return;
        }
        if let Some(old) = old {
            release(&mut new["spec"], &old["spec"]);
        }
        if !needs_address(&new["spec"]) {
            return;
        }
        if let Some(old) = old {
            keep(&mut new["spec"], &old["spec"]);
        }
        // Without ports it is refused, unless it is headless by its own wish.
        if new["spec"]["ports"].is_array() || new["spec"]["clusterIP"] == "None" {
            without_address(&mut new["spec"]);
        }
    }
}

/// What the new type does not need goes with the old one, unless it was changed along with the type.
fn release(new: &mut Value, old: &Value) {
    let keeps_node_ports = !needs_node_ports(old) || needs_node_ports(new);
    if !keeps_node_ports && node_ports(new) == node_ports(old) {
        for port in new.get_mut("ports").and_then(Value::as_array_mut).into_iter().flatten() {
            remove(port, "nodePort");
        }
    }
    for (field, is_needed) in NEEDED {
        if is_needed(old) && !is_needed(new) && new[field] == old[field] {
            remove(new, field);
        }
    }
}

fn remove(object: &mut Value, field: &str) {
    if let Value::Object(object) = object {
        object.remove(field);
    }
}

fn keep(new: &mut Value, old: &Value) {
    // Clients that know of one address only leave the list as it was.
    if new["clusterIP"].is_string()
        && new["clusterIP"] != old["clusterIP"]
        && new["clusterIPs"] == old["clusterIPs"]
    {
        new["clusterIPs"] = json!([new["clusterIP"]]);
    }
    for field in ALLOCATED {
        if new[field].is_null() && !old[field].is_null() {
            new[field] = old[field].clone();
        }
    }
}

fn needs_address(spec: &Value) -> bool {
    spec["type"] != "ExternalName"
}

fn is_load_balancer(spec: &Value) -> bool {
    spec["type"] == "LoadBalancer"
}

fn is_exposed(spec: &Value) -> bool {
    spec["type"] == "NodePort" || is_load_balancer(spec)
}

fn needs_external_policy(spec: &Value) -> bool {
    is_exposed(spec) || spec["externalIPs"].is_array()
}

fn needs_health_check(spec: &Value) -> bool {
    is_load_balancer(spec) && spec["externalTrafficPolicy"] == "Local"
}

fn needs_node_ports(spec: &Value) -> bool {
    is_exposed(spec) && spec["allocateLoadBalancerNodePorts"] != false
}

fn node_ports(spec: &Value) -> Vec<&Value> {
    spec["ports"].as_array().into_iter().flatten().map(|port| &port["nodePort"]).collect()
}

fn without_address(spec: &mut Value) {
    let given = |value: &Value| !value.is_null() && *value != json!("");
    let (has_address, has_list) = (given(&spec["clusterIP"]), given(&spec["clusterIPs"]));
    // Either is refused, which needs to see it as it came.
    let wants_none_and_is_exposed = spec["clusterIP"] == "None" && !has_list && is_exposed(spec);
    if has_list && !has_address || wants_none_and_is_exposed {
        return;
    }
    // Without a selector, its addresses may be of any family.
    let is_open = spec["clusterIP"] == "None" && spec["selector"].is_null();
    let (families, policy) = match is_open {
        true => (json!(["IPv4", "IPv6"]), json!("RequireDualStack")),
        false => (json!(["IPv4"]), json!("SingleStack")),
    };
    if !has_address {
        spec["clusterIP"] = json!("None");
    }
    if !has_list {
        spec["clusterIPs"] = json!([spec["clusterIP"]]);
    }
    if !given(&spec["ipFamilies"]) {
        spec["ipFamilies"] = families;
    }
    if !given(&spec["ipFamilyPolicy"]) {
        spec["ipFamilyPolicy"] = policy;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Catalog;

    fn changed(mut new: Value, old: &Value) -> Value {
        let catalog = Catalog::new();
        let services = catalog.by_path("", "v1", "services").expect("it is served");
        let ports = json!([{"port": 80, "nodePort": 30_080}]);
        let mut old = json!({"spec": old});
        old["spec"]["ports"] = ports.clone();
        if new["ports"].is_null() {
            new["ports"] = ports;
        }
        let mut new = json!({"spec": new});
        services.allocate(&mut new, Some(&old));
        new["spec"].take()
    }

    #[test]
    fn what_a_type_needed_goes_with_it() {
        let old = json!({"type": "LoadBalancer", "externalTrafficPolicy": "Local", "healthCheckNodePort": 31_000,
            "allocateLoadBalancerNodePorts": true, "loadBalancerClass": "a.b/c", "clusterIP": "None", "clusterIPs": ["None"],
            "ipFamilies": ["IPv4"], "ipFamilyPolicy": "SingleStack", "internalTrafficPolicy": "Cluster"});
        let mut new = old.clone();
        new["type"] = json!("ClusterIP");
        let expected = json!({"type": "ClusterIP", "clusterIP": "None", "clusterIPs": ["None"], "ipFamilies": ["IPv4"],
            "ipFamilyPolicy": "SingleStack", "internalTrafficPolicy": "Cluster", "ports": [{"port": 80}]});
        assert_eq!(changed(new.clone(), &old), expected);
        new["type"] = json!("ExternalName");
        assert_eq!(changed(new, &old), json!({"type": "ExternalName", "ports": [{"port": 80}]}));
    }

    #[test]
    fn what_was_changed_along_with_the_type_stays_and_is_refused_later() {
        let old = json!({"type": "NodePort", "externalTrafficPolicy": "Local"});
        let new =
            json!({"type": "ClusterIP", "externalTrafficPolicy": "Cluster", "ports": [{"nodePort": 1}]});
        let found = changed(new, &old);
        assert_eq!(
            (&found["externalTrafficPolicy"], &found["ports"]),
            (&json!("Cluster"), &json!([{"nodePort": 1}]))
        );
    }

    #[test]
    fn an_address_that_is_left_out_stays() {
        let old = json!({"type": "ClusterIP", "clusterIP": "None", "clusterIPs": ["None"], "ipFamilies": ["IPv4"],
            "ipFamilyPolicy": "SingleStack"});
        let found = changed(json!({"type": "ClusterIP"}), &old);
        assert_eq!((&found["clusterIP"], &found["clusterIPs"]), (&json!("None"), &json!(["None"])));
    }
}
