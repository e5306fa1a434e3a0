//! `flynn-operator`: a Kubernetes operator that turns manifests into a running, Flynn-compatible platform.
//!
//! This crate is the part with side effects; what should be is decided by the pure crate `plan`, and requests are served by
//! the crate `router`. One direction:
//!
//! ```text
//! observe (watches) --> reconcile (owns the planner) --> effects (writes, the table) --> the API, requests
//!                            ^------ outcomes ---------------'
//! ```
//!
//! Start reading at `run.rs`; the roles are `controller.rs`, `node.rs` and, without Kubernetes, `up.rs`; the tools `plan_command.rs`, `pin.rs` and
//! `manifests.rs`.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test may panic"))]

mod args;
mod aws_policy;
mod backoff;
mod ca;
mod cloud;
mod controller;
mod effects;
mod files;
mod health;
mod hello;
mod inspect;
mod keep;
mod lease;
mod local_storage;
mod manifests;
mod metrics;
mod node;
mod observe;
mod pacing;
mod pin;
mod plan_command;
mod rbac;
mod reason;
mod reconcile;
mod run;
mod shutdown;
mod startup;
mod stdout;
mod storage;
mod up;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    // Before anything else of the operator: such a process has one thread, and needs nothing of it.
    if std::env::args_os().nth(1).is_some_and(|command| command == up::processes::SHIM) {
        return kubelet::shim::main();
    }
    // The one provider of cryptography in the process: with none or two installed, rustls panics.
    if rustls::crypto::aws_lc_rs::default_provider().install_default().is_err() {
        eprintln!("flynn-operator: another provider of cryptography is installed already, which is a bug");
        return ExitCode::FAILURE;
    }
    match run::run(args::Arguments::parse()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("flynn-operator: {:#}", anyhow::Error::new(error));
            ExitCode::FAILURE
        }
    }
}
