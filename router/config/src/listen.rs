//! Where a router listens.

use std::net::{IpAddr, SocketAddr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The addresses that a router listens on. Port 0 takes any free port.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Listen {
    /// Plain HTTP, for example `0.0.0.0:80`. Left out: no plain HTTP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http: Option<SocketAddr>,
    /// HTTPS, for example `[::]:443`. Left out: no HTTPS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub https: Option<SocketAddr>,
    /// More addresses for plain HTTP. Only hosts that name the port are served there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub extra_http: Vec<SocketAddr>,
    /// More addresses for HTTPS. Only hosts that name the port are served there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub extra_https: Vec<SocketAddr>,
    /// The ports that are kept for TCP routes. Left out: a TCP route's port is taken when the route is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tcp: Option<TcpRange>,
    /// Whether connections to the HTTP and HTTPS addresses begin with a PROXY protocol header, version 1 or 2, which tells the
    /// client's address. It is optional for a client then, so that whoever can connect can also pretend.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub proxy_protocol: bool,
    /// The address of the admin API: health, metrics, the table as it is served, events. For operators, not for the world.
    /// Left out: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub admin: Option<SocketAddr>,
}

/// A range of ports, taken at the start and held for TCP routes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct TcpRange {
    /// The address to listen on.
    pub ip: IpAddr,
    /// The first port, 1 to 65535.
    pub first: u16,
    /// The last port, at least `first`.
    pub last: u16,
}
