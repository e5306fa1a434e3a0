//! `FieldsV1`: a set as the JSON object that `metadata.managedFields` has.
//!
//! The names are `f:<field>`, `k:<keys as JSON>`, `v:<value as JSON>`, `i:<index>`, and `.` for a member that has members below it.
//! Names of an unknown type are dropped, as a later version may know more of them.

use serde_json::{Map, Value};

use super::{FieldSet, Literal, Node, PathElement};

/// Why something is no `FieldsV1`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FieldsError {
    /// A level of it is no JSON object.
    #[error("a set of fields is not an object")]
    NoObject,
    /// A name in it cannot be read as a path element.
    #[error("the path element {0:?} cannot be read")]
    Element(String),
}

impl FieldSet {
    /// The set as `FieldsV1`.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let level = self.nodes.iter().map(|(element, node)| (write(element), node.to_json()));
        Value::Object(level.collect())
    }

    /// Reads `FieldsV1`.
    ///
    /// # Errors
    /// Where a level is no object, or a name is of a known type and malformed.
    pub fn from_json(json: &Value) -> Result<Self, FieldsError> {
        let object = json.as_object().ok_or(FieldsError::NoObject)?;
        let mut level = Vec::new();
        for (name, value) in object.iter().filter(|(name, _)| *name != ".") {
            if let Some(element) = read(name)? {
                let below = Self::from_json(value)?;
                let member = below.is_empty() || value.get(".").is_some();
                level.push((element, member, below));
            }
        }
        Ok(Self::from_level(level))
    }
}

impl Node {
    fn to_json(&self) -> Value {
        let mut json = self.below.to_json();
        if let Some(object) = json.as_object_mut().filter(|object| self.member && !object.is_empty()) {
            object.insert(".".to_owned(), Value::Object(Map::new()));
        }
        json
    }
}

fn write(element: &PathElement) -> String {
    match element {
        PathElement::Field(name) => format!("f:{name}"),
        PathElement::Key(keys) => {
            let keys: Vec<String> = keys
                .iter()
                .map(|(name, value)| format!("{}:{}", go_json(&name.as_str().into()), go_json(&value.0)))
                .collect();
            format!("k:{{{}}}", keys.join(","))
        }
        PathElement::Value(value) => format!("v:{}", go_json(&value.0)),
        PathElement::Index(index) => format!("i:{index}"),
    }
}

fn read(name: &str) -> Result<Option<PathElement>, FieldsError> {
    let malformed = || FieldsError::Element(name.to_owned());
    let (kind, text) = name.split_at_checked(2).ok_or_else(malformed)?;
    if !kind.ends_with(':') {
        return Err(malformed());
    }
    Ok(match kind {
        "f:" => Some(PathElement::field(text)),
        "k:" => {
            let keys: Map<String, Value> = serde_json::from_str(text).map_err(|_| malformed())?;
            let mut keys: Vec<_> = keys.into_iter().map(|(name, value)| (name, Literal(value))).collect();
            keys.sort();
            Some(PathElement::Key(keys))
        }
        "v:" => Some(PathElement::Value(Literal(serde_json::from_str(text).map_err(|_| malformed())?))),
        "i:" => Some(PathElement::Index(text.parse().map_err(|_| malformed())?)),
        _ => None,
    })
}

/// JSON as Go writes it: the characters that mean something in HTML are escaped.
pub(crate) fn go_json(value: &Value) -> String {
    value
        .to_string()
        .replace('&', "\\u0026")
        .replace('<', "\\u003c")
        .replace('>', "\\u003e")
        .replace('\u{2028}', "\\u2028")
        .replace('\u{2029}', "\\u2029")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_real_server_wrote_is_read_and_written_back_as_it_was() {
        let fields = json!({
            "f:metadata": {"f:finalizers": {".": {}, "v:\"flynn.io/a\"": {}}},
            "f:spec": {
                "f:ports": {".": {}, "k:{\"containerPort\":80,\"protocol\":\"TCP\"}": {".": {}, "f:containerPort": {}}},
                "f:a\u{2028}": {},
                "f:list": {"i:3": {}, "v:\"\\u003cb\\u003e\"": {}},
            },
        });
        assert_eq!(FieldSet::from_json(&fields).unwrap().to_json(), fields);
    }

    #[test]
    fn elements_of_an_unknown_type_are_dropped_and_malformed_ones_are_refused() {
        let set = FieldSet::from_json(&json!({"f:a": {}, "x:b": {}})).unwrap();
        assert_eq!(set, FieldSet::from(["a"]));
        for malformed in ["fa", "f", "k:{", "i:a", "v:["] {
            let error = FieldSet::from_json(&json!({ malformed: {} })).unwrap_err();
            assert_eq!(error, FieldsError::Element(malformed.to_owned()));
        }
        assert_eq!(FieldSet::from_json(&json!({"f:a": []})), Err(FieldsError::NoObject));
    }
}
