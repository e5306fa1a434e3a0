//! HTTP/1.1, both sides, read as bytes.
//!
//! ```text
//! buffer -> head -> request -> framing            what the client sent, checked
//!                      '-> decide                 what to do with it, from the table
//!                            |-> reply            the router's own answer
//!                            '-> forward, sticky -> exchange -> response           to an endpoint and back
//!                                                      |-> body, chunked, trailers streamed both ways at once
//!                                                      |-> pace                    what the client has to keep up
//!                                                      '-> tunnel                  after a 101
//! ```
//! `connection.rs` is the loop around all that: one task per client connection, one `record.rs` per request.

mod body;
mod buffer;
pub(crate) mod chunked;
pub(crate) mod connection;
mod date;
pub(crate) mod deadline;
pub(crate) mod decide;
mod exchange;
pub(crate) mod forward;
pub(crate) mod framing;
pub(crate) mod head;
mod hsts;
pub(crate) mod name;
mod pace;
mod record;
pub(crate) mod reply;
pub(crate) mod request;
pub(crate) mod response;
pub(crate) mod sticky;
mod trailers;
pub(crate) mod tunnel;

pub(crate) use buffer::Buffer;
