//! How to serve, beside what: threads and patience.

use std::thread;
use std::time::Duration;

/// How a [`Server`](crate::Server) serves.
#[derive(Debug, Clone)]
pub struct Options {
    /// Worker threads; 0 counts as 1. Default: one per core.
    pub workers: usize,
    /// How long to wait for whom.
    pub timeouts: Timeouts,
    /// Whether another process of the same user may listen on the same ports, if it shares them too: the old and the new one run
    /// side by side while one replaces the other. Default: no, and a port that anybody listens on is in use.
    pub share_ports: bool,
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
    /// For the next byte of a request's body (408), and for a client to take the next byte of a response. Default: 60 s.
    pub body: Duration,
    /// For a connection to an endpoint; then another endpoint is tried. Default: 1 s.
    pub dial: Duration,
    /// For the head of an endpoint's response, once the request is with it (503). Default: 10 minutes.
    pub response: Duration,
    /// How long an idle connection to an endpoint is kept, unless the endpoint asks for less. Default: 60 s.
    pub endpoint_idle: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            workers: thread::available_parallelism().map_or(1, Into::into),
            timeouts: Timeouts::default(),
            share_ports: false,
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
            body: Duration::from_secs(60),
            dial: Duration::from_secs(1),
            response: Duration::from_secs(600),
            endpoint_idle: Duration::from_secs(60),
        }
    }
}
