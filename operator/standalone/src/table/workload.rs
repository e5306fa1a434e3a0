//! Deployments and ReplicaSets.

use jiff::Timestamp;
use serde_json::Value;

use super::age;
use super::builtin::{items, name, number, plain};
use super::column::{AGE, Head, NAME, text, typed, wide};

const CONTAINERS: Head = wide(text("Containers", "The containers of the template."));
const IMAGES: Head = wide(text("Images", "The image of each container."));
const SELECTOR: Head = wide(text("Selector", "The labels by which Pods are found."));

/// The columns of Deployments.
pub(super) const DEPLOYMENT: [Head; 8] = [
    NAME,
    text("Ready", "How many Pods are ready, of how many wanted."),
    text("Up-to-date", "How many Pods are of the present template."),
    text("Available", "How many Pods have been ready for long enough."),
    AGE,
    CONTAINERS,
    IMAGES,
    SELECTOR,
];

/// The columns of ReplicaSets.
pub(super) const REPLICA_SET: [Head; 8] = [
    NAME,
    typed("Desired", "integer", "How many Pods are wanted."),
    typed("Current", "integer", "How many Pods there are."),
    typed("Ready", "integer", "How many Pods are ready."),
    AGE,
    CONTAINERS,
    IMAGES,
    SELECTOR,
];

/// The row of a Deployment.
pub(super) fn deployment(object: &Value, now: Timestamp) -> Vec<Value> {
    let (spec, status) = (&object["spec"], &object["status"]);
    vec![
        name(object),
        format!("{}/{}", number(&status["readyReplicas"]), number(&spec["replicas"])).into(),
        number(&status["updatedReplicas"]).into(),
        number(&status["availableReplicas"]).into(),
        age::of(object, now),
        containers(spec, "name").into(),
        containers(spec, "image").into(),
        selector(&spec["selector"]).into(),
    ]
}

/// The row of a ReplicaSet.
pub(super) fn replica_set(object: &Value, now: Timestamp) -> Vec<Value> {
    let (spec, status) = (&object["spec"], &object["status"]);
    let selector = selector(&spec["selector"]);
    vec![
        name(object),
        number(&spec["replicas"]).into(),
        number(&status["replicas"]).into(),
        number(&status["readyReplicas"]).into(),
        age::of(object, now),
        containers(spec, "name").into(),
        containers(spec, "image").into(),
        if selector.is_empty() { "<none>".into() } else { selector.into() },
    ]
}

/// A field of every container of the template.
fn containers(spec: &Value, field: &str) -> String {
    let containers = items(&spec["template"]["spec"]["containers"]).iter();
    containers.map(|container| plain(&container[field])).collect::<Vec<_>>().join(",")
}

/// A label selector as `kubectl get -l` takes it, ordered by key.
fn selector(selector: &Value) -> String {
    let labels = selector["matchLabels"].as_object().into_iter().flatten();
    let labels = labels.map(|(key, value)| (key.as_str(), format!("{key}={}", plain(value))));
    let expressions = items(&selector["matchExpressions"]).iter();
    let expressions = expressions.map(|expression| (plain(&expression["key"]), requirement(expression)));
    let mut requirements = labels.chain(expressions).collect::<Vec<_>>();
    requirements.sort_by_key(|(key, _)| *key);
    requirements.into_iter().map(|(_, requirement)| requirement).collect::<Vec<_>>().join(",")
}

fn requirement(expression: &Value) -> String {
    let key = plain(&expression["key"]);
    let mut values = items(&expression["values"]).iter().map(plain).collect::<Vec<_>>();
    values.sort_unstable();
    match plain(&expression["operator"]) {
        "In" => format!("{key} in ({})", values.join(",")),
        "NotIn" => format!("{key} notin ({})", values.join(",")),
        "DoesNotExist" => format!("!{key}"),
        _ => key.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_deployment_tells_ready_of_wanted() {
        let object = json!({
            "metadata": {"name": "web"},
            "spec": {
                "replicas": 3,
                "selector": {"matchLabels": {"b": "2", "a": "1"}},
                "template": {"spec": {"containers": [{"name": "x", "image": "i:1"}, {"name": "y", "image": "j"}]}},
            },
            "status": {"readyReplicas": 1, "updatedReplicas": 2},
        });
        let expected = json!(["web", "1/3", 2, 0, "<unknown>", "x,y", "i:1,j", "a=1,b=2"]);
        assert_eq!(Value::from(deployment(&object, Timestamp::UNIX_EPOCH)), expected);
    }

    #[test]
    fn a_replica_set_tells_numbers() {
        let object =
            json!({"metadata": {"name": "web-1"}, "spec": {"replicas": 2}, "status": {"replicas": 2}});
        let expected = json!(["web-1", 2, 2, 0, "<unknown>", "", "", "<none>"]);
        assert_eq!(Value::from(replica_set(&object, Timestamp::UNIX_EPOCH)), expected);
    }

    #[test]
    fn a_selector_is_written_as_kubectl_reads_it() {
        let expressions = json!([
            {"key": "d", "operator": "Exists"},
            {"key": "a", "operator": "In", "values": ["y", "x"]},
            {"key": "c", "operator": "DoesNotExist"},
            {"key": "b", "operator": "NotIn", "values": ["z"]},
        ]);
        let written = selector(&json!({"matchLabels": {"e": "1"}, "matchExpressions": expressions}));
        assert_eq!(written, "a in (x,y),b notin (z),!c,d,e=1");
    }
}
