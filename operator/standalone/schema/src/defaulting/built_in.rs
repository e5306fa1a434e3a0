//! The defaults that a kube-apiserver computes for built-in kinds, by the Go type that has them.
//!
//! A default that is a plain value is in the table; the rest depends on other fields and is a function.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD as BASE64;
use serde_json::{Map, Value, json};

use crate::Resource;
use crate::structural::{Schema, Shape};

type Object = Map<String, Value>;

/// Definition, field, value.
const PLAIN: &[(&str, &str, Plain)] = &[
    ("ClientIPConfig", "timeoutSeconds", Plain::Number(10_800)),
    ("ConfigMapVolumeSource", "defaultMode", Plain::Number(0o644)),
    ("Container", "terminationMessagePath", Plain::Text("/dev/termination-log")),
    ("Container", "terminationMessagePolicy", Plain::Text("File")),
    ("DeploymentSpec", "progressDeadlineSeconds", Plain::Number(600)),
    ("DeploymentSpec", "replicas", Plain::Number(1)),
    ("DeploymentSpec", "revisionHistoryLimit", Plain::Number(10)),
    ("DeploymentStrategy", "type", Plain::Text("RollingUpdate")),
    ("DownwardAPIVolumeSource", "defaultMode", Plain::Number(0o644)),
    ("EndpointPort", "name", Plain::Text("")),
    ("EndpointPort", "protocol", Plain::Text("TCP")),
    ("HTTPGetAction", "path", Plain::Text("/")),
    ("HTTPGetAction", "scheme", Plain::Text("HTTP")),
    ("HostPathVolumeSource", "type", Plain::Text("")),
    ("NamespaceStatus", "phase", Plain::Text("Active")),
    ("ObjectFieldSelector", "apiVersion", Plain::Text("v1")),
    ("PodSpec", "dnsPolicy", Plain::Text("ClusterFirst")),
    ("PodSpec", "restartPolicy", Plain::Text("Always")),
    ("PodSpec", "schedulerName", Plain::Text("default-scheduler")),
    ("PodSpec", "securityContext", Plain::Struct),
    ("PodSpec", "terminationGracePeriodSeconds", Plain::Number(30)),
    ("Probe", "failureThreshold", Plain::Number(3)),
    ("Probe", "periodSeconds", Plain::Number(10)),
    ("Probe", "successThreshold", Plain::Number(1)),
    ("Probe", "timeoutSeconds", Plain::Number(1)),
    ("ProjectedVolumeSource", "defaultMode", Plain::Number(0o644)),
    ("ReplicaSetSpec", "replicas", Plain::Number(1)),
    ("ResourceFieldSelector", "divisor", Plain::Text("0")),
    ("SecretVolumeSource", "defaultMode", Plain::Number(0o644)),
    ("ServiceAccountTokenProjection", "expirationSeconds", Plain::Number(3600)),
    ("ServicePort", "protocol", Plain::Text("TCP")),
    ("ServiceSpec", "sessionAffinity", Plain::Text("None")),
    ("ServiceSpec", "type", Plain::Text("ClusterIP")),
];

