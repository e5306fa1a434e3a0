//! The `scale` subresource: managers of `spec.replicas` of an object are managers of its Scale, and the other way round.
//!
//! A write to `scale` goes: make the Scale with [`ScalePath::managed_fields_of_scale`], [`update`](crate::update) or
//! [`apply`](crate::apply) it, and give the outcome to [`ScalePath::managed_fields_of_parent`].

use serde_json::Value;

use crate::fields::{FieldSet, Path};
use crate::managed::{Entry, Managed};

/// The version of every Scale.
pub const SCALE_API_VERSION: &str = "autoscaling/v1";

/// Where a kind keeps the number of replicas.
#[derive(Debug, Clone, Copy)]
pub struct ScalePath<'a> {
    /// Such as `apps/v1`.
    pub api_version: &'a str,
    /// Such as `.spec.replicas`.
    pub replicas: &'a str,
}

impl ScalePath<'_> {
    /// The `metadata.managedFields` of the Scale of an object that has these: whoever manages the number of replicas.
    #[must_use]
    pub fn managed_fields_of_scale(&self, parent: &Value) -> Value {
        let path = Path::from(self.replicas);
        let mut managed = Managed::decode(parent).unwrap_or_default();
        managed.entries.retain(|_, entry| entry.set.contains(&path));
        for entry in managed.entries.values_mut() {
            *entry = Entry {
                api_version: SCALE_API_VERSION.to_owned(),
                set: FieldSet::from(["spec.replicas"]),
                time: entry.time.take(),
            };
        }
        managed.encode()
    }

    /// The `metadata.managedFields` that an object has after its Scale was written: `parent` before, `scale` those of the Scale.
    ///
    /// As on a real server, times are not taken over, and an updater that still manages the number has an entry of its own for it.
    #[must_use]
    pub fn managed_fields_of_parent(&self, parent: &Value, scale: &Value) -> Value {
        let path = Path::from(self.replicas);
        let parent = Managed::decode(parent).unwrap_or_default();
        let mut managed = parent.clone();
        let mut scale = Managed::decode(scale).unwrap_or_default();
        let replicas: FieldSet = [self.replicas].into_iter().collect();
        for (manager, entry) in &mut managed.entries {
            if entry.set.contains(&path) && scale.entries.remove(manager).is_none() {
                entry.set = entry.set.difference(&replicas);
            }
        }
        managed.drop_empty();
        let in_scale = Path::from("spec.replicas");
        scale.entries.retain(|_, entry| entry.set.contains(&in_scale));
        for manager in scale.entries.into_keys() {
            let time = parent.entries.get(&manager).and_then(|entry| entry.time.clone());
            let entry = Entry { api_version: self.api_version.to_owned(), set: replicas.clone(), time };
            managed.entries.insert(manager, entry);
        }
        managed.encode()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const PATH: ScalePath<'_> = ScalePath { api_version: "apps/v1", replicas: ".spec.replicas" };

    fn entry(
        manager: &str,
        operation: &str,
        subresource: Option<&str>,
        time: Option<&str>,
        spec: Value,
    ) -> Value {
        let mut entry = json!({
            "manager": manager, "operation": operation, "apiVersion": "apps/v1", "fieldsType": "FieldsV1",
            "fieldsV1": {"f:spec": spec},
        });
        entry
            .as_object_mut()
            .unwrap()
            .extend(subresource.map(|name| ("subresource".to_owned(), json!(name))));
        entry.as_object_mut().unwrap().extend(time.map(|time| ("time".to_owned(), json!(time))));
        entry
    }

    fn parent() -> Value {
        json!([
            entry("m2", "Apply", None, None, json!({"f:replicas": {}, "f:selector": {}})),
            entry(
                "kubectl-create",
                "Update",
                None,
                Some("2026-11-22T08:36:15Z"),
                json!({"f:paused": {}, "f:replicas": {}})
            ),
            entry("kubectl-edit", "Update", None, Some("2026-11-22T08:36:16Z"), json!({"f:paused": {}})),
        ])
    }

    /// Writes a number of replicas as one manager.
    fn scaled(scale: &Value, manager: &str) -> Value {
        let catalog = schema::Catalog::new();
        let managed_fields = PATH.managed_fields_of_scale(scale);
        let object = |replicas: u8| json!({"metadata": {"managedFields": managed_fields}, "spec": {"replicas": replicas}});
        let written = crate::update(&crate::Update {
            schema: catalog.scale(),
            live: Some(&object(2)),
            new: &object(3),
            manager,
            subresource: "scale",
            api_version: SCALE_API_VERSION,
            time: "2026-11-22T09:00:00Z",
            ignored: &[],
        });
        PATH.managed_fields_of_parent(scale, &written["metadata"]["managedFields"])
    }

    #[test]
    fn a_scale_has_the_managers_of_the_number_of_replicas() {
        let managed_fields = PATH.managed_fields_of_scale(&parent());
        let managers =
            managed_fields.as_array().unwrap().iter().map(|entry| (&entry["manager"], &entry["apiVersion"]));
        let version = json!(SCALE_API_VERSION);
        assert_eq!(
            managers.collect::<Vec<_>>(),
            [(&json!("m2"), &version), (&json!("kubectl-create"), &version)]
        );
        assert_eq!(managed_fields[0]["fieldsV1"], json!({"f:spec": {"f:replicas": {}}}));
    }

    #[test]
    fn who_scales_takes_the_number_from_all_others() {
        let scaled_once = scaled(&parent(), "kubectl");
        let expected = json!([
            entry("m2", "Apply", None, None, json!({"f:selector": {}})),
            entry("kubectl", "Update", Some("scale"), None, json!({"f:replicas": {}})),
            entry("kubectl-create", "Update", None, Some("2026-11-22T08:36:15Z"), json!({"f:paused": {}})),
            entry("kubectl-edit", "Update", None, Some("2026-11-22T08:36:16Z"), json!({"f:paused": {}})),
        ]);
        assert_eq!(scaled_once, expected);
        assert_eq!(scaled(&scaled_once, "kubectl"), expected);
    }

    #[test]
    fn scaling_to_the_same_number_sets_the_updater_of_it_apart() {
        let scale = PATH.managed_fields_of_scale(&parent());
        let expected = json!([
            entry("m2", "Apply", None, None, json!({"f:replicas": {}, "f:selector": {}})),
            entry("kubectl-create", "Update", None, None, json!({"f:replicas": {}})),
            entry("kubectl-create", "Update", None, Some("2026-11-22T08:36:15Z"), json!({"f:paused": {}})),
            entry("kubectl-edit", "Update", None, Some("2026-11-22T08:36:16Z"), json!({"f:paused": {}})),
        ]);
        assert_eq!(PATH.managed_fields_of_parent(&parent(), &scale), expected);
    }
}
