//! Reads a [`Schema`] out of OpenAPI v3, as a kube-apiserver publishes it and as a CustomResourceDefinition has it.
//!
//! References are resolved, so that a schema stands for itself; where one leads back into itself, what is below is `Any`.

use std::sync::Arc;

use serde::Deserialize as _;
use serde_json::{Map, Value};

use crate::structural::{Constraints, Format, ListType, Scalar, Schema, Shape, Strategy};

impl Schema {
    /// The schema that `openapi` says, with `definitions` (`components.schemas`) for its references.
    #[must_use]
    pub fn from_openapi(openapi: &Value, definitions: &Map<String, Value>) -> Self {
        Reader { definitions, open: Vec::new() }.schema(openapi)
    }

    /// A value of which nothing is known.
    #[must_use]
    pub fn any() -> Self {
        Self::of(Shape::Any)
    }

    fn of(shape: Shape) -> Self {
        Self {
            shape,
            nullable: false,
            default: None,
            strategic: Strategy::default(),
            format: None,
            definition: None,
            constraints: None,
        }
    }
}

struct Reader<'a> {
    definitions: &'a Map<String, Value>,
    /// The definitions that are being read, so that one is not entered again.
    open: Vec<&'a str>,
}

impl<'a> Reader<'a> {
    fn schema(&mut self, openapi: &'a Value) -> Schema {
        let mut schema = match reference(openapi) {
            Some(name) => self.definition(name),
            None => Schema::of(self.shape(openapi)),
        };
        schema.nullable |= is_set(openapi, "nullable");
        if let Some(default) = openapi.get("default") {
            schema.default = Some(default.clone());
        }
        if let Some(strategy) = openapi["x-kubernetes-patch-strategy"].as_str() {
            schema.strategic.merge = strategy.split(',').any(|part| part == "merge");
            schema.strategic.retain_keys = strategy.split(',').any(|part| part == "retainKeys");
        }
        if let Some(key) = openapi["x-kubernetes-patch-merge-key"].as_str() {
            schema.strategic.merge_key = Some(key.to_owned());
        }
        if openapi["x-kubernetes-map-type"] == "atomic" {
            schema.shape.own_as_a_whole();
        }
        schema.format = format(openapi).or(schema.format);
        schema.constraints = constraints(openapi).or(schema.constraints);
        schema
    }

    fn definition(&mut self, name: &'a str) -> Schema {
        let Some(openapi) = self.definitions.get(name).filter(|_| !self.open.contains(&name)) else {
            return Schema::any();
        };
        self.open.push(name);
        let mut schema = self.schema(openapi);
        self.open.pop();
        schema.definition = name.rsplit('.').next().map(Arc::from);
        if name.ends_with(".Quantity") {
            schema.format = Some(Format::Quantity);
        }
        // A named object without fields holds what Go keeps as raw JSON.
        if matches!(&schema.shape, Shape::Struct { fields, .. } if fields.is_empty()) {
            schema.shape = Shape::Any;
        }
        schema
    }

    fn shape(&mut self, openapi: &'a Value) -> Shape {
        if is_set(openapi, "x-kubernetes-int-or-string") || openapi.get("oneOf").is_some() {
            return Shape::Scalar(Scalar::IntOrString);
        }
        match openapi["type"].as_str() {
            Some("object") => self.object(openapi),
            Some("array") => {
                Shape::List { items: Box::new(self.schema(&openapi["items"])), list_type: list_type(openapi) }
            }
            Some("string") => Shape::Scalar(Scalar::String),
            Some("integer") => Shape::Scalar(Scalar::Integer),
            Some("number") => Shape::Scalar(Scalar::Number),
            Some("boolean") => Shape::Scalar(Scalar::Boolean),
            _ => Shape::Any,
        }
    }

