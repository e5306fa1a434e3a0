//! The controllers on a running API: what they make of Deployments, Services, owners and namespaces.
//!
//! Each test has an embedded API of its own, on which nobody else does their work, and a kubelet that is played.

#![allow(clippy::unwrap_used, missing_docs, reason = "a test may panic")]

mod bed;
mod deployments;
mod endpoints;
mod garbage;
mod namespaces;
