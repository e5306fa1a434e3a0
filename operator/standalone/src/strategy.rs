//! What a kind's own rules make of a write before it is validated: which fields it may change at this endpoint, what
//! its first status is, and when its generation counts on.

use schema::Resource;
use serde_json::{Value, json};

use crate::meta;
use crate::request::Part;

/// Makes a new object begin as its kind does.
pub(crate) fn begin(resource: &Resource, object: &mut Value) {
    if resource.subresources.status && !is(resource, "", "nodes") {
        let status = match (resource.group.as_str(), resource.plural.as_str()) {
            _ if resource.is_custom => Value::Null,
            ("", "namespaces") => json!({"phase": "Active"}),
            ("", "pods") => pod_status(object),
            ("", "services") => json!({"loadBalancer": {}}),
            ("apps", "replicasets") => json!({"replicas": 0}),
            _ => json!({}),
        };
        meta::set_field(object, "status", status);
    }
    if is(resource, "", "namespaces") {
        let mut finalizers = object["spec"]["finalizers"].as_array().cloned().unwrap_or_default();
        if !finalizers.iter().any(|finalizer| finalizer == "kubernetes") {
            finalizers.push("kubernetes".into());
        }
        object["spec"]["finalizers"] = finalizers.into();
    }
    if has_generation(resource) {
        meta::set(object, "generation", 1.into());
    }
}

/// Puts back what a write at this endpoint may not change.
pub(crate) fn confine(resource: &Resource, part: Part, live: &Value, new: &mut Value) {
    match part {
        Part::Object | Part::Scale | Part::Log => {
            if resource.subresources.status {
                meta::set_field(new, "status", live["status"].clone());
            }
        }
        // What a binding sets, it sets itself.
        Part::Binding => {}
        Part::Finalize => {
            let finalizers = new["spec"]["finalizers"].clone();
            let managed = new["metadata"]["managedFields"].clone();
            *new = live.clone();
            meta::set_field(&mut new["spec"], "finalizers", finalizers);
            meta::set(new, "managedFields", managed);
        }
        Part::Status if resource.is_custom => {
            let (status, managed) = (new["status"].clone(), new["metadata"]["managedFields"].clone());
            *new = live.clone();
            meta::set_field(new, "status", status);
            meta::set(new, "managedFields", managed);
        }
        Part::Status => {
            meta::set_field(new, "spec", live["spec"].clone());
            if is(resource, "apps", "deployments") {
                meta::copy(new, live, "labels");
            }
            if is(resource, "", "pods") {
                meta::copy(new, live, "ownerReferences");
            }
        }
    }
    // Null stands for absent in what was copied.
    if new["metadata"]["managedFields"].is_null() {
        meta::remove(new, "managedFields");
    }
    if is(resource, "", "namespaces") && part == Part::Object {
        meta::set_field(&mut new["spec"], "finalizers", live["spec"]["finalizers"].clone());
    }
}

/// Sets the generation of a changed object. One that its kind does not count stays what a client said once.
pub(crate) fn count_generation(resource: &Resource, live: &Value, new: &mut Value) {
    let Some(generation) = meta::generation(live).filter(|_| has_generation(resource)) else { return };
    let counts = if resource.is_custom || is(resource, "discovery.k8s.io", "endpointslices") {
        content(live) != content(new)
            || !resource.is_custom && ["labels", "annotations"].iter().any(|field| differ(live, new, field))
    } else {
        live["spec"] != new["spec"] || is(resource, "apps", "deployments") && differ(live, new, "annotations")
    };
    meta::set(new, "generation", (generation + i64::from(counts)).into());
}

/// Whether the deletion of a namespace is still waited for by who empties it.
pub(crate) fn is_finalizing(object: &Value) -> bool {
    object["spec"]["finalizers"].as_array().is_some_and(|finalizers| !finalizers.is_empty())
}

/// Whether the kind is this one.
pub(crate) fn is(resource: &Resource, group: &str, plural: &str) -> bool {
    resource.group == group && resource.plural == plural
}

fn has_generation(resource: &Resource) -> bool {
    let known = [
        ("", "pods"),
        ("apps", "deployments"),
        ("apps", "replicasets"),
        ("discovery.k8s.io", "endpointslices"),
        ("apiextensions.k8s.io", "customresourcedefinitions"),
    ];
    resource.is_custom || known.iter().any(|(group, plural)| is(resource, group, plural))
}

/// All but the metadata and the status.
fn content(object: &Value) -> Vec<(&String, &Value)> {
    let fields = object.as_object().into_iter().flatten();
    fields.filter(|(field, _)| !matches!(field.as_str(), "metadata" | "status")).collect()
}

fn differ(live: &Value, new: &Value, field: &str) -> bool {
    live["metadata"][field] != new["metadata"][field]
}

