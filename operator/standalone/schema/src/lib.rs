//! What the embedded Kubernetes API serves: its kinds, and what an object of each may look like. Pure: no IO, no clock.
//!
//! ```text
//! facts of a real server (kubernetes.json) --+
//!                                            +--> Catalog --> Resource --> Schema
//! crds::all() -------------------------------+
//! ```

mod catalog;
mod decode;
mod defaulting;
mod encoding;
mod field_error;
mod openapi;
mod pruning;
mod quantity;
mod strict;
mod structural;
mod time;
mod validation;
mod warnings;

pub use catalog::{Catalog, Column, Resource, Scale, Scope, Subresources};
pub use field_error::{FieldError, Reason};
pub use structural::{Constraints, Format, ListType, Scalar, Schema, Shape, Strategy};
