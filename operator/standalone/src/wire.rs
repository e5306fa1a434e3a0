//! The stored form of an object and the one on the wire. What is stored has no `apiVersion`, `kind` and
//! `metadata.resourceVersion`; `metadata` is written first, so that they are put in without parsing: a list of ten
//! thousand objects is a copy. Events are the one kind with two forms, and are parsed (see `event`).

use bytes::{BufMut as _, Bytes, BytesMut};
use schema::Resource;
use serde_json::Value;
use store::{Key, Object};

use crate::{event, meta};

/// What every stored object begins with.
const HEAD: &str = r#"{"metadata":{"#;

/// The name under which the objects of a kind are stored.
pub(crate) fn collection(resource: &Resource) -> String {
    let group = if event::is_converted(resource) { "" } else { &resource.group };
    format!("{group}/{}", resource.plural)
}

/// The key of an object.
pub(crate) fn key(resource: &Resource, namespace: &str, name: &str) -> Key {
    Key::new(collection(resource), namespace, name)
}

/// The bytes that are stored for an object.
pub(crate) fn stored(resource: &Resource, object: &Value) -> Bytes {
    let mut object = if event::is_converted(resource) { event::to_core(object) } else { object.clone() };
    meta::remove(&mut object, "resourceVersion");
    let fields = object.as_object_mut().expect("an object that is stored is a map");
    fields.remove("apiVersion");
    fields.remove("kind");
    let metadata = fields.remove("metadata").expect("an object that is stored has metadata");
    let rest = Value::to_string(&object);
    let rest = rest.strip_prefix('{').expect("a map begins with a brace");
    let comma = if rest == "}" { "" } else { "," };
    format!(r#"{{"metadata":{metadata}{comma}{rest}"#).into()
}

/// Writes an object as it is sent on its own.
pub(crate) fn write(resource: &Resource, object: &Object, to: &mut BytesMut) {
    if event::is_converted(resource) {
        to.put_slice(value(resource, object).to_string().as_bytes());
        return;
    }
    let head =
        format!(r#"{{"kind":"{}","apiVersion":"{}","metadata":{{"#, resource.kind, resource.api_version());
    splice(&head, object, to);
}

/// Writes an object as it is sent in a list, where built-in kinds do not say again what they are.
pub(crate) fn write_item(resource: &Resource, object: &Object, to: &mut BytesMut) {
    if resource.is_custom {
        write(resource, object, to);
    } else if event::is_converted(resource) {
        to.put_slice(item(resource, value(resource, object)).to_string().as_bytes());
    } else {
        splice(HEAD, object, to);
    }
}

/// An object as it is in a list.
pub(crate) fn item(resource: &Resource, mut object: Value) -> Value {
    if !resource.is_custom {
        meta::set_field(&mut object, "apiVersion", Value::Null);
        meta::set_field(&mut object, "kind", Value::Null);
    }
    object
}

fn splice(head: &str, object: &Object, to: &mut BytesMut) {
    let rest = object.json.strip_prefix(HEAD.as_bytes()).expect("stored objects begin with their metadata");
    let comma = if rest.starts_with(b"}") { "" } else { "," };
    to.put_slice(format!(r#"{head}"resourceVersion":"{}"{comma}"#, object.revision).as_bytes());
    to.put_slice(rest);
}

/// The object as a value.
pub(crate) fn value(resource: &Resource, object: &Object) -> Value {
    let mut value = fields(object);
    if event::is_converted(resource) {
        value = event::from_core(&value);
    }
    meta::set(&mut value, "resourceVersion", object.revision.to_string().into());
    meta::set_field(&mut value, "apiVersion", resource.api_version().into());
    meta::set_field(&mut value, "kind", resource.kind.as_str().into());
    value
}

/// The object as it is stored.
pub(crate) fn fields(object: &Object) -> Value {
    serde_json::from_slice(&object.json).expect("only JSON is stored")
}

#[cfg(test)]
mod tests {
    use schema::Catalog;
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_stored_is_sent_again_with_its_kind_and_revision() {
        let catalog = Catalog::new();
        let pods = catalog.by_path("", "v1", "pods").expect("served");
        for object in [
            json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "b", "resourceVersion": "3"}, "spec": {}}),
            json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "b"}}),
            json!({"apiVersion": "v1", "kind": "Pod", "metadata": {}, "zebra": 1}),
        ] {
            let kept = Object { key: key(pods, "a", "b"), revision: 7, json: stored(pods, &object) };
            let mut sent = BytesMut::new();
            write(pods, &kept, &mut sent);
            let mut expected = object.clone();
            expected["metadata"]["resourceVersion"] = "7".into();
            assert_eq!(serde_json::from_slice::<Value>(&sent).expect("JSON"), expected);
            assert_eq!(value(pods, &kept), expected);

            let mut item = BytesMut::new();
            write_item(pods, &kept, &mut item);
            let item = serde_json::from_slice::<Value>(&item).expect("JSON");
            assert_eq!((&item["kind"], &item["metadata"]), (&Value::Null, &expected["metadata"]));
        }
    }

    #[test]
    fn both_kinds_of_events_are_kept_in_one_place() {
        let catalog = Catalog::new();
        let [core, new] =
            ["", "events.k8s.io"].map(|group| catalog.by_path(group, "v1", "events").expect("served"));
        assert_eq!(collection(core), collection(new));
        let event = json!({"metadata": {"name": "e"}, "regarding": {"name": "web"}, "note": "hello"});
        let kept = Object { key: key(new, "a", "e"), revision: 7, json: stored(new, &event) };
        assert_eq!(value(core, &kept)["message"], "hello");
        assert_eq!(value(new, &kept)["note"], "hello");
        assert_eq!(value(new, &kept)["apiVersion"], "events.k8s.io/v1");
    }
}
