//! How the controllers write: merge patches of what they own, each on the resource version that was decided from.

use kube::Resource;
use kube::api::{DeleteParams, PatchParams, PostParams, Preconditions};
use serde::Serialize;
use serde_json::{Map, Value, json};

/// The manager that these writes have in `metadata.managedFields`: the name that people look for there.
const MANAGER: &str = "kube-controller-manager";

pub(crate) fn posted() -> PostParams {
    PostParams { field_manager: Some(MANAGER.to_owned()), ..PostParams::default() }
}

pub(crate) fn patched() -> PatchParams {
    PatchParams { field_manager: Some(MANAGER.to_owned()), ..PatchParams::default() }
}

/// Deletes exactly this object, not one that has taken its name.
pub(crate) fn deleted<K: Resource>(object: &K) -> DeleteParams {
    let preconditions = Preconditions { uid: object.meta().uid.clone(), resource_version: None };
    DeleteParams { preconditions: Some(preconditions), ..DeleteParams::default() }
}

/// A patch that applies only to the object as it is known.
pub(crate) fn on_version<K: Resource>(object: &K, mut patch: Value) -> Value {
    patch["metadata"]["resourceVersion"] = json!(object.meta().resource_version);
    patch
}

/// A patch of the status that leaves nothing of the old one.
pub(crate) fn status<K: Resource, S: Serialize>(object: &K, before: Option<&S>, after: &S) -> Value {
    let mut status = fields(after);
    for gone in before.map(fields).unwrap_or_default().keys() {
        status.entry(gone).or_insert(Value::Null);
    }
    on_version(object, json!({ "metadata": {}, "status": status }))
}

fn fields(of: &impl Serialize) -> Map<String, Value> {
    match serde_json::to_value(of) {
        Ok(Value::Object(fields)) => fields,
        _ => Map::new(),
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::apps::v1::{Deployment, DeploymentStatus};

    use super::*;

    #[test]
    fn a_count_that_has_gone_to_nothing_is_removed() {
        let deployment: Deployment =
            serde_json::from_value(json!({"metadata": {"resourceVersion": "7"}})).unwrap();
        let before = DeploymentStatus { replicas: Some(1), ready_replicas: Some(1), ..Default::default() };
        let after = DeploymentStatus { replicas: Some(2), ..Default::default() };
        assert_eq!(
            status(&deployment, Some(&before), &after),
            json!({"metadata": {"resourceVersion": "7"}, "status": {"replicas": 2, "readyReplicas": null}})
        );
    }
}
