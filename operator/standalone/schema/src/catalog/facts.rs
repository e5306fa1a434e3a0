//! The built-in kinds, as a real kube-apiserver tells of them (`kubernetes.json`, written by `examples/facts.rs`).
//!
//! The file is parsed when it is needed and not kept: what lasts are the schemas.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Resource, Scale, Scope, Subresources};
use crate::Schema;
use crate::validation::Rules;

/// Where the schema of `metadata` is.
const OBJECT_META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";

/// Where the schema of the scale subresource is.
pub(super) const SCALE: &str = "io.k8s.api.autoscaling.v1.Scale";

/// What `kubernetes.json` holds.
#[derive(Deserialize)]
pub(super) struct Facts {
    pub(super) resources: Vec<Fact>,
    pub(super) definitions: Map<String, Value>,
}

/// One kind.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Fact {
    group: String,
    version: String,
    kind: String,
    plural: String,
    singular: String,
    short_names: Vec<String>,
    categories: Vec<String>,
    namespaced: bool,
    verbs: Vec<String>,
    subresources: Vec<String>,
    pub(super) definition: String,
}

impl Facts {
    pub(super) fn read() -> Self {
        serde_json::from_str(include_str!("../kubernetes.json")).expect("the generated file is what we read")
    }

    /// The schema of one definition.
    pub(super) fn schema(&self, definition: &str) -> Schema {
        Schema::from_openapi(&reference(definition), &self.definitions)
    }
}

impl Fact {
    /// Whether it is the fact about this kind.
    pub(super) fn is_of(&self, resource: &Resource) -> bool {
        (&self.group, &self.version, &self.kind) == (&resource.group, &resource.version, &resource.kind)
    }

    pub(super) fn resource(self, facts: &Facts) -> Resource {
        // Custom resource definitions are part of the program here.
        let is_read_only = self.plural == "customresourcedefinitions";
        let verbs = self.verbs.into_iter();
        let verbs = verbs.filter(|verb| !is_read_only || ["get", "list", "watch"].contains(&verb.as_str()));
        let has = |name: &str| self.subresources.iter().any(|subresource| subresource == name);
        Resource {
            list_kind: format!("{}List", self.kind),
            scope: if self.namespaced { Scope::Namespaced } else { Scope::Cluster },
            subresources: Subresources {
                status: has("status"),
                scale: has("scale").then(Scale::of_replicas),
                log: has("log"),
                finalize: has("finalize"),
            },
            schema: facts.schema(&self.definition),
            group: self.group,
            version: self.version,
            kind: self.kind,
            plural: self.plural,
            singular: self.singular,
            short_names: self.short_names,
            categories: self.categories,
            verbs: verbs.collect(),
            is_custom: false,
            columns: Vec::new(),
            rules: Rules::default(),
        }
    }
}

/// `metadata`, as every kind has it.
pub(super) fn object_meta() -> Value {
    reference(OBJECT_META)
}

fn reference(definition: &str) -> Value {
    json!({"allOf": [{"$ref": format!("#/components/schemas/{definition}")}]})
}
