//! AWS in our words: what the operator reads and writes there, behind one narrow trait for each concern.
//!
//! ```text
//! operator --traits, words of plan::aws--> this crate --aws-sdk-{ec2,route53,s3,iam}--> AWS
//!
//! trait (addresses.rs) --> its implementation (addresses/ec2.rs) --> Caller: turn (pace), fence, attempt, observer --> SDK
//! ```
//!
//! No type of the SDK leaves this crate: a file either has public items or names the SDK. Errors are classified once ([`plan::aws::Failure`]), by their
//! typed code. Every attempt waits for its turn in the buckets of `pace.rs`, and is counted. An answer that was cut off is none (`whole.rs`). Nothing in here
//! decides anything.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test may panic"))]

mod addresses;
mod buckets;
mod caller;
mod client;
mod failure;
mod fence;
mod groups;
mod health_checks;
mod instances;
mod observer;
mod operation;
mod pace;
mod principals;
mod sdk;
mod whole;
mod zones;

#[cfg(test)]
mod tests;

pub use addresses::ElasticIps;
pub use buckets::{BucketRef, Buckets};
pub use client::{Account, Cloud, Settings};
pub use fence::Fence;
pub use groups::Groups;
pub use health_checks::HealthChecks;
pub use instances::Instances;
pub use observer::{Attempt, CallObserver};
pub use principals::{NewKey, Principals, SecretKey};
pub use zones::Zones;
