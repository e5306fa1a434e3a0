//! What one connection of HTTP/2 may cost.
//!
//! The limits are per connection or per stream, so that the memory of all connections is bounded by their number. What
//! a client may send ahead is bounded by the windows; what waits for a slow one by the send buffer.

use std::time::Duration;

use h2::server;

use crate::http::head::MAX_HEAD;

/// The bounds of a client's HTTP/2 connection. The defaults suit the open internet.
#[derive(Debug, Clone)]
pub struct Http2 {
    /// Requests at once on one connection; one more is refused, and the client may send it again. Default: 128.
    pub streams: u32,
    /// How much of one request's body may be on its way while nobody takes it, in bytes. Default: 256 KiB.
    pub stream_window: u32,
    /// The same for all requests of a connection together. Default: 1 MiB.
    pub connection_window: u32,
    /// How much of one response may wait for the client, in bytes. Default: 32 KiB.
    pub send_buffer: u32,
    /// A client that was silent for so long is asked whether it is still there, and dropped if it is silent for as long
    /// again. Default: 60 s.
    pub keep_alive: Duration,
}

impl Default for Http2 {
    fn default() -> Self {
        Self {
            streams: 128,
            stream_window: 256 * 1024,
            connection_window: 1024 * 1024,
            send_buffer: 32 * 1024,
            keep_alive: Duration::from_secs(60),
        }
    }
}

impl Http2 {
    /// What frames are read and written with. `h2` itself ends connections with too many CONTINUATION frames, resets
    /// of requests that were not looked at yet, empty or tiny DATA frames, heads four times too long or malformed
    /// messages; it answers one head that is too long with 431. What it does not count, `wire.rs` does.
    #[allow(clippy::cast_possible_truncation)] // the longest head is far shorter than 4 GiB
    pub(super) fn builder(&self) -> server::Builder {
        let mut builder = server::Builder::new();
        builder
            .max_concurrent_streams(self.streams)
            .initial_window_size(self.stream_window)
            .initial_connection_window_size(self.connection_window)
            .max_send_buffer_size(self.send_buffer as usize)
            .max_header_list_size(MAX_HEAD as u32)
            .enable_connect_protocol();
        builder
    }
}
