//! JSON that remembers which fields were there twice, and mistakes in the words of a Go program, which users know.

use std::cell::RefCell;
use std::fmt;

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
    let duplicates = RefCell::new(Vec::new());
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let seed = Seed { path: None, duplicates: &duplicates };
    let value = seed.deserialize(&mut deserializer).and_then(|value| deserializer.end().map(|()| value));
    let value = value.map_err(|error| explain(bytes, &error))?;
    Ok(Parsed { value, duplicates: duplicates.into_inner() })
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
        loop {
            let step = Step { outer: self.path, name: format!("[{}]", items.len()) };
            match sequence.next_element_seed(Seed { path: Some(&step), ..self })? {
                Some(item) => items.push(item),
                None => return Ok(Value::Array(items)),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut fields = Map::new();
        while let Some(name) = map.next_key::<String>()? {
            let step = Step { outer: self.path, name };
            let value = map.next_value_seed(Seed { path: Some(&step), ..self })?;
            if fields.contains_key(&step.name) {
                self.duplicates.borrow_mut().push(step.to_string());
            }
            fields.insert(step.name, value);
        }
        Ok(Value::Object(fields))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn repeated_fields_are_told_with_their_paths() {
        let parsed = parse(br#"{"a":1,"b":[{"c":1,"c":2}],"a":{"d":true}}"#).expect("JSON");
        assert_eq!(parsed.value, json!({"a": {"d": true}, "b": [{"c": 2}]}));
        assert_eq!(parsed.duplicates, ["b[0].c", "a"]);
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
