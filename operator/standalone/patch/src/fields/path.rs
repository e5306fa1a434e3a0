//! Paths to fields: the elements, their order, and how a person reads them.

use std::cmp::Ordering;
use std::fmt::{self, Display, Formatter};
use std::ops::Deref;

use serde_json::{Number, Value};

/// One step from a value to a part of it. The order is that of `FieldsV1`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum PathElement {
    /// A field of an object, or a key of a map.
    Field(String),
    /// The entry of a list that has these values in its key fields, sorted by their names.
    Key(Vec<(String, Literal)>),
    /// The entry of a set that is this value.
    Value(Literal),
    /// The entry at a place in a list.
    Index(i64),
}

/// A JSON value that can be ordered, so that it can be part of a path: numbers before texts before booleans before lists before
/// objects before null; 1 and 1.0 are one value.
#[derive(Debug, Clone)]
pub struct Literal(pub Value);

/// The steps from an object to one of its fields.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Path(Vec<PathElement>);

impl PathElement {
    /// The element of a field name.
    #[must_use]
    pub fn field(name: &str) -> Self {
        Self::Field(name.to_owned())
    }
}

impl Path {
    /// The path one step further.
    #[must_use]
    pub fn child(&self, element: &PathElement) -> Self {
        let mut child = self.clone();
        child.0.push(element.clone());
        child
    }
}

impl Deref for Path {
    type Target = [PathElement];

    fn deref(&self) -> &[PathElement] {
        &self.0
    }
}

impl From<&str> for Path {
    /// The path of a dotted list of field names; a leading dot is allowed.
    fn from(dotted: &str) -> Self {
        Self(dotted.trim_start_matches('.').split('.').map(PathElement::field).collect())
    }
}

impl FromIterator<PathElement> for Path {
    fn from_iter<I: IntoIterator<Item = PathElement>>(elements: I) -> Self {
        Self(elements.into_iter().collect())
    }
}

impl Display for Path {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|element| element.fmt(f))
    }
}

impl Display for PathElement {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field(name) => write!(f, ".{name}"),
            Self::Key(keys) => {
                let keys: Vec<String> = keys.iter().map(|(name, value)| format!("{name}={value}")).collect();
                write!(f, "[{}]", keys.join(","))
            }
            Self::Value(value) => write!(f, "[={value}]"),
            Self::Index(index) => write!(f, "[{index}]"),
        }
    }
}

impl Display for Literal {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Value::Array(items) => {
                let items: Vec<String> = items.iter().map(|item| Self(item.clone()).to_string()).collect();
                write!(f, "[{}]", items.join(","))
            }
            Value::Object(fields) => {
                fields.iter().try_for_each(|(name, value)| write!(f, "{name}={}", Self(value.clone())))
            }
            scalar => write!(f, "{scalar}"),
        }
    }
}

impl PartialEq for Literal {
    fn eq(&self, other: &Self) -> bool {
        compare(&self.0, &other.0).is_eq()
    }
}

impl Eq for Literal {}

impl PartialOrd for Literal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Literal {
    fn cmp(&self, other: &Self) -> Ordering {
        compare(&self.0, &other.0)
    }
}

fn compare(left: &Value, right: &Value) -> Ordering {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => compare_numbers(left, right),
        (Value::String(left), Value::String(right)) => left.cmp(right),
        (Value::Bool(left), Value::Bool(right)) => left.cmp(right),
        (Value::Array(left), Value::Array(right)) => {
            let pairs = left.iter().zip(right).map(|(left, right)| compare(left, right));
            pairs.fold(Ordering::Equal, Ordering::then).then(left.len().cmp(&right.len()))
        }
        (Value::Object(left), Value::Object(right)) => {
            let pairs = left
                .iter()
                .zip(right)
                .map(|((name, value), (other, theirs))| name.cmp(other).then_with(|| compare(value, theirs)));
            pairs.fold(Ordering::Equal, Ordering::then).then(left.len().cmp(&right.len()))
        }
        _ => rank(left).cmp(&rank(right)),
    }
}

fn compare_numbers(left: &Number, right: &Number) -> Ordering {
    match (left.as_i64(), right.as_i64()) {
        (Some(left), Some(right)) => left.cmp(&right),
        _ => left.as_f64().unwrap_or(f64::NAN).total_cmp(&right.as_f64().unwrap_or(f64::NAN)),
    }
}

fn rank(value: &Value) -> u8 {
    match value {
        Value::Number(_) => 0,
        Value::String(_) => 1,
        Value::Bool(_) => 2,
        Value::Array(_) => 3,
        Value::Object(_) => 4,
        Value::Null => 5,
    }
}

/// Whether two values are the same to the API: numbers by what they mean, everything else to the letter.
pub(crate) fn same(left: &Value, right: &Value) -> bool {
    compare(left, right).is_eq()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_path_reads_as_kubectl_prints_it() {
        let path: Path = [
            PathElement::field("spec"),
            PathElement::Key(vec![
                ("containerPort".to_owned(), Literal(json!(80))),
                ("protocol".to_owned(), Literal(json!("TCP"))),
            ]),
            PathElement::Value(Literal(json!("a\"b"))),
            PathElement::Index(3),
        ]
        .into_iter()
        .collect();
        assert_eq!(path.to_string(), r#".spec[containerPort=80,protocol="TCP"][="a\"b"][3]"#);
    }

    #[test]
    fn numbers_are_ordered_by_what_they_mean() {
        assert!(Literal(json!(80)) < Literal(json!(443)));
        assert_eq!(Literal(json!(1)), Literal(json!(1.0)));
        assert!(Literal(json!(1e3)) < Literal(json!("a")));
    }
}
