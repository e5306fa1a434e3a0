//! JSON that remembers which fields were there twice, and mistakes in the words of a Go program, which users know.
//!
//! A Go program reads a repeated field of one of its types into what the earlier one has left there ([`laid_over`]).

use std::cell::RefCell;
use std::fmt;

use schema::{Schema, Shape};
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// A JSON text.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Parsed {
    /// The last of repeated fields counts.
    pub(crate) value: Value,
    /// Paths of repeated fields, such as `data.a`.
    pub(crate) duplicates: Vec<String>,
}

/// Reads a JSON text.
///
/// # Errors
/// Why it is none.
pub(crate) fn parse(bytes: &[u8]) -> std::result::Result<Parsed, String> {
    read(None, bytes).map_err(|error| explain(bytes, &error))
}

/// A JSON text of this schema, with repeated fields laid over each other; none if it is no JSON.
pub(super) fn laid_over(schema: &Schema, bytes: &[u8]) -> Option<Value> {
    read(Some(schema), bytes).ok().map(|parsed| parsed.value)
}

fn read(schema: Option<&Schema>, bytes: &[u8]) -> serde_json::Result<Parsed> {
    let duplicates = RefCell::new(Vec::new());
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = Seed { schema, path: None, duplicates: &duplicates }.deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(Parsed { value, duplicates: duplicates.into_inner() })
}

/// What a Go value of this schema is after both were read into it: fields that the later one lacks stay, also those of
/// entries of a list; entries of a map are new.
fn over(schema: Option<&Schema>, before: Value, value: Value) -> Value {
    match (schema.map(|schema| &schema.shape), before, value) {
        (Some(Shape::Struct { fields, .. }), Value::Object(mut before), Value::Object(value)) => {
            for (name, value) in value {
                let field = fields.get(&name);
                let value = match before.remove(&name) {
                    Some(before) => over(field, before, value),
                    None => value,
                };
                before.insert(name, value);
            }
            before.into()
        }
        (Some(Shape::Map { .. }), Value::Object(mut before), Value::Object(value)) => {
            before.extend(value);
            before.into()
        }
        (Some(Shape::List { items, .. }), Value::Array(before), Value::Array(value)) => {
            let mut before = before.into_iter();
            let laid = value.into_iter().map(|value| match before.next() {
                Some(before) => over(Some(items), before, value),
                None => value,
            });
            laid.collect::<Vec<_>>().into()
        }
        // What cannot be null stays.
        (Some(_), before, Value::Null) if schema.is_some_and(|schema| schema.default.is_some()) => before,
        (_, _, value) => value,
    }
}

/// The kind of a value in Go's words.
pub(crate) fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn explain(bytes: &[u8], error: &serde_json::Error) -> String {
    if error.is_eof() {
        return "unexpected end of JSON input".to_owned();
    }
    let line = bytes.split(|byte| *byte == b'\n').nth(error.line().saturating_sub(1)).unwrap_or_default();
    let rest = line.get(error.column().saturating_sub(1)..).unwrap_or_default();
    let found = String::from_utf8_lossy(rest).chars().next().unwrap_or('\n');
    let said = error.to_string();
    let places = [
        ("expected value", "looking for beginning of value"),
        ("key must be a string", "looking for beginning of object key string"),
        ("expected `,` or `}`", "after object key:value pair"),
        ("expected `,` or `]`", "after array element"),
        ("expected `:`", "after object key"),
        ("trailing characters", "after top-level value"),
        ("trailing comma", "looking for beginning of value"),
        ("control character", "in string literal"),
    ];
    if said.starts_with("expected ident") {
        return literal(bytes).unwrap_or(said);
    }
    match places.iter().find(|(serde, _)| said.starts_with(serde)) {
        Some((_, place)) => format!("invalid character {found:?} {place}"),
        None => said,
    }
}

/// A word that begins like `null`, `true` or `false` and goes on otherwise.
fn literal(bytes: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(bytes);
    let word = text.trim_start_matches(|before: char| !before.is_ascii_alphabetic());
    let known =
        ["null", "true", "false"].into_iter().find(|known| known.as_bytes()[0] == word.as_bytes()[0])?;
    let (found, expected) = word.chars().zip(known.chars()).find(|(found, expected)| found != expected)?;
    Some(format!("invalid character {found:?} in literal {known} (expecting {expected:?})"))
}

/// The way to a value, from the inside out.
struct Step<'a> {
    outer: Option<&'a Step<'a>>,
    name: String,
}

