//! What a request wants to do, and the words of a refusal.

use serde_json::{Map, Value};

use super::User;

/// The paths that need no token: nothing is to be learnt from them, and supervisors ask them.
const PUBLIC: [&str; 5] = ["/healthz", "/livez", "/readyz", "/version", "/version/"];

/// What a request wants to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Attributes<'a> {
    /// Something with an object or a kind.
    Resource(ResourceAttributes<'a>),
    /// Something with a path that is no kind's, such as `/metrics`.
    Path {
        /// The HTTP method in lower case.
        verb: &'a str,
        /// The path.
        path: &'a str,
    },
}

/// Something with an object or a kind; what is not named is empty.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct ResourceAttributes<'a> {
    /// Such as `get`, `list`, `deletecollection`.
    pub(crate) verb: &'a str,
    /// The API group.
    pub(crate) group: &'a str,
    /// The kind's plural.
    pub(crate) resource: &'a str,
    /// Such as `status`.
    pub(crate) subresource: &'a str,
    /// The namespace; of a Namespace, its own name.
    pub(crate) namespace: &'a str,
    /// The object.
    pub(crate) name: &'a str,
}

/// Whether everybody may ask this without a token.
pub(crate) fn is_public(method: &str, path: &str) -> bool {
    method.eq_ignore_ascii_case("get") && PUBLIC.contains(&path)
}

impl Attributes<'_> {
    /// The message of the 403, and the `details` of its Status.
    pub(crate) fn refusal(&self, user: &User) -> (String, Value) {
        match self {
            Self::Resource(attributes) => (attributes.message(user.name()), attributes.details()),
            Self::Path { verb, path } => {
                let message = format!("forbidden: User {:?} cannot {verb} path {path:?}", user.name());
                (message, Value::Object(Map::new()))
            }
        }
    }
}

impl ResourceAttributes<'_> {
    /// `pods/log` for a subresource.
    pub(super) fn full_resource(&self) -> String {
        match self.subresource {
            "" => self.resource.to_owned(),
            subresource => format!("{}/{subresource}", self.resource),
        }
    }

    fn message(&self, user: &str) -> String {
        let subject = match self.group {
            "" => self.resource.to_owned(),
            group => format!("{}.{group}", self.resource),
        };
        let subject = if self.name.is_empty() { subject } else { format!("{subject} {:?}", self.name) };
        let place = match self.namespace {
            "" => "at the cluster scope".to_owned(),
            namespace => format!("in the namespace {namespace:?}"),
        };
        format!(
            "{subject} is forbidden: User {user:?} cannot {} resource {:?} in API group {:?} {place}",
            self.verb,
            self.full_resource(),
            self.group,
        )
    }

    fn details(&self) -> Value {
        let fields = [("name", self.name), ("group", self.group), ("kind", self.resource)];
        let named = fields.into_iter().filter(|(_, value)| !value.is_empty());
        named.map(|(name, value)| (name.to_owned(), Value::from(value))).collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::Role;
    use super::super::tests::CATALOG;
    use super::*;

    fn bob() -> User {
        User::new("bob", Role::Read, &CATALOG)
    }

    fn refusal(attributes: ResourceAttributes) -> (String, Value) {
        Attributes::Resource(attributes).refusal(&bob())
    }

    #[test]
    fn a_refusal_in_a_namespace_names_the_kind_the_verb_and_the_place() {
        let wish = ResourceAttributes {
            verb: "list",
            group: "apps",
            resource: "deployments",
            namespace: "y",
            ..ResourceAttributes::default()
        };
        let (message, details) = refusal(wish);
        assert_eq!(
            message,
            r#"deployments.apps is forbidden: User "bob" cannot list resource "deployments" in API group "apps" in the namespace "y""#
        );
        assert_eq!(details, json!({"group": "apps", "kind": "deployments"}));
    }

    #[test]
    fn a_refusal_of_a_subresource_names_the_object_and_the_subresource() {
        let wish = ResourceAttributes {
            verb: "get",
            resource: "pods",
            subresource: "log",
            namespace: "x",
            name: "y",
            ..ResourceAttributes::default()
        };
        let (message, details) = refusal(wish);
        assert_eq!(
            message,
            r#"pods "y" is forbidden: User "bob" cannot get resource "pods/log" in API group "" in the namespace "x""#
        );
        assert_eq!(details, json!({"name": "y", "kind": "pods"}));
    }

    #[test]
    fn a_refusal_of_the_cluster_scope_says_so() {
        let wish = ResourceAttributes { verb: "get", resource: "nodes", name: "foo", ..Default::default() };
        assert_eq!(
            refusal(wish).0,
            r#"nodes "foo" is forbidden: User "bob" cannot get resource "nodes" in API group "" at the cluster scope"#
        );
    }

    #[test]
    fn a_refusal_of_a_path_names_the_path() {
        let (message, details) = Attributes::Path { verb: "post", path: "/foo" }.refusal(&bob());
        assert_eq!(message, r#"forbidden: User "bob" cannot post path "/foo""#);
        assert_eq!(details, json!({}));
    }

    #[test]
    fn only_reading_health_and_version_is_public() {
        assert!(is_public("GET", "/livez"));
        assert!(!is_public("POST", "/livez"));
        assert!(!is_public("GET", "/api"));
        assert!(!is_public("GET", "/metrics"));
    }
}
