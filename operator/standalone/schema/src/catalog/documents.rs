//! The OpenAPI v3 documents of `/openapi/v3`, made anew for each request.
//!
//! What `kubectl` reads in them: `explain` finds a kind by the `x-kubernetes-group-version-kind` of its paths and schemas;
//! `apply` and `create` look for the parameters `dryRun` and `fieldValidation` of a kind's PATCH before they send them;
//! strategic merge patches are made where a PATCH takes them, with the merge keys in the schemas. Ours carry descriptions, built-in kinds none.

use serde_json::{Map, Value, json};

use super::facts::{self, Facts};
use super::{Resource, Scope, custom};

/// Parameters of every write.
const WRITE_PARAMETERS: [(&str, &str); 3] =
    [("dryRun", "string"), ("fieldManager", "string"), ("fieldValidation", "string")];

/// Media types of patches; `kubectl` merges strategically only where it finds the last one.
const PATCHES: [&str; 4] = [
    "application/apply-patch+yaml",
    "application/json-patch+json",
    "application/merge-patch+json",
    "application/strategic-merge-patch+json",
];

/// One operation of a path: HTTP's name, Kubernetes' name, the verb of discovery.
struct Operation {
    method: &'static str,
    action: &'static str,
    verb: &'static str,
}

const OF_COLLECTIONS: [Operation; 3] = [
    Operation { method: "get", action: "list", verb: "list" },
    Operation { method: "post", action: "post", verb: "create" },
    Operation { method: "delete", action: "deletecollection", verb: "deletecollection" },
];

const OF_OBJECTS: [Operation; 4] = [
    Operation { method: "get", action: "get", verb: "get" },
    Operation { method: "put", action: "put", verb: "update" },
    Operation { method: "patch", action: "patch", verb: "patch" },
    Operation { method: "delete", action: "delete", verb: "delete" },
];

/// The document of the group and version that these kinds share.
pub(super) fn document(resources: &[&Resource]) -> Value {
    let facts = Facts::read();
    let mut schemas = Map::new();
    let mut paths = Map::new();
    for resource in resources {
        let (name, schema) = definition(resource, &facts);
        include(&name, schema, &facts, &mut schemas);
        add_paths(resource, &name, &mut paths);
        if resource.subresources.scale.is_some() {
            include_by_name(facts::SCALE, &facts, &mut schemas);
        }
    }
    json!({
        "openapi": "3.0.0",
        "info": {"title": "Kubernetes", "version": "1.36"},
        "paths": paths,
        "components": {"schemas": schemas},
    })
}

fn definition(resource: &Resource, facts: &Facts) -> (String, Value) {
    if !resource.is_custom {
        let fact = facts.resources.iter().find(|fact| fact.is_of(resource));
        let name = fact.expect("a built-in kind is in the facts").definition.clone();
        let schema = facts.definitions[&name].clone();
        return (name, schema);
    }
    let all = crds::all();
    let definition = all.iter().find(|definition| definition.spec.names.kind == resource.kind);
    let definition = definition.expect("a custom kind has a definition");
    let mut schema = custom::openapi(custom::served_version(definition));
    schema["x-kubernetes-group-version-kind"] = json!([group_version_kind(resource)]);
    let domain: Vec<_> = resource.group.rsplit('.').collect();
    (format!("{}.{}.{}", domain.join("."), resource.version, resource.kind), schema)
}

/// Adds a definition and those that it refers to.
fn include(name: &str, schema: Value, facts: &Facts, schemas: &mut Map<String, Value>) {
    if schemas.contains_key(name) {
        return;
    }
    let references = references(&schema);
    schemas.insert(name.to_owned(), schema);
    for reference in references {
        include_by_name(&reference, facts, schemas);
    }
}

fn include_by_name(name: &str, facts: &Facts, schemas: &mut Map<String, Value>) {
    if let Some(schema) = facts.definitions.get(name).filter(|_| !schemas.contains_key(name)) {
        include(name, schema.clone(), facts, schemas);
    }
}

fn references(schema: &Value) -> Vec<String> {
    match schema {
        Value::Object(keywords) => {
            let own = keywords.get("$ref").and_then(Value::as_str).and_then(|path| path.rsplit('/').next());
            own.map(str::to_owned).into_iter().chain(keywords.values().flat_map(references)).collect()
        }
        Value::Array(items) => items.iter().flat_map(references).collect(),
        _ => Vec::new(),
    }
}

fn group_version_kind(resource: &Resource) -> Value {
    json!({"group": resource.group, "version": resource.version, "kind": resource.kind})
}

