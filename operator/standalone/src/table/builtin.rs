//! The built-in kinds: which file prints which, and the kinds whose cells are plain fields.

use jiff::Timestamp;
use schema::Resource;
use serde_json::{Value, json};

use super::column::{AGE, Head, NAME, definitions, text, typed};
use super::{Cells, age, event, network, node, pod, workload};

/// A kind whose columns are known to the program.
#[derive(Debug, Clone, Copy)]
pub(super) enum Builtin {
    ConfigMap,
    CustomResourceDefinition,
    Deployment,
    EndpointSlice,
    Event,
    Lease,
    Namespace,
    Node,
    Pod,
    ReplicaSet,
    Secret,
    Service,
    /// A kind that is not printed in any special way.
    Other,
}

const SECRET: [Head; 4] = [
    NAME,
    text("Type", "What kind of secret the data is, such as kubernetes.io/tls."),
    text("Data", "How many keys the Secret has."),
    AGE,
];
const CONFIG_MAP: [Head; 3] = [NAME, text("Data", "How many keys the ConfigMap has."), AGE];
const NAMESPACE: [Head; 3] =
    [NAME, text("Status", "Whether the namespace is in use or is being deleted."), AGE];
const LEASE: [Head; 3] = [NAME, text("Holder", "Who holds the Lease."), AGE];
const OTHER: [Head; 2] = [NAME, typed("Created At", "date", "When the object was created.")];

impl Builtin {
    /// None for a custom kind, which says itself how it is printed.
    pub(super) fn of(resource: &Resource) -> Option<Self> {
        if resource.is_custom {
            return None;
        }
        Some(match resource.kind.as_str() {
            "ConfigMap" => Self::ConfigMap,
            "CustomResourceDefinition" => Self::CustomResourceDefinition,
            "Deployment" => Self::Deployment,
            "EndpointSlice" => Self::EndpointSlice,
            "Event" => Self::Event,
            "Lease" => Self::Lease,
            "Namespace" => Self::Namespace,
            "Node" => Self::Node,
            "Pod" => Self::Pod,
            "ReplicaSet" => Self::ReplicaSet,
            "Secret" => Self::Secret,
            "Service" => Self::Service,
            _ => Self::Other,
        })
    }

    pub(super) fn columns(self) -> Value {
        match self {
            Self::ConfigMap => definitions(&CONFIG_MAP),
            Self::Deployment => definitions(&workload::DEPLOYMENT),
            Self::EndpointSlice => definitions(&network::ENDPOINT_SLICE),
            Self::Event => definitions(&event::EVENT),
            Self::Lease => definitions(&LEASE),
            Self::Namespace => definitions(&NAMESPACE),
            Self::Node => definitions(&node::NODE),
            Self::Pod => definitions(&pod::POD),
            Self::ReplicaSet => definitions(&workload::REPLICA_SET),
            Self::Secret => definitions(&SECRET),
            Self::Service => definitions(&network::SERVICE),
            Self::CustomResourceDefinition | Self::Other => definitions(&OTHER),
        }
    }

    pub(super) fn cells(self, object: &Value, now: Timestamp) -> Cells {
        let age = || age::of(object, now);
        let cells = match self {
            Self::Pod => return pod::cells(object, now),
            Self::ConfigMap => {
                let keys = entries(&object["data"]) + entries(&object["binaryData"]);
                vec![name(object), keys.into(), age()]
            }
            Self::Deployment => workload::deployment(object, now),
            Self::EndpointSlice => network::endpoint_slice(object, now),
            Self::Event => event::cells(object, now),
            Self::Lease => vec![name(object), string(&object["spec"]["holderIdentity"]), age()],
            Self::Namespace => vec![name(object), string(&object["status"]["phase"]), age()],
            Self::Node => node::cells(object, now),
            Self::ReplicaSet => workload::replica_set(object, now),
            Self::Secret => {
                vec![name(object), string(&object["type"]), entries(&object["data"]).into(), age()]
            }
            Self::Service => network::service(object, now),
            Self::CustomResourceDefinition | Self::Other => {
                vec![name(object), json!(object["metadata"]["creationTimestamp"])]
            }
        };
        cells.into()
    }
}

/// The object's name.
pub(super) fn name(object: &Value) -> Value {
    string(&object["metadata"]["name"])
}

/// A text; empty where there is none.
pub(super) fn string(value: &Value) -> Value {
    plain(value).into()
}

/// As [`string`].
pub(super) fn plain(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// A text, or what stands for none.
pub(super) fn or<'a>(value: &'a Value, none: &'a str) -> &'a str {
    match plain(value) {
        "" => none,
        text => text,
    }
}

/// A number; 0 where there is none.
pub(super) fn number(value: &Value) -> i64 {
    value.as_i64().unwrap_or_default()
}

/// The entries of a list; none where there is no list.
pub(super) fn items(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn entries(value: &Value) -> usize {
    value.as_object().map_or(0, serde_json::Map::len)
}
