//! The schema of a custom kind: types, bounds, enums, required fields, keys of lists. What an update leaves as it was is not
//! looked at again, so that an object from before a stricter schema can still be changed elsewhere.

use serde_json::{Map, Number, Value, json};

use crate::field_error::Faults;
use crate::structural::{Constraints, Format, ListType, Scalar, Schema, Shape};
use crate::time::{self, Precision};

/// Types, bounds and required fields.
pub(super) fn validate(schema: &Schema, new: &Value, old: Option<&Value>, faults: &mut Faults) {
    let Shape::Struct { fields, required, .. } = &schema.shape else { return };
    let Some(object) = new.as_object() else { return };
    for (name, field) in fields.iter().filter(|(name, _)| *name != "metadata") {
        if let Some(value) = object.get(name) {
            check(name, field, value, old.and_then(|old| old.get(name)), faults);
        }
    }
    for name in required.iter().filter(|name| !object.contains_key(*name)) {
        faults.required(name.as_str());
    }
}

fn check(path: &str, schema: &Schema, value: &Value, old: Option<&Value>, faults: &mut Faults) {
    if old == Some(value) || (value.is_null() && schema.nullable) {
        return;
    }
    let default = Constraints::default();
    let constraints = schema.constraints.as_deref().unwrap_or(&default);
    of_type(path, schema, value, faults);
    match (&schema.shape, value) {
        (Shape::Scalar(_), Value::String(text)) => of_text(path, schema, constraints, text, faults),
        (Shape::Scalar(_), Value::Number(number)) => of_number(path, constraints, number, faults),
        (Shape::List { .. }, Value::Array(list)) => counts_of_list(path, constraints, list, faults),
        _ => {}
    }
    if let (Shape::List { items, list_type }, Value::Array(list)) = (&schema.shape, value) {
        for (index, entry) in list.iter().enumerate() {
            let old = old.and_then(|old| counterpart(list_type, old, entry));
            check(&format!("{path}[{index}]"), items, entry, old, faults);
        }
    }
    if let Some(allowed) = constraints.allowed.as_ref().filter(|allowed| !allowed.contains(value)) {
        let allowed: Vec<_> = allowed.iter().map(crate::encoding::plain).collect();
        let allowed: Vec<_> = allowed.iter().map(String::as_str).collect();
        faults.not_supported(path, value, &allowed);
    }
    if let Value::Object(object) = value {
        of_object(path, schema, constraints, object, old, faults);
    }
}

fn of_type(path: &str, schema: &Schema, value: &Value, faults: &mut Faults) {
    let expected = match (&schema.shape, value) {
        (Shape::Any, _) => return,
        (Shape::Struct { .. } | Shape::Map { .. }, Value::Object(_)) => return,
        (Shape::List { .. }, Value::Array(_)) => return,
        (Shape::Scalar(Scalar::Integer), Value::Number(number)) => {
            return whole(path, schema, number, faults);
        }
        (Shape::Scalar(Scalar::IntOrString), Value::Number(number)) if is_whole(number) => return,
        (Shape::Scalar(Scalar::IntOrString | Scalar::String), Value::String(_)) => return,
        (Shape::Scalar(Scalar::Boolean), Value::Bool(_)) => return,
        (Shape::Scalar(Scalar::Number), Value::Number(_)) => return,
        (Shape::Struct { .. } | Shape::Map { .. }, _) => "object",
        (Shape::List { .. }, _) => "array",
        (Shape::Scalar(Scalar::Integer), _) => "integer",
        (Shape::Scalar(Scalar::Number), _) => "number",
        (Shape::Scalar(Scalar::String), _) => "string",
        (Shape::Scalar(Scalar::Boolean), _) => "boolean",
        (Shape::Scalar(Scalar::IntOrString), _) => "integer,string",
    };
    wrong_type(path, expected, type_of(value), faults);
}

fn wrong_type(path: &str, expected: &str, found: &str, faults: &mut Faults) {
    faults.type_invalid(path, found, &format!("{path} in body must be of type {expected}: {found:?}"));
}

/// A whole number of as many bits as its format has.
fn whole(path: &str, schema: &Schema, number: &Number, faults: &mut Faults) {
    let format = match schema.format {
        Some(Format::Int32) => "int32",
        Some(Format::Int64) => "int64",
        _ if is_whole(number) => return,
        _ => return wrong_type(path, "integer", "number", faults),
    };
    let fits = match number.as_i64() {
        Some(number) => format == "int64" || i32::try_from(number).is_ok(),
        None => {
            wrong_type(path, format, "float64", faults);
            false
        }
    };
    if !fits {
        let why = format!("Checked value must be of type integer with format {format} in {path}");
        faults.invalid("<nil>", &json!(""), &why);
    }
}

