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

mod delta;
mod host;
mod keypair;
mod redirect;

use std::collections::BTreeMap;
use std::net::SocketAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use delta::Delta;
pub use host::{Action, Host};
pub use keypair::{KeyPair, PrivateKey};
pub use redirect::{Redirect, RedirectCode, Scheme};

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
    /// Certificates with their keys, by a name of your choice.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub certificates: BTreeMap<String, KeyPair>,
    /// Groups of endpoints, by a name of your choice.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub services: BTreeMap<String, Service>,
    /// What is served, by host: an exact name (`www.site.com`), a wildcard (`*.site.com`, which also answers for
    /// `site.com` and for up to four further labels) or `*` for every other name. Lower case, without a port.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub hosts: BTreeMap<String, Host>,
}

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
}

/// A group of endpoints that answer alike.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Service {
    /// The addresses of the endpoints that are ready; the order does not matter. Empty: its routes answer 503.
    #[serde(default)]
    pub endpoints: Vec<SocketAddr>,
}
