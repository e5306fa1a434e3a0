//! Reads manifests: text and the objects that exist come in, objects as they would be stored and the problems with them go
//! out, each problem with the place where it stands.
//!
//! Nothing ends at the first problem, so that a pipeline shows all of them at once.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use plan::{Kind, Object, ObjectKey, Write};
use schema::{Catalog, Resource, Scope};
use serde::Serialize;
use serde_json::Value;

use super::Objects;
use super::admission::{admit, fit};
use super::kinds::{self, Meaning};
use crate::files::Source;

/// Where a document stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    file: String,
    /// From 1 on.
    number: usize,
}

/// Something that the API server would refuse.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    place: Place,
    /// What it is about, such as `Route a/www`, as far as that can be told.
    object: String,
    message: String,
}

/// An object as it would be once its document is applied.
#[derive(Debug)]
pub(super) struct Declared {
    pub(super) object: Object,
    /// What applying it does; nothing where the cluster has it so already.
    pub(super) change: Option<Write>,
}

/// A document that has no part in a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Ignored {
    /// Its kind.
    pub(super) kind: String,
    /// Its name.
    pub(super) name: String,
    /// The file.
    pub(super) file: String,
}

/// Everything that was read.
#[derive(Debug, Default)]
pub(super) struct Manifests {
    pub(super) objects: Vec<Declared>,
    pub(super) ignored: Vec<Ignored>,
    pub(super) problems: Vec<Problem>,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { place: Place { file, number }, object, message } = self;
        let separator = if object.is_empty() { "" } else { ", " };
        write!(f, "{file}, document {number}{separator}{object}: {message}")
    }
}

/// Reads every document and lays it over the object that exists; objects that name no namespace are put into `namespace`.
pub(super) fn parse(sources: &[Source], namespace: &str, existing: &Objects) -> Manifests {
    let mut parser = Parser {
        namespace,
        existing,
        catalog: Catalog::new(),
        seen: BTreeMap::new(),
        found: Manifests::default(),
    };
    for source in sources {
        match serde_saphyr::from_multiple_with_options::<Value>(&source.text, unlimited()) {
            Ok(documents) => parser.documents(source, documents),
            Err(error) => {
                let place = Place { file: source.name.clone(), number: 1 };
                let message = format!("it is not YAML: {}", first_line(&error.to_string()));
                parser.problem(&place, "", message);
            }
        }
    }
    parser.found
}

// The limits are for input of strangers; these files are the user's own.
fn unlimited() -> serde_saphyr::Options {
    serde_saphyr::options! { budget: None, with_snippet: false }
}

struct Parser<'a> {
    namespace: &'a str,
    existing: &'a Objects,
    catalog: Catalog,
    seen: BTreeMap<(Kind, ObjectKey), Place>,
    found: Manifests,
}

impl Parser<'_> {
    fn documents(&mut self, source: &Source, documents: Vec<Value>) {
        for (index, document) in documents.into_iter().enumerate() {
            let place = Place { file: source.name.clone(), number: index + 1 };
            for object in items(document) {
                self.document(&place, object);
            }
        }
    }

    fn document(&mut self, place: &Place, document: Value) {
        let text = |field: &str| document[field].as_str().unwrap_or_default().to_owned();
        let (api_version, kind) = (text("apiVersion"), text("kind"));
        let name = document["metadata"]["name"].as_str().unwrap_or_default().to_owned();
        if api_version.is_empty() || kind.is_empty() {
            return self.problem(place, "", "it has no apiVersion or no kind".to_owned());
        }
        let about = format!("{kind} {name}").trim_end().to_owned();
        match kinds::meaning(&api_version, &kind) {
            Meaning::Other => self.found.ignored.push(Ignored { kind, name, file: place.file.clone() }),
            Meaning::UnknownOfOurs => {
                let known =
                    crds::all().into_iter().map(|crd| crd.spec.names.kind).collect::<Vec<_>>().join(", ");
                let message = format!(
                    "no matches for kind {kind:?} in version {api_version:?}: flynn.io/v1alpha1 has {known}"
                );
                self.problem(place, &about, message);
            }
            Meaning::Planned(kind) => self.planned(place, kind, document, &about),
        }
    }

    fn planned(&mut self, place: &Place, kind: Kind, mut document: Value, about: &str) {
        let resource = Arc::clone(resource_of(&self.catalog, &document));
        self.put_into_namespace(&resource, &mut document);
        let text = |field: &str| document["metadata"][field].as_str().unwrap_or_default();
        let key = (kind, ObjectKey::new(text("namespace"), text("name")));
        if let Some(Place { file, number }) = self.seen.get(&key) {
            let message =
                format!("it is declared already, in {file}, document {number}: keep one of the two");
            return self.problem(place, about, message);
        }
        let live = self.existing.get(&key).map(|object| {
            let mut live = kinds::value(object);
            fit(&resource, &mut live);
            live
        });
        match admit(&resource, &document, live.as_ref()) {
            Ok(new) => {
                self.seen.insert(key, place.clone());
                self.admitted(place, kind, new, live, about);
            }
            Err(refusals) => refusals.into_iter().for_each(|refusal| self.problem(place, about, refusal)),
        }
    }

    fn put_into_namespace(&self, resource: &Resource, document: &mut Value) {
        let Some(metadata) = document.get_mut("metadata").and_then(Value::as_object_mut) else { return };
        if resource.scope == Scope::Cluster {
            metadata.remove("namespace");
        } else if metadata.get("namespace").is_none_or(Value::is_null) {
            metadata.insert("namespace".to_owned(), self.namespace.into());
        }
    }

    fn admitted(&mut self, place: &Place, kind: Kind, new: Value, live: Option<Value>, about: &str) {
        let objects = kinds::object(kind, new)
            .and_then(|new| Ok((new, live.map(|live| kinds::object(kind, live)).transpose()?)));
        let (object, live) = match objects {
            Ok(objects) => objects,
            Err(wrong) => return self.problem(place, about, format!("{}: {}", wrong.path, wrong.message)),
        };
        let change = match live {
            None => Some(Write::Create),
            Some(live) => (kinds::value(&live) != kinds::value(&object)).then_some(Write::Update),
        };
        self.found.objects.push(Declared { object, change });
    }

    fn problem(&mut self, place: &Place, object: &str, message: String) {
        self.found.problems.push(Problem { place: place.clone(), object: object.to_owned(), message });
    }
}

