//! Random objects, and random changes to them: nothing comes in, what a client might send goes out.
//!
//! The values come from small pools, so that changes meet: the same keys, the same list entries, the same owners.

use proptest::collection::vec;
use proptest::option::weighted;
use proptest::prelude::{BoxedStrategy, Just, Strategy, any, prop_oneof};
use proptest::sample::select;
use serde_json::{Value, json};

/// How likely it is that a field is there.
const PRESENT: f64 = 0.6;

/// A kind whose objects are tried.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Kind {
    pub(crate) api_version: &'static str,
    pub(crate) kind: &'static str,
    /// Where its objects are; `{ns}` is a namespace.
    pub(crate) path: &'static str,
    /// What every whole object of the kind has, so that it is accepted.
    least: fn() -> Value,
    fields: fn() -> BoxedStrategy<Value>,
}

/// What a client sends.
#[derive(Debug, Clone)]
pub(crate) enum Change {
    Apply { manager: &'static str, force: bool, object: Value },
    Update { manager: &'static str, object: Value },
    Strategic { manager: &'static str, patch: Value },
    Merge { manager: &'static str, patch: Value },
    Operations { manager: &'static str, operations: Vec<Value> },
}

pub(crate) const KINDS: [Kind; 6] = [
    Kind {
        api_version: "v1",
        kind: "ConfigMap",
        path: "/api/v1/namespaces/{ns}/configmaps",
        least: || json!({}),
        fields: || some_of(vec![("metadata", metadata()), ("data", map(&["k", "l", "m"]))]),
    },
    Kind {
        api_version: "v1",
        kind: "Service",
        path: "/api/v1/namespaces/{ns}/services",
        least: || json!({"spec": {"clusterIP": "None", "selector": {"app": "x"}}}),
        fields: || some_of(vec![("metadata", metadata()), ("spec", service())]),
    },
    Kind {
        api_version: "apps/v1",
        kind: "Deployment",
        path: "/apis/apps/v1/namespaces/{ns}/deployments",
        least: || json!({"spec": {"replicas": 0, "selector": {"matchLabels": {"app": "x"}}, "template": {"metadata": {"labels": {"app": "x"}}, "spec": {"containers": [{"name": "web", "image": "a"}]}}}}),
        fields: || some_of(vec![("metadata", labels()), ("spec", deployment())]),
    },
    Kind {
        api_version: "flynn.io/v1alpha1",
        kind: "App",
        path: "/apis/flynn.io/v1alpha1/namespaces/{ns}/apps",
        least: || json!({"spec": {}}),
        fields: || some_of(vec![("metadata", metadata()), ("spec", app())]),
    },
    Kind {
        api_version: "flynn.io/v1alpha1",
        kind: "Route",
        path: "/apis/flynn.io/v1alpha1/namespaces/{ns}/routes",
        least: || json!({"spec": {"app": "www", "http": {"host": "www.site.com"}}}),
        fields: || some_of(vec![("metadata", metadata()), ("spec", route())]),
    },
    Kind {
        api_version: "flynn.io/v1alpha1",
        kind: "Cluster",
        path: "/apis/flynn.io/v1alpha1/clusters",
        least: || json!({"spec": {"domains": [{"name": "site.com", "default": true}]}}),
        fields: || some_of(vec![("metadata", metadata()), ("spec", cluster())]),
    },
];

/// A kind and what is done to one object of it, the first change of which may make it.
pub(crate) fn history() -> BoxedStrategy<(Kind, Vec<Change>)> {
    select(&KINDS[..]).prop_flat_map(|kind| (Just(kind), vec(change(kind), 2..8))).boxed()
}

fn change(kind: Kind) -> BoxedStrategy<Change> {
    let manager = || select(&["one", "two", "three"][..]);
    let fields = kind.fields;
    prop_oneof![
        4 => (manager(), any::<bool>(), any::<bool>(), fields()).prop_map(move |(manager, force, whole, object)| {
            Change::Apply { manager, force, object: if whole { merged((kind.least)(), object) } else { object } }
        }),
        1 => (manager(), fields()).prop_map(move |(manager, object)| {
            Change::Update { manager, object: merged((kind.least)(), object) }
        }),
        2 => (manager(), fields(), vec(any::<u8>(), 0..3)).prop_map(|(manager, patch, places)| {
            Change::Strategic { manager, patch: with_directives(patch, &places) }
        }),
        2 => (manager(), fields(), vec(any::<u8>(), 0..3)).prop_map(|(manager, patch, places)| {
            Change::Merge { manager, patch: with_nulls(patch, &places) }
        }),
        1 => (manager(), fields(), vec((any::<u8>(), 0..5_u8), 1..4)).prop_map(|(manager, object, picks)| {
            Change::Operations { manager, operations: operations(&object, &picks) }
        }),
    ]
    .boxed()
}

fn metadata() -> BoxedStrategy<Value> {
    let finalizers = subset(&["example.com/a", "example.com/b"], |name| Just(json!(name)).boxed());
    some_of(vec![
        ("labels", map(&["a", "b", "c"])),
        ("annotations", map(&["a", "example.com/b"])),
        ("finalizers", finalizers),
    ])
}

/// A Deployment's annotations are written by its controller too.
fn labels() -> BoxedStrategy<Value> {
    some_of(vec![("labels", map(&["a", "b", "c"]))])
}

/// Headless and with a selector: on addresses and families of its own the servers part.
fn service() -> BoxedStrategy<Value> {
    let port = |number: &'static str| {
        let port = number.parse::<u16>().expect("ports are numbers");
        let fields = some_of(vec![
            ("name", text(&["http", "admin"])),
            ("protocol", text(&["TCP", "UDP"])),
            ("targetPort", prop_oneof![Just(json!(8080)), Just(json!("http"))].boxed()),
            ("appProtocol", text(&["http"])),
        ]);
        fields.prop_map(move |fields| merged(json!({"port": port}), fields)).boxed()
    };
    let fields = some_of(vec![
        ("ports", subset(&["80", "81", "443"], port)),
        ("selector", map(&["app", "tier"])),
        ("sessionAffinity", text(&["None"])),
        ("publishNotReadyAddresses", any::<bool>().prop_map(Value::from).boxed()),
    ]);
    fields.prop_map(|fields| merged(json!({"clusterIP": "None", "selector": {"app": "x"}}), fields)).boxed()
}

fn deployment() -> BoxedStrategy<Value> {
    let pod = some_of(vec![
        ("containers", subset(&["web", "side", "third"], container)),
        ("volumes", subset(&["config", "scratch"], volume)),
        ("tolerations", subset(&["a", "b"], |key| Just(json!({"key": key, "operator": "Exists"})).boxed())),
        ("nodeSelector", map(&["zone", "disk"])),
        ("terminationGracePeriodSeconds", number(&[5, 30])),
        ("imagePullSecrets", subset(&["p", "q"], |name| Just(json!({"name": name})).boxed())),
    ]);
    let template = some_of(vec![("metadata", labels()), ("spec", pod)]);
    let rolling = some_of(vec![("maxSurge", number(&[1, 2])), ("maxUnavailable", text(&["25%", "0"]))]);
    let strategy = prop_oneof![
        Just(json!({"type": "Recreate"})),
        rolling.prop_map(|rolling| json!({"type": "RollingUpdate", "rollingUpdate": rolling})),
    ];
    some_of(vec![
        ("template", template),
        ("minReadySeconds", number(&[0, 3])),
        ("revisionHistoryLimit", number(&[3, 10])),
        ("strategy", strategy.boxed()),
    ])
}

fn container(name: &'static str) -> BoxedStrategy<Value> {
    let variable = |name: &'static str| {
        let reference = json!({"secretKeyRef": {"name": "s", "key": "k"}});
        prop_oneof![
            Just(json!({"name": name})),
            text(&["x", "y"]).prop_map(move |value| json!({"name": name, "value": value})),
            Just(json!({"name": name, "valueFrom": reference})),
        ]
        .boxed()
    };
    let port = |port: &'static str| {
        let port = port.parse::<u16>().expect("ports are numbers");
        let fields = some_of(vec![("protocol", text(&["TCP", "UDP"])), ("name", text(&["http"]))]);
        fields.prop_map(move |fields| merged(json!({"containerPort": port}), fields)).boxed()
    };
    let amounts =
        || some_of(vec![("cpu", text(&["1", "500m", "0.5"])), ("memory", text(&["1Gi", "1024Mi"]))]);
    let mount = |path: &'static str| Just(json!({"name": "scratch", "mountPath": path})).boxed();
    let fields = some_of(vec![
        ("command", subset(&["run", "x"], |word| Just(json!(word)).boxed())),
        ("env", subset(&["A", "B", "C"], variable)),
        ("ports", subset(&["80", "81"], port)),
        ("resources", some_of(vec![("limits", amounts()), ("requests", amounts())])),
        ("volumeMounts", subset(&["/x", "/y"], mount)),
    ]);
    let image = text(&["a:1", "a:1", "b", ""]); // none: a client that knows of the container only what it adds
    (image, fields)
        .prop_map(move |(image, fields)| match image.as_str() {
            Some("") => merged(json!({"name": name}), fields),
            _ => merged(json!({"name": name, "image": image}), fields),
        })
        .boxed()
}

fn volume(name: &'static str) -> BoxedStrategy<Value> {
    prop_oneof![
        Just(json!({"name": name, "emptyDir": {}})),
        Just(json!({"name": name, "configMap": {"name": "c"}})),
        Just(json!({"name": name, "secret": {"secretName": "s"}})),
    ]
    .boxed()
}

fn app() -> BoxedStrategy<Value> {
    let process = || {
        some_of(vec![
            ("command", subset(&["run", "x"], |word| Just(json!(word)).boxed())),
            ("replicas", number(&[0, 2])),
            ("port", number(&[80, 70000])),
            ("resources", some_of(vec![("limits", some_of(vec![("cpu", number(&[1]))]))])),
        ])
    };
    let source = |name: &'static str| Just(json!({"secret": name})).boxed();
    some_of(vec![
        ("image", text(&["a:1", "b", ""])),
        ("env", map(&["A", "B", "C"])),
        ("envFrom", subset(&["s", "t"], source)),
        ("processes", some_of(vec![("web", process()), ("worker", process())])),
        ("routes", text(&["Default", "None", "Some"])),
    ])
}

fn route() -> BoxedStrategy<Value> {
    let http = some_of(vec![
        ("host", text(&["a.com", "b.com", "Bad"])),
        ("path", text(&["/", "/x", "x"])),
        ("certificate", text(&["c"])),
    ]);
    let redirect = some_of(vec![("host", text(&["c.com"])), ("code", number(&[301, 308, 300]))]);
    some_of(vec![("app", text(&["www", "api"])), ("http", http), ("redirect", redirect)])
}

fn cluster() -> BoxedStrategy<Value> {
    let domain = |name: &'static str| {
        let fields = some_of(vec![
            ("default", any::<bool>().prop_map(Value::from).boxed()),
            ("certificate", Just(json!({"namespace": "n", "name": "c"})).boxed()),
        ]);
        fields.prop_map(move |fields| merged(json!({"name": name}), fields)).boxed()
    };
    let claim = |pattern: &'static str| {
        let selector = some_of(vec![("matchLabels", map(&["team"]))]);
        let fields = some_of(vec![("namespaceSelector", selector)]);
        fields.prop_map(move |fields| merged(json!({"pattern": pattern}), fields)).boxed()
    };
    some_of(vec![
        ("domains", subset(&["site.com", "b.com", "c.com"], domain)),
        ("hosts", subset(&["*.site.com", "*"], claim)),
    ])
}

