//! Custom kinds, by the printer columns of their definitions.

use jiff::Timestamp;
use schema::Column;
use serde_json::{Value, json};

use super::builtin::name;
use super::column::{NAME, definitions};
use super::json_path::JsonPath;
use super::{Cells, age};

/// The columns of one custom kind.
pub(super) struct Custom<'a> {
    columns: Vec<(&'a Column, Option<JsonPath>)>,
}

impl<'a> Custom<'a> {
    pub(super) fn new(columns: &'a [Column]) -> Self {
        Self { columns: columns.iter().map(|column| (column, JsonPath::parse(&column.json_path))).collect() }
    }

    pub(super) fn columns(&self) -> Value {
        let columns = self.columns.iter().map(|(column, _)| {
            let description = match column.description.as_str() {
                "" => format!("What the object has at {}.", column.json_path),
                description => description.to_owned(),
            };
            json!({
                "name": column.name,
                "type": column.type_,
                "format": "",
                "description": description,
                "priority": column.priority,
            })
        });
        let mut all = definitions(&[NAME]);
        all.as_array_mut().expect("definitions are a list").extend(columns);
        all
    }

    pub(super) fn cells(&self, object: &Value, now: Timestamp) -> Cells {
        let cells = self.columns.iter().map(|(column, path)| {
            let value = path.as_ref().and_then(|path| path.first(object));
            value.map_or(Value::Null, |value| cell(&column.type_, value, now))
        });
        std::iter::once(name(object)).chain(cells).collect::<Vec<_>>().into()
    }
}

/// A value in a column of this type; null where it is of another.
fn cell(type_: &str, value: &Value, now: Timestamp) -> Value {
    match (type_, value) {
        ("string", Value::String(_)) | ("boolean", Value::Bool(_)) => value.clone(),
        ("string", value) => value.to_string().into(),
        ("integer", Value::Number(number)) => {
            number.as_i64().or(number.as_f64().map(|number| number as i64)).into()
        }
        ("number", Value::Number(number)) => number.clone().into(),
        ("date", Value::String(_)) if age::parse(value).is_some() => age::since(value, now).into(),
        ("date", Value::String(_)) => "<invalid>".into(),
        _ => Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(type_: &str, value: Value) -> Value {
        cell(type_, &value, "2026-01-01T00:01:00Z".parse().unwrap())
    }

    #[test]
    fn a_cell_is_of_its_columns_type() {
        assert_eq!(shown("string", json!("x")), json!("x"));
        assert_eq!(shown("string", json!(["a", "b"])), json!(r#"["a","b"]"#));
        assert_eq!(shown("string", json!(3)), json!("3"));
        assert_eq!(shown("integer", json!(3)), json!(3));
        assert_eq!(shown("integer", json!(3.7)), json!(3));
        assert_eq!(shown("integer", json!("3")), Value::Null);
        assert_eq!(shown("boolean", json!(true)), json!(true));
        assert_eq!(shown("number", json!(1.5)), json!(1.5));
        assert_eq!(shown("date", json!("2026-01-01T00:00:00Z")), json!("60s"));
        assert_eq!(shown("date", json!("yesterday")), json!("<invalid>"));
    }

    #[test]
    fn what_is_absent_is_null() {
        let column = |json_path: &str| Column {
            name: "A".to_owned(),
            type_: "string".to_owned(),
            json_path: json_path.to_owned(),
            description: String::new(),
            priority: 0,
        };
        let columns = [column(".spec.absent"), column(".spec.there")];
        let custom = Custom::new(&columns);
        let object = json!({"metadata": {"name": "x"}, "spec": {"there": "y"}});
        let row = custom.cells(&object, Timestamp::UNIX_EPOCH).cells;
        assert_eq!(Value::from(row), json!(["x", null, "y"]));
    }
}
