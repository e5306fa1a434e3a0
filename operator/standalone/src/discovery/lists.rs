//! The lists of groups and kinds, in both forms.

use schema::{Catalog, Resource, Scope};
use serde_json::{Map, Value, json};

/// The order in which a real server tells of the groups that we have; others follow.
const ORDER: [&str; 7] = [
    "apps",
    "events.k8s.io",
    "authentication.k8s.io",
    "authorization.k8s.io",
    "apiextensions.k8s.io",
    "coordination.k8s.io",
    "discovery.k8s.io",
];

/// The verbs of the subresources that are read and written.
const WRITABLE: [&str; 3] = ["get", "patch", "update"];

/// A subresource's verbs, and the group, version and kind of its objects where they are not the kind's own.
pub(crate) struct Subresource {
    verbs: &'static [&'static str],
    is_scale: bool,
}

impl Subresource {
    /// Whether it has the verb.
    pub(crate) fn can(&self, verb: &str) -> bool {
        self.verbs.contains(&verb)
    }
}

/// The subresources by name, in discovery's order: that of the alphabet, except for custom kinds.
pub(crate) fn subresources(resource: &Resource) -> Vec<(&'static str, Subresource)> {
    let has = &resource.subresources;
    let own = |verbs| Subresource { verbs, is_scale: false };
    let scale = has.scale.is_some().then_some(("scale", Subresource { verbs: &WRITABLE, is_scale: true }));
    let status = has.status.then(|| ("status", own(&WRITABLE)));
    let last = if resource.is_custom { [status, scale] } else { [scale, status] };
    let finalize = has.finalize.then(|| ("finalize", own(&["update"])));
    let log = has.log.then(|| ("log", own(&["get"])));
    [finalize, log].into_iter().chain(last).flatten().collect()
}

/// `/api`: the versions of the core.
pub(super) fn versions(address: &str) -> Value {
    json!({
        "kind": "APIVersions",
        "versions": ["v1"],
        "serverAddressByClientCIDRs": [{"clientCIDR": "0.0.0.0/0", "serverAddress": address}],
    })
}

/// `/apis`: the groups.
pub(super) fn groups(catalog: &Catalog) -> Value {
    let groups = names(catalog).into_iter().filter(|group| !group.is_empty());
    let groups = groups.map(|name| group_fields(catalog, name)).collect::<Vec<_>>();
    json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups})
}

/// `/apis/<group>`.
pub(super) fn group(catalog: &Catalog, name: &str) -> Option<Value> {
    if !names(catalog).into_iter().any(|group| !group.is_empty() && group == name) {
        return None;
    }
    let mut group = group_fields(catalog, name);
    group["kind"] = "APIGroup".into();
    group["apiVersion"] = "v1".into();
    Some(group)
}

/// `/api/v1`, `/apis/<group>/<version>`: the kinds, each followed by its subresources.
pub(super) fn resources(group: &str, version: &str, resources: &[&Resource]) -> Value {
    let resources = resources.iter().flat_map(|resource| {
        let subresources = subresources(resource).into_iter();
        std::iter::once(kind(resource)).chain(subresources.map(|(name, of)| subkind(resource, name, &of)))
    });
    let mut list = json!({
        "kind": "APIResourceList",
        "groupVersion": group_version(group, version),
        "resources": resources.collect::<Vec<_>>(),
    });
    if !group.is_empty() {
        list["apiVersion"] = "v1".into();
    }
    list
}

/// The aggregated form of `/api` and `/apis`.
pub(super) fn aggregated(catalog: &Catalog, is_wanted: fn(&str) -> bool) -> Value {
    let groups = names(catalog).into_iter().filter(|name| is_wanted(name));
    let items = groups.map(|name| {
        let metadata = if name.is_empty() { json!({}) } else { json!({ "name": name }) };
        let versions = group_versions(catalog, name).into_iter();
        let versions = versions.map(|version| aggregated_version(catalog, name, version));
        json!({"metadata": metadata, "versions": versions.collect::<Vec<_>>()})
    });
    json!({
        "kind": "APIGroupDiscoveryList",
        "apiVersion": "apidiscovery.k8s.io/v2",
        "metadata": {},
        "items": items.collect::<Vec<_>>(),
    })
}

