//! `Route`: a host and a path, or a TCP port, and what answers there. The rules of the two are in `route/`.

mod http;
mod tcp;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use http::{HttpRoute, RouteHealthCheck, StrictTransportSecurity, Timeouts};
pub use tcp::{RESERVED_PORTS, TcpRoute, TcpRouteStatus};

/// Sends the requests for a host and a path, or the connections to a TCP port, to an App, to a Service, or, by a redirect,
/// somewhere else.
#[derive(CustomResource, KubeSchema, Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[kube(
    group = "flynn.io",
    version = "v1alpha1",
    kind = "Route",
    plural = "routes",
    shortname = "frt",
    category = "flynn",
    namespaced,
    status = "RouteStatus",
    derive = "PartialEq",
    derive = "Default",
    doc = "Sends the requests for a host and a path, or the connections to a TCP port, to an App, to a Service, or, by a redirect, somewhere else.",
    printcolumn(name = "Host", type_ = "string", json_path = ".spec.http.host"),
    printcolumn(name = "Path", type_ = "string", json_path = ".spec.http.path"),
    printcolumn(name = "TCP", type_ = "integer", json_path = ".status.tcp.port"),
    printcolumn(name = "Target", type_ = "string", json_path = ".status.target"),
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
    printcolumn(
        name = "Nodes",
        type_ = "string",
        json_path = r#".status.conditions[?(@.type=="Programmed")].message"#,
        priority = 1
    ),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("(has(self.app) ? 1 : 0) + (has(self.service) ? 1 : 0) + (has(self.redirect) ? 1 : 0) == 1")
        .message("name exactly one target: app, service or redirect"),
    validation = Rule::new("has(self.http) != has(self.tcp)")
        .message("give either http, with a host, or tcp, with or without a port"),
    validation = Rule::new("!has(self.redirect) || has(self.http)")
        .message("a redirect is an answer to an HTTP request: give http instead of tcp, or name an app or a service")
        .field_path(".redirect"),
    validation = Rule::new("!has(self.redirect) || !has(self.http) || has(self.redirect.port) || (has(self.redirect.host) && self.redirect.host != self.http.host) || (has(self.redirect.path) && self.redirect.path != self.http.path)")
        .message("the redirect leads back to the route itself: change its host, port or path")
        .field_path(".redirect"),
    validation = Rule::new("!has(self.redirect) || !has(self.http) || !(has(self.http.healthCheck) || has(self.http.maxInFlightPerEndpoint) || has(self.http.timeouts) || (has(self.http.sticky) && self.http.sticky) || (has(self.http.leader) && self.http.leader))")
        .message("a redirect has no endpoints: leave sticky, leader, timeouts, healthCheck and maxInFlightPerEndpoint out")
        .field_path(".http")
)]
pub struct RouteSpec {
    /// The host and the path of the requests, and how they are sent on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http: Option<HttpRoute>,

    /// The TCP port of the connections, and how they are sent on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tcp: Option<TcpRoute>,

    /// The App in this namespace whose `web` process answers. It is the Service `<app>-web`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63))]
    pub app: Option<String>,

    /// The Service in this namespace that answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<ServiceReference>,

    /// Where the client is sent instead. What is left out is kept from the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redirect: Option<Redirect>,
}

/// Names a Service and one of its ports.
#[derive(KubeSchema, Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ServiceReference {
    /// The Service's name, in this namespace.
    #[schemars(length(min = 1, max = 63))]
    pub name: String,
    /// The Service's port, 1 to 65535. Left out: the port named `http`, else the only one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<i32>", range(min = 1, max = 65535))]
    pub port: Option<u16>,
}

/// Where a client is sent, in the parts of a URL.
#[derive(KubeSchema, Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Redirect {
    /// The scheme. Left out: the scheme of the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scheme: Option<RedirectScheme>,
    /// The host, without a port. Left out: the host of the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(
        validation = Rule::new("self.matches('^([a-z0-9_]([-a-z0-9_]{0,61}[a-z0-9_])?[.])*[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$')")
            .message("the host of a redirect is a name such as www.site.com, in lower case, without scheme, port or wildcard")
    )]
    pub host: Option<String>,
    /// The port, 1 to 65535. Left out: the one that the router serves the scheme on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<i32>", range(min = 1, max = 65535))]
    pub port: Option<u16>,
    /// An absolute path, which replaces path and query. Left out: both are kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 1024))]
    #[x_kube(
        validation = Rule::new("self.startsWith('/') && !self.matches('[[:space:][:cntrl:]]')")
            .message("the path of a redirect starts with a slash and has no spaces: escape them as %20")
    )]
    pub path: Option<String>,
    /// The status code: 301, 302, 307 or 308. Default: 308 (permanent, the method stays).
    #[serde(default = "permanent_redirect")]
    #[schemars(with = "i32", extend("enum" = [301, 302, 307, 308]))]
    pub code: u16,
}

/// The scheme of a redirect.
#[derive(JsonSchema, Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RedirectScheme {
    /// Plain HTTP.
    Http,
    /// HTTPS.
    Https,
}

/// What the operator found.
#[derive(JsonSchema, Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RouteStatus {
    /// The `metadata.generation` that this status is about.
    pub observed_generation: i64,
    /// What is true of the Route now.
    #[schemars(schema_with = "crate::schema::conditions")]
    pub conditions: Vec<Condition>,
    /// What answers, in words: `app www`, `service api:8080` or `308 to https://www.site.com`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// What became of `spec.tcp`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tcp: Option<TcpRouteStatus>,
}

fn permanent_redirect() -> u16 {
    308
}