fn is_whole(number: &Number) -> bool {
    number.is_i64() || number.is_u64()
}

fn of_text(path: &str, schema: &Schema, constraints: &Constraints, text: &str, faults: &mut Faults) {
    let length = text.chars().count();
    if let Some(most) = constraints.max_length.filter(|most| length > *most) {
        faults.too_long(path, most);
    }
    if let Some(least) = constraints.min_length.filter(|least| length < *least) {
        let why = format!("{path} in body should be at least {least} chars long");
        faults.invalid(path, &text.into(), &why);
    }
    if let Some(pattern) = &constraints.pattern
        && regex::Regex::new(pattern).is_ok_and(|pattern| !pattern.is_match(text))
    {
        faults.invalid(path, &text.into(), &format!("{path} in body should match '{pattern}'"));
    }
    if schema.format == Some(Format::DateTime) && time::canonical(text, Precision::Seconds).is_err() {
        faults.type_invalid(path, text, &format!("{path} in body must be of type date-time: {text:?}"));
    }
}

fn of_number(path: &str, constraints: &Constraints, number: &Number, faults: &mut Faults) {
    let Some(value) = number.as_f64() else { return };
    let number = Value::Number(number.clone());
    if let Some(most) = constraints.maximum.filter(|most| value > *most) {
        faults.invalid(path, &number, &format!("{path} in body should be less than or equal to {most}"));
    }
    if let Some(least) = constraints.minimum.filter(|least| value < *least) {
        faults.invalid(path, &number, &format!("{path} in body should be greater than or equal to {least}"));
    }
}

fn counts_of_list(path: &str, constraints: &Constraints, list: &[Value], faults: &mut Faults) {
    let count = list.len();
    if let Some(least) = constraints.min_items.filter(|least| count < *least) {
        let why = format!("{path} in body should have at least {least} items");
        faults.invalid(path, &json!(count), &why);
    }
    if let Some(most) = constraints.max_items.filter(|most| count > *most) {
        faults.too_many(path, count, most);
    }
}

fn of_object(
    path: &str,
    schema: &Schema,
    constraints: &Constraints,
    object: &Map<String, Value>,
    old: Option<&Value>,
    faults: &mut Faults,
) {
    let count = object.len();
    if let Some(least) = constraints.min_properties.filter(|least| count < *least) {
        let why = format!("{path} in body should have at least {least} properties");
        faults.invalid(path, &json!(count), &why);
    }
    if let Some(most) = constraints.max_properties.filter(|most| count > *most) {
        faults.too_many(path, count, most);
    }
    for (name, value) in object {
        if let Some(schema) = field(schema, name) {
            check(&format!("{path}.{name}"), schema, value, old.and_then(|old| old.get(name)), faults);
        }
    }
    if let Shape::Struct { required, .. } = &schema.shape {
        for name in required.iter().filter(|name| !object.contains_key(*name)) {
            faults.required(format!("{path}.{name}"));
        }
    }
}

/// The schema of what is below a name.
pub(super) fn field<'a>(schema: &'a Schema, name: &str) -> Option<&'a Schema> {
    match &schema.shape {
        Shape::Struct { fields, .. } => fields.get(name),
        Shape::Map { values, .. } => Some(values),
        _ => None,
    }
}

/// The entry of the old list that an entry replaces; those of atomic lists have none.
pub(super) fn counterpart<'a>(list_type: &ListType, old: &'a Value, entry: &Value) -> Option<&'a Value> {
    let same = |other: &&Value| match list_type {
        ListType::Atomic => false,
        ListType::Set => *other == entry,
        ListType::Map(keys) => keys.iter().all(|key| other[key] == entry[key]),
    };
    old.as_array()?.iter().find(same)
}

/// Lists with keys have each key once; a repeated one is told once.
pub(super) fn validate_list_keys(schema: &Schema, new: &Value, old: Option<&Value>, faults: &mut Faults) {
    let Shape::Struct { fields, .. } = &schema.shape else { return };
    for (name, field) in fields {
        if let Some(value) = new.get(name) {
            list_keys(name, field, value, old.and_then(|old| old.get(name)), faults);
        }
    }
}

