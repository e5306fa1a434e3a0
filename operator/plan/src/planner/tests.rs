//! Rules of the planner that a golden case, which sees settled worlds only, cannot show.

use std::sync::LazyLock;

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::*;

static PAIR: LazyLock<(String, String)> = LazyLock::new(|| pair("*.site.com"));

fn pair(name: &str) -> (String, String) {
    let signed = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
    (signed.cert.pem(), signed.signing_key.serialize_pem())
}

fn object<K: DeserializeOwned>(value: Value) -> K
where
    Object: From<K>,
{
    serde_json::from_value(value).unwrap()
}

fn certificate(name: &str) -> Object {
    object::<crds::Certificate>(json!({
        "apiVersion": "flynn.io/v1alpha1", "kind": "Certificate",
        "metadata": {"namespace": "flynn", "name": name, "uid": format!("uid-{name}")},
        "spec": {"secret": format!("{name}-tls")},
    }))
    .into()
}

fn copy(namespace: &str, of: &str, (chain, key): &(String, String)) -> Object {
    object::<k8s_openapi::api::core::v1::Secret>(json!({
        "metadata": {
            "namespace": namespace, "name": format!("certificate-uid-{of}"),
            "labels": {"app.kubernetes.io/managed-by": "flynn-operator", "flynn.io/certificate-uid": format!("uid-{of}")},
        },
        "type": "kubernetes.io/tls",
        "data": {"tls.crt": base64(chain), "tls.key": base64(key)},
    }))
    .into()
}

fn base64(text: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(text)
}

fn now() -> Timestamp {
    "2026-11-22T12:00:00Z".parse().unwrap()
}

fn planner(role: Role, objects: Vec<Object>) -> (Planner, Step) {
    let mut planner = Planner::new(role);
    objects.into_iter().for_each(|object| planner.put(object));
    let step = planner.step(now());
    (planner, step)
}

#[test]
fn a_copy_that_somebody_deleted_stays_in_use_and_is_written_again() {
    for role in [Role::Leader, Role::Node] {
        let objects = vec![certificate("own"), copy("flynn-system", "own", &PAIR)];
        let (mut planner, first) = planner(role, objects);
        assert!(first.table.certificates["flynn/own"].is_some());
        planner.delete(Kind::Secret, &ObjectKey::new("flynn-system", "certificate-uid-own"));
        let step = planner.step(now());
        assert!(step.table.is_empty(), "{role:?}");
        let created: usize = step.objects.iter().map(|(_, changes)| changes.create.len()).sum();
        assert_eq!(created, usize::from(role == Role::Leader));
    }
}

#[test]
fn a_copy_goes_with_its_certificate() {
    let objects = vec![certificate("own"), copy("flynn-system", "own", &PAIR)];
    let (mut planner, _) = planner(Role::Node, objects);
    planner.delete(Kind::Secret, &ObjectKey::new("flynn-system", "certificate-uid-own"));
    planner.delete(Kind::Certificate, &ObjectKey::new("flynn", "own"));
    assert_eq!(planner.step(now()).table.certificates["flynn/own"], None);
}

#[test]
fn a_secret_that_a_user_labels_as_a_copy_is_none() {
    let (_, step) = planner(Role::Leader, vec![certificate("own"), copy("flynn", "own", &PAIR)]);
    assert_eq!(step.table.certificates.get("flynn/own").cloned().flatten(), None);
}

#[test]
fn a_certificate_that_does_not_cover_the_host_gives_way_to_the_domains() {
    let cluster = object::<Cluster>(json!({
        "apiVersion": "flynn.io/v1alpha1", "kind": "Cluster", "metadata": {"name": "site"},
        "spec": {"domains": [{"name": "site.com", "default": true, "certificate": {"namespace": "flynn", "name": "domains"}}]},
    }));
    let route = |host: &str| {
        object::<crds::Route>(json!({
            "apiVersion": "flynn.io/v1alpha1", "kind": "Route", "metadata": {"namespace": "flynn", "name": host},
            "spec": {"http": {"host": host, "path": "/", "certificate": "own"}, "redirect": {"host": "other.com", "code": 308}},
        }))
    };
    let objects = vec![
        cluster.into(),
        certificate("domains"),
        certificate("own"),
        copy("flynn-system", "domains", &PAIR),
        copy("flynn-system", "own", &pair("other.com")),
        route("www.site.com").into(),
        route("other.com").into(),
    ];
    let (_, step) = planner(Role::Node, objects);
    let used = |host: &str| step.table.hosts[host].as_ref().unwrap().certificate.clone();
    assert_eq!(used("www.site.com").as_deref(), Some("flynn/domains"));
    assert_eq!(used("other.com").as_deref(), Some("flynn/own"));
}

#[test]
fn a_report_marks_only_what_the_node_has_newly_applied() {
    let route = |name: &str, version: u64| {
        object::<crds::Route>(json!({
            "apiVersion": "flynn.io/v1alpha1", "kind": "Route",
            "metadata": {"namespace": "flynn", "name": name, "uid": name, "generation": 1, "resourceVersion": version.to_string()},
            "spec": {"http": {"host": format!("{name}.com"), "path": "/"}, "redirect": {"host": "other.com", "code": 308}},
        }))
    };
    let node = |version: u64| {
        object::<RouterNode>(json!({
            "apiVersion": "flynn.io/v1alpha1", "kind": "RouterNode", "metadata": {"name": "node-a"}, "spec": {},
            "status": {"applied": {"Route": version.to_string()}},
        }))
    };
    let objects = vec![route("a", 10).into(), route("b", 20).into(), node(10).into()];
    let (mut planner, _) = planner(Role::Leader, objects);
    planner.put(node(20).into());
    let marked: Vec<_> =
        planner.world.dirty.iter().filter(|unit| matches!(unit, Unit::Route(_))).cloned().collect();
    assert_eq!(marked, [Unit::Route(ObjectKey::new("flynn", "b"))]);
}

#[test]
fn a_port_that_a_route_was_given_is_served_when_the_nodes_have_seen_it() {
    let route = |version: u64, status: serde_json::Value| {
        object::<crds::Route>(json!({
            "apiVersion": "flynn.io/v1alpha1", "kind": "Route",
            "metadata": {"namespace": "flynn", "name": "db", "uid": "db", "generation": 1, "resourceVersion": version.to_string()},
            "spec": {"service": {"name": "db"}, "tcp": {}}, "status": status,
        }))
    };
    let node = object::<RouterNode>(json!({
        "apiVersion": "flynn.io/v1alpha1", "kind": "RouterNode", "metadata": {"name": "node-a"}, "spec": {},
        "status": {"applied": {"Route": "10"}},
    }));
    let (mut planner, first) = planner(Role::Leader, vec![route(10, json!(null)).into(), node.into()]);
    let given = first.statuses.iter().find(|write| write.kind == Kind::Route).unwrap().status.clone();
    assert_eq!(given["tcp"]["port"], 3000);
    planner.put(route(20, given).into());
    let told = planner.step(now()).statuses;
    let told = &told.iter().find(|write| write.kind == Kind::Route).unwrap().status["conditions"];
    let programmed = told.as_array().unwrap().iter().find(|condition| condition["type"] == "Programmed");
    assert_eq!(programmed.unwrap()["reason"], "Pending");
}
