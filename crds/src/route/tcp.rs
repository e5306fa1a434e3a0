//! The TCP side of a `Route`: which connections it is for, and the port that it has.

use kube::KubeSchema;
use kube::core::{Message, Rule};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::http::{is_yes, yes};

/// The ports that no Route may have, because the nodes need them themselves: those of SSH, of the router and its health and
/// admin APIs, of etcd and of Kubernetes.
pub const RESERVED_PORTS: [u16; 14] =
    [22, 80, 443, 2379, 2380, 6443, 8081, 9912, 10248, 10249, 10250, 10256, 10257, 10259];

/// Which connections a Route is for. They are passed on as they are, byte for byte, to an endpoint of the App or Service.
#[derive(KubeSchema, Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TcpRoute {
    /// The port on every router node. It belongs to the Route that had it first. Left out: the operator picks the first free
    /// one of `spec.router.tcpPorts` of the Cluster (3000 to 3500), and `status.tcp.port` tells which; the Route keeps it.
    /// 1 to 65535, except the ports of the router and of Kubernetes itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<i32>", range(min = 1, max = 65535))]
    #[x_kube(validation = not_reserved())]
    pub port: Option<u16>,

    /// Whether only the leader of the Service gets connections; see `http.leader`. Default: false.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub leader: bool,

    /// The networks that clients may come from, such as `10.0.0.0/8` or `2001:db8::/32`; the connections of others are closed.
    /// Left out: everybody. At most 64.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "crate::schema::networks")]
    pub clients: Vec<String>,

    /// Whether the router's admin API tells when an endpoint has come and gone. If any Route of a Service wants it, it is told.
    /// Default: true.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub drain_backends: bool,
}

/// What became of `spec.tcp`.
#[derive(JsonSchema, Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TcpRouteStatus {
    /// The port that clients connect to, on every router node.
    #[schemars(with = "i32")]
    pub port: u16,
}

impl Default for TcpRoute {
    fn default() -> Self {
        Self { port: None, leader: false, clients: Vec::new(), drain_backends: true }
    }
}

fn not_reserved() -> Rule {
    let ports = RESERVED_PORTS.map(|port| port.to_string()).join(", ");
    Rule::new(format!("!(self in [{ports}])")).message(Message::Message(format!(
        "the nodes need this port themselves ({ports}): choose another, or leave it out to get a free one"
    )))
}
