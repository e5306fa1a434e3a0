//! What a kube-apiserver warns of although it takes it. Of Services so far: fields that nothing looks at.

use serde_json::Value;

use crate::Resource;

impl Resource {
    /// The warnings about an object as a client wishes it, before anything is allocated.
    #[must_use]
    pub fn warnings(&self, object: &Value) -> Vec<String> {
        match (self.group.as_str(), self.kind.as_str()) {
            ("", "Service") => service(&object["spec"]),
            _ => Vec::new(),
        }
    }
}

fn service(spec: &Value) -> Vec<String> {
    let is_name = spec["type"] == "ExternalName";
    let has_external = spec["externalIPs"].as_array().is_some_and(|list| !list.is_empty());
    let mut warnings = Vec::new();
    if spec["clusterIP"] == "None" && !is_name {
        let text = |field: &str| spec[field].as_str().unwrap_or_default();
        let has_affinity = !["", "None"].contains(&text("sessionAffinity"));
        let ignored = [
            ("loadBalancerIP", !text("loadBalancerIP").is_empty()),
            ("externalIPs", has_external),
            ("SessionAffinity", has_affinity),
        ];
        for (field, _) in ignored.into_iter().filter(|(_, is_set)| *is_set) {
            warnings.push(format!("spec.{field} is ignored for headless services"));
        }
    } else if has_external && is_name {
        warnings.push("spec.externalIPs is ignored when spec.type is \"ExternalName\"".to_owned());
    } else if has_external {
        let why = "spec.externalIPs is deprecated and may no longer be implemented in some clusters";
        warnings.push(why.to_owned());
    }
    warnings
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_service_warns_of_what_nothing_looks_at() {
        let ips = json!(["192.0.2.1"]);
        assert_eq!(
            service(&json!({"clusterIP": "None", "externalIPs": ips, "sessionAffinity": "ClientIP"})),
            [
                "spec.externalIPs is ignored for headless services",
                "spec.SessionAffinity is ignored for headless services",
            ]
        );
        assert_eq!(
            service(&json!({"externalIPs": ips, "sessionAffinity": "ClientIP"})),
            ["spec.externalIPs is deprecated and may no longer be implemented in some clusters"]
        );
        assert_eq!(
            service(&json!({"externalIPs": ips, "type": "ExternalName"})),
            [r#"spec.externalIPs is ignored when spec.type is "ExternalName""#]
        );
        assert_eq!(service(&json!({"clusterIP": "None", "sessionAffinity": "None"})), [""; 0]);
    }
}
