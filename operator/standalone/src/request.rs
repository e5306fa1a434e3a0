//! A request, read once at the edge: the verb, the kind and the object that its method and path mean. What is behind
//! this step never looks at a path again.

use std::sync::Arc;

use http::Method;
use percent_encoding::percent_decode_str;
use schema::{Catalog, Resource, Scope};

use crate::query::Query;
use crate::status::{Failure, Result};

/// A request for objects.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) verb: Verb,
    pub(crate) resource: Arc<Resource>,
    /// None: of the cluster, or of all namespaces.
    pub(crate) namespace: Option<String>,
    /// None: the collection.
    pub(crate) name: Option<String>,
    pub(crate) part: Part,
    pub(crate) query: Query,
}

/// What is done, in the words of RBAC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Verb {
    Get,
    List,
    Watch,
    Create,
    Update,
    Patch,
    Delete,
    DeleteCollection,
}

/// The object itself or one of its subresources.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Part {
    Object,
    Status,
    Scale,
    Log,
    Finalize,
    Binding,
}

/// What a path means.
#[derive(Debug, Clone)]
pub(crate) enum Target {
    /// Objects of a served kind.
    Objects(Box<Request>),
    /// Not objects: discovery, health, or nothing.
    Path,
}

impl Verb {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::List => "list",
            Self::Watch => "watch",
            Self::Create => "create",
            Self::Update => "update",
            Self::Patch => "patch",
            Self::Delete => "delete",
            Self::DeleteCollection => "deletecollection",
        }
    }
}

impl Part {
    /// As in a path; empty for the object itself.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Object => "",
            Self::Status => "status",
            Self::Scale => "scale",
            Self::Log => "log",
            Self::Finalize => "finalize",
            Self::Binding => "binding",
        }
    }

    fn of(resource: &Resource, name: &str) -> Option<Self> {
        match name {
            "status" if resource.subresources.status => Some(Self::Status),
            "scale" if resource.subresources.scale.is_some() => Some(Self::Scale),
            "log" if resource.subresources.log => Some(Self::Log),
            "finalize" if (resource.group.as_str(), resource.plural.as_str()) == ("", "namespaces") => {
                Some(Self::Finalize)
            }
            "binding" if (resource.group.as_str(), resource.plural.as_str()) == ("", "pods") => {
                Some(Self::Binding)
            }
            _ => None,
        }
    }
}

impl Request {
    /// The name of the object, of a request that is about one.
    pub(crate) fn name(&self) -> &str {
        self.name.as_deref().unwrap_or_default()
    }

    /// The namespace, empty for the cluster and for all of them.
    pub(crate) fn namespace(&self) -> &str {
        self.namespace.as_deref().unwrap_or_default()
    }
}

/// Reads the method and the path of a request.
///
/// A kube-apiserver serves built-in kinds path by path and custom kinds by what it takes a path for, so that the two are
/// refused in different words.
///
/// # Errors
/// A group that is served without that resource, and a method that the resource does not have.
pub(crate) fn parse(catalog: &Catalog, method: &Method, path: &str, query: Query) -> Result<Target> {
    let Some(place) = Place::parse(path) else { return Ok(Target::Path) };
    let Some(resource) = catalog.by_path(&place.group, &place.version, &place.plural) else {
        let is_served = catalog.resources().any(|known| known.group == place.group && !known.is_custom);
        return if is_served { Err(Failure::no_such_resource()) } else { Ok(Target::Path) };
    };
    if !place.fits(resource, method) {
        return if resource.is_custom { Ok(Target::Path) } else { Err(Failure::no_such_resource()) };
    }
    let part = match &place.part {
        None => Part::Object,
        Some(part) => Part::of(resource, part).ok_or_else(|| no_such_part(resource, &place))?,
    };
    let verb = verb(method, resource, &place, part, &query)?;
    allow(resource, verb, &place, part)?;
    let Place { namespace, name, .. } = place;
    Ok(Target::Objects(Box::new(Request {
        verb,
        resource: Arc::clone(resource),
        namespace,
        name,
        part,
        query,
    })))
}

fn no_such_part(resource: &Resource, place: &Place) -> Failure {
    match &place.name {
        Some(name) if resource.is_custom => Failure::not_found(resource, name),
        _ => Failure::no_such_resource(),
    }
}

fn verb(method: &Method, resource: &Resource, place: &Place, part: Part, query: &Query) -> Result<Verb> {
    match known_verb(method, place, part, query) {
        Some(verb) => Ok(verb),
        None if !resource.is_custom => Err(Failure::method_not_allowed()),
        None if part == Part::Object && *method == Method::POST => Ok(Verb::Create),
        None if part == Part::Object && matches!(*method, Method::PUT | Method::PATCH) => {
            Err(Failure::bad_request("name must be provided"))
        }
        None => Err(Failure::method_not_supported(resource, asked(method))),
    }
}

