//! The HTTP side of a `Route`: which requests it is for, and how they are sent to the endpoints.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

/// Which requests a Route is for, and how they are sent on.
#[derive(KubeSchema, Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HttpRoute {
    /// The host: an exact name, `*.site.com` (which also answers for `site.com` and for up to four more labels), or `*` for
    /// every host that no other Route has. An exact name wins over a wildcard, a longer wildcard over a shorter one.
    /// The host belongs to the namespace of its oldest Route, on every port. Lower case, without a port.
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(
        validation = Rule::new("self.matches('^([*]|([*][.])?([a-z0-9_]([-a-z0-9_]{0,61}[a-z0-9_])?[.])*[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)$')")
            .message("a host is a name such as www.site.com, *.site.com or *: write it in lower case, without scheme, port, path or trailing dot")
    )]
    pub host: String,

    /// The path, matched by whole segments: `/api/` is for `/api` and everything below it. A slash at the end is added.
    /// The longest path wins. A path other than `/` needs a Route for `/` on the same host and port. The path is not
    /// stripped from the request. Default: `/`.
    #[serde(default = "root_path")]
    #[schemars(length(min = 1, max = 1024))]
    #[x_kube(
        validation = Rule::new("self.startsWith('/') && !self.matches('[?#%\\\\s]') && !self.contains('//') && !self.matches('/[.][.]?(/|$)')")
            .message("a path starts with a slash and has neither empty, . or .. segments nor ?, #, % or spaces")
    )]
    pub path: String,

    /// One of the additional ports that the router nodes listen on (`--additional-http-ports`, `--additional-https-ports`):
    /// the Route answers there and nowhere else. Left out: it answers on the default ports, 80 and 443. 1 to 65535.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<i32>", range(min = 1, max = 65535))]
    #[x_kube(
        validation = Rule::new("!(self in [80, 443])")
            .message("80 and 443 are the default ports: leave port out to answer on both")
    )]
    pub port: Option<u16>,

    /// The Certificate in this namespace for this host. Left out: the certificate of the Cluster's domain that the host
    /// lies under. Of several Routes on one host and port, the one for `/` decides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub certificate: Option<String>,

    /// Whether a client stays with the endpoint that answered it first, as long as that one is ready. The endpoint is kept in
    /// an encrypted cookie, `_backend`. Default: false.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub sticky: bool,

    /// Whether only the leader of the Service gets requests: the Pod that holds the Lease named like the Service, or, if there
    /// is no such Lease, the oldest Pod that is ready. While there is no leader, 503 is answered. Default: false.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub leader: bool,

    /// Whether the router's admin API tells when an endpoint has come, has gone, and has answered its last request. If any
    /// Route of a Service wants it, it is told. Default: true.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub drain_backends: bool,

    /// Whether every request gets a connection to the endpoint of its own. Default: false.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub disable_keep_alives: bool,

    /// Tells browsers to use nothing but HTTPS for this host (RFC 6797). Of several Routes on one host and port, the one for
    /// `/` decides. Left out: `spec.router.hsts` of the Cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hsts: Option<StrictTransportSecurity>,

    /// How long things may take.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeouts: Option<Timeouts>,

    /// The largest body of a request, in bytes; a larger one is refused with 413. 0 to 1099511627776. Left out: any size.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<i64>", range(min = 0, max = 1099511627776_i64))]
    pub max_body_bytes: Option<u64>,

    /// The networks that clients may come from, such as `10.0.0.0/8` or `2001:db8::/32`; others are answered with 403. Left
    /// out: everybody. At most 64.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "crate::schema::networks")]
    pub clients: Vec<String>,

    /// A request that the router itself sends to every endpoint, again and again; one that does not answer gets none of the
    /// clients' requests. Left out: an endpoint gets requests as long as its Pod is ready.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health_check: Option<RouteHealthCheck>,

    /// The most requests that one endpoint gets at once from one router node; those that find every endpoint full are answered
    /// with 503. 1 to 100000. Left out: any number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<i32>", range(min = 1, max = 100000))]
    pub max_in_flight_per_endpoint: Option<u32>,
}

