//! Our own kinds, from their CustomResourceDefinitions.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinition, CustomResourceDefinitionVersion,
};
use serde_json::{Map, Value, json};

use super::facts::{Facts, object_meta};
use super::{Column, Resource, Scale, Scope, Subresources};
use crate::Schema;
use crate::validation::Rules;

/// The verbs of custom resources, in the order in which a real server lists them.
const VERBS: [&str; 8] = ["delete", "deletecollection", "get", "list", "patch", "create", "update", "watch"];

/// The kind that a definition brings.
pub(super) fn resource(definition: &CustomResourceDefinition, facts: &Facts) -> Resource {
    let names = definition.spec.names.clone();
    let version = served_version(definition);
    let openapi = openapi(version);
    Resource {
        group: definition.spec.group.clone(),
        version: version.name.clone(),
        singular: names.singular.unwrap_or_else(|| names.kind.to_lowercase()),
        list_kind: names.list_kind.unwrap_or_else(|| format!("{}List", names.kind)),
        kind: names.kind,
        plural: names.plural,
        short_names: names.short_names.unwrap_or_default(),
        categories: names.categories.unwrap_or_default(),
        scope: if definition.spec.scope == "Namespaced" { Scope::Namespaced } else { Scope::Cluster },
        verbs: VERBS.map(str::to_owned).to_vec(),
        is_custom: true,
        schema: Schema::from_openapi(&openapi, &facts.definitions),
        subresources: subresources(version),
        columns: columns(version),
        rules: Rules::of(&openapi),
    }
}

/// The schema in OpenAPI, with what every object has.
pub(super) fn openapi(version: &CustomResourceDefinitionVersion) -> Value {
    let schema = version.schema.as_ref().and_then(|schema| schema.open_api_v3_schema.as_ref());
    let mut openapi = serde_json::to_value(schema).expect("a schema is JSON");
    if !openapi["properties"].is_object() {
        openapi["properties"] = Value::Object(Map::new());
    }
    let api_version = "The group and version of this object's schema.";
    openapi["properties"]["apiVersion"] = json!({"type": "string", "description": api_version});
    let kind = "What this object is. It cannot be changed.";
    openapi["properties"]["kind"] = json!({"type": "string", "description": kind});
    openapi["properties"]["metadata"] = object_meta();
    openapi["properties"]["metadata"]["description"] = "What every object has: name, labels, owners.".into();
    openapi
}

/// The version that is served and stored; ours have one.
pub(super) fn served_version(definition: &CustomResourceDefinition) -> &CustomResourceDefinitionVersion {
    definition
        .spec
        .versions
        .iter()
        .find(|version| version.storage)
        .expect("a definition has a stored version")
}

fn subresources(version: &CustomResourceDefinitionVersion) -> Subresources {
    let Some(subresources) = &version.subresources else { return Subresources::default() };
    let scale = subresources.scale.as_ref().map(|scale| Scale {
        spec_replicas: scale.spec_replicas_path.clone(),
        status_replicas: scale.status_replicas_path.clone(),
        label_selector: scale.label_selector_path.clone(),
    });
    Subresources { status: subresources.status.is_some(), scale, ..Subresources::default() }
}

fn columns(version: &CustomResourceDefinitionVersion) -> Vec<Column> {
    let columns = version.additional_printer_columns.iter().flatten().cloned();
    let columns = columns.map(|column| Column {
        name: column.name,
        type_: column.type_,
        json_path: column.json_path,
        description: column.description.unwrap_or_default(),
        priority: column.priority.unwrap_or_default(),
    });
    columns.collect()
}