/// What a method asks for, whether or not it is there to be had.
fn asked(method: &Method) -> &'static str {
    match *method {
        Method::GET | Method::HEAD => Verb::Get.as_str(),
        Method::POST => Verb::Create.as_str(),
        Method::PUT => Verb::Update.as_str(),
        Method::PATCH => Verb::Patch.as_str(),
        Method::DELETE => Verb::Delete.as_str(),
        _ => "",
    }
}

fn known_verb(method: &Method, place: &Place, part: Part, query: &Query) -> Option<Verb> {
    let of_collection = place.name.is_none();
    Some(match (method, part) {
        (&Method::GET, Part::Object) if of_collection && query.flag("watch") => Verb::Watch,
        (&Method::GET, Part::Object) if of_collection => Verb::List,
        (&Method::GET, Part::Binding) => return None,
        (&Method::GET, _) => Verb::Get,
        (&Method::POST, Part::Binding) => Verb::Create,
        (&Method::POST, Part::Object) if of_collection => Verb::Create,
        (&Method::DELETE, Part::Object) if of_collection => Verb::DeleteCollection,
        (&Method::DELETE, Part::Object) => Verb::Delete,
        (&Method::PUT, Part::Object | Part::Status | Part::Scale | Part::Finalize) if !of_collection => {
            Verb::Update
        }
        (&Method::PATCH, Part::Object | Part::Status | Part::Scale) if !of_collection => Verb::Patch,
        _ => return None,
    })
}

/// Whether discovery names the verb for this resource. Objects in a namespace are not created in all of them.
fn allow(resource: &Resource, verb: Verb, place: &Place, part: Part) -> Result<()> {
    let needs_namespace =
        matches!(verb, Verb::Create | Verb::DeleteCollection) && resource.scope == Scope::Namespaced;
    let has_verb = part != Part::Object || resource.verbs.iter().any(|known| known == verb.as_str());
    if part == Part::Finalize && verb != Verb::Update || needs_namespace && place.namespace.is_none() {
        return Err(Failure::method_not_allowed());
    }
    let is_write = !matches!(verb, Verb::Get | Verb::List | Verb::Watch);
    if resource.plural == "customresourcedefinitions" && is_write {
        let why = "this server's custom resource definitions are part of it: they cannot be created, changed or deleted";
        return Err(Failure::method_refused(why));
    }
    if has_verb { Ok(()) } else { Err(Failure::method_not_allowed()) }
}

/// The parts of a path below a group and version.
#[derive(Debug, PartialEq, Eq)]
struct Place {
    group: String,
    version: String,
    plural: String,
    namespace: Option<String>,
    name: Option<String>,
    part: Option<String>,
}

impl Place {
    fn parse(path: &str) -> Option<Self> {
        let decode = |segment: &str| percent_decode_str(segment).decode_utf8_lossy().into_owned();
        let segments = path.strip_prefix('/')?.split('/').map(decode).collect::<Vec<_>>();
        let segments = segments.iter().map(String::as_str).collect::<Vec<_>>();
        let (group, version, rest) = match segments.as_slice() {
            ["api", version, rest @ ..] => ("", *version, rest),
            ["apis", group, version, rest @ ..] => (*group, *version, rest),
            _ => return None,
        };
        let rest = rest.strip_suffix(&[""]).unwrap_or(rest);
        let (namespace, rest) = match rest {
            // These two are subresources of the namespace; a namespace has no resources of such names.
            ["namespaces", _, "status" | "finalize"] => (None, rest),
            ["namespaces", namespace, rest @ ..] if !rest.is_empty() => (Some(*namespace), rest),
            _ => (None, rest),
        };
        let (plural, name, part) = match rest {
            [] => return None,
            [plural] => (*plural, None, None),
            [plural, name] => (*plural, Some(*name), None),
            // No subresource has parts: a longer path is none that is served.
            [plural, name, part @ ..] => (*plural, Some(*name), Some(part.join("/"))),
        };
        Some(Self {
            group: group.to_owned(),
            version: version.to_owned(),
            plural: plural.to_owned(),
            namespace: namespace.map(str::to_owned),
            name: name.map(str::to_owned),
            part,
        })
    }

