//! Fields that an endpoint leaves alone: who writes there does not manage them.

use schema::Resource;

/// The fields, as dotted paths, that a write to a resource (`subresource` is empty) or to one of its subresources does not change.
#[must_use]
pub fn reset_fields(resource: &Resource, subresource: &str) -> &'static [&'static str] {
    match (resource.kind.as_str(), subresource) {
        _ if resource.is_custom && subresource == "status" => &["metadata", "spec"],
        _ if resource.is_custom && resource.subresources.status => &["status"],
        _ if resource.is_custom => &[],
        ("Deployment", "status") => &["spec", "metadata.labels"],
        ("Pod", "status") => &["spec", "metadata.deletionTimestamp", "metadata.ownerReferences"],
        ("ReplicaSet" | "Service" | "Namespace" | "Node", "status") => &["spec"],
        ("Deployment" | "Pod" | "ReplicaSet" | "Service" | "Namespace" | "Node", "" | "finalize") => {
            &["status"]
        }
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use schema::Catalog;

    use super::*;

    #[test]
    fn a_kind_with_a_status_is_written_in_two_parts() {
        let catalog = Catalog::new();
        let fields = |group, version, kind, subresource| {
            reset_fields(catalog.by_kind(group, version, kind).unwrap(), subresource)
        };
        assert_eq!(fields("flynn.io", "v1alpha1", "App", ""), ["status"]);
        assert_eq!(fields("flynn.io", "v1alpha1", "App", "status"), ["metadata", "spec"]);
        assert_eq!(fields("apps", "v1", "Deployment", ""), ["status"]);
        assert_eq!(fields("apps", "v1", "Deployment", "status"), ["spec", "metadata.labels"]);
        assert!(fields("", "v1", "ConfigMap", "").is_empty());
    }
}
