//! One operation of a JSON patch.

use serde_json::Value;

/// An operation, still as it was sent.
#[derive(Debug, Clone, Copy)]
pub(super) struct Operation<'a> {
    json: &'a Value,
}

/// Where a pointer leads: a value that has parts, and the name of one.
enum Place<'v> {
    Field(&'v mut serde_json::Map<String, Value>, String),
    Entry(&'v mut Vec<Value>, String),
}

impl<'a> Operation<'a> {
    pub(super) fn new(json: &'a Value) -> Self {
        Self { json }
    }

    /// Does it; none if it cannot be done.
    pub(super) fn apply(self, document: &mut Value) -> Option<()> {
        let path = self.text("path")?;
        match self.text("op")? {
            "add" => place(document, path)?.add(self.value()),
            "remove" => place(document, path)?.remove().map(|_| ()),
            "replace" if path.is_empty() => self.replace_all(document),
            "replace" => place(document, path)?.replace(self.value()),
            "move" => {
                let moved = place(document, self.text("from")?)?.remove()?;
                place(document, path)?.add(moved)
            }
            "copy" => {
                let copied = place(document, self.text("from")?)?.read()?;
                place(document, path)?.add(copied)
            }
            "test" if path.is_empty() => (*document == self.value()).then_some(()),
            "test" => (place(document, path)?.read()? == self.value()).then_some(()),
            _ => None,
        }
    }

    fn text(self, field: &str) -> Option<&'a str> {
        self.json[field].as_str()
    }

    /// The value; null if there is none.
    fn value(self) -> Value {
        self.json["value"].clone()
    }

    fn replace_all(self, document: &mut Value) -> Option<()> {
        let value = self.value();
        let has_parts = value.is_object() || value.is_array();
        has_parts.then(|| *document = value)
    }
}

/// Follows a pointer (RFC 6901) to the value that has what it names.
fn place<'v>(document: &'v mut Value, pointer: &str) -> Option<Place<'v>> {
    let (_, rest) = pointer.split_once('/')?;
    let mut names: Vec<String> =
        rest.split('/').map(|name| name.replace("~1", "/").replace("~0", "~")).collect();
    let last = names.pop()?;
    let parent = names.iter().try_fold(document, |value, name| match value {
        Value::Object(fields) => fields.get_mut(name),
        Value::Array(entries) => {
            let index = index(name, entries.len())?;
            entries.get_mut(index)
        }
        _ => None,
    })?;
    match parent {
        Value::Object(fields) => Some(Place::Field(fields, last)),
        Value::Array(entries) => Some(Place::Entry(entries, last)),
        _ => None,
    }
}

/// An index below `length`; a negative one counts from there.
fn index(text: &str, length: usize) -> Option<usize> {
    let index: i64 = text.parse().ok()?;
    let length = i64::try_from(length).ok()?;
    let index = if index < 0 { index + length } else { index };
    usize::try_from(index).ok().filter(|_| index < length)
}

impl Place<'_> {
    fn read(self) -> Option<Value> {
        match self {
            Self::Field(fields, name) => Some(fields.get(&name).cloned().unwrap_or_default()),
            Self::Entry(entries, name) => index(&name, entries.len()).map(|index| entries[index].clone()),
        }
    }

    fn add(self, value: Value) -> Option<()> {
        match self {
            Self::Field(fields, name) => {
                fields.insert(name, value);
            }
            Self::Entry(entries, name) if name == "-" => entries.push(value),
            Self::Entry(entries, name) => entries.insert(index(&name, entries.len() + 1)?, value),
        }
        Some(())
    }

    fn remove(self) -> Option<Value> {
        match self {
            Self::Field(fields, name) => fields.remove(&name),
            Self::Entry(entries, name) => index(&name, entries.len()).map(|index| entries.remove(index)),
        }
    }

    fn replace(self, value: Value) -> Option<()> {
        match self {
            Self::Field(fields, name) => {
                fields.insert(name, value);
            }
            Self::Entry(entries, name) => {
                let index = index(&name, entries.len())?;
                entries[index] = value;
            }
        }
        Some(())
    }
}