fn list_keys(path: &str, schema: &Schema, value: &Value, old: Option<&Value>, faults: &mut Faults) {
    if old == Some(value) {
        return;
    }
    match (&schema.shape, value) {
        (Shape::List { items, list_type }, Value::Array(list)) => {
            repeated(path, list_type, list, faults);
            for (index, entry) in list.iter().enumerate() {
                list_keys(&format!("{path}[{index}]"), items, entry, None, faults);
            }
        }
        (_, Value::Object(object)) => {
            for (name, value) in object {
                if let Some(schema) = field(schema, name) {
                    let old = old.and_then(|old| old.get(name));
                    list_keys(&format!("{path}.{name}"), schema, value, old, faults);
                }
            }
        }
        _ => {}
    }
}

fn repeated(path: &str, list_type: &ListType, list: &[Value], faults: &mut Faults) {
    let key_of = |entry: &Value| match list_type {
        ListType::Atomic => Value::Null,
        ListType::Set => entry.clone(),
        ListType::Map(keys) => {
            let fields = keys.iter().filter_map(|key| Some((key.clone(), entry.get(key)?.clone())));
            Value::Object(fields.collect())
        }
    };
    if *list_type == ListType::Atomic {
        return;
    }
    let keys: Vec<_> = list.iter().map(key_of).collect();
    for (index, key) in keys.iter().enumerate() {
        if keys[..index].iter().filter(|other| *other == key).count() == 1 {
            faults.duplicate(format!("{path}[{index}]"), key);
        }
    }
}

/// `status` alone, which is told as if it were the whole.
pub(super) fn validate_status(schema: &Schema, new: &Value, old: &Value, faults: &mut Faults) {
    let (Some(schema), Some(status)) = (field(schema, "status"), new.get("status")) else { return };
    let before = faults.0.len();
    check("status", schema, status, old.get("status"), faults);
    for fault in &mut faults.0[before..] {
        let whole = format!("{} in body", fault.field);
        let shown = whole.trim_start_matches("status").trim_start_matches('.');
        fault.detail = fault.detail.replace(&whole, shown);
    }
}

/// The number of replicas that the scale subresource shows; `path` is such as `.spec.replicas`.
pub(super) fn validate_replicas(path: &str, object: &Value, faults: &mut Faults) {
    let value = match at(path, object) {
        Ok(None) => return,
        Ok(Some(value)) => value,
        Err(why) => return faults.invalid(path, &json!(0), &why),
    };
    match value.as_i64() {
        None => {
            let why = format!("{path} accessor error: {}, expected int64", in_go(value));
            faults.invalid(path, &json!(0), &why);
        }
        Some(count) if count < 0 => faults.invalid(path, value, "should be a non-negative integer"),
        Some(count) if i32::try_from(count).is_err() => {
            faults.invalid(path, value, &format!("should be less than or equal to {}", i32::MAX));
        }
        Some(_) => {}
    }
}

/// The selector that the scale subresource shows.
pub(super) fn validate_selector(path: &str, object: &Value, faults: &mut Faults) {
    let why = match at(path, object) {
        Ok(Some(value)) if !value.is_string() => {
            format!("{path} accessor error: {}, expected string", in_go(value))
        }
        Ok(_) => return,
        Err(why) => why,
    };
    faults.invalid(path, &json!(""), &why);
}

/// The value at a path, unless something on the way is no object.
fn at<'a>(path: &str, object: &'a Value) -> Result<Option<&'a Value>, String> {
    let mut value = object;
    let mut seen = String::new();
    for name in path.split('.').skip(1) {
        seen = format!("{seen}.{name}");
        let Some(fields) = value.as_object() else {
            return Err(format!(
                "{seen} accessor error: {}, expected map[string]interface{{}}",
                in_go(value)
            ));
        };
        match fields.get(name) {
            None | Some(Value::Null) => return Ok(None),
            Some(below) => value = below,
        }
    }
    Ok(Some(value))
}

/// A value and its type as a Go program prints them.
fn in_go(value: &Value) -> String {
    let (shown, type_) = match value {
        Value::Bool(is_set) => (is_set.to_string(), "bool"),
        Value::Number(number) if is_whole(number) => (number.to_string(), "int64"),
        Value::Number(number) => (number.to_string(), "float64"),
        Value::String(text) => (text.clone(), "string"),
        Value::Array(_) => ("[]".to_owned(), "[]interface {}"),
        Value::Object(_) => ("map[]".to_owned(), "map[string]interface {}"),
        Value::Null => ("<nil>".to_owned(), "<nil>"),
    };
    format!("{shown} is of the type {type_}")
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if is_whole(number) => "integer",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}
