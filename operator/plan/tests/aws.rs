//! The AWS half of the planner, played against a simulated AWS account: golden stories and laws.
//!
//! ```text
//! State (Cluster, nodes, account, faults) --Leader: observe, plan, call--> State, journal, report
//! ```
//!
//! `aws-cases/<case>/in.yaml` begins with a comment that states the rule, then has the state (`aws/world.rs`, `aws/account.rs`) and how many seconds
//! pass; a further stage `in-2.yaml` is laid over what the account has become by then. `out.yaml` is what comes of it (`aws/story.rs`). The laws are in
//! `aws/laws.rs`, and what a crash after each single call comes to is in `aws/crash.rs`. `UPDATE_GOLDEN=1` writes the outputs anew: read the difference before committing it.

#![allow(clippy::disallowed_methods, reason = "a test reads its cases")]
#![allow(clippy::unwrap_used, missing_docs, reason = "a test may panic")]

#[path = "aws/account.rs"]
mod account;
#[path = "aws/crash.rs"]
mod crash;
#[path = "aws/health_checks.rs"]
mod health_checks;
#[path = "aws/laws.rs"]
mod laws;
#[path = "aws/leader.rs"]
mod leader;
#[path = "aws/record_laws.rs"]
mod record_laws;
#[path = "aws/records.rs"]
mod records;
#[path = "aws/story.rs"]
mod story;
#[path = "aws/world.rs"]
mod world;