    fn object(&mut self, openapi: &'a Value) -> Shape {
        let additional = &openapi["additionalProperties"];
        if additional.is_object() {
            return Shape::Map { values: Box::new(self.schema(additional)), atomic: false };
        }
        let properties = openapi["properties"].as_object();
        let fields = properties.into_iter().flatten().map(|(name, field)| (name.clone(), self.schema(field)));
        let fields = fields.collect();
        let required = openapi["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let preserves_unknown = is_set(openapi, "x-kubernetes-preserve-unknown-fields")
            || is_set(openapi, "x-kubernetes-embedded-resource");
        Shape::Struct {
            fields,
            required: required.map(str::to_owned).collect(),
            atomic: false,
            preserves_unknown,
        }
    }
}

impl Shape {
    fn own_as_a_whole(&mut self) {
        if let Self::Struct { atomic, .. } | Self::Map { atomic, .. } = self {
            *atomic = true;
        }
    }
}

/// The name of the definition that is meant, also in the form `{"allOf": [{"$ref": ..}], "default": ..}`.
fn reference(openapi: &Value) -> Option<&str> {
    let path = openapi["$ref"].as_str().or_else(|| openapi["allOf"][0]["$ref"].as_str())?;
    path.rsplit('/').next()
}

fn is_set(openapi: &Value, keyword: &str) -> bool {
    openapi[keyword] == true
}

fn list_type(openapi: &Value) -> ListType {
    match openapi["x-kubernetes-list-type"].as_str() {
        Some("set") => ListType::Set,
        Some("map") => {
            let keys = openapi["x-kubernetes-list-map-keys"].as_array();
            ListType::Map(keys.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect())
        }
        _ => ListType::Atomic,
    }
}

fn format(openapi: &Value) -> Option<Format> {
    match openapi["format"].as_str()? {
        "int32" => Some(Format::Int32),
        "int64" => Some(Format::Int64),
        "byte" => Some(Format::Byte),
        "date-time" => Some(Format::DateTime),
        _ => None,
    }
}

fn constraints(openapi: &Value) -> Option<Box<Constraints>> {
    let constraints =
        Constraints::deserialize(openapi).expect("the API server has taken this schema, so its keywords fit");
    (constraints != Constraints::default()).then(|| Box::new(constraints))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(openapi: &Value) -> Schema {
        let definitions = json!({
            "a.v1.Tree": {"type": "object", "properties": {
                "name": {"type": "string", "default": ""},
                "below": {"type": "array", "items": {"$ref": "#/components/schemas/a.v1.Tree"}}}},
            "a.v1.Raw": {"type": "object"},
        });
        Schema::from_openapi(openapi, definitions.as_object().expect("it is an object"))
    }

    fn field<'a>(schema: &'a Schema, name: &str) -> &'a Schema {
        let Shape::Struct { fields, .. } = &schema.shape else { panic!("{schema:?}") };
        &fields[name]
    }

    #[test]
    fn what_leads_back_into_itself_is_anything() {
        let tree = read(&json!({"allOf": [{"$ref": "#/components/schemas/a.v1.Tree"}]}));
        assert_eq!(tree.definition.as_deref(), Some("Tree"));
        let Shape::List { items, .. } = &field(&tree, "below").shape else { panic!("{tree:?}") };
        assert_eq!(items.shape, Shape::Any);
    }

    #[test]
    fn what_stands_beside_a_reference_counts() {
        let schema = read(&json!({"type": "object", "properties": {"tree": {
            "allOf": [{"$ref": "#/components/schemas/a.v1.Tree"}], "default": {}, "x-kubernetes-map-type": "atomic"}}}));
        let tree = field(&schema, "tree");
        assert_eq!(tree.default, Some(json!({})));
        assert!(matches!(tree.shape, Shape::Struct { atomic: true, .. }));
    }

    #[test]
    fn merge_keys_and_strategies_are_read() {
        let schema = read(&json!({"type": "array", "items": {"$ref": "#/components/schemas/a.v1.Raw"},
            "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"],
            "x-kubernetes-patch-strategy": "merge,retainKeys", "x-kubernetes-patch-merge-key": "name"}));
        let strategy = Strategy { merge: true, retain_keys: true, merge_key: Some("name".to_owned()) };
        assert_eq!(schema.strategic, strategy);
        let Shape::List { items, list_type } = schema.shape else { panic!("it is a list") };
        assert_eq!(list_type, ListType::Map(vec!["name".to_owned()]));
        assert_eq!(items.shape, Shape::Any);
    }

    #[test]
    fn an_object_without_fields_is_empty_unless_it_has_a_name() {
        assert!(matches!(read(&json!({"type": "object"})).shape, Shape::Struct { .. }));
        assert_eq!(
            read(&json!({"x-kubernetes-int-or-string": true})).shape,
            Shape::Scalar(Scalar::IntOrString)
        );
    }
}