/// An object that has some of these fields.
fn some_of(fields: Vec<(&'static str, BoxedStrategy<Value>)>) -> BoxedStrategy<Value> {
    let (names, values): (Vec<_>, Vec<_>) = fields.into_iter().unzip();
    let values: Vec<_> = values.into_iter().map(|value| weighted(PRESENT, value)).collect();
    values
        .prop_map(move |values| {
            let present =
                names.iter().zip(values).filter_map(|(name, value)| Some((name.to_string(), value?)));
            Value::Object(present.collect())
        })
        .boxed()
}

/// A list with an entry for some of these names, in any order.
fn subset(
    names: &[&'static str],
    entry: impl Fn(&'static str) -> BoxedStrategy<Value>,
) -> BoxedStrategy<Value> {
    let entries: Vec<_> = names.iter().map(|name| weighted(PRESENT, entry(name))).collect();
    entries
        .prop_map(|entries| entries.into_iter().flatten().collect::<Vec<_>>())
        .prop_shuffle()
        .prop_map(Value::from)
        .boxed()
}

fn map(keys: &[&'static str]) -> BoxedStrategy<Value> {
    some_of(keys.iter().map(|key| (*key, text(&["1", "2", ""]))).collect())
}

fn text(values: &'static [&'static str]) -> BoxedStrategy<Value> {
    select(values).prop_map(Value::from).boxed()
}

fn number(values: &'static [i64]) -> BoxedStrategy<Value> {
    select(values).prop_map(Value::from).boxed()
}

/// The fields of both, those of `over` where both have one.
fn merged(mut under: Value, over: Value) -> Value {
    match (&mut under, over) {
        (Value::Object(fields), Value::Object(over)) => {
            for (name, value) in over {
                let field = fields.remove(&name).unwrap_or_default();
                fields.insert(name, merged(field, value));
            }
            under
        }
        (_, over) => over,
    }
}

/// The pointers of all fields outside of lists.
fn pointers(object: &Value, prefix: &str, into: &mut Vec<String>) {
    for (name, value) in object.as_object().into_iter().flatten() {
        let pointer = format!("{prefix}/{}", name.replace('~', "~0").replace('/', "~1"));
        pointers(value, &pointer, into);
        into.push(pointer);
    }
}

fn pick(object: &Value, place: u8) -> Option<String> {
    let mut all = Vec::new();
    pointers(object, "", &mut all);
    let index = usize::from(place).checked_rem(all.len())?;
    Some(all.swap_remove(index))
}

fn with_nulls(mut patch: Value, places: &[u8]) -> Value {
    for place in places {
        let Some(pointer) = pick(&patch, *place) else { continue };
        if let Some(value) = patch.pointer_mut(&pointer) {
            *value = Value::Null;
        }
    }
    patch
}

/// Nulls, and what strategic merge patches say of lists and maps.
fn with_directives(mut patch: Value, places: &[u8]) -> Value {
    for place in places {
        let Some(pointer) = pick(&patch, *place).filter(|pointer| !pointer.ends_with("$patch")) else {
            continue;
        };
        match patch.pointer_mut(&pointer) {
            Some(Value::Object(fields)) if place % 3 == 0 => {
                fields.insert("$patch".to_owned(), json!("replace"));
            }
            Some(Value::Array(entries)) if place % 3 == 1 => entries.push(json!({"$patch": "replace"})),
            Some(Value::Array(entries)) if place % 3 == 2 => {
                if let Some(Value::Object(entry)) = entries.first_mut() {
                    entry.insert("$patch".to_owned(), json!("delete"));
                }
            }
            Some(value) => *value = Value::Null,
            None => (),
        }
    }
    patch
}

fn operations(object: &Value, picks: &[(u8, u8)]) -> Vec<Value> {
    let operation = |(place, kind): &(u8, u8)| {
        let path = pick(object, *place)?;
        let value = object.pointer(&path).cloned().unwrap_or_default();
        Some(match kind {
            0 => json!({"op": "remove", "path": path}),
            1 => json!({"op": "replace", "path": path, "value": value}),
            2 => json!({"op": "test", "path": path, "value": value}),
            3 => json!({"op": "copy", "from": path, "path": path}),
            _ => json!({"op": "add", "path": path, "value": value}),
        })
    };
    picks.iter().filter_map(operation).collect()
}

/// The object with what names it.
pub(crate) fn named(kind: Kind, name: &str, object: &Value) -> Value {
    let identity = json!({"apiVersion": kind.api_version, "kind": kind.kind, "metadata": {"name": name}});
    merged(identity, object.clone())
}
