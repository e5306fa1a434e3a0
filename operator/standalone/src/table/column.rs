//! The heads of columns.

use serde_json::{Value, json};

/// A column of a built-in kind.
#[derive(Debug, Clone, Copy)]
pub(super) struct Head {
    name: &'static str,
    type_: &'static str,
    format: &'static str,
    description: &'static str,
    /// 0 is always shown, 1 with `-o wide`.
    priority: u8,
}

/// The name of the object: most tables begin with it.
pub(super) const NAME: Head = Head {
    name: "Name",
    type_: "string",
    format: "name",
    description: "The name of the object, unique among the objects of its kind in its namespace.",
    priority: 0,
};

/// The age of the object.
pub(super) const AGE: Head = text("Age", "How long ago the object was created.");

/// A column of text.
pub(super) const fn text(name: &'static str, description: &'static str) -> Head {
    Head { name, type_: "string", format: "", description, priority: 0 }
}

/// A column of another type.
pub(super) const fn typed(name: &'static str, type_: &'static str, description: &'static str) -> Head {
    Head { name, type_, format: "", description, priority: 0 }
}

/// The column is shown with `-o wide` only.
pub(super) const fn wide(head: Head) -> Head {
    Head { priority: 1, ..head }
}

/// The columns as a Table has them.
pub(super) fn definitions(heads: &[Head]) -> Value {
    heads.iter().map(definition).collect()
}

fn definition(head: &Head) -> Value {
    json!({
        "name": head.name,
        "type": head.type_,
        "format": head.format,
        "description": head.description,
        "priority": head.priority,
    })
}
