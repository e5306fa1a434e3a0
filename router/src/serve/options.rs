//! How to serve, beside what: threads and patience.

use std::thread;
use std::time::Duration;

use crate::access_log::AccessLog;
use crate::http2::options::Http2;

/// How a [`Server`](crate::Server) serves.
#[derive(Debug, Clone)]
pub struct Options {
    /// Worker threads; 0 counts as 1. Default: one per core.
    pub workers: usize,
    /// How long to wait for whom.
    pub timeouts: Timeouts,
    /// What one HTTP/2 connection may cost.
    pub http2: Http2,
    /// Whether another process of the same user may listen on the same ports, if it shares them too: the old and the new one run
    /// side by side while one replaces the other. Default: no, and a port that anybody listens on is in use.
    pub share_ports: bool,
    /// The most client connections at once, over all workers. Beyond it a connection that waits for its client is closed for a
    /// new one; if there is none, the new one is. Default: half of the files that the process may have open at the start,
    /// because each may need one to an endpoint.
    pub max_connections: Option<usize>,
    /// The most connections at once of one client: an IPv4 address, or an IPv6 network of 64 bits. Further ones are closed.
    /// Default: no limit.
    pub max_connections_per_client: Option<u32>,
    /// Which requests are logged, and how. Default: none.
    pub access_log: Option<AccessLog>,
    /// What `/.well-known/status` gives as the version. Default: `dev`.
    pub version: String,
}

/// How long to wait. The defaults suit the open internet.
#[derive(Debug, Clone)]
pub struct Timeouts {
    /// For a whole request head, from its first byte on (408), and for the first byte on a new connection. Default: 60 s.
    pub header: Duration,
    /// For the next request on a kept connection. Default: 5 minutes.
    pub idle: Duration,
    /// For a TLS handshake. Default: 10 s.
    pub handshake: Duration,
    /// For a client to take the next byte of the router's own answer. Default: 60 s.
    pub reply: Duration,
    /// Over how long the rate of a request's body is averaged, where its route has a least rate; nothing is judged before.
    /// Default: 30 s.
    pub body_rate: Duration,
    /// For a reader of the admin API's events to take some of those that wait for it. Default: 10 s.
    pub events: Duration,
    /// For a connection to an endpoint; then another endpoint is tried. Default: 1 s.
    pub dial: Duration,
    /// How long an idle connection to an endpoint is kept, unless the endpoint asks for less. Default: 60 s.
    pub endpoint_idle: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            workers: thread::available_parallelism().map_or(1, Into::into),
            timeouts: Timeouts::default(),
            http2: Http2::default(),
            share_ports: false,
            max_connections: None,
            max_connections_per_client: None,
            access_log: None,
            version: "dev".into(),
        }
    }
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            header: Duration::from_secs(60),
            idle: Duration::from_secs(300),
            handshake: Duration::from_secs(10),
            reply: Duration::from_secs(60),
            body_rate: Duration::from_secs(30),
            events: Duration::from_secs(10),
            dial: Duration::from_secs(1),
            endpoint_idle: Duration::from_secs(60),
        }
    }
}
