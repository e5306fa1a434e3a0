//! Server-side apply and the three patches of the Kubernetes API, as pure functions over JSON: no IO, no clock.
//!
//! ```text
//! PATCH json, merge, strategic --> json, strategic --+
//! POST, PUT ------------------------------------------+--> update --+
//! PATCH apply ----------------------------------------------> apply --+--> object with metadata.managedFields
//!                                                     fields, typed, managed: whose fields are whose
//! ```
//! A caller patches, defaults and prunes, and then calls [`update`]; or it calls [`apply`] and then defaults and prunes. Just before
//! it stores, it calls [`keep_times`], so that a write that changes nothing is no write.
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test may panic"))]

mod apply;
mod conflict;
mod error;
mod fields;
mod json;
mod last_applied;
mod managed;
mod reset;
mod scale;
mod strategic;
mod typed;
mod update;

pub use apply::{Apply, ApplyError, apply};
pub use conflict::{Conflict, Conflicts};
pub use error::Error;
pub use fields::{FieldSet, FieldsError, Literal, Path, PathElement};
pub use json::{json_patch, merge_patch};
pub use managed::{keep_times, valid_managed_fields};
pub use reset::reset_fields;
pub use scale::{SCALE_API_VERSION, ScalePath};
pub use strategic::strategic_merge_patch;
pub use update::{Update, update};

/// The fields of an object, as whoever applies it manages them.
#[must_use]
pub fn fields(schema: &schema::Schema, object: &serde_json::Value) -> FieldSet {
    typed::fields_of(typed::Type::Known(schema), object)
}