/// The kind of a document that a plan reads, as the API serves it.
fn resource_of<'a>(catalog: &'a Catalog, document: &Value) -> &'a Arc<Resource> {
    let text = |field: &str| document[field].as_str().unwrap_or_default();
    let (group, version) = text("apiVersion").split_once('/').unwrap_or(("", text("apiVersion")));
    catalog.by_kind(group, version, text("kind")).expect("every kind that a plan reads is served")
}

/// The objects of a `List`, as kubectl prints it, or the one object that a document is.
fn items(mut document: Value) -> Vec<Value> {
    let is_list = document["apiVersion"] == "v1" && document["kind"] == "List";
    match document.get_mut("items") {
        Some(Value::Array(items)) if is_list => std::mem::take(items),
        _ => vec![document],
    }
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Manifests {
        parse(&[Source { name: "a.yaml".into(), text: text.into() }], "default", &Objects::new())
    }

    fn problems(text: &str) -> Vec<String> {
        parsed(text).problems.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn documents_and_lists_become_objects_in_their_namespaces() {
        let found = parsed(
            "apiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n---\n---\napiVersion: v1\nkind: List\nitems:\n\
             - apiVersion: flynn.io/v1alpha1\n  kind: Route\n  metadata: {name: b}\n  spec: {app: www, http: {host: b.site.com}}\n",
        );
        assert!(found.problems.is_empty(), "{:?}", found.problems);
        let keys: Vec<_> =
            found.objects.iter().map(|it| format!("{} {}", it.object.kind(), it.object.key())).collect();
        assert_eq!(keys, ["Namespace a", "Route default/b"]);
    }

    #[test]
    fn what_has_no_part_in_a_plan_is_listed() {
        let found = parsed("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n");
        assert_eq!(
            found.ignored,
            [Ignored { kind: "ConfigMap".into(), name: "a".into(), file: "a.yaml".into() }]
        );
    }

    #[test]
    fn every_kind_that_a_plan_reads_has_a_schema() {
        let resources = Catalog::new();
        let planned = resources.resources().filter(|resource| {
            matches!(kinds::meaning(&resource.api_version(), &resource.kind), Meaning::Planned(_))
        });
        assert_eq!(planned.count(), 11);
    }

    #[test]
    fn an_unknown_kind_of_ours_is_a_problem() {
        let problems = problems("apiVersion: flynn.io/v1alpha1\nkind: Rout\nmetadata: {name: a}\n");
        assert!(
            problems[0].contains("a.yaml, document 1, Rout a: no matches for kind \"Rout\""),
            "{problems:?}"
        );
    }

    #[test]
    fn an_unknown_field_is_told_with_its_path() {
        let problems = problems(
            "apiVersion: flynn.io/v1alpha1\nkind: Route\nmetadata: {name: a}\nspec: {app: a, http: {host: a.site.com, pth: /}}\n",
        );
        assert_eq!(problems.len(), 1);
        assert!(problems[0].ends_with("unknown field \"spec.http.pth\""), "{problems:?}");
    }

    #[test]
    fn a_name_that_is_declared_twice_is_a_problem() {
        let namespace = "apiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n";
        let problems = problems(&format!("{namespace}---\n{namespace}"));
        assert_eq!(
            problems,
            [
                "a.yaml, document 2, Namespace a: it is declared already, in a.yaml, document 1: keep one of the two"
            ]
        );
    }

    #[test]
    fn text_that_is_no_yaml_and_a_document_without_a_kind_are_problems() {
        assert!(problems("a: [")[0].contains("it is not YAML"));
        assert!(problems("a: b")[0].contains("no apiVersion or no kind"));
        assert!(
            problems("apiVersion: v1\nkind: Namespace\nmetadata: {name: A_B}\n")[0].contains("metadata.name")
        );
    }
}
