//! Objects in the data folder, behind the HTTP API of Flynn's blobstore: what a `Blobstore` with `local: {}` is.
//!
//! ```text
//! request --> server --> service --> access: which Blobstore does the key in the path open?
//!                           |
//!                           '------> objects --> folder: contents, and a record beside each that names it
//! ```
//!
//! A write is visible when its record is in place, and not before: whoever reads sees an object as it was or as it is. What an App needs
//! to know is in [`variables()`]. This crate has never heard of Kubernetes; docs/blobstore.md is for who uses it.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test may panic"))]

mod access;
mod checksum;
mod name;
mod objects;
mod server;
mod service;
mod variables;

pub use access::{Access, AccessKey};
pub use name::{Directory, Name};
pub use objects::{Content, Error, Objects, OpenError, Record, Staged};
pub use server::{Server, StartError};
pub use variables::{kept_key, variables};
