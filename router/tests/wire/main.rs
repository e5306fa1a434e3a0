//! The router on real sockets: what a client sends, what an endpoint sees, what comes back. One module per behaviour.

#![allow(clippy::unwrap_used)] // a test that panics has failed, which is what it is for

mod bodies;
mod client;
mod command;
mod connections;
mod endpoint;
mod endpoints;
mod headers;
mod lifecycle;
mod redirects;
mod routing;
mod site;
mod strict;
mod swaps;
mod tls;
mod upgrades;
