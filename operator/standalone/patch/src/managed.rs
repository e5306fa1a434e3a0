//! `metadata.managedFields`: who manages which fields of an object, as a value.

mod cap;
mod times;

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

pub use times::keep_times;

use crate::fields::{FieldSet, FieldsError};

/// How a manager writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Operation {
    Apply,
    Update,
}

impl Operation {
    fn name(self) -> &'static str {
        match self {
            Self::Apply => "Apply",
            Self::Update => "Update",
        }
    }
}

/// Who manages: entries of one manager are one entry.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Manager {
    pub(crate) name: String,
    pub(crate) operation: Operation,
    /// Of updates only: who applies is the same in every version.
    pub(crate) version: Option<String>,
    pub(crate) subresource: String,
}

impl Manager {
    /// The manager of a request.
    pub(crate) fn new(name: &str, operation: Operation, api_version: &str, subresource: &str) -> Self {
        let name = if name.is_empty() { "unknown" } else { name };
        Self {
            name: name.to_owned(),
            operation,
            version: (operation == Operation::Update).then(|| api_version.to_owned()),
            subresource: subresource.to_owned(),
        }
    }
}

/// What a manager manages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) api_version: String,
    pub(crate) set: FieldSet,
    /// RFC 3339, in UTC; none where the manager has never changed anything.
    pub(crate) time: Option<String>,
}

/// All entries of an object.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Managed {
    pub(crate) entries: BTreeMap<Manager, Entry>,
}

/// Why `metadata.managedFields` cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum DecodeError {
    #[error("operation must be `Apply` or `Update`")]
    Operation,
    #[error("apiVersion must not be empty")]
    ApiVersion,
    #[error("missing fieldsType in managed fields entry {0}")]
    NoFieldsType(usize),
    #[error("invalid fieldsType {0:?} in managed fields entry {1}")]
    FieldsType(String, usize),
    #[error("error decoding set: {0}")]
    Fields(#[source] FieldsError),
}

/// Checks `metadata.managedFields` as a request has it.
///
/// # Errors
/// What is wrong, in the words of a real server.
pub fn valid_managed_fields(managed_fields: &Value) -> Result<(), String> {
    Managed::decode(managed_fields).map(|_| ()).map_err(|error| error.to_string())
}

impl Managed {
    /// Reads `metadata.managedFields`.
    pub(crate) fn decode(managed_fields: &Value) -> Result<Self, DecodeError> {
        let entries = managed_fields.as_array().map_or(&[][..], Vec::as_slice);
        let entries = entries.iter().enumerate().map(|(index, entry)| decode_entry(index, entry));
        Ok(Self { entries: entries.collect::<Result<_, _>>()? })
    }

    /// Writes them, in the order of a real server; none at all are null.
    pub(crate) fn encode(&self) -> Value {
        let mut entries: Vec<_> = self.entries.iter().collect();
        entries.sort_by_key(|(manager, entry)| {
            (manager.operation, &entry.time, &manager.name, &entry.api_version, &manager.subresource)
        });
        if entries.is_empty() {
            return Value::Null;
        }
        entries.into_iter().map(|(manager, entry)| encode_entry(manager, entry)).collect()
    }

    /// What any of them manages.
    pub(crate) fn union(&self) -> FieldSet {
        self.entries.values().fold(FieldSet::new(), |union, entry| union.union(&entry.set))
    }

    /// Drops the managers of nothing.
    pub(crate) fn drop_empty(&mut self) {
        self.entries.retain(|_, entry| !entry.set.is_empty());
    }
}

fn decode_entry(index: usize, entry: &Value) -> Result<(Manager, Entry), DecodeError> {
    let text = |field: &str| entry[field].as_str().unwrap_or_default();
    let operation = match text("operation") {
        "Apply" => Operation::Apply,
        "Update" => Operation::Update,
        _ => return Err(DecodeError::Operation),
    };
    if text("apiVersion").is_empty() {
        return Err(DecodeError::ApiVersion);
    }
    match text("fieldsType") {
        "FieldsV1" => {}
        "" => return Err(DecodeError::NoFieldsType(index)),
        other => return Err(DecodeError::FieldsType(other.to_owned(), index)),
    }
    let set = match &entry["fieldsV1"] {
        Value::Null => FieldSet::new(),
        fields => FieldSet::from_json(fields).map_err(DecodeError::Fields)?,
    };
    let api_version = text("apiVersion").to_owned();
    let manager = Manager {
        name: text("manager").to_owned(),
        operation,
        version: (operation == Operation::Update).then(|| api_version.clone()),
        subresource: text("subresource").to_owned(),
    };
    Ok((manager, Entry { api_version, set, time: entry["time"].as_str().map(str::to_owned) }))
}

fn encode_entry(manager: &Manager, entry: &Entry) -> Value {
    let mut encoded = json!({
        "operation": manager.operation.name(),
        "apiVersion": entry.api_version,
        "fieldsType": "FieldsV1",
        "fieldsV1": entry.set.to_json(),
    });
    for (field, text) in [("manager", &manager.name), ("subresource", &manager.subresource)] {
        if !text.is_empty() {
            encoded[field] = text.as_str().into();
        }
    }
    if let Some(time) = &entry.time {
        encoded["time"] = time.as_str().into();
    }
    encoded
}

/// The `metadata.managedFields` of an object; null if there are none.
pub(crate) fn managed_fields(object: &Value) -> &Value {
    &object["metadata"]["managedFields"]
}

/// Takes `metadata.managedFields` out of an object.
pub(crate) fn without_managed_fields(object: &Value) -> Value {
    let mut object = object.clone();
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("managedFields");
    }
    object
}

/// Puts `metadata.managedFields` into an object that has none.
pub(crate) fn with_managed_fields(mut object: Value, managed: &Managed) -> Value {
    let encoded = managed.encode();
    if !encoded.is_null()
        && let Some(object) = object.as_object_mut()
    {
        let metadata = object.entry("metadata").or_insert_with(|| Value::Object(Map::new()));
        if metadata.is_null() {
            *metadata = Value::Object(Map::new());
        }
        if let Some(metadata) = metadata.as_object_mut() {
            metadata.insert("managedFields".to_owned(), encoded);
        }
    }
    object
}
