//! Times of managers do not make a difference on their own: a write that changes nothing else is no write.

use serde_json::Value;

use super::managed_fields;

/// The object as it is to be stored: where it differs from the one that is there in nothing but the times of its managers (and its
/// resource version), their times stay as they were. To be called last before the comparison that decides whether anything is stored.
#[must_use]
pub fn keep_times(old: &Value, mut new: Value) -> Value {
    let before = managed_fields(old);
    if before.as_array().is_none_or(Vec::is_empty)
        || without_times(before) != without_times(managed_fields(&new))
        || rest(old) != rest(&new)
    {
        return new;
    }
    new["metadata"]["managedFields"] = before.clone();
    new
}

fn without_times(managed_fields: &Value) -> Value {
    let mut managed_fields = managed_fields.clone();
    for entry in managed_fields.as_array_mut().into_iter().flatten().filter_map(Value::as_object_mut) {
        entry.remove("time");
    }
    managed_fields
}

fn rest(object: &Value) -> Value {
    let mut rest = object.clone();
    if let Some(metadata) = rest.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("managedFields");
        metadata.remove("resourceVersion");
    }
    rest
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(time: &str, manager: &str, replicas: u8) -> Value {
        json!({"metadata": {"managedFields": [{"manager": manager, "time": time}]}, "spec": {"replicas": replicas}})
    }

    #[test]
    fn only_a_write_that_changes_nothing_else_keeps_the_times() {
        let old = object("1", "a", 1);
        assert_eq!(keep_times(&old, object("2", "a", 1)), old);
        for changed in [object("2", "a", 2), object("2", "b", 1)] {
            assert_eq!(keep_times(&old, changed.clone()), changed);
        }
    }
}
