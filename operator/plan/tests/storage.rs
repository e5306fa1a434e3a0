//! What the plans of a Blobstore and of the security groups come to, on models of S3, IAM and EC2 that refuse what AWS refuses.
//!
//! `storage/account.rs` and `storage/cloud.rs` are the models, `storage/story.rs` runs a plan on the first until nothing is left to do. A crash is
//! put after every single call, and every end has to be the same.

#![allow(clippy::unwrap_used, missing_docs, reason = "a test may panic")]

#[path = "storage/account.rs"]
mod account;
#[path = "storage/bucket.rs"]
mod bucket;
#[path = "storage/cloud.rs"]
mod cloud;
#[path = "storage/crashes.rs"]
mod crashes;
#[path = "storage/groups.rs"]
mod groups;
#[path = "storage/keys.rs"]
mod keys;
#[path = "storage/removal.rs"]
mod removal;
#[path = "storage/rules.rs"]
mod rules;
#[path = "storage/story.rs"]
mod story;