impl fmt::Display for Step<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(outer) = self.outer {
            write!(f, "{outer}")?;
            if !self.name.starts_with('[') {
                f.write_str(".")?;
            }
        }
        f.write_str(&self.name)
    }
}

#[derive(Clone, Copy)]
struct Seed<'a> {
    /// Known where repeated fields are laid over each other; else the last one counts.
    schema: Option<&'a Schema>,
    path: Option<&'a Step<'a>>,
    duplicates: &'a RefCell<Vec<String>>,
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        let schema = match self.schema.map(|schema| &schema.shape) {
            Some(Shape::List { items, .. }) => Some(&**items),
            _ => None,
        };
        loop {
            let step = Step { outer: self.path, name: format!("[{}]", items.len()) };
            match sequence.next_element_seed(Seed { schema, path: Some(&step), ..self })? {
                Some(item) => items.push(item),
                None => return Ok(Value::Array(items)),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut fields = Map::new();
        while let Some(name) = map.next_key::<String>()? {
            let step = Step { outer: self.path, name };
            let schema = match self.schema.map(|schema| &schema.shape) {
                Some(Shape::Struct { fields, .. }) => fields.get(&step.name),
                Some(Shape::Map { values, .. }) => Some(&**values),
                _ => None,
            };
            let mut value = map.next_value_seed(Seed { schema, path: Some(&step), ..self })?;
            if let Some(before) = fields.remove(&step.name) {
                self.duplicates.borrow_mut().push(step.to_string());
                value = over(schema, before, value);
            }
            fields.insert(step.name, value);
        }
        Ok(Value::Object(fields))
    }
}

#[cfg(test)]
mod tests {
    use schema::Catalog;
    use serde_json::json;

    use super::*;

    #[test]
    fn repeated_fields_are_told_with_their_paths() {
        let parsed = parse(br#"{"a":1,"b":[{"c":1,"c":2}],"a":{"d":true}}"#).expect("JSON");
        assert_eq!(parsed.value, json!({"a": {"d": true}, "b": [{"c": 2}]}));
        assert_eq!(parsed.duplicates, ["b[0].c", "a"]);
    }

    #[test]
    fn repeated_fields_are_laid_over_each_other_where_the_schema_is_known() {
        let catalog = Catalog::new();
        let services = catalog.by_path("", "v1", "services").expect("served");
        let body = br#"{
            "metadata": {"name": "a", "labels": {"a": "1", "b": "1"}}, "metadata": {"labels": {"a": "2"}},
            "spec": {"ports": [{"port": 80, "name": "x"}, {"port": 81}], "type": "NodePort"},
            "spec": {"ports": [{"port": 82}], "type": "ClusterIP"}}"#;
        let expected = json!({
            "metadata": {"name": "a", "labels": {"a": "2", "b": "1"}},
            "spec": {"ports": [{"port": 82, "name": "x"}], "type": "ClusterIP"},
        });
        assert_eq!(laid_over(&services.schema, body), Some(expected));
        let voided = br#"{"metadata": {"name": "a", "labels": {"a": "1"}}, "metadata": null, "spec": {"selector": {}}, "spec": {"selector": null}}"#;
        let expected_voided =
            json!({"metadata": {"name": "a", "labels": {"a": "1"}}, "spec": {"selector": null}});
        assert_eq!(laid_over(&services.schema, voided), Some(expected_voided));
        let expected = json!({"metadata": {"labels": {"a": "2"}}, "spec": {"ports": [{"port": 82}], "type": "ClusterIP"}});
        assert_eq!(parse(body).expect("JSON").value, expected);
    }

    #[test]
    fn mistakes_are_told_in_known_words() {
        for (text, expected) in [
            ("nojson", "invalid character 'o' in literal null (expecting 'u')"),
            ("x", "invalid character 'x' looking for beginning of value"),
            ("", "unexpected end of JSON input"),
            ("{\"a\":1", "unexpected end of JSON input"),
            ("{a:1}", "invalid character 'a' looking for beginning of object key string"),
            ("{\"a\":1 \"b\"}", "invalid character '\"' after object key:value pair"),
            ("[1 2]", "invalid character '2' after array element"),
            ("{} {}", "invalid character '{' after top-level value"),
            ("{\"a\" 1}", "invalid character '1' after object key"),
        ] {
            assert_eq!(parse(text.as_bytes()).expect_err(text), expected, "{text}");
        }
    }
}
