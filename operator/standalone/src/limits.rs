//! How much one client may ask of the server.

use std::time::Duration;

/// Limits of the server.
#[derive(Debug, Clone)]
pub struct Limits {
    /// The bytes of a request's body.
    pub body_bytes: usize,
    /// The bytes of a request's head.
    pub head_bytes: usize,
    /// Watches and followed logs at a time.
    pub streams: usize,
    /// Connections at a time.
    pub connections: usize,
    /// The time that a connection has for its handshake, and for the head of each request.
    pub head_timeout: Duration,
    /// The time in which a client has to read something that waits for it.
    pub write_timeout: Duration,
    /// How often a watch that wants bookmarks gets one.
    pub bookmark_interval: Duration,
    /// The time that requests have to end when the server stops.
    pub stop_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: 3 * 1024 * 1024,
            head_bytes: 64 * 1024,
            streams: 1000,
            connections: 2000,
            head_timeout: Duration::from_secs(10),
            write_timeout: Duration::from_secs(30),
            bookmark_interval: Duration::from_secs(60),
            stop_timeout: Duration::from_secs(5),
        }
    }
}
