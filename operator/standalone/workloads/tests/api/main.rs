//! The controllers on a running API: what they make of Deployments, Services, owners and namespaces.
//!
//! They need an API on which nobody else does their work: a kube-apiserver without kube-controller-manager, or the
//! embedded one without its own. `WORKLOADS_KUBECONFIG=FILE cargo test -p workloads -- --ignored` runs them.

#![allow(clippy::unwrap_used, missing_docs, reason = "a test may panic")]

mod bed;
mod deployments;
mod endpoints;
mod garbage;
mod namespaces;
