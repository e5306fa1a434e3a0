//! A container and what it refers to come in, variables go out.

use k8s_openapi::api::core::v1::Pod;
use serde_json::{Value, json};

use super::*;
use crate::port::Ports;

struct Case {
    pod: Pod,
    contents: Contents,
}

fn case(container: Value) -> Case {
    let pod = json!({
        "metadata": {"name": "web-1", "namespace": "shop", "uid": "u-1", "labels": {"app": "web"}},
        "spec": {"nodeName": "here", "containers": [container]},
    });
    let values = |pairs: &[(&str, &str)]| pairs.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect();
    let contents = BTreeMap::from([
        (Reference::Secret("keys".into()), values(&[("TOKEN", "t"), ("bad=name", "x")])),
        (Reference::ConfigMap("settings".into()), values(&[("LOG", "info"), ("TOKEN", "overwritten")])),
    ]);
    Case { pod: serde_json::from_value(pod).unwrap(), contents }
}

impl Case {
    fn variables(&self) -> Result<BTreeMap<String, String>, String> {
        let container = &self.pod.spec.as_ref().unwrap().containers[0];
        let ports = PodPorts::assign(&self.pod, &Ports::of([127, 0, 0, 1].into())).unwrap();
        let fields = Fields::new(&self.pod, container, [127, 0, 0, 1].into());
        let inherited = BTreeMap::from([("PATH".to_owned(), "/bin".to_owned())]);
        let mut variables = environment(container, &self.contents, &ports, &fields, &inherited)
            .map_err(|missing| missing.to_string())?;
        if let Some(port) = main_port(container, &ports)
            && variables.get("PORT") == Some(&port.to_string())
        {
            variables.insert("PORT".into(), "<allotted>".into());
        }
        Ok(variables)
    }
}

fn variables(container: Value) -> Value {
    let mut variables = json!(case(container).variables().unwrap());
    variables.as_object_mut().unwrap().retain(|name, _| name != "PATH" && name != "HOSTNAME");
    variables
}

#[test]
fn sources_come_first_and_later_ones_win() {
    let container = json!({"name": "web",
        "envFrom": [{"configMapRef": {"name": "settings"}}, {"secretRef": {"name": "keys"}, "prefix": "KEYS_"},
            {"secretRef": {"name": "none", "optional": true}}],
        "env": [{"name": "LOG", "value": "debug"}, {"name": "BOTH", "value": "$(LOG) $(KEYS_TOKEN) $(LATER)"},
            {"name": "LATER", "value": "$$(LOG)"}],
    });
    let expected = json!({"LOG": "debug", "TOKEN": "overwritten", "KEYS_TOKEN": "t", "BOTH": "debug t $(LATER)",
        "LATER": "$(LOG)"});
    assert_eq!(variables(container), expected);
}

#[test]
fn the_own_variables_are_those_that_are_inherited_and_the_host_name() {
    let all = case(json!({"name": "web"})).variables().unwrap();
    assert_eq!(json!(all), json!({"PATH": "/bin", "HOSTNAME": "web-1"}));
}

#[test]
fn values_come_from_keys_and_fields() {
    let container = json!({"name": "web", "resources": {"limits": {"memory": "64Mi", "cpu": "1500m"}}, "env": [
        {"name": "A", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "TOKEN"}}},
        {"name": "B", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "none", "optional": true}}},
        {"name": "C", "valueFrom": {"fieldRef": {"fieldPath": "metadata.namespace"}}},
        {"name": "D", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['app']"}}},
        {"name": "E", "valueFrom": {"resourceFieldRef": {"resource": "limits.memory", "divisor": "1Mi"}}},
        {"name": "F", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu"}}},
        {"name": "G", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
    ]});
    let expected = json!({"A": "t", "C": "shop", "D": "web", "E": "64", "F": "2", "G": "127.0.0.1"});
    assert_eq!(variables(container), expected);
}

#[test]
fn port_is_the_allotted_one_and_others_may_refer_to_it() {
    let container = json!({"name": "web", "ports": [{"containerPort": 8080}, {"containerPort": 9090}],
        "env": [{"name": "PORT", "value": "8080"}, {"name": "URL", "value": "http://$(PORT)"}]});
    let case = case(container);
    let all = case.variables().unwrap();
    assert_eq!(all["PORT"], "<allotted>");
    assert!(all["URL"].starts_with("http://") && all["URL"] != "http://8080", "{}", all["URL"]);
}

#[test]
fn what_is_missing_is_said_as_kubernetes_says_it() {
    let from =
        |from: Value| case(json!({"name": "web", "env": [{"name": "A", "valueFrom": from}]})).variables();
    let table = [
        (json!({"secretKeyRef": {"name": "none", "key": "a"}}), "secret \"none\" not found"),
        (json!({"configMapKeyRef": {"name": "none", "key": "a"}}), "configmap \"none\" not found"),
        (json!({"secretKeyRef": {"name": "keys", "key": "a"}}), "couldn't find key a in Secret shop/keys"),
        (
            json!({"configMapKeyRef": {"name": "settings", "key": "a"}}),
            "couldn't find key a in ConfigMap shop/settings",
        ),
    ];
    for (source, expected) in table {
        assert_eq!(from(source).unwrap_err(), expected);
    }
    let whole = case(json!({"name": "web", "envFrom": [{"secretRef": {"name": "none"}}]})).variables();
    assert_eq!(whole.unwrap_err(), "secret \"none\" not found");
}

#[test]
fn each_object_is_referred_to_once() {
    let container = serde_json::from_value(json!({"name": "web",
        "envFrom": [{"secretRef": {"name": "keys"}}],
        "env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "TOKEN"}}},
            {"name": "B", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "LOG"}}}],
    }))
    .unwrap();
    assert_eq!(
        references(&container),
        [Reference::Secret("keys".into()), Reference::ConfigMap("settings".into())]
    );
}
