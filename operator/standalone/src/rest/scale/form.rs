//! A Scale as it is made from an object, by the paths that its kind names.

use std::collections::BTreeMap;

use schema::{Scalar, Scale, Schema, Shape};
use serde_json::{Map, Value, json};

/// The schema of a Scale, whose metadata is that of the object.
pub(super) fn schema_of(object: &Schema) -> Schema {
    let known = |fields: BTreeMap<String, Schema>| {
        let shape = Shape::Struct { fields, required: Vec::new(), atomic: false, preserves_unknown: false };
        Schema { shape, ..Schema::any() }
    };
    let scalar = |kind| Schema { shape: Shape::Scalar(kind), ..known(BTreeMap::new()) };
    let named = |fields: Vec<(&str, Schema)>| {
        fields.into_iter().map(|(name, schema)| (name.to_owned(), schema)).collect()
    };
    let mut fields: BTreeMap<String, Schema> = named(vec![
        ("apiVersion", scalar(Scalar::String)),
        ("kind", scalar(Scalar::String)),
        ("spec", known(named(vec![("replicas", scalar(Scalar::Integer))]))),
        (
            "status",
            known(named(vec![("replicas", scalar(Scalar::Integer)), ("selector", scalar(Scalar::String))])),
        ),
    ]);
    if let Shape::Struct { fields: of_object, .. } = &object.shape {
        fields.extend(of_object.get("metadata").map(|metadata| ("metadata".to_owned(), metadata.clone())));
    }
    known(fields)
}

/// The Scale of an object.
pub(super) fn scale_of(object: &Value, scale: &Scale) -> Value {
    let mut metadata = Map::new();
    for field in ["name", "namespace", "uid", "resourceVersion", "creationTimestamp"] {
        let value = &object["metadata"][field];
        if !value.is_null() {
            metadata.insert(field.to_owned(), value.clone());
        }
    }
    let mut spec = json!({});
    if let Some(wanted) = replicas(object, &scale.spec_replicas).filter(|wanted| *wanted != 0) {
        spec["replicas"] = wanted.into();
    }
    let mut status = json!({"replicas": replicas(object, &scale.status_replicas).unwrap_or(0)});
    // Built-in kinds have theirs where everybody expects it.
    let path = scale.label_selector.as_deref().unwrap_or(".spec.selector");
    let selector = at(object, path).and_then(selector);
    if let Some(selector) = selector.filter(|selector| !selector.is_empty()) {
        status["selector"] = selector.into();
    }
    json!({"kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": metadata, "spec": spec, "status": status})
}

/// The number at a path.
pub(super) fn replicas(object: &Value, path: &str) -> Option<i64> {
    at(object, path)?.as_i64()
}

/// Sets the number at a path, whose way is made.
pub(super) fn set_replicas(object: &mut Value, path: &str, wanted: i64) {
    let mut place = object;
    for step in path.split('.').filter(|step| !step.is_empty()) {
        if !place[step].is_object() && !place[step].is_number() {
            place[step] = json!({});
        }
        place = &mut place[step];
    }
    *place = wanted.into();
}

fn at<'v>(object: &'v Value, path: &str) -> Option<&'v Value> {
    path.split('.').filter(|step| !step.is_empty()).try_fold(object, |value, step| value.get(step))
}

/// A selector as text: custom kinds have it so, a Deployment has labels and expressions.
fn selector(selector: &Value) -> Option<String> {
    if let Some(text) = selector.as_str() {
        return Some(text.to_owned());
    }
    let labels = selector["matchLabels"].as_object().into_iter().flatten();
    let labels =
        labels.filter_map(|(name, value)| Some((name.as_str(), format!("{name}={}", value.as_str()?))));
    let expressions = selector["matchExpressions"].as_array().into_iter().flatten();
    let mut terms = labels.chain(expressions.filter_map(expression)).collect::<Vec<_>>();
    terms.sort_by_key(|(name, _)| *name);
    Some(terms.into_iter().map(|(_, term)| term).collect::<Vec<_>>().join(","))
}

fn expression(expression: &Value) -> Option<(&str, String)> {
    let key = expression["key"].as_str()?;
    let values = expression["values"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let mut values = values.collect::<Vec<_>>();
    values.sort_unstable();
    let values = values.join(",");
    Some((
        key,
        match expression["operator"].as_str()? {
            "In" => format!("{key} in ({values})"),
            "NotIn" => format!("{key} notin ({values})"),
            "Exists" => key.to_owned(),
            _ => format!("!{key}"),
        },
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(label_selector: &str) -> Scale {
        Scale {
            spec_replicas: ".spec.web.replicas".to_owned(),
            status_replicas: ".status.replicas".to_owned(),
            label_selector: Some(label_selector.to_owned()),
        }
    }

    #[test]
    fn a_scale_has_the_numbers_and_the_selector_of_its_object() {
        let object = json!({
            "metadata": {"name": "a", "labels": {"x": "y"}},
            "spec": {"web": {"replicas": 3}, "selector": {
                "matchLabels": {"b": "c"},
                "matchExpressions": [{"key": "a", "operator": "In", "values": ["2", "1"]}, {"key": "z", "operator": "DoesNotExist"}],
            }},
            "status": {"replicas": 2},
        });
        let scale = scale_of(&object, &paths(".spec.selector"));
        assert_eq!(scale["metadata"], json!({"name": "a"}));
        assert_eq!(scale["spec"], json!({"replicas": 3}));
        assert_eq!(scale["status"], json!({"replicas": 2, "selector": "a in (1,2),b=c,!z"}));
    }

    #[test]
    fn the_way_to_the_number_is_made() {
        let mut object = json!({"spec": {}});
        set_replicas(&mut object, ".spec.web.replicas", 2);
        assert_eq!(object, json!({"spec": {"web": {"replicas": 2}}}));
    }
}
