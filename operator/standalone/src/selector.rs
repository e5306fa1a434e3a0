//! Which objects a list, a watch or a deletion is about: label and field selectors, read from the query and asked of
//! stored objects. An object is parsed only where its labels or its own fields are asked for.

mod field;
mod label;

use store::Object;

use self::field::FieldSelector;
use self::label::LabelSelector;
use crate::query::Query;
use crate::status::Result;
use crate::wire;
use schema::Resource;

/// Both selectors of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Selector {
    labels: LabelSelector,
    fields: FieldSelector,
}

impl Selector {
    /// Reads `labelSelector` and `fieldSelector`; `name`: of the one object that the path is about.
    pub(crate) fn parse(resource: &Resource, query: &Query) -> Result<Self> {
        Ok(Self {
            labels: LabelSelector::parse(query.text("labelSelector").unwrap_or_default())?,
            fields: FieldSelector::parse(resource, query.text("fieldSelector").unwrap_or_default())?,
        })
    }

    /// Whether it selects everything.
    pub(crate) fn is_everything(&self) -> bool {
        self.labels.is_everything() && self.fields.is_everything()
    }

    /// Whether it selects the object.
    pub(crate) fn matches(&self, object: &Object) -> bool {
        if !self.fields.matches_key(&object.key) {
            return false;
        }
        if self.labels.is_everything() && self.fields.is_about_key() {
            return true;
        }
        let value = wire::fields(object);
        self.labels.matches(&value["metadata"]["labels"]) && self.fields.matches(&value)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use schema::Catalog;
    use serde_json::json;
    use store::Key;

    use super::*;

    #[test]
    fn both_selectors_have_to_match() {
        let catalog = Catalog::new();
        let pods = catalog.by_path("", "v1", "pods").expect("pods are served");
        let pod = json!({"metadata": {"name": "a", "labels": {"app": "x"}}, "status": {"phase": "Running"}});
        let key = Key { resource: Arc::from("/pods"), namespace: Arc::from("n"), name: Arc::from("a") };
        let pod = Object { key, revision: 1, json: wire::stored(pods, &pod) };
        for (query, expected) in [
            ("", true),
            ("labelSelector=app%3Dx&fieldSelector=status.phase%3DRunning", true),
            ("labelSelector=app%3Dy&fieldSelector=status.phase%3DRunning", false),
            ("labelSelector=app%3Dx&fieldSelector=status.phase%3DPending", false),
            ("fieldSelector=metadata.name%3Da,metadata.namespace%3Dn", true),
            ("fieldSelector=metadata.name!%3Da", false),
            ("fieldSelector=metadata.namespace%3Dm", false),
            ("fieldSelector=spec.nodeName%3D", true),
        ] {
            let selector = Selector::parse(pods, &Query::parse(query)).expect(query);
            assert_eq!(selector.matches(&pod), expected, "{query}");
        }
    }
}
