//! Checks a document against a structural schema, as the API server does with a custom resource.
//!
//! In come the schema and the document; out go paths and sentences. It knows the keywords that our schemas have. Unknown
//! fields are findings, because `kubectl apply` refuses them; `apiVersion`, `kind`, `metadata` and `status` are not looked at.

use std::fmt;

use serde_json::{Map, Value};

/// What belongs to every object, or to the operator.
const NOT_DECLARED: [&str; 4] = ["apiVersion", "kind", "metadata", "status"];

/// Everything that is wrong, in the order of the document.
pub(super) fn check(schema: &Value, document: &Value) -> Vec<(String, String)> {
    let mut check = Check::default();
    let mut document = document.clone();
    if let Some(fields) = document.as_object_mut() {
        fields.retain(|name, _| !NOT_DECLARED.contains(&name.as_str()));
    }
    check.value(schema, &document);
    check.findings
}

#[derive(Default)]
struct Check {
    path: Vec<Step>,
    findings: Vec<(String, String)>,
}

enum Step {
    Field(String),
    Index(usize),
}

impl Check {
    fn value(&mut self, schema: &Value, value: &Value) {
        let is_default_able = schema["nullable"] == true || !schema["default"].is_null();
        match (schema["type"].as_str(), value) {
            (_, Value::Null) if is_default_able => {}
            (None, Value::Number(_) | Value::String(_)) if schema["x-kubernetes-int-or-string"] == true => {}
            (Some("object"), Value::Object(fields)) => self.object(schema, fields),
            (Some("array"), Value::Array(items)) => self.array(schema, items),
            (Some("string"), Value::String(text)) => self.string(schema, text),
            (Some("integer"), Value::Number(number)) if number.is_i64() || number.is_u64() => {
                self.number(schema, value);
            }
            (Some("number"), Value::Number(_)) => self.number(schema, value),
            (Some("boolean"), Value::Bool(_)) => {}
            (None, _) if schema["x-kubernetes-int-or-string"] != true => {}
            (expected, found) => {
                let expected = expected.map_or("a number or a string", article);
                self.find(format!("it is {} and must be {expected}", article(type_of(found))));
            }
        }
        if let Some(allowed) = schema["enum"].as_array()
            && !allowed.contains(value)
            && !value.is_null()
        {
            let allowed: Vec<_> = allowed.iter().map(plain).collect();
            self.find(format!("it is {} and must be one of {}", plain(value), allowed.join(", ")));
        }
    }

    fn object(&mut self, schema: &Value, fields: &Map<String, Value>) {
        let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
        for name in required.filter(|name| fields.get(*name).is_none_or(Value::is_null)) {
            self.within(Step::Field(name.to_owned()), |check| check.find("it is required".to_owned()));
        }
        self.at_most(schema, "maxProperties", fields.len(), "entries");
        for (name, value) in fields {
            let known = &schema["properties"][name];
            let of_map = &schema["additionalProperties"];
            let schema_of_field = if known.is_object() { known } else { of_map };
            let keeps_all = schema["x-kubernetes-preserve-unknown-fields"] == true;
            self.within(Step::Field(name.clone()), |check| {
                if schema_of_field.is_object() {
                    check.value(schema_of_field, value);
                } else if !keeps_all {
                    check.find(unknown_field(schema));
                }
            });
        }
    }

    fn array(&mut self, schema: &Value, items: &[Value]) {
        self.at_most(schema, "maxItems", items.len(), "entries");
        self.at_least(schema, "minItems", items.len(), "entries");
        for (index, item) in items.iter().enumerate() {
            let is_repeated = schema["x-kubernetes-list-type"] == "map"
                && items[..index].iter().any(|other| has_same_keys(schema, item, other));
            self.within(Step::Index(index), |check| {
                check.value(&schema["items"], item);
                if is_repeated {
                    check.find("another entry before it has the same name".to_owned());
                }
            });
        }
    }

    fn string(&mut self, schema: &Value, text: &str) {
        let length = text.chars().count();
        self.at_most(schema, "maxLength", length, "characters");
        self.at_least(schema, "minLength", length, "characters");
    }

    fn number(&mut self, schema: &Value, value: &Value) {
        let number = value.as_f64().unwrap_or_default();
        if let Some(least) = schema["minimum"].as_f64().filter(|least| number < *least) {
            self.find(format!("it is {value} and must be at least {least}"));
        }
        if let Some(most) = schema["maximum"].as_f64().filter(|most| number > *most) {
            self.find(format!("it is {value} and must be at most {most}"));
        }
    }

