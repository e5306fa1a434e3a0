//! Proves the double with the real AWS SDK for Rust: each rule refuses, and its documents are understood.

#![expect(clippy::unwrap_used, reason = "a test fails where something is missing")]

mod batches;
mod bed;
mod binary;
mod changes;
mod dns;
mod dns_health;
mod faults;
mod form;
mod health_checks;
mod lists;
mod neighbours;
mod probes;
mod signatures;
mod tags;
mod zones;
