//! `Cluster`: the root domains, their certificates, who may claim which host, and the nodes' addresses and records in AWS.

mod aws;

pub use aws::{
    Aws, AwsMode, ClusterNodes, Dns, DnsHealthCheck, DnsHealthCheckProtocol, ElasticIps, ExternalTraffic,
    NodeAddressStatus, NodeSelector, RecordStatus, SecurityGroups,
};

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::StrictTransportSecurity;

/// The platform's root domains, their certificates, and which namespaces may claim which hosts. There is one: the
/// oldest is active, and any other says so in its conditions and changes nothing.
#[derive(CustomResource, KubeSchema, Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[kube(
    group = "flynn.io",
    version = "v1alpha1",
    kind = "Cluster",
    plural = "clusters",
    shortname = "fcl",
    category = "flynn",
    status = "ClusterStatus",
    derive = "PartialEq",
    derive = "Default",
    doc = "The platform's root domains, their certificates, and which namespaces may claim which hosts. There is one: the oldest is active, and any other says so in its conditions and changes nothing.",
    printcolumn(name = "Domain", type_ = "string", json_path = ".status.defaultDomain"),
    printcolumn(name = "Nodes", type_ = "string", json_path = ".status.nodes"),
    printcolumn(name = "Addresses", type_ = "string", json_path = ".status.addressesPublished"),
    printcolumn(
        name = "Ready",
        type_ = "string",
        json_path = r#".status.conditions[?(@.type=="Ready")].status"#
    ),
    printcolumn(
        name = "Reason",
        type_ = "string",
        json_path = r#".status.conditions[?(@.type=="Ready")].reason"#
    ),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("self.domains.size() == 1 || self.domains.filter(d, d.default).size() == 1")
        .message("exactly one of the domains must have default: true; Apps get <app>.<default domain>")
        .field_path(".domains"),
    validation = Rule::new("!has(self.aws) || has(self.nodes)")
        .message("say in nodes which machines get addresses and records in AWS").field_path(".nodes")
)]
pub struct ClusterSpec {
    /// The root domains. Exactly one is the default, and a single one is it: an App called `www` gets
    /// `www.<default domain>`. When the default moves to another entry, every App gets its Routes under the new domain as
    /// well, and those under the old one go on until its entry is removed. 1 to 32 entries, each name once.
    #[schemars(length(min = 1, max = 32), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    pub domains: Vec<Domain>,

    /// Whether a plain HTTP request is redirected to HTTPS (308), on every host. The paths below
    /// `/.well-known/acme-challenge/` are exempt. Default: true.
    #[serde(default = "default_true")]
    pub https_redirect: bool,

    /// Which namespaces may claim which hosts. Left out, every namespace may claim any host, and the first claim
    /// wins. With entries, a Route is accepted only if an entry allows it. At most 64 entries.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    pub hosts: Vec<HostRule>,

    /// How the routers serve, on every node. (Where they listen is set at their start: `flynn-operator node --help`.)
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub router: Option<RouterSettings>,

    /// The machines that get addresses and records in AWS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nodes: Option<ClusterNodes>,

    /// What is kept true in AWS: the nodes' addresses, and the domains' records. Left out, no AWS call is ever made; what was made before stays as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aws: Option<Aws>,
}

/// How the routers serve, on every node.
#[derive(KubeSchema, Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RouterSettings {
    /// What a Route without `hsts` of its own tells browsers. Left out: nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hsts: Option<StrictTransportSecurity>,

    /// The HTML page that is sent with a 503, at most 100000 bytes. Left out: `Service Unavailable` as plain text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 100000))]
    pub unavailable_page: Option<String>,

    /// The ports from which a TCP Route without a port gets one. A Route that has one keeps it. Default: 3000 to 3500.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tcp_ports: Option<TcpPorts>,
}

/// A range of ports.
#[derive(KubeSchema, Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("self.first <= self.last").message("the first port of a range is not after the last one")
)]
pub struct TcpPorts {
    /// The first port, 1024 to 65535.
    #[schemars(with = "i32", range(min = 1024, max = 65535))]
    pub first: u16,
    /// The last port, 1024 to 65535.
    #[schemars(with = "i32", range(min = 1024, max = 65535))]
    pub last: u16,
}

impl Default for TcpPorts {
    fn default() -> Self {
        Self { first: 3000, last: 3500 }
    }
}

