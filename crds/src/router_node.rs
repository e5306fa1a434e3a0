//! `RouterNode`: what one router node serves, in its own words. Written by the nodes, read by the leader and by people.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What one router node serves. A node writes its own, once a second while changes go on, and nobody else writes any: the `Programmed`
/// condition of Routes and Certificates is derived from these.
#[derive(CustomResource, KubeSchema, Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[kube(
    group = "flynn.io",
    version = "v1alpha1",
    kind = "RouterNode",
    plural = "routernodes",
    shortname = "frn",
    category = "flynn",
    status = "RouterNodeStatus",
    derive = "PartialEq",
    derive = "Default",
    doc = "What one router node serves. A node writes its own, once a second while changes go on, and nobody else writes any: the `Programmed` condition of Routes and Certificates is derived from these.",
    printcolumn(name = "Addresses", type_ = "string", json_path = ".status.addresses"),
    printcolumn(name = "Hosts", type_ = "integer", json_path = ".status.hosts"),
    printcolumn(name = "Faults", type_ = "integer", json_path = ".status.faultCount"),
    printcolumn(
        name = "Ready",
        type_ = "string",
        json_path = r#".status.conditions[?(@.type=="Ready")].status"#
    ),
    printcolumn(name = "Version", type_ = "string", json_path = ".status.version", priority = 1),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[serde(rename_all = "camelCase")]
pub struct RouterNodeSpec {}

/// What the node serves.
#[derive(JsonSchema, Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RouterNodeStatus {
    /// The `metadata.generation` that this status is about.
    pub observed_generation: i64,
    /// `Ready` once the node serves a complete table.
    #[schemars(schema_with = "crate::schema::conditions")]
    pub conditions: Vec<Condition>,
    /// Where the router listens, for example `http://10.0.0.7:80`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<String>,
    /// The version of the operator that runs there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// For each kind, the highest resourceVersion that the table contains. Comparable within a kind only
    /// (Kubernetes 1.35, KEP-5504).
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub applied: BTreeMap<String, String>,
    /// How many hosts the table has.
    pub hosts: i64,
    /// How many faults the table has.
    pub fault_count: i64,
    /// What the node cannot serve, at most 100 entries.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 100))]
    pub faults: Vec<Fault>,
}

/// Something that a node cannot serve.
#[derive(KubeSchema, Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Fault {
    /// What it is about: `host`, `tcp`, `certificate` or `service`.
    pub subject: String,
    /// Which one, for example `www.site.com`, `5432` or `flynn/wildcard`.
    pub name: String,
    /// One sentence for why, and what to do.
    pub message: String,
}
