//! `Cluster.spec.aws` and `Cluster.spec.nodes`: what of AWS the operator keeps true, and for which nodes.

use std::collections::BTreeMap;

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The machines that get addresses and DNS records: Kubernetes Nodes by their labels, or EC2 instances by their ids.
#[derive(KubeSchema, Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("has(self.selector) != has(self.instances)")
        .message("name the nodes by selector or by instances, one of the two")
)]
pub struct ClusterNodes {
    /// The Kubernetes Nodes with these labels. The `spec.providerID` of each names its EC2 instance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selector: Option<NodeSelector>,
    /// The ids of EC2 instances, such as `i-0123456789abcdef0`. 1 to 100 entries.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 100), inner(length(min = 10, max = 19)), extend("x-kubernetes-list-type" = "set"))]
    #[x_kube(
        validation = Rule::new("self.all(i, i.matches('^i-[0-9a-f]{8,17}$'))")
            .message("the id of an EC2 instance is i- and 8 or 17 hexadecimal digits, such as i-0123456789abcdef0")
    )]
    pub instances: Option<Vec<String>>,
}

/// Selects Kubernetes Nodes by their labels.
#[derive(KubeSchema, Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NodeSelector {
    /// Labels that a Node must have, each with this value. At least 1, at most 16.
    #[schemars(extend("minProperties" = 1, "maxProperties" = 16), transform = super::short_values)]
    pub match_labels: BTreeMap<String, String>,
}

/// What the operator keeps true in AWS. Left out, no AWS call is ever made. Credentials are found as by the AWS command line: in the
/// environment, a profile, the instance's role or a service account's token.
#[derive(KubeSchema, Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Aws {
    /// The region of the instances, such as `us-east-1`.
    #[schemars(length(min = 6, max = 32))]
    #[x_kube(
        validation = Rule::new("self.matches('^[a-z]{2}(-[a-z]+)+-[0-9]+$')")
            .message("a region is written as in us-east-1")
    )]
    pub region: String,

    /// `Apply` keeps AWS as declared. `Plan` makes no call that writes: `status.plannedCalls` lists those that it would make. `Observe` makes none
    /// either, and reports what differs. Default: Apply.
    #[serde(default)]
    pub mode: AwsMode,

    /// An Elastic IP for each node. Left out, the nodes keep the public addresses that they have.
    #[serde(default, skip_serializing_if = "Option::is_none", rename = "elasticIPs")]
    pub elastic_ips: Option<ElasticIps>,

    /// The records of the domains in Route 53. Left out, no record is read or written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dns: Option<Dns>,

    /// The nodes' firewall: which networks reach which ports. Left out, no security group is read or written; taken out, what it made is taken away again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub security_groups: Option<SecurityGroups>,
}

/// The nodes' firewall. A security group `flynn-<cluster>-...` is made and attached to each node beside the groups that the node has. It lets in 80 and 443, everything that the
/// nodes send each other, and the ports of TCP Routes; what goes out is left as it is.
#[derive(KubeSchema, Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SecurityGroups {
    /// Who reaches 80 and 443. Left out: everybody, over IPv4 and IPv6. Route 53's health checkers have to be among them.
    #[serde(default)]
    pub web: ExternalTraffic,

    /// Who reaches the ports of TCP Routes. Left out: nobody from outside, and each TCP Route says so in its `Reachable`.
    #[serde(default)]
    pub tcp: ExternalTraffic,

    /// Names of further security groups that the nodes are put into, such as that of a database or search service that lets in its own group. One that does not exist is made,
    /// open to itself and to nobody else, and deleted when it is taken from this list and nobody else uses it; the rules of one that exists are left alone. At most 8.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 8), inner(length(min = 1, max = 255)), extend("x-kubernetes-list-type" = "set"))]
    #[x_kube(
        validation = Rule::new("self.all(name, name.matches('^[-a-zA-Z0-9 ._:/()#,@+=&;{}!$*]+$') && !name.startsWith('sg-'))")
            .message("a security group is named by its name and not by its id: ASCII letters, digits, blanks and ._-:/()#,@+=&;{}!$*")
    )]
    pub extra: Vec<String>,

    /// Whether rules that somebody else adds to the nodes' own group are removed. Left out, they are reported. Default: false.
    #[serde(default)]
    pub strict: bool,
}

/// The networks from which something is reached.
#[derive(KubeSchema, Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExternalTraffic {
    /// The networks, such as `203.0.113.0/24` or `2001:db8::/32`. At most 64.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "crate::schema::networks")]
    pub cidrs: Vec<String>,
}

/// How far the operator goes in AWS.
#[derive(JsonSchema, Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum AwsMode {
    /// Writes what differs.
    #[default]
    Apply,
    /// Writes nothing, and lists the calls that it would make.
    Plan,
    /// Writes nothing, and reports what differs.
    Observe,
}

/// How the nodes get their Elastic IPs. An address is allocated with a tag that names this Cluster; what has no such tag is never changed
/// nor released.
#[derive(KubeSchema, Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ElasticIps {
    /// Whether a node keeps an Elastic IP of somebody else that is associated with it already, instead of `NotOwned` being reported. It is
    /// never released. Default: false.
    #[serde(default)]
    pub adopt: bool,
}