fn aggregated_version(catalog: &Catalog, group: &str, version: &str) -> Value {
    let resources = catalog.resources();
    let resources = resources.filter(|resource| (&*resource.group, &*resource.version) == (group, version));
    let resources = resources.map(|resource| aggregated_kind(resource)).collect::<Vec<_>>();
    json!({"version": version, "resources": resources, "freshness": "Current"})
}

fn aggregated_kind(resource: &Resource) -> Value {
    let is_namespaced = resource.scope == Scope::Namespaced;
    let mut kind = json!({
        "resource": resource.plural,
        "responseKind": response_kind(resource),
        "scope": if is_namespaced { "Namespaced" } else { "Cluster" },
        "singularResource": resource.singular,
        "verbs": resource.verbs,
    });
    name(&mut kind, resource);
    let subresources = subresources(resource).into_iter().map(|(name, subresource)| {
        let kind = if subresource.is_scale {
            json!({"group": "autoscaling", "version": "v1", "kind": "Scale"})
        } else {
            response_kind(resource)
        };
        json!({"subresource": name, "responseKind": kind, "verbs": subresource.verbs})
    });
    let subresources = subresources.collect::<Vec<_>>();
    if !subresources.is_empty() {
        kind["subresources"] = subresources.into();
    }
    kind
}

/// Built-in kinds leave the group and the version to the place where they stand.
fn response_kind(resource: &Resource) -> Value {
    let (group, version) = match resource.is_custom {
        true => (resource.group.as_str(), resource.version.as_str()),
        false => ("", ""),
    };
    json!({"group": group, "version": version, "kind": resource.kind})
}

fn kind(resource: &Resource) -> Value {
    let mut kind = json!({
        "name": resource.plural,
        "singularName": resource.singular,
        "namespaced": resource.scope == Scope::Namespaced,
        "kind": resource.kind,
        "verbs": resource.verbs,
    });
    name(&mut kind, resource);
    kind
}

fn subkind(resource: &Resource, name: &str, subresource: &Subresource) -> Value {
    let mut kind = json!({
        "name": format!("{}/{name}", resource.plural),
        "singularName": "",
        "namespaced": resource.scope == Scope::Namespaced,
        "kind": resource.kind,
        "verbs": subresource.verbs,
    });
    if subresource.is_scale {
        kind["group"] = "autoscaling".into();
        kind["version"] = "v1".into();
        kind["kind"] = "Scale".into();
    }
    kind
}

/// The other names of a kind, if it has some.
fn name(kind: &mut Value, resource: &Resource) {
    if !resource.short_names.is_empty() {
        kind["shortNames"] = json!(resource.short_names);
    }
    if !resource.categories.is_empty() {
        kind["categories"] = json!(resource.categories);
    }
}

fn group_fields(catalog: &Catalog, name: &str) -> Value {
    let version = |version: &&str| json!({"groupVersion": group_version(name, version), "version": version});
    let versions = group_versions(catalog, name);
    let preferred = versions.first().map_or_else(|| Map::new().into(), &version);
    let versions = versions.iter().map(version).collect::<Vec<_>>();
    json!({"name": name, "versions": versions, "preferredVersion": preferred})
}

fn group_version(group: &str, version: &str) -> String {
    if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") }
}

/// The groups in discovery's order, each once.
fn names(catalog: &Catalog) -> Vec<&str> {
    let mut names = Vec::new();
    for resource in catalog.resources() {
        if !names.contains(&resource.group.as_str()) {
            names.push(&resource.group);
        }
    }
    names.sort_by_key(|name| ORDER.iter().position(|known| known == name).unwrap_or(ORDER.len()));
    names
}

fn group_versions<'a>(catalog: &'a Catalog, group: &str) -> Vec<&'a str> {
    let mut versions = Vec::new();
    for resource in catalog.resources().filter(|resource| resource.group == group) {
        if !versions.contains(&resource.version.as_str()) {
            versions.push(&resource.version);
        }
    }
    versions
}