fn add_paths(resource: &Resource, definition: &str, paths: &mut Map<String, Value>) {
    let root =
        if resource.group.is_empty() { "/api".to_owned() } else { format!("/apis/{}", resource.group) };
    let root = format!("{root}/{}", resource.version);
    let body = json!({"$ref": format!("#/components/schemas/{definition}")});
    let kind = group_version_kind(resource);
    let path = |operations: &[Operation]| path_item(operations, resource, &kind, &body);

    let plural = &resource.plural;
    let collection = match resource.scope {
        Scope::Cluster => format!("{root}/{plural}"),
        Scope::Namespaced => {
            // Objects are created in a namespace, and listed in all as well.
            paths.insert(format!("{root}/{plural}"), path(&OF_COLLECTIONS[..1]));
            format!("{root}/namespaces/{{namespace}}/{plural}")
        }
    };
    let object = format!("{collection}/{{name}}");
    if resource.subresources.status {
        paths.insert(format!("{object}/status"), path(&OF_OBJECTS[..3]));
    }
    if resource.subresources.scale.is_some() {
        let kind = json!({"group": "autoscaling", "version": "v1", "kind": "Scale"});
        let body = json!({"$ref": format!("#/components/schemas/{}", facts::SCALE)});
        paths.insert(format!("{object}/scale"), path_item(&OF_OBJECTS[..3], resource, &kind, &body));
    }
    if resource.subresources.log {
        paths.insert(format!("{object}/log"), path(&OF_OBJECTS[..1]));
    }
    paths.insert(collection, path(&OF_COLLECTIONS));
    paths.insert(object, path(&OF_OBJECTS));
    paths.retain(|_, item| item.as_object().is_some_and(|item| !item.is_empty()));
}

fn path_item(operations: &[Operation], resource: &Resource, kind: &Value, body: &Value) -> Value {
    let served =
        operations.iter().filter(|operation| resource.verbs.iter().any(|verb| verb == operation.verb));
    let patches = if resource.is_custom { &PATCHES[..3] } else { &PATCHES[..] };
    let described = served.map(|operation| self::operation(operation, kind, body, patches));
    described.collect()
}

fn operation(operation: &Operation, kind: &Value, body: &Value, patches: &[&str]) -> (String, Value) {
    let mut value = json!({
        "x-kubernetes-action": operation.action,
        "x-kubernetes-group-version-kind": kind,
        "responses": {"200": {"description": "OK", "content": {"application/json": {"schema": body}}}},
    });
    let is_write = ["post", "put", "patch"].contains(&operation.method);
    if is_write {
        let of_patches = (operation.method == "patch").then_some(("force", "boolean"));
        let parameters = WRITE_PARAMETERS.into_iter().chain(of_patches).map(|(name, type_)| {
            json!({"name": name, "in": "query", "schema": {"type": type_, "uniqueItems": true}})
        });
        value["parameters"] = parameters.collect();
        let content: Value = match operation.method {
            "patch" => patches
                .iter()
                .map(|type_| ((*type_).to_owned(), json!({"schema": {"type": "object"}})))
                .collect(),
            _ => json!({"application/json": {"schema": body}}),
        };
        value["requestBody"] = json!({"content": content, "required": true});
    }
    (operation.method.to_owned(), value)
}

#[cfg(test)]
mod tests {
    use crate::Catalog;
    use serde_json::Value;

    fn patch_of(group: &str, version: &str, path: &str) -> Value {
        let document = Catalog::new().openapi(group, version).expect("it is served");
        document["paths"][path]["patch"].clone()
    }

    #[test]
    fn kubectl_finds_what_a_patch_takes() {
        let patch = patch_of("apps", "v1", "/apis/apps/v1/namespaces/{namespace}/deployments/{name}");
        let names = patch["parameters"].as_array().into_iter().flatten().map(|parameter| &parameter["name"]);
        assert_eq!(names.collect::<Vec<_>>(), ["dryRun", "fieldManager", "fieldValidation", "force"]);
        let strategic = "application/strategic-merge-patch+json";
        assert!(patch["requestBody"]["content"][strategic].is_object());
        let patch =
            patch_of("flynn.io", "v1alpha1", "/apis/flynn.io/v1alpha1/namespaces/{namespace}/apps/{name}");
        assert!(patch["requestBody"]["content"][strategic].is_null());
    }

    #[test]
    fn every_reference_leads_to_a_definition() {
        let catalog = Catalog::new();
        for resource in catalog.resources() {
            let document = catalog.openapi(&resource.group, &resource.version).expect("it is served");
            for reference in super::references(&document) {
                assert!(document["components"]["schemas"][&reference].is_object(), "{reference}");
            }
        }
    }

    #[test]
    fn our_kinds_are_explained() {
        let document = Catalog::new().openapi("flynn.io", "v1alpha1").expect("it is served");
        let app = &document["components"]["schemas"]["io.flynn.v1alpha1.App"];
        assert_eq!(app["x-kubernetes-group-version-kind"][0]["kind"], "App");
        assert!(app["properties"]["spec"]["properties"]["image"]["description"].is_string());
    }

    #[test]
    fn nothing_is_told_of_what_is_not_served() {
        assert!(Catalog::new().openapi("batch", "v1").is_none());
    }
}