/// How the domains are published in Route 53: at the apex one multivalue answer record for each node, each with its own health check.
#[derive(KubeSchema, Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Dns {
    /// How long resolvers may keep an answer, 1 to 86400 seconds. Default: 60.
    #[serde(default = "sixty")]
    #[schemars(with = "i32", range(min = 1, max = 86400))]
    pub ttl_seconds: u32,

    /// How Route 53 finds out whether a node serves, and how the operator does before it adds a node's record.
    #[serde(default)]
    pub health_check: DnsHealthCheck,

    /// The share of the nodes, in percent, below which the operator never cuts the records of a domain, whatever it believes of the nodes.
    /// At least one record always stays. 1 to 100. Default: 50.
    #[serde(default = "fifty")]
    #[schemars(with = "i32", range(min = 1, max = 100))]
    pub minimum_share_percent: u8,

    /// Whether records of somebody else that stand where the operator's have to be are replaced by them, in one change. Left out, they are
    /// reported as `NotOwned`, and the domain stays as it is. Default: false.
    #[serde(default)]
    pub adopt: bool,
}

/// A Route 53 health check of a node.
#[derive(KubeSchema, Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("self.protocol != 'TCP' || !has(self.path) || self.path == ''")
        .message("a TCP health check has no path").field_path(".path")
)]
pub struct DnsHealthCheck {
    /// `HTTP` and `HTTPS` ask for the path and want a status of 200 to 399; `TCP` wants a connection. HTTPS does not check the certificate.
    /// Default: HTTP.
    #[serde(default)]
    pub protocol: DnsHealthCheckProtocol,
    /// The port, 1 to 65535. Default: 443 for HTTPS, otherwise 80.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<i32>", range(min = 1, max = 65535))]
    pub port: Option<u16>,
    /// The path, which begins with a slash. Default: `/.well-known/status`, which every router answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 255), regex(pattern = "^(/[!-~]*)?$"))]
    pub path: Option<String>,
    /// The seconds between two requests of each of Route 53's checkers: 10 or 30. It cannot be changed on a health check, so that a change makes new ones. Default: 10.
    #[serde(default = "ten")]
    #[schemars(with = "i32", extend("enum" = [10, 30]))]
    pub interval_seconds: u8,
    /// After how many answers in a row a checker changes its mind, 1 to 10. Default: 3.
    #[serde(default = "three")]
    #[schemars(with = "i32", range(min = 1, max = 10))]
    pub failure_threshold: u8,
}

/// How a health check asks.
#[derive(JsonSchema, Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum DnsHealthCheckProtocol {
    /// A request without TLS.
    #[default]
    #[serde(rename = "HTTP")]
    Http,
    /// A request over TLS.
    #[serde(rename = "HTTPS")]
    Https,
    /// A connection.
    #[serde(rename = "TCP")]
    Tcp,
}

/// A node's addresses, and whether they are published.
#[derive(JsonSchema, Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct NodeAddressStatus {
    /// The Kubernetes Node, or the EC2 instance where instances are listed.
    pub node: String,
    /// The EC2 instance.
    #[serde(skip_serializing_if = "Option::is_none", rename = "instanceID")]
    pub instance_id: Option<String>,
    /// The public IPv4 address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// The IPv6 address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ipv6: Option<String>,
    /// The Elastic IP's allocation.
    #[serde(skip_serializing_if = "Option::is_none", rename = "allocationID")]
    pub allocation_id: Option<String>,
    /// Whether DNS names it: `Published`, `Pending`, `Held` (it should leave, but too few would be left) or `Withdrawn`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dns: Option<String>,
    /// What Route 53's checkers find: `Healthy`, `Unhealthy` or `Unknown`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub health: Option<String>,
    /// What is the matter, if anything is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// The records of one name and type.
#[derive(JsonSchema, Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RecordStatus {
    /// The name, such as `site.com` or `*.site.com`.
    pub name: String,
    /// `A`, `AAAA` or `CNAME`.
    #[serde(rename = "type")]
    pub type_: String,
    /// The hosted zone.
    #[serde(skip_serializing_if = "Option::is_none", rename = "hostedZoneID")]
    pub hosted_zone_id: Option<String>,
    /// The values that are published, sorted. At most 100.
    pub values: Vec<String>,
    /// `InSync` (every name server of Route 53 has it), `Pending`, `Failed` or `NotOwned`.
    pub state: String,
    /// What is the matter, if anything is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

impl Default for Dns {
    fn default() -> Self {
        Self {
            ttl_seconds: sixty(),
            health_check: DnsHealthCheck::default(),
            minimum_share_percent: fifty(),
            adopt: false,
        }
    }
}

impl Default for DnsHealthCheck {
    fn default() -> Self {
        Self {
            protocol: DnsHealthCheckProtocol::Http,
            port: None,
            path: None,
            interval_seconds: ten(),
            failure_threshold: three(),
        }
    }
}

impl DnsHealthCheck {
    /// The port that is asked.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port.unwrap_or(match self.protocol {
            DnsHealthCheckProtocol::Https => 443,
            DnsHealthCheckProtocol::Http | DnsHealthCheckProtocol::Tcp => 80,
        })
    }

    /// The path that is asked for; nothing with TCP.
    #[must_use]
    pub fn path(&self) -> Option<&str> {
        match self.protocol {
            DnsHealthCheckProtocol::Tcp => None,
            _ => Some(self.path.as_deref().unwrap_or("/.well-known/status")),
        }
    }
}

fn ten() -> u8 {
    10
}

fn three() -> u8 {
    3
}

fn sixty() -> u32 {
    60
}

fn fifty() -> u8 {
    50
}
