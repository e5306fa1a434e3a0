//! What should be: pure functions from declared and observed resources to wishes.
//!
//! No client of any API, no clock, no randomness, no logging, ordered maps only: the same objects yield the same plan on
//! the leader, on every node, in a test and in `flynn-operator plan`. Planning is per unit, so that an edit costs what it
//! changed:
//!
//! ```text
//! Object --put--> World --dirty Units--> cluster, service, certificate, host, tcp, app --Step--> table, objects, statuses
//! ```
//!
//! The law, property-tested in `tests/laws.rs`: any order of edits, planned incrementally, ends where planning from
//! scratch ends. The readable specification is `tests/cases/<case>/{in,out}.yaml`.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test may panic"))]

mod address;
mod app;
pub mod aws;
mod backend;
pub mod blobstore;
mod certificate;
mod changes;
mod cluster;
mod cookie_key;
mod dns;
mod host;
mod key;
mod object;
mod planner;
mod platform;
mod programmed;
pub mod security_group;
mod service;
mod simulate;
mod status;
mod step;
mod subset;
mod tcp;
mod unit;
mod verdict;
mod wish;
mod world;

pub use app::{AppInputs, AppPlan, app, wanted_names};
pub use backend::Targets;
pub use certificate::{
    CertificateInputs, CertificatePlan, Facts, PairError, SelfSignedPair, Source, certificate, copy_key,
    covers, orphaned_copies, tls_pin,
};
pub use changes::Changes;
pub use cookie_key::RouterKey;
pub use host::{HostInputs, HostPlan, RouteVerdict, host};
pub use key::{HostName, ObjectKey, ServicePort};
pub use object::{Kind, Object};
pub use planner::{Planner, Role};
pub use platform::Platform;
pub use service::{Election, Port, ServiceInputs, ServicePlan, Want, service};
pub use simulate::{Simulation, Write};
pub use status::Finding;
pub use step::{StatusWrite, Step, Transition};
pub use subset::SPEC_HASH;
pub use tcp::{TcpInputs, TcpPlan, tcp};
pub use unit::Unit;
pub use verdict::{Refusal, Verdict};
pub use wish::{ObjectChanges, Wish};
