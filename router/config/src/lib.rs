//! What the router is told to serve, as plain data.
//!
//! In comes a whole [`Config`] (from a file or standard input) or a [`Delta`] (from the operator); both name hosts,
//! services and certificates by strings, and nothing in here does IO, parses a certificate or knows Kubernetes.
//! `router` compiles these values into its private table; `plan` produces them. The laws
//! `apply(diff(a, b), a) == b` and `diff(a, a)` is empty hold for every pair of configurations (`tests/laws.rs`).
//!
//! ```text
//! Config --diff(Config)--> Delta --apply(Config)--> Config
//!                            '--> router::Handle --> the table that is served
//! ```

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test may panic"))]

mod cookie_key;
mod delta;
mod forward;
mod host;
mod keypair;
mod listen;
mod redirect;
mod service;
mod tcp;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use cookie_key::CookieKey;
pub use delta::Delta;
pub use forward::Forward;
pub use host::{Action, Host, Hsts};
pub use ipnet::IpNet;
pub use keypair::{KeyPair, PrivateKey};
pub use listen::{Listen, TcpRange};
pub use redirect::{Redirect, RedirectCode, Scheme};
pub use service::{HealthCheck, Instance, Protocol, Service};
pub use tcp::TcpRoute;

/// Everything that one router serves.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Config {
    /// Where the router listens. Read once, at the start: a later change is refused, because it needs a restart.
    #[serde(default)]
    pub listen: Listen,
    /// The certificate for a client that names no host (no SNI), and for a host without one of its own: a key of
    /// `certificates`. Left out, the handshake of such a client is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_certificate: Option<String>,
    /// What sticky sessions are sealed with. Every router that serves the same clients needs the same key. Left out: one is
    /// drawn at the start, and sessions end with the process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cookie_key: Option<CookieKey>,
    /// The HTML page of a 503, at most 1,000,000 bytes. Left out: `Service Unavailable` as plain text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unavailable_page: Option<String>,
    /// Certificates with their keys, by a name of your choice.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub certificates: BTreeMap<String, KeyPair>,
    /// Groups of endpoints, by a name of your choice.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub services: BTreeMap<String, Service>,
    /// What is served, by host: an exact name (`www.site.com`), a wildcard (`*.site.com`, which also answers for
    /// `site.com` and for up to four further labels) or `*` for every other name. Lower case. With `:8080` at its end it is
    /// served on the listeners of that port, one of `extraHttp` or `extraHttps`, and nowhere else; without, on the default ones.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub hosts: BTreeMap<String, Host>,
    /// TCP routes, by the port that clients connect to.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tcp: BTreeMap<u16, TcpRoute>,
}
