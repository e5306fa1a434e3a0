//! The router on real sockets: what a client sends, what an endpoint sees, what comes back. One module per behaviour.

#![allow(clippy::unwrap_used)] // a test that panics has failed, which is what it is for

mod access_log;
mod admin;
mod bodies;
mod client;
mod command;
mod conformance;
mod connections;
mod endpoint;
mod endpoints;
mod events;
mod exhaustion;
mod headers;
mod health;
mod http2;
mod interim;
mod lifecycle;
mod ports;
mod probes;
mod proxy_protocol;
mod redirects;
mod routing;
mod rules;
mod site;
mod slowness;
mod strict;
mod swaps;
mod tcp;
mod tls;
mod trailers;
mod upgrades;
