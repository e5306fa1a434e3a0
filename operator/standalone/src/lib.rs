//! The embedded Kubernetes API: what a kube-apiserver does, for the kinds that the operator and its users need.
//!
//! ```text
//! bytes -> server (TLS, HTTP) -> api -> access (who, may he) -> request (typed) -> rest/* -> admission -> store
//!          in-process client --->  |                                                 |                     |
//!                                  +-> discovery, health, metrics                    +-> table, wire       +-> watch
//! ```
//! A request becomes a typed `request::Request` at the edge. The steps that decide what an object becomes (`admission`,
//! `strategy`, `deletion`, `selector`, `table`, and the crates `schema` and `patch`) are pure; only `rest` reads and
//! writes the store. Whatever goes wrong is a `status::Failure`, with the words of a real server.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test may panic"))]

mod access;
mod admission;
mod answer;
mod api;
mod audit;
mod backup;
mod body;
mod deletion;
mod discovery;
mod event;
mod first_objects;
mod health;
mod identity;
mod limits;
mod logs;
mod meta;
mod metrics;
mod negotiate;
mod page;
mod protobuf;
mod query;
mod request;
mod rest;
mod selector;
mod server;
mod socket;
mod status;
mod strategy;
mod table;
mod trail;
mod wire;

pub use access::{Role, Token, User, Users, UsersError, kubeconfig, write_private};
pub use answer::Body;
pub use first_objects::FirstObjectsError;
pub use identity::{Identity, IdentityError};
pub use limits::Limits;
pub use logs::{LogError, LogOptions, LogStream, Logs, NoLogs, PodRef};
pub use server::{InProcess, Options, Server, StartError};
