//! Random edits of a small world: two namespaces, a few names and hosts, three key pairs.

use std::sync::LazyLock;

use plan::ObjectKey;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

/// An edit that a person, or another controller, makes.
#[derive(Debug, Clone)]
pub(crate) enum Edit {
    Put(Value),
    Delete(&'static str, ObjectKey),
}

/// An edit, and whether the planner gets to settle after it.
pub(crate) fn edit() -> impl Strategy<Value = (Edit, bool)> {
    let object = prop_oneof![
        4 => route(), 2 => app(), 2 => cluster(), 2 => certificate(), 2 => secret(), 2 => service(), 2 => slice(),
        1 => namespace(), 1 => router_node(), 1 => deployment(), 2 => tcp_route(), 1 => lease(), 1 => pod(),
        1 => router_secret(), 2 => blobstore(),
    ];
    let kinds = select(vec![
        "Route",
        "App",
        "Cluster",
        "Certificate",
        "Secret",
        "Service",
        "EndpointSlice",
        "RouterNode",
        "Deployment",
        "Lease",
        "Pod",
        "Blobstore",
    ]);
    let delete = (kinds, namespaces(), names()).prop_map(|(kind, namespace, name)| {
        let scoped = !matches!(kind, "Cluster" | "RouterNode");
        Edit::Delete(kind, ObjectKey::new(if scoped { namespace } else { "" }, name))
    });
    (prop_oneof![4 => object.prop_map(Edit::Put), 1 => delete], any::<bool>())
}

fn namespaces() -> impl Strategy<Value = &'static str> {
    select(vec!["red", "blue"])
}

/// Also the names of what Apps make, so that an edit can get in their way.
fn names() -> impl Strategy<Value = &'static str> {
    select(vec!["www", "api", "www-web", "www.old.com", "www.new.com", "api.old.com"])
}

fn route() -> BoxedStrategy<Value> {
    let target = prop_oneof![
        Just(json!({"app": "www"})),
        Just(json!({"app": "api"})),
        Just(json!({"service": {"name": "api"}})),
        Just(json!({"service": {"name": "api", "port": 81}})),
        Just(json!({"redirect": {"host": "elsewhere.com", "code": 308}})),
    ];
    let hosts = select(vec!["www.old.com", "www.new.com", "api.old.com", "*.old.com"]);
    let certificate = prop::option::of(select(vec!["www", "api"]));
    let options = select(vec![
        json!({}),
        json!({"port": 8080}),
        json!({"sticky": true}),
        json!({"leader": true}),
        json!({"drainBackends": false}),
        json!({"maxInFlightPerEndpoint": 5, "healthCheck": {"path": "/ok"}, "hsts": {"maxAgeSeconds": 60}}),
        json!({"clients": ["no network"]}),
    ]);
    (namespaces(), names(), hosts, select(vec!["/", "/api"]), certificate, target, options)
        .prop_map(|(namespace, name, host, path, certificate, target, options)| {
            let mut spec = json!({"http": {"host": host, "path": path}});
            extend(&mut spec["http"], &options);
            if let Some(certificate) = certificate {
                spec["http"]["certificate"] = json!(certificate);
            }
            extend(&mut spec, &target);
            namespaced("Route", namespace, name, &json!({"spec": spec}))
        })
        .boxed()
}

/// Ports are scarce, so that Routes compete for them.
fn tcp_route() -> BoxedStrategy<Value> {
    let target = select(vec![json!({"app": "www"}), json!({"service": {"name": "api", "port": 80}})]);
    let port = prop::option::of(select(vec![3000, 3001, 5432]));
    (namespaces(), names(), port, target, any::<bool>())
        .prop_map(|(namespace, name, port, target, leader)| {
            let mut spec = json!({"tcp": {"leader": leader}});
            if let Some(port) = port {
                spec["tcp"]["port"] = json!(port);
            }
            extend(&mut spec, &target);
            namespaced("Route", namespace, name, &json!({"spec": spec}))
        })
        .boxed()
}

