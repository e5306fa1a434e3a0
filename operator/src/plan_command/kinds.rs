//! Which documents are objects of a plan, and how to turn one into the other.

use crds::names::GROUP;
use plan::{Kind, Object};
use serde::Serialize;
use serde_json::Value;

/// What a document with an `apiVersion` and a `kind` is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    /// An object that a plan reads.
    Planned(Kind),
    /// Something of our group that does not exist.
    UnknownOfOurs,
    /// Something that has no part in a plan.
    Other,
}

/// Looks a document's kind up.
pub(super) fn meaning(api_version: &str, kind: &str) -> Meaning {
    match (api_version, kind) {
        ("flynn.io/v1alpha1", "Cluster") => Meaning::Planned(Kind::Cluster),
        ("flynn.io/v1alpha1", "App") => Meaning::Planned(Kind::App),
        ("flynn.io/v1alpha1", "Route") => Meaning::Planned(Kind::Route),
        ("flynn.io/v1alpha1", "Certificate") => Meaning::Planned(Kind::Certificate),
        ("flynn.io/v1alpha1", "Blobstore") => Meaning::Planned(Kind::Blobstore),
        ("flynn.io/v1alpha1", "RouterNode") => Meaning::Planned(Kind::RouterNode),
        ("v1", "Namespace") => Meaning::Planned(Kind::Namespace),
        ("v1", "Service") => Meaning::Planned(Kind::Service),
        ("v1", "Secret") => Meaning::Planned(Kind::Secret),
        ("discovery.k8s.io/v1", "EndpointSlice") => Meaning::Planned(Kind::EndpointSlice),
        ("apps/v1", "Deployment") => Meaning::Planned(Kind::Deployment),
        (other, _) if other.split('/').next() == Some(GROUP) => Meaning::UnknownOfOurs,
        _ => Meaning::Other,
    }
}

/// What is wrong with a value, and where.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct WrongType {
    pub(super) path: String,
    pub(super) message: String,
}

/// Reads a value as an object of this kind.
pub(super) fn object(kind: Kind, value: Value) -> Result<Object, WrongType> {
    match kind {
        Kind::Cluster => typed::<crds::Cluster>(value),
        Kind::App => typed::<crds::App>(value),
        Kind::Route => typed::<crds::Route>(value),
        Kind::Certificate => typed::<crds::Certificate>(value),
        Kind::Blobstore => typed::<crds::Blobstore>(value),
        Kind::RouterNode => typed::<crds::RouterNode>(value),
        Kind::Namespace => typed::<k8s_openapi::api::core::v1::Namespace>(value),
        Kind::Service => typed::<k8s_openapi::api::core::v1::Service>(value),
        Kind::EndpointSlice => typed::<k8s_openapi::api::discovery::v1::EndpointSlice>(value),
        Kind::Secret => secret(value),
        Kind::Deployment => typed::<k8s_openapi::api::apps::v1::Deployment>(value),
        Kind::Lease => typed::<k8s_openapi::api::coordination::v1::Lease>(value),
        Kind::Pod => typed::<k8s_openapi::api::core::v1::Pod>(value),
        Kind::Node => typed::<k8s_openapi::api::core::v1::Node>(value),
    }
}

/// The object as a value. It may hold a key: not for printing.
pub(super) fn value(object: &Object) -> Value {
    match object {
        Object::Cluster(object) => untyped(&**object),
        Object::App(object) => untyped(&**object),
        Object::Route(object) => untyped(&**object),
        Object::Certificate(object) => untyped(&**object),
        Object::Blobstore(object) => untyped(&**object),
        Object::RouterNode(object) => untyped(&**object),
        Object::Namespace(object) => untyped(&**object),
        Object::Service(object) => untyped(&**object),
        Object::EndpointSlice(object) => untyped(&**object),
        Object::Secret(object) => untyped(&**object),
        Object::Deployment(object) => untyped(&**object),
        Object::Lease(object) => untyped(&**object),
        Object::Pod(object) => untyped(&**object),
        Object::Node(object) => untyped(&**object),
    }
}

fn typed<K: serde::de::DeserializeOwned + Into<Object>>(value: Value) -> Result<Object, WrongType> {
    match serde_path_to_error::deserialize::<_, K>(value) {
        Ok(object) => Ok(object.into()),
        Err(error) => Err(WrongType { path: error.path().to_string(), message: error.inner().to_string() }),
    }
}

// Nothing of a Secret may be told but where it is wrong.
fn secret(value: Value) -> Result<Object, WrongType> {
    let secret = typed::<k8s_openapi::api::core::v1::Secret>(value);
    let message = "is not what a Secret has there: data is base64, stringData is text";
    secret.map_err(|WrongType { path, .. }| WrongType { path, message: message.to_owned() })
}

fn untyped<K: Serialize>(object: &K) -> Value {
    serde_json::to_value(object).expect("an object of the API is JSON")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_kind_is_known_by_its_version_and_name() {
        assert_eq!(meaning("flynn.io/v1alpha1", "Route"), Meaning::Planned(Kind::Route));
        assert_eq!(meaning("flynn.io/v1alpha1", "Rout"), Meaning::UnknownOfOurs);
        assert_eq!(meaning("flynn.io/v2", "Route"), Meaning::UnknownOfOurs);
        assert_eq!(meaning("v1", "ConfigMap"), Meaning::Other);
    }

    #[test]
    fn a_wrong_type_is_told_with_its_path_and_a_secret_with_nothing_else() {
        let service = json!({"metadata": {"name": "a"}, "spec": {"ports": [{"port": "http"}]}});
        assert_eq!(object(Kind::Service, service).unwrap_err().path, "spec.ports[0].port");
        let secret = json!({"metadata": {"name": "a"}, "data": {"tls.key": "hunter2!"}});
        let wrong = object(Kind::Secret, secret).unwrap_err();
        assert!(!wrong.message.contains("hunter2"), "{wrong:?}");
    }
}