/// `Strict-Transport-Security` (RFC 6797 section 6.1), sent over HTTPS.
#[derive(KubeSchema, Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("!has(self.preload) || !self.preload || (self.maxAgeSeconds >= 31536000 && has(self.includeSubdomains) && self.includeSubdomains)")
        .message("the lists that browsers are shipped with take a host only with includeSubdomains and a maxAgeSeconds of at least 31536000")
)]
pub struct StrictTransportSecurity {
    /// How long a browser remembers it, in seconds; 0 makes browsers forget. At most 2147483647.
    #[schemars(with = "i64", range(min = 0, max = 2147483647))]
    pub max_age_seconds: u32,
    /// Whether it is about the names below the host too. Default: false.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub include_subdomains: bool,
    /// Whether the host may be put on the lists that browsers are shipped with. Default: false.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub preload: bool,
}

/// How long things may take.
#[derive(KubeSchema, Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Timeouts {
    /// How long an endpoint may take until its response begins, in seconds; after that, 503 is answered. 1 to 86400.
    /// Default: 600.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<i32>", range(min = 1, max = 86400))]
    pub response_seconds: Option<u32>,
    /// How long a body may rest, in either direction, in seconds: a client's is then answered with 408, an endpoint's response
    /// is cut. 1 to 86400. Default: 60.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<i32>", range(min = 1, max = 86400))]
    pub idle_seconds: Option<u32>,
    /// The least rate of a request's body, in bytes a second, as an average over half a minute of waiting for the client; a slower one is answered
    /// with 408. It holds until the endpoint answers; gRPC and connections that have switched protocols have none. 0 to 1000000, where 0 is
    /// none. Default: 240.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<i32>", range(min = 0, max = 1_000_000))]
    pub min_body_bytes_per_second: Option<u32>,
}

/// A request that the router sends to every endpoint; one that answers 200 to 399 is well.
#[derive(KubeSchema, Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RouteHealthCheck {
    /// The path, for example `/healthz`.
    #[schemars(length(min = 1, max = 1024))]
    #[x_kube(
        validation = Rule::new("self.startsWith('/') && !self.matches('[[:space:][:cntrl:]]')")
            .message("the path of a health check starts with a slash and has no spaces: escape them as %20")
    )]
    pub path: String,
    /// The time between two requests to an endpoint, in seconds. 1 to 3600. Default: 10.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<i32>", range(min = 1, max = 3600))]
    pub interval_seconds: Option<u32>,
    /// How long an answer may take, in seconds. 1 to 60. Default: 2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<i32>", range(min = 1, max = 60))]
    pub timeout_seconds: Option<u32>,
    /// After so many failures in a row an endpoint gets no requests. 1 to 10. Default: 3.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<i32>", range(min = 1, max = 10))]
    pub unhealthy_after: Option<u32>,
    /// After so many answers in a row it gets requests again. 1 to 10. Default: 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<i32>", range(min = 1, max = 10))]
    pub healthy_after: Option<u32>,
}

impl Default for HttpRoute {
    fn default() -> Self {
        Self {
            host: String::new(),
            path: root_path(),
            port: None,
            certificate: None,
            sticky: false,
            leader: false,
            drain_backends: true,
            disable_keep_alives: false,
            hsts: None,
            timeouts: None,
            max_body_bytes: None,
            clients: Vec::new(),
            health_check: None,
            max_in_flight_per_endpoint: None,
        }
    }
}

fn root_path() -> String {
    "/".into()
}

pub(super) fn yes() -> bool {
    true
}

// serde gives references.
#[allow(clippy::trivially_copy_pass_by_ref)]
pub(super) fn is_yes(value: &bool) -> bool {
    *value
}