fn lease() -> BoxedStrategy<Value> {
    (namespaces(), select(vec!["api", "www-web"]), select(vec!["", "a", "b_1", "c"]))
        .prop_map(|(namespace, name, holder)| {
            namespaced("Lease", namespace, name, &json!({"spec": {"holderIdentity": holder}}))
        })
        .boxed()
}

fn pod() -> BoxedStrategy<Value> {
    (namespaces(), select(vec!["a", "b"]))
        .prop_map(|(namespace, name)| namespaced("Pod", namespace, name, &json!({})))
        .boxed()
}

/// The key of sticky sessions, good or damaged.
fn router_secret() -> BoxedStrategy<Value> {
    any::<bool>()
        .prop_map(|good| {
            let key = if good { base64(&base64(&"k".repeat(32))) } else { base64("damaged") };
            let data = json!({"type": "Opaque", "data": {"cookieKey": key}});
            namespaced("Secret", "flynn-system", "flynn-operator-router", &data)
        })
        .boxed()
}

fn app() -> BoxedStrategy<Value> {
    let image = prop::option::of(Just("registry.example/www:1"));
    let more = (any::<bool>(), prop::option::of(Just("api")));
    (namespaces(), select(vec!["www", "api"]), select(vec!["Default", "None"]), image, more)
        .prop_map(|(namespace, name, routes, image, (worker, blobstore))| {
            let mut processes = json!({"web": {"replicas": 1}});
            if worker {
                processes["worker"] = json!({"replicas": 2, "command": ["work"]});
            }
            let mut spec = json!({"processes": processes, "routes": routes});
            if let Some(image) = image {
                spec["image"] = json!(image);
            }
            if let Some(blobstore) = blobstore {
                spec["blobstore"] = json!(blobstore);
            }
            namespaced("App", namespace, name, &json!({"spec": spec}))
        })
        .boxed()
}

fn cluster() -> BoxedStrategy<Value> {
    let domains = select(vec![
        json!([{"name": "old.com", "default": true, "certificate": {"namespace": "red", "name": "www"}}]),
        json!([{"name": "old.com", "default": true}, {"name": "new.com", "default": false}]),
        json!([{"name": "old.com", "default": false}, {"name": "new.com", "default": true}]),
        json!([{"name": "new.com", "default": true}]),
    ]);
    let hosts = select(vec![
        json!([]),
        json!([{"pattern": "*", "namespaceSelector": {"matchLabels": {"team": "web"}}}]),
    ]);
    let router = select(vec![
        json!({"tcpPorts": {"first": 3000, "last": 3001}}),
        json!({"hsts": {"maxAgeSeconds": 1}, "unavailablePage": "<p>later</p>"}),
    ]);
    let flags = (any::<bool>(), any::<bool>());
    (select(vec!["www", "api"]), domains, hosts, flags, router)
        .prop_map(|(name, domains, hosts, (redirect, aws), router)| {
            let mut spec =
                json!({"domains": domains, "hosts": hosts, "httpsRedirect": redirect, "router": router});
            if aws {
                spec["aws"] = json!({"region": "us-east-1"});
            }
            json!({"kind": "Cluster", "metadata": {"name": name}, "spec": spec})
        })
        .boxed()
}

/// With credentials or without, as somebody found who looked at AWS.
fn blobstore() -> BoxedStrategy<Value> {
    let places = select(vec![
        json!({"s3": {"bucket": "abc", "region": "us-east-1"}}),
        json!({"s3": {"bucket": "abc", "region": "eu-west-1"}}),
        json!({"local": {}}),
    ]);
    let statuses = select(vec![
        json!({}),
        json!({"secret": "api"}),
        json!({"secret": "api", "keyID": "AKIA1"}),
        json!({"secret": "api", "keyID": "AKIA2"}),
    ]);
    (namespaces(), places, statuses)
        .prop_map(|(namespace, spec, status)| {
            namespaced("Blobstore", namespace, "api", &json!({"spec": spec, "status": status}))
        })
        .boxed()
}

fn certificate() -> BoxedStrategy<Value> {
    (namespaces(), select(vec!["www", "api"]), select(vec!["www", "api"]))
        .prop_map(|(namespace, name, secret)| {
            namespaced("Certificate", namespace, name, &json!({"spec": {"secret": secret}}))
        })
        .boxed()
}

