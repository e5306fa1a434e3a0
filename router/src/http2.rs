//! HTTP/2, spoken by translating each stream to a connection of HTTP/1.1 in memory, and back.
//!
//! ```text
//! socket -> wire (counts what floods) -> connection (h2: frames, windows, limits)
//!             stream by stream -> request -> bytes of HTTP/1.1 -> http/connection, as from any client
//!                       stream <- response <- bytes of HTTP/1.1 <-'
//! ```
//! So there is one parser, one decision, one set of rules and answers: nothing that HTTP/1.1 would refuse gets past by
//! coming over HTTP/2, because it *is* a request of HTTP/1.1 before anything looks at it. An endpoint that speaks
//! HTTP/2 is the same thing the other way round (`upstream/h2.rs`), with the same `inflow` and `outflow`.

mod connection;
pub(crate) mod fields;
pub(crate) mod inflow;
pub(crate) mod options;
pub(crate) mod outflow;
mod request;
mod response;
mod stream;
mod wire;

pub(crate) use connection::{Visit, serve};
