//! The schema of one value: its shape, how two versions of it merge, and what is asked of it.
//!
//! Small on purpose: there are some thousand of these for as long as the process runs. Descriptions are not in here; they
//! are in the OpenAPI documents, which are made anew for each request.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;

/// What a value may look like, and how appliers share it.
#[derive(Debug, Clone, PartialEq)]
pub struct Schema {
    /// The kind of value.
    pub shape: Shape,
    /// Whether null is a value of its own here.
    pub nullable: bool,
    /// What is filled in where the field is left out.
    pub default: Option<Value>,
    /// How a strategic merge patch treats it (`x-kubernetes-patch-strategy`, `x-kubernetes-patch-merge-key`).
    pub strategic: Strategy,
    /// How the value is written, as far as its shape does not tell.
    pub format: Option<Format>,
    /// The last part of the name of the definition that this is, such as `PodSpec`.
    pub definition: Option<Arc<str>>,
    /// Bounds, enums and patterns.
    pub constraints: Option<Box<Constraints>>,
}

/// The kinds of values.
#[derive(Debug, Clone, PartialEq)]
pub enum Shape {
    /// Known fields. `atomic` (`x-kubernetes-map-type`): one applier owns all of it.
    Struct {
        /// The fields by name.
        fields: BTreeMap<String, Schema>,
        /// Those that may not be left out.
        required: Vec<String>,
        /// Owned as a whole.
        atomic: bool,
        /// Unknown fields are kept (`x-kubernetes-preserve-unknown-fields`).
        preserves_unknown: bool,
    },
    /// Any names, one schema.
    Map {
        /// That schema.
        values: Box<Schema>,
        /// Owned as a whole.
        atomic: bool,
    },
    /// A list.
    List {
        /// The schema of every entry.
        items: Box<Schema>,
        /// How entries are told apart.
        list_type: ListType,
    },
    /// A value without parts.
    Scalar(Scalar),
    /// Anything, owned as a whole: a raw extension, `fieldsV1`.
    Any,
}

/// How the entries of a list are told apart (`x-kubernetes-list-type`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ListType {
    /// They are not: one applier owns the whole list.
    Atomic,
    /// By value.
    Set,
    /// By these fields (`x-kubernetes-list-map-keys`).
    Map(Vec<String>),
}

/// Values without parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scalar {
    /// Text; also times and quantities given as text.
    String,
    /// A whole number.
    Integer,
    /// A number.
    Number,
    /// True or false.
    Boolean,
    /// A whole number or text (`x-kubernetes-int-or-string`, quantities).
    IntOrString,
}

/// How a strategic merge patch treats a value.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Strategy {
    /// Lists and maps are merged, not replaced.
    pub merge: bool,
    /// Fields that the patch does not name under `$retainKeys` go.
    pub retain_keys: bool,
    /// The field by which the entries of a merged list are told apart; none: by value.
    pub merge_key: Option<String>,
}

/// How a scalar is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// A number of 32 bits.
    Int32,
    /// A number of 64 bits.
    Int64,
    /// Bytes in base64.
    Byte,
    /// An instant (RFC 3339).
    DateTime,
    /// An amount such as `500m`.
    Quantity,
}

/// What is asked of a value beside its shape.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Constraints {
    /// The values there are.
    #[serde(rename = "enum")]
    pub allowed: Option<Vec<Value>>,
    /// The least number.
    pub minimum: Option<f64>,
    /// The greatest number.
    pub maximum: Option<f64>,
    /// The fewest characters.
    pub min_length: Option<usize>,
    /// The most characters.
    pub max_length: Option<usize>,
    /// A regular expression that is found in the text.
    pub pattern: Option<String>,
    /// The fewest entries of a list.
    pub min_items: Option<usize>,
    /// The most entries of a list.
    pub max_items: Option<usize>,
    /// The fewest entries of a map.
    pub min_properties: Option<usize>,
    /// The most entries of a map.
    pub max_properties: Option<usize>,
}
