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
//!                                                        '-> http/reply                (balance, pool, dial)
//! ```

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod handle;
mod http;
mod metrics;
mod serve;
mod table;
mod tls;
mod upstream;

pub use handle::{Applied, Explained, Fault, Handle, Subject};
pub use metrics::Snapshot;
pub use serve::{Addresses, Options, Server, StartError, Timeouts};
