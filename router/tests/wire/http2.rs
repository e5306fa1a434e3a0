//! HTTP/2: what comes over it is served by the rules of HTTP/1.1, and what abuses it is ended.

mod checks;
pub(crate) mod client;
mod connections;
mod floods;
mod frames;
mod grpc;
mod grpc_server;
mod malformed;
mod messages;
mod websockets;
