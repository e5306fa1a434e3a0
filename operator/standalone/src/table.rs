//! Tables for `kubectl get`: the columns and cells of every kind, as a kube-apiserver prints them, and objects of which
//! only the metadata is wanted.
//!
//! Pure: objects and the time in, `meta.k8s.io/v1` values out. Built-in kinds each have their cells in one of the files
//! beside this one; those of custom kinds come from their printer columns.

mod age;
mod builtin;
mod column;
mod custom;
mod event;
mod json_path;
mod network;
mod node;
mod pod;
mod workload;

use jiff::Timestamp;
use schema::Resource;
use serde_json::{Map, Value, json};

use self::builtin::Builtin;
use self::custom::Custom;
use crate::status::{Failure, Result};

/// The version of the forms that are made here.
const API_VERSION: &str = "meta.k8s.io/v1";

/// How much of an object comes with its row (`includeObject`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Include {
    /// Nothing.
    None,
    /// Its metadata.
    #[default]
    Metadata,
    /// All of it.
    Object,
}

/// Makes tables of one kind, at one time.
pub(crate) struct Printer<'a> {
    kind: Kind<'a>,
    include: Include,
    now: Timestamp,
}

enum Kind<'a> {
    Builtin(Builtin),
    Custom(Custom<'a>),
}

/// A row: its cells, and for those that ask (Pods that ended) its conditions.
struct Cells {
    cells: Vec<Value>,
    conditions: Vec<Value>,
}

impl Include {
    /// Reads the query parameter; none or an empty one is [`Include::Metadata`].
    pub(crate) fn parse(parameter: Option<&str>) -> Result<Self> {
        match parameter.unwrap_or_default() {
            "" | "Metadata" => Ok(Self::Metadata),
            "Object" => Ok(Self::Object),
            "None" => Ok(Self::None),
            other => Err(Failure::bad_request(format!(
                "Unable to convert to Table as requested: includeObject: Invalid value: {other:?}: \
                 must be 'Metadata', 'Object', 'None', or empty"
            ))),
        }
    }
}

impl<'a> Printer<'a> {
    pub(crate) fn new(resource: &'a Resource, include: Include, now: Timestamp) -> Self {
        let kind = match Builtin::of(resource) {
            Some(builtin) => Kind::Builtin(builtin),
            None => Kind::Custom(Custom::new(&resource.columns)),
        };
        Self { kind, include, now }
    }

    /// The table of a list, with the list's metadata.
    pub(crate) fn list(&self, metadata: Value, objects: impl IntoIterator<Item = Value>) -> Value {
        let rows = objects.into_iter().map(|object| self.row(object)).collect::<Vec<_>>();
        table(metadata, self.columns(), rows.into())
    }

    /// The table of one object. In a watch only the first event has the columns.
    pub(crate) fn object(&self, object: Value, with_columns: bool) -> Value {
        let metadata = match &object["metadata"]["resourceVersion"] {
            Value::Null => json!({}),
            version => json!({ "resourceVersion": version }),
        };
        let columns = if with_columns { self.columns() } else { Value::Null };
        table(metadata, columns, vec![self.row(object)].into())
    }

    fn columns(&self) -> Value {
        match &self.kind {
            Kind::Builtin(builtin) => builtin.columns(),
            Kind::Custom(custom) => custom.columns(),
        }
    }

    fn row(&self, object: Value) -> Value {
        let Cells { cells, conditions } = match &self.kind {
            Kind::Builtin(builtin) => builtin.cells(&object, self.now),
            Kind::Custom(custom) => custom.cells(&object, self.now),
        };
        let object = match self.include {
            Include::None => Value::Null,
            Include::Metadata => partial(object),
            Include::Object => object,
        };
        let mut row = json!({"cells": cells, "object": object});
        if !conditions.is_empty() {
            row["conditions"] = conditions.into();
        }
        row
    }
}

impl From<Vec<Value>> for Cells {
    fn from(cells: Vec<Value>) -> Self {
        Self { cells, conditions: Vec::new() }
    }
}

/// The object's metadata alone, as a PartialObjectMetadata.
pub(crate) fn partial(mut object: Value) -> Value {
    let metadata = object["metadata"].take();
    let metadata = if metadata.is_null() { Map::new().into() } else { metadata };
    json!({"kind": "PartialObjectMetadata", "apiVersion": API_VERSION, "metadata": metadata})
}

/// A list of the metadata alone, with the list's own metadata.
pub(crate) fn partial_list(metadata: Value, objects: impl IntoIterator<Item = Value>) -> Value {
    let items = objects.into_iter().map(partial).collect::<Vec<_>>();
    json!({
        "kind": "PartialObjectMetadataList",
        "apiVersion": API_VERSION,
        "metadata": metadata,
        "items": items,
    })
}

fn table(metadata: Value, columns: Value, rows: Value) -> Value {
    json!({
        "kind": "Table",
        "apiVersion": API_VERSION,
        "metadata": metadata,
        "columnDefinitions": columns,
        "rows": rows,
    })
}

#[cfg(test)]
mod tests;
