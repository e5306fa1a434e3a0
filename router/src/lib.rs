//! The router: configurations in, traffic out.
//!
//! A [`Handle`] takes [`router_config`] values and publishes a compiled table; a [`Server`] listens and serves
//! requests by that table, on worker threads that share nothing but it. Neither has heard of Kubernetes or AWS, and
//! both can live in somebody else's process. Start reading at `handle.rs` (how a change gets in) or `serve.rs` (how
//! a request does).
//!
//! ```text
//! Config, Delta -> handle -> table/compile -> Table --one swap--+
//!                                                               v
//! socket -> serve/worker -> tls -> http/connection -> http/decide -> http/forward -> upstream/ -> endpoint
//!                            '-> http2 -'                '-> http/reply                (balance, pool, dial, h2)
//!
//! beside the workers, on a thread of its own: checks (of endpoints), events (of drains), admin (the API for operators)
//! ```

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod access_log;
mod admin;
mod checks;
mod events;
mod explain;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod handle;
mod http;
mod http2;
mod metrics;
mod open_files;
mod proxy_protocol;
mod serve;
mod table;
mod tcp;
mod tls;
mod upstream;

pub use access_log::{AccessLog, LogForm};
pub use explain::{
    Because, CertificateSeen, EndpointSeen, Explanation, HostListed, Matched, NotAUrl, Outcome, PathListed,
    Question, Routes, Rules, State, TcpListed,
};
pub use handle::{Applied, Explained, Fault, Handle, Subject};
pub use http2::options::Http2;
pub use metrics::Snapshot;
pub use metrics::series::{Sample, Series, Values};
pub use open_files::raise_open_files;
pub use serve::{Addresses, Options, Server, StartError, Timeouts, unheard};
