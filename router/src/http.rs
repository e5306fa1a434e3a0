//! HTTP/1.1, both sides, read as bytes.
//!
//! ```text
//! buffer -> head -> request -> framing            what the client sent, checked
//!                      '-> decide                 what to do with it, from the table
//!                            |-> reply            the router's own answer
//!                            '-> forward -> exchange -> response     to an endpoint and back
//!                                              |-> body, chunked     streamed both ways at once
//!                                              '-> tunnel            after a 101
//! ```
//! `connection.rs` is the loop around all that: one task per client connection.

mod body;
mod buffer;
mod chunked;
pub(crate) mod connection;
mod date;
mod deadline;
mod decide;
mod exchange;
mod forward;
mod framing;
mod head;
mod name;
mod reply;
mod request;
mod response;
mod tunnel;

pub(crate) use buffer::Buffer;