fn secret() -> BoxedStrategy<Value> {
    (namespaces(), select(vec!["www", "api"]), 0_usize..3)
        .prop_map(|(namespace, name, pair)| {
            let (chain, key) = &PAIRS[pair];
            let data = json!({"tls.crt": base64(chain), "tls.key": base64(key)});
            namespaced("Secret", namespace, name, &json!({"type": "kubernetes.io/tls", "data": data}))
        })
        .boxed()
}

/// Two good pairs, and one whose key is another's.
static PAIRS: LazyLock<[(String, String); 3]> = LazyLock::new(|| {
    let pair = |name: &str| {
        let signed = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
        (signed.cert.pem(), signed.signing_key.serialize_pem())
    };
    let (old, new) = (pair("www.old.com"), pair("www.new.com"));
    let mismatched = (old.0.clone(), new.1.clone());
    [old, new, mismatched]
});

fn service() -> BoxedStrategy<Value> {
    let ports = select(vec![
        json!([{"name": "http", "port": 80}]),
        json!([{"name": "http", "port": 80, "appProtocol": "kubernetes.io/h2c"}]),
        json!([{"name": "a", "port": 80}, {"name": "b", "port": 81}]),
        json!([{"name": "http", "port": 80}, {"name": "b", "port": 81}]),
    ]);
    (namespaces(), select(vec!["api", "www-web"]), ports)
        .prop_map(|(namespace, name, ports)| {
            namespaced("Service", namespace, name, &json!({"spec": {"ports": ports}}))
        })
        .boxed()
}

fn slice() -> BoxedStrategy<Value> {
    (namespaces(), select(vec!["www", "api"]), select(vec!["api", "www-web"]), any::<bool>())
        .prop_map(|(namespace, name, service, ready)| {
            let rest = json!({
                "addressType": "IPv4",
                "endpoints": [
                    {"addresses": ["10.0.0.1"], "conditions": {"ready": ready}, "targetRef": {"kind": "Pod", "name": "a"}},
                    {"addresses": ["10.0.0.2"], "conditions": {"ready": ready}, "targetRef": {"kind": "Pod", "name": "b"}},
                ],
                "ports": [{"name": "http", "port": 8080}, {"name": "b", "port": 8081}],
            });
            let mut slice = namespaced("EndpointSlice", namespace, name, &rest);
            slice["metadata"]["labels"] = json!({"kubernetes.io/service-name": service});
            slice
        })
        .boxed()
}

fn namespace() -> BoxedStrategy<Value> {
    (namespaces(), select(vec!["web", "data"]))
        .prop_map(
            |(name, team)| json!({"kind": "Namespace", "metadata": {"name": name, "labels": {"team": team}}}),
        )
        .boxed()
}

fn router_node() -> BoxedStrategy<Value> {
    (select(vec!["www", "api"]), 0_u32..60, any::<bool>())
        .prop_map(|(name, version, faulty)| {
            let fault = json!([{"subject": "host", "name": "www.old.com", "message": "cannot be served"}]);
            let status = json!({
                "applied": {"Route": version.to_string(), "Secret": version.to_string()},
                "faults": if faulty { fault } else { json!([]) },
            });
            json!({"kind": "RouterNode", "metadata": {"name": name}, "spec": {}, "status": status})
        })
        .boxed()
}

/// One of somebody else, under a name that an App wants.
fn deployment() -> BoxedStrategy<Value> {
    namespaces()
        .prop_map(|namespace| {
            let spec = json!({"selector": {}, "template": {}});
            namespaced("Deployment", namespace, "www-web", &json!({"spec": spec}))
        })
        .boxed()
}

fn namespaced(kind: &str, namespace: &str, name: &str, rest: &Value) -> Value {
    let mut object = json!({"kind": kind, "metadata": {"namespace": namespace, "name": name}});
    extend(&mut object, rest);
    object
}

fn extend(object: &mut Value, rest: &Value) {
    object.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
}

fn base64(text: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(text)
}