/// A root domain of the platform.
#[derive(KubeSchema, Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Domain {
    /// The domain, in lower case, for example `site.com`. At most 212 characters, so that the name of an App fits before it.
    #[schemars(length(min = 1, max = 212))]
    #[x_kube(
        validation = Rule::new("self.matches('^([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?[.])+[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$')")
            .message("a domain is at least two labels of lower-case letters, digits and dashes, such as site.com: give it without scheme, port, wildcard or trailing dot")
    )]
    pub name: String,

    /// Whether Apps get their default host under this domain. Default: false.
    #[serde(default)]
    pub default: bool,

    /// The Certificate that serves the names under this domain, and the domain itself, unless a Route names its own.
    /// The one of the default domain also answers clients that name no host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<CertificateReference>,

    /// The Route 53 hosted zone that the records of this domain are in. Left out, it is found by name: the public zone of the domain or of the nearest
    /// domain above it.
    #[serde(default, skip_serializing_if = "Option::is_none", rename = "hostedZoneID")]
    #[schemars(length(min = 1, max = 32), regex(pattern = "^Z[A-Z0-9]+$"))]
    pub hosted_zone_id: Option<String>,

    /// Whether `*.<name>` is published as well, as a CNAME to the domain. Default: true.
    #[serde(default = "default_true")]
    pub wildcard_record: bool,
}

/// Names a Certificate in any namespace.
#[derive(KubeSchema, Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct CertificateReference {
    /// The namespace of the Certificate.
    #[schemars(length(min = 1, max = 63))]
    pub namespace: String,
    /// The name of the Certificate.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
}

/// Lets the namespaces with certain labels claim hosts of a certain form.
#[derive(KubeSchema, Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HostRule {
    /// `*` for every host, `*.site.com` for every name below `site.com` at any depth, or one exact host.
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(
        validation = Rule::new("self.matches('^([*]|([*][.])?([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?[.])*[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)$')")
            .message("a pattern is *, *.site.com or an exact host, in lower case, without scheme and port")
    )]
    pub pattern: String,

    /// The namespaces that may claim such hosts. Left out: every namespace.
    #[serde(default)]
    pub namespace_selector: NamespaceSelector,
}

/// Selects namespaces by their labels.
#[derive(KubeSchema, Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NamespaceSelector {
    /// Labels that a namespace must have, each with this value. Empty: every namespace. At most 16.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = 16), transform = short_values)]
    pub match_labels: BTreeMap<String, String>,
}

/// What the operator found.
#[derive(JsonSchema, Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ClusterStatus {
    /// The `metadata.generation` that this status is about.
    pub observed_generation: i64,
    /// What is true of the Cluster now.
    #[schemars(schema_with = "crate::schema::conditions")]
    pub conditions: Vec<Condition>,
    /// The domain under which Apps get their default hosts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_domain: Option<String>,
    /// How many router nodes serve what is declared, of how many, for example `3/3`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nodes: Option<String>,
    /// The authorities that clients have to trust beside those that they know: of the domains whose certificate is `selfSigned`,
    /// as PEM.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_bundle: Option<String>,
    /// How many nodes have an address that every domain publishes, of how many, for example `3/3`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub addresses_published: Option<String>,
    /// The nodes' addresses. At most 100.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["node"]))]
    pub addresses: Vec<NodeAddressStatus>,
    /// The records of the domains, one entry for each name and type.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub records: Vec<RecordStatus>,
    /// The AWS calls that would be made, with `mode: Plan`, in their order. At most 100.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub planned_calls: Vec<String>,
}

impl ClusterSpec {
    /// The ports from which TCP Routes get theirs.
    #[must_use]
    pub fn tcp_ports(&self) -> TcpPorts {
        self.router.as_ref().and_then(|router| router.tcp_ports).unwrap_or_default()
    }

    /// The domain under which Apps get their default hosts: the one marked so, or the only one.
    #[must_use]
    pub fn default_domain(&self) -> Option<&Domain> {
        match self.domains.as_slice() {
            [only] => Some(only),
            several => several.iter().find(|domain| domain.default),
        }
    }
}

fn default_true() -> bool {
    true
}

// A label's value has at most 63 characters; a bound is also what lets the API estimate a rule's cost.
fn short_values(schema: &mut schemars::Schema) {
    schema.insert("additionalProperties".into(), serde_json::json!({ "type": "string", "maxLength": 63 }));
}