#[derive(Clone, Copy)]
enum Plain {
    Number(i64),
    Text(&'static str),
    Struct,
}

/// Fills in everywhere below a value, parents first: what they bring is filled in as well.
pub(super) fn fill(schema: &Schema, value: &mut Value) {
    match (&schema.shape, value) {
        (Shape::Struct { fields, .. }, Value::Object(object)) => {
            let definition = schema.definition.as_deref().unwrap_or_default();
            fill_plain(definition, object);
            fill_computed(definition, object);
            for (name, value) in object {
                if let Some(field) = fields.get(name) {
                    fill(field, value);
                }
            }
        }
        (Shape::Map { values, .. }, Value::Object(object)) => {
            object.values_mut().for_each(|value| fill(values, value));
        }
        (Shape::List { items, .. }, Value::Array(list)) => {
            list.iter_mut().for_each(|value| fill(items, value));
        }
        _ => {}
    }
}

/// What depends on the kind and not on a type inside it.
pub(super) fn fill_kind(resource: &Resource, object: &mut Value) {
    match (resource.group.as_str(), resource.kind.as_str()) {
        ("", "Pod") => pod(&mut object["spec"]),
        ("", "Service") if object["spec"]["type"] == "LoadBalancer" => balanced(&mut object["status"]),
        ("", "Secret") => put(fields(object), "type", || "Opaque".into()),
        ("", "Namespace") => name_label(object),
        _ => {}
    }
}

/// An address of a load balancer is one that it answers at itself.
fn balanced(status: &mut Value) {
    let ingress = status.pointer_mut("/loadBalancer/ingress").and_then(Value::as_array_mut);
    for entry in ingress.into_iter().flatten().filter_map(Value::as_object_mut) {
        if !text(entry, "ip").is_empty() {
            put(entry, "ipMode", || "VIP".into());
        }
    }
}

/// What came as text is stored as bytes.
pub(super) fn move_string_data(resource: &Resource, object: &mut Value) {
    if resource.kind != "Secret" {
        return;
    }
    let Some(Value::Object(texts)) = fields(object).remove("stringData") else { return };
    let data = fields(object).entry("data").or_insert_with(|| json!({}));
    for (key, text) in texts {
        data[key] = BASE64.encode(text.as_str().unwrap_or_default()).into();
    }
}

fn fill_plain(definition: &str, object: &mut Object) {
    for (_, field, value) in PLAIN.iter().filter(|(name, ..)| *name == definition) {
        put(object, field, || match value {
            Plain::Number(number) => (*number).into(),
            Plain::Text(text) => (*text).into(),
            Plain::Struct => json!({}),
        });
    }
}

fn fill_computed(definition: &str, object: &mut Object) {
    match definition {
        "Container" => {
            let policy = pull_policy(text(object, "image"));
            put(object, "imagePullPolicy", || policy.into());
        }
        "DeploymentStrategy" if text(object, "type") == "RollingUpdate" => {
            let rolling_update = fields(object.entry("rollingUpdate").or_insert(Value::Null));
            put(rolling_update, "maxSurge", || "25%".into());
            put(rolling_update, "maxUnavailable", || "25%".into());
        }
        "NodeStatus" => {
            if let Some(capacity) = object.get("capacity").cloned() {
                put(object, "allocatable", || capacity);
            }
        }
        "ServicePort" => {
            let target = object.get("targetPort").unwrap_or(&Value::Null);
            if target.is_null() || *target == json!(0) || *target == json!("") {
                let port = object.get("port").cloned().unwrap_or_default();
                object.insert("targetPort".to_owned(), port);
            }
        }
        "ServiceSpec" => service(object),
        "Volume" if object.len() == 1 => {
            object.insert("emptyDir".to_owned(), json!({}));
        }
        _ => {}
    }
}

fn service(spec: &mut Object) {
    match text(spec, "sessionAffinity") {
        "None" => {
            spec.remove("sessionAffinityConfig");
        }
        "ClientIP" => {
            put(fields(spec.entry("sessionAffinityConfig").or_insert(Value::Null)), "clientIP", || json!({}));
        }
        _ => {}
    }
    let type_ = text(spec, "type").to_owned();
    if ["NodePort", "LoadBalancer"].contains(&type_.as_str()) {
        put(spec, "externalTrafficPolicy", || "Cluster".into());
    }
    if ["ClusterIP", "NodePort", "LoadBalancer"].contains(&type_.as_str()) {
        put(spec, "internalTrafficPolicy", || "Cluster".into());
    }
    if type_ == "LoadBalancer" {
        put(spec, "allocateLoadBalancerNodePorts", || true.into());
    }
}

/// An image without a tag is the latest, and that one is pulled always.
fn pull_policy(image: &str) -> &'static str {
    let name = image.rsplit('/').next().unwrap_or_default();
    let is_pinned = image.contains('@') || name.split_once(':').is_some_and(|(_, tag)| tag != "latest");
    if is_pinned { "IfNotPresent" } else { "Always" }
}

/// Of Pods, not of templates of Pods.
fn pod(spec: &mut Value) {
    put(fields(spec), "enableServiceLinks", || true.into());
    let on_host_network = spec["hostNetwork"] == true;
    for list in ["containers", "initContainers"] {
        for container in spec.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
            request_limits(container);
            if on_host_network {
                take_host_ports(container);
            }
        }
    }
}

/// What is limited and not requested is requested to the limit.
fn request_limits(container: &mut Value) {
    let Some(limits) = container["resources"]["limits"].as_object().cloned() else { return };
    let requests = fields(&mut container["resources"]["requests"]);
    for (name, limit) in limits {
        requests.entry(name).or_insert(limit);
    }
}

fn take_host_ports(container: &mut Value) {
    for port in container.get_mut("ports").and_then(Value::as_array_mut).into_iter().flatten() {
        let container_port = port["containerPort"].clone();
        put(fields(port), "hostPort", || container_port);
    }
}

fn name_label(namespace: &mut Value) {
    let name = namespace["metadata"]["name"].clone();
    if name.as_str().is_some_and(|name| !name.is_empty()) {
        fields(&mut namespace["metadata"]["labels"]).insert("kubernetes.io/metadata.name".to_owned(), name);
    }
}

/// Fills in a field that is missing.
fn put(object: &mut Object, field: &str, value: impl FnOnce() -> Value) {
    let is_missing = object.get(field).is_none_or(Value::is_null);
    if is_missing {
        object.insert(field.to_owned(), value());
    }
}

fn text<'a>(object: &'a Object, field: &str) -> &'a str {
    object.get(field).and_then(Value::as_str).unwrap_or_default()
}

/// The fields of a value; one that has none gets them.
fn fields(value: &mut Value) -> &mut Object {
    if !value.is_object() {
        *value = json!({});
    }
    value.as_object_mut().expect("it was just made an object")
}