    /// Whether objects of the resource are at such a path: in a namespace or not, with a name or without.
    fn fits(&self, resource: &Resource, method: &Method) -> bool {
        let is_of_all = self.namespace.is_none() && resource.scope == Scope::Namespaced;
        let has_objects = ["get", "update", "patch", "delete"]
            .iter()
            .any(|verb| resource.verbs.iter().any(|known| known == verb));
        match (&self.namespace, &self.name) {
            (Some(_), _) if resource.scope == Scope::Cluster => false,
            (_, Some(_)) => !is_of_all && has_objects,
            (_, None) => !is_of_all || !resource.is_custom || *method == Method::GET,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(method: Method, path: &str) -> std::result::Result<String, u16> {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        match parse(&Catalog::new(), &method, path, Query::parse(query)) {
            Ok(Target::Path) => Ok("path".to_owned()),
            Ok(Target::Objects(request)) => Ok([
                request.verb.as_str(),
                &request.resource.plural,
                request.namespace(),
                request.name(),
                request.part.as_str(),
            ]
            .join(" ")
            .trim_end()
            .to_owned()),
            Err(failure) => Err(failure.code().as_u16()),
        }
    }

    #[test]
    fn paths_mean_objects() {
        for (method, path, expected) in [
            (Method::GET, "/api/v1/pods", "list pods"),
            (Method::GET, "/api/v1/pods?watch=true", "watch pods"),
            (Method::GET, "/api/v1/namespaces/a/pods/", "list pods a"),
            (Method::POST, "/api/v1/namespaces/a/pods", "create pods a"),
            (Method::DELETE, "/api/v1/namespaces/a/pods", "deletecollection pods a"),
            (Method::GET, "/api/v1/namespaces/a/pods/b/log", "get pods a b log"),
            (Method::PUT, "/api/v1/namespaces/a/status", "update namespaces  a status"),
            (Method::PUT, "/api/v1/namespaces/a/finalize", "update namespaces  a finalize"),
            (Method::GET, "/api/v1/namespaces/a", "get namespaces  a"),
            (Method::PATCH, "/apis/apps/v1/namespaces/a/deployments/b/scale", "patch deployments a b scale"),
            (Method::DELETE, "/apis/flynn.io/v1alpha1/clusters/x%2Dy", "delete clusters  x-y"),
        ] {
            assert_eq!(read(method, path).as_deref(), Ok(expected), "{path}");
        }
    }

    #[test]
    fn other_paths_are_not_objects() {
        for path in ["/", "/api", "/apis/apps/v1", "/healthz", "/apis/unknown.io/v1/things", "/api/v1"] {
            assert_eq!(read(Method::GET, path).as_deref(), Ok("path"), "{path}");
        }
    }

    #[test]
    fn what_a_served_group_lacks_is_not_found() {
        for path in [
            "/api/v1/things",
            "/api/v1/pods/b",
            "/api/v2/pods",
            "/apis/apps/v1/namespaces/a/deployments/b/c/d",
            "/api/v1/namespaces/a/configmaps/b/status",
            "/api/v1/namespaces/a/nodes",
            "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews/b",
        ] {
            assert_eq!(read(Method::GET, path), Err(404), "{path}");
        }
    }

    #[test]
    fn where_a_custom_kind_is_not_there_is_nothing() {
        for (method, path) in [
            (Method::GET, "/apis/flynn.io/v1alpha1/things"),
            (Method::GET, "/apis/flynn.io/v1alpha1/namespaces/a/clusters"),
            (Method::GET, "/apis/flynn.io/v1alpha1/apps/b"),
            (Method::POST, "/apis/flynn.io/v1alpha1/apps"),
            (Method::DELETE, "/apis/flynn.io/v1alpha1/apps"),
        ] {
            assert_eq!(read(method, path).as_deref(), Ok("path"), "{path}");
        }
    }

    #[test]
    fn a_custom_kind_is_refused_in_words_of_its_own() {
        let message = |method, path: &str| {
            let failure = parse(&Catalog::new(), &method, path, Query::default()).expect_err(path);
            failure.to_status()["message"].as_str().expect("text").to_owned()
        };
        let apps = "/apis/flynn.io/v1alpha1/namespaces/a/apps";
        for (method, path, expected) in [
            (Method::POST, "/b/status", "create is not supported on resources of kind \"apps.flynn.io\""),
            (Method::DELETE, "/b/scale", "delete is not supported on resources of kind \"apps.flynn.io\""),
            (Method::TRACE, "/b", " is not supported on resources of kind \"apps.flynn.io\""),
            (Method::GET, "/b/stature", "apps.flynn.io \"b\" not found"),
            (Method::PUT, "", "name must be provided"),
        ] {
            assert_eq!(message(method, &format!("{apps}{path}")), expected, "{path}");
        }
        assert_eq!(read(Method::POST, &format!("{apps}/b")).as_deref(), Ok("create apps a b"));
    }

    #[test]
    fn verbs_that_a_resource_lacks_are_not_allowed() {
        for (method, path) in [
            (Method::POST, "/api/v1/configmaps"),
            (Method::POST, "/api/v1/namespaces/a/configmaps/b"),
            (Method::PUT, "/api/v1/namespaces/a/configmaps"),
            (Method::PATCH, "/api/v1/namespaces/a/configmaps"),
            (Method::POST, "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"),
            (Method::GET, "/apis/authentication.k8s.io/v1/selfsubjectreviews"),
            (Method::GET, "/api/v1/namespaces/a/finalize"),
        ] {
            assert_eq!(read(method, path), Err(405), "{path}");
        }
    }
}
