//! What is wrong with an applied configuration, in the words of a real server.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_json::{Map, Value};

use super::key::element;
use super::{Atom, Kind, ListAtom, MapAtom, Type};

/// Checks that a value is of a type, and that the entries of its shared lists can be told apart.
///
/// # Errors
/// All that is wrong, as one message.
pub(crate) fn validate(of: Type<'_>, value: &Value) -> Result<(), String> {
    let mut findings = Vec::new();
    check(of, value, "", &mut findings);
    match &findings[..] {
        [] => Ok(()),
        [only] => Err(only.clone()),
        several => {
            Err(several.iter().fold("errors:".to_owned(), |message, finding| message + "\n  " + finding))
        }
    }
}

fn check(of: Type<'_>, value: &Value, path: &str, findings: &mut Vec<String>) {
    let mut found = |what: String| findings.push(at(path, what));
    match (of.atom(value), value) {
        (Atom::Scalar(kind), _) => found_in_scalar(kind, value).into_iter().for_each(found),
        (Atom::Map(map), Value::Object(entries)) => check_map(&map, entries, path, findings),
        (Atom::List(list), Value::Array(entries)) => check_list(&list, entries, path, findings),
        (_, Value::Null) => {}
        (Atom::Map(_), _) => found(format!("expected map, got &{{{}}}", go_text(value))),
        (Atom::List(_), _) => found(format!("expected list, got &{{{}}}", go_text(value))),
    }
}

fn at(path: &str, what: String) -> String {
    if path.is_empty() { what } else { format!("{path}: {what}") }
}

fn found_in_scalar(kind: Kind, value: &Value) -> Option<String> {
    match (kind, value) {
        (_, Value::Null)
        | (Kind::Numeric | Kind::Any, Value::Number(_))
        | (Kind::String | Kind::Any, Value::String(_))
        | (Kind::Boolean | Kind::Any, Value::Bool(_)) => None,
        (Kind::Numeric, _) => Some(format!("expected numeric (int or float), got {}", go_type(value))),
        (Kind::String, _) => {
            Some(format!("expected string, got &value.valueUnstructured{{Value:{}}}", go_syntax(value)))
        }
        (Kind::Boolean, _) => Some(format!("expected boolean, got &{{{}}}", go_text(value))),
        (Kind::Any, _) => Some(format!("expected any scalar, got &{{{}}}", go_text(value))),
    }
}

/// After an entry that is not declared, the rest is not looked at.
fn check_map(map: &MapAtom<'_>, entries: &Map<String, Value>, path: &str, findings: &mut Vec<String>) {
    for (name, value) in entries {
        let path = format!("{path}.{name}");
        match map.entry(name) {
            Type::Undeclared => return findings.push(at(&path, "field not declared in schema".to_owned())),
            of => check(of, value, &path, findings),
        }
    }
}

fn check_list(list: &ListAtom<'_>, entries: &[Value], path: &str, findings: &mut Vec<String>) {
    let mut seen = BTreeSet::new();
    for (index, entry) in entries.iter().enumerate() {
        let name = if list.is_atomic() {
            format!("[{index}]")
        } else {
            let element = match element(list, entry) {
                Ok(element) => element,
                Err(what) => return findings.push(at(path, format!("element {index}: {what}"))),
            };
            let name = element.to_string();
            if !seen.insert(element) {
                findings.push(at(path, format!("duplicate entries for key {name}")));
            }
            name
        };
        check(list.items, entry, &format!("{path}{name}"), findings);
    }
}

/// The name of the type in which Go keeps a value.
pub(crate) fn go_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "<nil>",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "float64",
        Value::Number(_) => "int64",
        Value::String(_) => "string",
        Value::Array(_) => "[]interface {}",
        Value::Object(_) => "map[string]interface {}",
    }
}

/// A value as Go prints it for people.
pub(crate) fn go_text(value: &Value) -> String {
    match value {
        Value::Null => "<nil>".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(entries) => {
            let entries: Vec<String> = entries.iter().map(go_text).collect();
            format!("[{}]", entries.join(" "))
        }
        Value::Object(entries) => {
            let entries: Vec<String> =
                entries.iter().map(|(name, value)| format!("{name}:{}", go_text(value))).collect();
            format!("map[{}]", entries.join(" "))
        }
        scalar => scalar.to_string(),
    }
}

/// A value as Go source.
fn go_syntax(value: &Value) -> String {
    match value {
        Value::Null => "interface {}(nil)".to_owned(),
        Value::Array(entries) => {
            let entries: Vec<String> = entries.iter().map(go_syntax).collect();
            format!("{}{{{}}}", go_type(value), entries.join(", "))
        }
        Value::Object(entries) => {
            let mut text = format!("{}{{", go_type(value));
            for (index, (name, value)) in entries.iter().enumerate() {
                let comma = if index == 0 { "" } else { ", " };
                let _ = write!(text, "{comma}{name:?}:{}", go_syntax(value));
            }
            text + "}"
        }
        scalar => scalar.to_string(),
    }
}