    fn at_most(&mut self, schema: &Value, keyword: &str, found: usize, what: &str) {
        let limit = schema[keyword].as_u64().and_then(|limit| usize::try_from(limit).ok());
        if let Some(limit) = limit.filter(|limit| found > *limit) {
            self.find(format!("it has {found} {what} and may have {limit}"));
        }
    }

    fn at_least(&mut self, schema: &Value, keyword: &str, found: usize, what: &str) {
        let limit = schema[keyword].as_u64().and_then(|limit| usize::try_from(limit).ok());
        if let Some(limit) = limit.filter(|limit| found < *limit) {
            self.find(format!("it has {found} {what} and must have at least {limit}"));
        }
    }

    fn within(&mut self, step: Step, look: impl FnOnce(&mut Self)) {
        self.path.push(step);
        look(self);
        self.path.pop();
    }

    fn find(&mut self, message: String) {
        let mut path: String = self.path.iter().map(ToString::to_string).collect();
        if path.starts_with('.') {
            path.remove(0);
        }
        self.findings.push((path, message));
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field(name) if name.contains('.') => write!(f, "[{name:?}]"),
            Self::Field(name) => write!(f, ".{name}"),
            Self::Index(index) => write!(f, "[{index}]"),
        }
    }
}

fn unknown_field(schema: &Value) -> String {
    let known: Vec<_> =
        schema["properties"].as_object().into_iter().flat_map(Map::keys).map(String::as_str).collect();
    let known: Vec<_> = known.into_iter().filter(|name| !NOT_DECLARED.contains(name)).collect();
    match known.as_slice() {
        [] => "there is no such field".to_owned(),
        known => format!("there is no such field: there are {}", known.join(", ")),
    }
}

fn has_same_keys(schema: &Value, a: &Value, b: &Value) -> bool {
    let keys = schema["x-kubernetes-list-map-keys"].as_array();
    keys.is_some_and(|keys| keys.iter().filter_map(Value::as_str).all(|key| a[key] == b[key]))
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn article(type_name: &str) -> &'static str {
    match type_name {
        "null" => "empty",
        "boolean" => "true or false",
        "integer" => "a whole number",
        "number" => "a number",
        "string" => "a string",
        "array" => "a list",
        _ => "a map",
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn findings(property: &Value, value: &Value) -> Vec<(String, String)> {
        let schema = json!({"type": "object", "properties": {"spec": property}});
        check(&schema, &json!({"spec": value, "status": {"any": 1}}))
    }

    fn paths(property: &Value, value: &Value) -> Vec<String> {
        findings(property, value).into_iter().map(|(path, _)| path).collect()
    }

    #[test]
    fn fields_are_known_required_and_of_their_type() {
        let schema = json!({"type": "object", "required": ["a"], "properties": {"a": {"type": "integer"}, "b": {"type": "boolean"}}});
        assert_eq!(paths(&schema, &json!({"b": true})), ["spec.a"]);
        assert_eq!(paths(&schema, &json!({"a": 1.5, "c": 1})), ["spec.a", "spec.c"]);
        assert!(findings(&schema, &json!({"a": 1, "c": 1}))[0].1.ends_with("there are a, b"));
        assert_eq!(paths(&schema, &json!({"a": 1, "b": false})), [""; 0]);
    }

    #[test]
    fn bounds_hold_for_numbers_texts_and_lists() {
        let number = json!({"type": "integer", "minimum": 1, "maximum": 9});
        assert_eq!(findings(&number, &json!(10))[0].1, "it is 10 and must be at most 9");
        let text = json!({"type": "string", "minLength": 1, "maxLength": 2});
        assert_eq!(paths(&text, &json!("éé")), [""; 0]);
        assert_eq!(paths(&text, &json!("")), ["spec"]);
        let list = json!({"type": "array", "maxItems": 1, "items": text});
        assert_eq!(paths(&list, &json!(["a", "abc"])), ["spec", "spec[1]"]);
    }

    #[test]
    fn a_map_has_any_name_and_a_keyed_list_each_name_once() {
        let map = json!({"type": "object", "additionalProperties": {"type": "string"}});
        assert_eq!(paths(&map, &json!({"x": "1", "y.z": 2})), ["spec[\"y.z\"]"]);
        let list = json!({"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"],
            "items": {"type": "object", "properties": {"name": {"type": "string"}}}});
        assert_eq!(paths(&list, &json!([{"name": "a"}, {"name": "b"}, {"name": "a"}])), ["spec[2]"]);
    }

    #[test]
    fn an_enum_lists_what_is_allowed() {
        let schema = json!({"type": "integer", "enum": [301, 302], "default": 301});
        assert_eq!(findings(&schema, &json!(300))[0].1, "it is 300 and must be one of 301, 302");
        assert_eq!(paths(&schema, &Value::Null), [""; 0]);
    }
}
