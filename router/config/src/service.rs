//! What requests are sent to: endpoints that answer alike.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A group of endpoints that answer alike.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Service {
    /// The addresses of the endpoints that are ready; the order does not matter. Empty: its routes answer 503.
    #[serde(default)]
    pub endpoints: Vec<SocketAddr>,
    /// The endpoint that routes with `leader` go to; one of `endpoints`. Left out: such routes answer 503.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leader: Option<SocketAddr>,
    /// What the endpoints speak.
    #[serde(default, skip_serializing_if = "Protocol::is_http1")]
    pub protocol: Protocol,
    /// How the router itself finds out which endpoints are well, beside what it learns from requests. Left out: it does not ask.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health: Option<HealthCheck>,
    /// The most requests that one endpoint gets at once, from this router. Left out: any number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_in_flight: Option<u32>,
    /// Whether the coming, going and draining of endpoints is told on the admin API.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub drain_events: bool,
    /// Whose the endpoints are, for those events.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub instances: BTreeMap<SocketAddr, Instance>,
}

/// What an endpoint speaks, without TLS.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// HTTP/1.1 (RFC 9112).
    #[default]
    Http1,
    /// HTTP/2 with prior knowledge (RFC 9113 section 3.3), as gRPC needs it.
    H2c,
}

impl Protocol {
    fn is_http1(&self) -> bool {
        *self == Self::Http1
    }
}

/// A request that the router sends to every endpoint of a service, again and again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct HealthCheck {
    /// The path that is asked for; an endpoint that answers 200 to 399 is well.
    pub path: String,
    /// The `Host` of the request. Left out: the endpoint's address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// The time between two requests to an endpoint, 1 to 3600 seconds.
    #[serde(default = "HealthCheck::default_interval")]
    pub interval_seconds: u32,
    /// How long an answer may take, 1 to 60 seconds.
    #[serde(default = "HealthCheck::default_timeout")]
    pub timeout_seconds: u32,
    /// After so many failures in a row an endpoint gets no requests, 1 to 10.
    #[serde(default = "HealthCheck::default_unhealthy_after")]
    pub unhealthy_after: u32,
    /// After so many answers in a row it gets requests again, 1 to 10.
    #[serde(default = "HealthCheck::default_healthy_after")]
    pub healthy_after: u32,
}

impl HealthCheck {
    /// Asks for this path, with every rule left out.
    #[must_use]
    pub fn of(path: &str) -> Self {
        Self {
            path: path.to_owned(),
            host: None,
            interval_seconds: Self::default_interval(),
            timeout_seconds: Self::default_timeout(),
            unhealthy_after: Self::default_unhealthy_after(),
            healthy_after: Self::default_healthy_after(),
        }
    }

    fn default_interval() -> u32 {
        10
    }

    fn default_timeout() -> u32 {
        2
    }

    fn default_unhealthy_after() -> u32 {
        3
    }

    fn default_healthy_after() -> u32 {
        1
    }
}

/// Whose an endpoint is, in Flynn's terms.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Instance {
    /// The app.
    #[serde(default)]
    pub app: String,
    /// The job: on Kubernetes, the Pod.
    #[serde(default)]
    pub job: String,
}
