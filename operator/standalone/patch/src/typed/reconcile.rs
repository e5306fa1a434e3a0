//! Sets that were written when the schema was another: where it has become atomic since, who owned a part owns the whole.

use schema::{ListType, Schema, Shape};

use super::Type;
use crate::fields::FieldSet;

/// The set as it would be had it been written today. What was atomic and no longer is stays as it is.
pub(crate) fn reconcile(of: Type<'_>, set: &FieldSet) -> FieldSet {
    FieldSet::from_level(set.level().map(|(element, member, below)| {
        let part = of.part(element);
        if !below.is_empty() && is_atomic(part) {
            return (element.clone(), true, FieldSet::new());
        }
        (element.clone(), member, reconcile(part, below))
    }))
}

fn is_atomic(of: Type<'_>) -> bool {
    let Type::Known(Schema { shape, .. }) = of else { return false };
    match shape {
        Shape::Struct { atomic, .. } | Shape::Map { atomic, .. } => *atomic,
        Shape::List { list_type, .. } => *list_type == ListType::Atomic,
        Shape::Scalar(_) | Shape::Any => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, json};

    use super::*;

    #[test]
    fn who_managed_a_part_of_what_is_atomic_now_manages_the_whole() {
        let text = json!({"type": "string"});
        let selector =
            json!({"type": "object", "additionalProperties": text, "x-kubernetes-map-type": "atomic"});
        let labels = json!({"type": "object", "additionalProperties": text});
        let schema = json!({"type": "object", "properties": {
            "selector": selector, "labels": labels, "args": {"type": "array", "items": text},
        }});
        let schema = Schema::from_openapi(&schema, &Map::new());
        let set = FieldSet::from_json(&json!({
            "f:selector": {".": {}, "f:a": {}}, "f:labels": {"f:a": {}}, "f:args": {"v:\"x\"": {}},
        }));
        let reconciled = reconcile(Type::Known(&schema), &set.unwrap());
        assert_eq!(reconciled, FieldSet::from(["selector", "labels.a", "args"]));
        assert_eq!(reconcile(Type::Known(&schema), &reconciled), reconciled);
    }
}
