//! The rules behind the roles, in RBAC's own form: verbs, groups and resources, and where they hold.
//!
//! Rules name the kinds that are served one by one; a `*` stands only where really everything is meant, since whoever
//! asks "may I do everything" is answered by it.

use std::collections::{BTreeMap, BTreeSet};

use schema::{Catalog, Resource, Scope};
use serde_json::{Value, json};

use super::{ResourceAttributes, Role};

/// The paths that tell what there is, which every user may read.
const DISCOVERY: [&str; 11] = [
    "/api",
    "/api/*",
    "/apis",
    "/apis/*",
    "/healthz",
    "/livez",
    "/openapi",
    "/openapi/*",
    "/readyz",
    "/version",
    "/version/",
];

/// The verbs that change nothing.
const READ: [&str; 3] = ["get", "list", "watch"];

/// What one user may do.
#[derive(Debug, PartialEq)]
pub(super) struct Rules {
    resources: Vec<(Reach, ResourceRule)>,
    paths: Vec<PathRule>,
}

/// Where a rule holds.
#[derive(Debug, PartialEq)]
enum Reach {
    Everywhere,
    Namespaces(BTreeSet<String>),
}

#[derive(Debug, PartialEq)]
struct ResourceRule {
    verbs: Vec<&'static str>,
    groups: Vec<String>,
    resources: Vec<String>,
}

#[derive(Debug, PartialEq)]
struct PathRule {
    verbs: Vec<&'static str>,
    paths: Vec<&'static str>,
}

impl Rules {
    pub(super) fn of(role: &Role, catalog: &Catalog) -> Self {
        let mut resources = Vec::new();
        let mut paths = vec![PathRule { verbs: vec!["get"], paths: DISCOVERY.to_vec() }];
        match role {
            Role::Read => {
                let rules = over(catalog, &READ, |resource| !is_secret(resource));
                resources.extend(rules.map(|rule| (Reach::Everywhere, rule)));
                paths.push(PathRule { verbs: vec!["get"], paths: vec!["*"] });
            }
            Role::Namespace(namespaces) => {
                let own = over(catalog, &["*"], |resource| resource.scope == Scope::Namespaced);
                resources.extend(own.map(|rule| (Reach::Namespaces(namespaces.clone()), rule)));
                let shared = over(catalog, &READ, |resource| resource.scope == Scope::Cluster);
                resources.extend(shared.map(|rule| (Reach::Everywhere, rule)));
            }
            Role::All => {
                let everything = vec!["*".to_owned()];
                let rule =
                    ResourceRule { verbs: vec!["*"], groups: everything.clone(), resources: everything };
                resources.push((Reach::Everywhere, rule));
                paths.push(PathRule { verbs: vec!["*"], paths: vec!["*"] });
            }
        }
        resources.extend(questions(catalog).map(|rule| (Reach::Everywhere, rule)));
        Self { resources, paths }
    }

    pub(super) fn allow_resource(&self, attributes: &ResourceAttributes) -> bool {
        let resource = attributes.full_resource();
        self.in_namespace(attributes.namespace).any(|rule| rule.covers(attributes, &resource))
    }

    pub(super) fn allow_path(&self, verb: &str, path: &str) -> bool {
        self.paths.iter().any(|rule| {
            has(&rule.verbs, verb) && rule.paths.iter().any(|pattern| matches_path(pattern, path))
        })
    }

    /// The `status` of a SelfSubjectRulesReview.
    pub(super) fn status(&self, namespace: &str) -> Value {
        let resources = self
            .in_namespace(namespace)
            .map(|rule| json!({"verbs": rule.verbs, "apiGroups": rule.groups, "resources": rule.resources}));
        let paths = self.paths.iter().map(|rule| json!({"verbs": rule.verbs, "nonResourceURLs": rule.paths}));
        json!({
            "resourceRules": resources.collect::<Vec<_>>(),
            "nonResourceRules": paths.collect::<Vec<_>>(),
            "incomplete": false,
        })
    }

    /// The rules that hold there; the empty namespace is the cluster's scope.
    fn in_namespace<'a>(&'a self, namespace: &'a str) -> impl Iterator<Item = &'a ResourceRule> {
        let holds = move |reach: &Reach| match reach {
            Reach::Everywhere => true,
            Reach::Namespaces(namespaces) => namespaces.contains(namespace),
        };
        self.resources.iter().filter(move |(reach, _)| holds(reach)).map(|(_, rule)| rule)
    }
}

impl ResourceRule {
    fn covers(&self, attributes: &ResourceAttributes, resource: &str) -> bool {
        has(&self.verbs, attributes.verb)
            && has(&self.groups, attributes.group)
            && has(&self.resources, resource)
    }
}

/// One rule for each group, over the kinds that are wanted and over their subresources.
fn over(
    catalog: &Catalog,
    verbs: &[&'static str],
    is_wanted: impl Fn(&Resource) -> bool,
) -> impl Iterator<Item = ResourceRule> {
    let mut groups: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for resource in catalog.resources().filter(|resource| !is_question(resource) && is_wanted(resource)) {
        groups.entry(resource.group.clone()).or_default().extend(names(resource, verbs));
    }
    let verbs = verbs.to_vec();
    groups.into_iter().map(move |(group, resources)| ResourceRule {
        verbs: verbs.clone(),
        groups: vec![group],
        resources,
    })
}

/// Everybody may ask about himself.
fn questions(catalog: &Catalog) -> impl Iterator<Item = ResourceRule> {
    catalog.resources().filter(|resource| is_question(resource)).map(|resource| ResourceRule {
        verbs: vec!["create"],
        groups: vec![resource.group.clone()],
        resources: vec![resource.plural.clone()],
    })
}

/// Whether the kind is a question to the server, of which no object is kept.
fn is_question(resource: &Resource) -> bool {
    resource.verbs.iter().all(|verb| verb == "create")
}

fn is_secret(resource: &Resource) -> bool {
    resource.group.is_empty() && resource.plural == "secrets"
}

/// The kind and its subresources; to whoever only reads, those that can be read.
fn names(resource: &Resource, verbs: &[&str]) -> Vec<String> {
    let subresources = crate::discovery::subresources(resource).into_iter();
    let subresources = subresources.filter(|(_, subresource)| has(verbs, "create") || subresource.can("get"));
    let subresources = subresources.map(|(name, _)| format!("{}/{name}", resource.plural));
    std::iter::once(resource.plural.clone()).chain(subresources).collect()
}

fn has(listed: &[impl AsRef<str>], wanted: &str) -> bool {
    listed.iter().any(|listed| matches!(listed.as_ref(), "*") || listed.as_ref() == wanted)
}

fn matches_path(pattern: &str, path: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(prefix) => path.starts_with(prefix),
        None => path == pattern,
    }
}
