//! The kinds that are served: names as discovery tells them, schemas, subresources.
//!
//! Built-in kinds come from facts about a real server (`facts.rs`), ours from their definitions (`custom.rs`).

mod custom;
mod documents;
mod facts;

use std::sync::Arc;

use serde_json::Value;

use self::facts::Facts;
use crate::Schema;
use crate::validation::Rules;

/// Every kind that the embedded API serves.
#[derive(Debug, Clone)]
pub struct Catalog {
    resources: Vec<Arc<Resource>>,
    scale: Arc<Schema>,
}

/// One kind, as discovery tells of it.
#[derive(Debug)]
pub struct Resource {
    /// The API group; empty for the core.
    pub group: String,
    /// The version, such as `v1`.
    pub version: String,
    /// Such as `Deployment`.
    pub kind: String,
    /// Such as `DeploymentList`.
    pub list_kind: String,
    /// Such as `deployments`.
    pub plural: String,
    /// Such as `deployment`.
    pub singular: String,
    /// Such as `deploy`.
    pub short_names: Vec<String>,
    /// Such as `all`.
    pub categories: Vec<String>,
    /// Whether its objects are in namespaces.
    pub scope: Scope,
    /// The verbs, in discovery's order.
    pub verbs: Vec<String>,
    /// Whether it is one of ours (a custom resource), which is pruned, validated by its schema and by CEL.
    pub is_custom: bool,
    /// What an object looks like.
    pub schema: Schema,
    /// What it has beside itself.
    pub subresources: Subresources,
    /// The additional printer columns; those of built-in kinds are computed elsewhere.
    pub columns: Vec<Column>,
    pub(crate) rules: Rules,
}

/// Where objects live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// In a namespace.
    Namespaced,
    /// In the cluster.
    Cluster,
}

/// Subresources of a kind.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Subresources {
    /// `status` is written apart from the rest.
    pub status: bool,
    /// `scale`, and where its numbers are.
    pub scale: Option<Scale>,
    /// `log`, of Pods.
    pub log: bool,
    /// `finalize`, of Namespaces.
    pub finalize: bool,
}

/// Paths of the scale subresource, such as `.spec.replicas`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scale {
    /// Of the wanted number.
    pub spec_replicas: String,
    /// Of the number there is.
    pub status_replicas: String,
    /// Of the selector.
    pub label_selector: Option<String>,
}

/// An additional printer column (`additionalPrinterColumns`).
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// Its head.
    pub name: String,
    /// `string`, `integer`, `date`, ...
    pub type_: String,
    /// Where the value is.
    pub json_path: String,
    /// Its text for `kubectl explain` and `-o wide`.
    pub description: String,
    /// 0 is shown always, others with `-o wide`.
    pub priority: i32,
}

impl Catalog {
    /// The built-in kinds and ours.
    #[must_use]
    pub fn new() -> Self {
        let mut facts = Facts::read();
        let built_in = std::mem::take(&mut facts.resources);
        let built_in: Vec<_> = built_in.into_iter().map(|fact| fact.resource(&facts)).collect();
        let custom = crds::all().into_iter().map(|definition| custom::resource(&definition, &facts));
        let resources = built_in.into_iter().chain(custom).map(Arc::new).collect();
        Self { resources, scale: Arc::new(facts.schema(facts::SCALE)) }
    }

    /// The schema of `autoscaling/v1` Scale, the body of the scale subresources.
    #[must_use]
    pub fn scale(&self) -> &Arc<Schema> {
        &self.scale
    }

    /// Every kind, in the order of discovery.
    pub fn resources(&self) -> impl Iterator<Item = &Arc<Resource>> {
        self.resources.iter()
    }

    /// A kind by the names in its URL.
    #[must_use]
    pub fn by_path(&self, group: &str, version: &str, plural: &str) -> Option<&Arc<Resource>> {
        self.resources.iter().find(|resource| {
            (resource.group.as_str(), resource.version.as_str(), resource.plural.as_str())
                == (group, version, plural)
        })
    }

    /// A kind by its names in an object.
    #[must_use]
    pub fn by_kind(&self, group: &str, version: &str, kind: &str) -> Option<&Arc<Resource>> {
        self.resources.iter().find(|resource| {
            (resource.group.as_str(), resource.version.as_str(), resource.kind.as_str())
                == (group, version, kind)
        })
    }

    /// The OpenAPI v3 document of a group and version, as `/openapi/v3/...` serves it.
    #[must_use]
    pub fn openapi(&self, group: &str, version: &str) -> Option<Value> {
        let of_document = |resource: &&Resource| resource.group == group && resource.version == version;
        let resources: Vec<&Resource> = self.resources.iter().map(Arc::as_ref).filter(of_document).collect();
        (!resources.is_empty()).then(|| documents::document(&resources))
    }
}

impl Resource {
    /// What its objects have in `apiVersion`: `apps/v1`, or `v1` for the core.
    #[must_use]
    pub fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.clone() } else { format!("{}/{}", self.group, self.version) }
    }
}

impl Scale {
    /// Where built-in kinds have their numbers.
    fn of_replicas() -> Self {
        Self {
            spec_replicas: ".spec.replicas".to_owned(),
            status_replicas: ".status.replicas".to_owned(),
            label_selector: None,
        }
    }
}

impl Default for Catalog {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ListType, Shape};

    #[test]
    fn every_kind_is_found_by_path_and_by_kind() {
        let catalog = Catalog::new();
        assert_eq!(catalog.resources().count(), 22);
        for resource in catalog.resources() {
            let by_path = catalog.by_path(&resource.group, &resource.version, &resource.plural);
            assert_eq!(by_path.map(|found| &found.kind), Some(&resource.kind));
            let by_kind = catalog.by_kind(&resource.group, &resource.version, &resource.kind);
            assert_eq!(by_kind.map(|found| &found.plural), Some(&resource.plural));
        }
        assert!(catalog.by_path("", "v1", "serviceaccounts").is_none());
    }

    #[test]
    fn merge_keys_are_those_of_a_real_server() {
        let catalog = Catalog::new();
        let pod = catalog.by_kind("", "v1", "Pod").expect("it is served");
        let at = |schema: &Schema, name: &str| match &schema.shape {
            Shape::Struct { fields, .. } => fields[name].clone(),
            Shape::List { items, .. } => match &items.shape {
                Shape::Struct { fields, .. } => fields[name].clone(),
                other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        };
        let ports = at(&at(&at(&pod.schema, "spec"), "containers"), "ports");
        assert_eq!(ports.strategic.merge_key.as_deref(), Some("containerPort"));
        let keys = vec!["containerPort".to_owned(), "protocol".to_owned()];
        assert!(matches!(ports.shape, Shape::List { list_type: ListType::Map(found), .. } if found == keys));
    }

    #[test]
    fn definitions_of_custom_resources_are_only_read() {
        let catalog = Catalog::new();
        let definition = catalog.by_kind("apiextensions.k8s.io", "v1", "CustomResourceDefinition");
        assert_eq!(definition.map(|found| found.verbs.join(" ")).as_deref(), Some("get list watch"));
        let app = catalog.by_kind("flynn.io", "v1alpha1", "App").expect("it is served");
        assert_eq!(
            (app.api_version().as_str(), app.short_names.join(" ").as_str()),
            ("flynn.io/v1alpha1", "fapp")
        );
        assert!(app.is_custom && app.subresources.status && app.subresources.scale.is_some());
    }
}