/// The quality of service is what the resources of the containers amount to.
fn pod_status(pod: &Value) -> Value {
    let containers = ["containers", "initContainers"]
        .into_iter()
        .flat_map(|list| pod["spec"][list].as_array().into_iter().flatten());
    let containers = containers.map(|container| &container["resources"]).collect::<Vec<_>>();
    let is_empty = |amounts: &Value| amounts.as_object().is_none_or(serde_json::Map::is_empty);
    let is_guaranteed = |resources: &&Value| {
        ["cpu", "memory"].iter().all(|amount| {
            let [limit, request] = ["limits", "requests"].map(|list| &resources[list][amount]);
            !limit.is_null() && (request.is_null() || request == limit)
        })
    };
    let class = if containers
        .iter()
        .all(|resources| is_empty(&resources["limits"]) && is_empty(&resources["requests"]))
    {
        "BestEffort"
    } else if containers.iter().all(is_guaranteed) {
        "Guaranteed"
    } else {
        "Burstable"
    };
    json!({"phase": "Pending", "qosClass": class})
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use schema::Catalog;

    use super::*;

    fn kind(group: &str, version: &str, plural: &str) -> Arc<Resource> {
        Arc::clone(Catalog::new().by_path(group, version, plural).expect("served"))
    }

    #[test]
    fn the_main_endpoint_leaves_the_status_alone() {
        let live = json!({"metadata": {}, "spec": {"image": "a"}, "status": {"replicas": 1}});
        let mut new = json!({"metadata": {}, "spec": {"image": "b"}, "status": {"replicas": 5}});
        confine(&kind("flynn.io", "v1alpha1", "apps"), Part::Object, &live, &mut new);
        assert_eq!(new, json!({"metadata": {}, "spec": {"image": "b"}, "status": {"replicas": 1}}));
    }

    #[test]
    fn the_status_endpoint_of_a_custom_kind_changes_the_status_alone() {
        let live = json!({"metadata": {"labels": {"a": "b"}}, "spec": {"image": "a"}});
        let mut new =
            json!({"metadata": {"labels": {"a": "c"}}, "spec": {"image": "b"}, "status": {"replicas": 5}});
        confine(&kind("flynn.io", "v1alpha1", "apps"), Part::Status, &live, &mut new);
        assert_eq!(
            new,
            json!({"metadata": {"labels": {"a": "b"}}, "spec": {"image": "a"}, "status": {"replicas": 5}})
        );
    }

    #[test]
    fn a_deployments_status_may_come_with_annotations() {
        let live = json!({"metadata": {"labels": {"a": "b"}}, "spec": {"replicas": 1}});
        let mut new = json!({"metadata": {"labels": {"a": "c"}, "annotations": {"r": "1"}}, "spec": {"replicas": 2}, "status": {}});
        confine(&kind("apps", "v1", "deployments"), Part::Status, &live, &mut new);
        let expected = json!({"metadata": {"labels": {"a": "b"}, "annotations": {"r": "1"}}, "spec": {"replicas": 1}, "status": {}});
        assert_eq!(new, expected);
    }

    #[test]
    fn the_generation_counts_changes_of_the_spec_only() {
        let apps = kind("flynn.io", "v1alpha1", "apps");
        let live = json!({"metadata": {"generation": 3}, "spec": {"image": "a"}, "status": {"replicas": 1}});
        for (change, expected) in [
            (json!({"metadata": {}, "spec": {"image": "a"}, "status": {"replicas": 2}}), 3),
            (json!({"metadata": {"labels": {"a": "b"}}, "spec": {"image": "a"}}), 3),
            (json!({"metadata": {}, "spec": {"image": "b"}}), 4),
        ] {
            let mut new = change.clone();
            count_generation(&apps, &live, &mut new);
            assert_eq!(meta::generation(&new), Some(expected), "{change}");
        }
    }

    #[test]
    fn kinds_that_do_not_count_leave_the_generation_alone() {
        let secrets = kind("", "v1", "secrets");
        for generation in [None, Some(7)] {
            let mut secret = json!({"metadata": {"generation": generation}});
            begin(&secrets, &mut secret);
            assert_eq!(meta::generation(&secret), generation);
            let live = secret.clone();
            secret["spec"] = json!({"changed": true});
            count_generation(&secrets, &live, &mut secret);
            assert_eq!(meta::generation(&secret), generation);
        }
        let mut app = json!({"metadata": {"generation": 7}});
        begin(&kind("flynn.io", "v1alpha1", "apps"), &mut app);
        assert_eq!(meta::generation(&app), Some(1));
    }

    #[test]
    fn a_namespace_begins_active_with_its_finalizer() {
        let mut namespace = json!({"metadata": {"name": "a"}, "status": {"phase": "Terminating"}});
        begin(&kind("", "v1", "namespaces"), &mut namespace);
        assert_eq!(namespace["status"], json!({"phase": "Active"}));
        assert_eq!(namespace["spec"]["finalizers"], json!(["kubernetes"]));
    }
}
