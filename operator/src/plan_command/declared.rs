//! Reads manifests: text comes in, objects and the problems with them go out, each with the place where it stands.
//!
//! Nothing ends at the first problem, so that a pipeline shows all of them at once.

use std::collections::BTreeMap;
use std::fmt;

use plan::{Kind, Object, ObjectKey};
use serde::Serialize;
use serde_json::Value;

use super::kinds::{self, Meaning};
use super::rules::Admission;
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
    /// The field, empty for the whole.
    path: String,
    message: String,
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
    pub(super) objects: Vec<Object>,
    pub(super) ignored: Vec<Ignored>,
    pub(super) problems: Vec<Problem>,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { place: Place { file, number }, object, path, message } = self;
        write!(f, "{file}, document {number}")?;
        for part in [object, path].into_iter().filter(|part| !part.is_empty()) {
            write!(f, ", {part}")?;
        }
        write!(f, ": {message}")
    }
}

/// Reads every document; objects that name no namespace are put into `namespace`.
pub(super) fn parse(sources: &[Source], namespace: &str) -> Manifests {
    let mut parser =
        Parser { namespace, admission: Admission::new(), seen: BTreeMap::new(), found: Manifests::default() };
    for source in sources {
        match serde_saphyr::from_multiple_with_options::<Value>(&source.text, unlimited()) {
            Ok(documents) => parser.documents(source, documents),
            Err(error) => {
                let place = Place { file: source.name.clone(), number: 1 };
                parser.problem(
                    &place,
                    String::new(),
                    "",
                    format!("it is not YAML: {}", first_line(&error.to_string())),
                );
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
    admission: Admission,
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

    fn document(&mut self, place: &Place, mut document: Value) {
        let text = |field: &str| document[field].as_str().unwrap_or_default().to_owned();
        let (api_version, kind) = (text("apiVersion"), text("kind"));
        let name = document["metadata"]["name"].as_str().unwrap_or_default().to_owned();
        if api_version.is_empty() || kind.is_empty() {
            return self.problem(place, String::new(), "", "it has no apiVersion or no kind".to_owned());
        }
        let about = format!("{kind} {name}").trim_end().to_owned();
        match kinds::meaning(&api_version, &kind) {
            Meaning::Other => self.found.ignored.push(Ignored { kind, name, file: place.file.clone() }),
            Meaning::UnknownOfOurs => {
                let known =
                    crds::all().into_iter().map(|crd| crd.spec.names.kind).collect::<Vec<_>>().join(", ");
                self.problem(
                    place,
                    about,
                    "",
                    format!("there is no kind {kind} in {api_version}: flynn.io/v1alpha1 has {known}"),
                );
            }
            Meaning::Planned(kind) => {
                if kinds::is_namespaced(kind)
                    && document["metadata"]["namespace"].is_null()
                    && document["metadata"].is_object()
                {
                    document["metadata"]["namespace"] = self.namespace.into();
                }
                self.planned(place, kind, document, about);
            }
        }
    }

    fn planned(&mut self, place: &Place, kind: Kind, document: Value, about: String) {
        if !is_name(document["metadata"]["name"].as_str().unwrap_or_default()) {
            let message = "give it a name of at most 253 lower-case letters, digits, dashes and dots";
            return self.problem(place, about, "metadata.name", message.to_owned());
        }
        let refusals = self.admission.refusals(kind, &document);
        if !refusals.is_empty() {
            for (path, message) in refusals {
                self.problem(place, about.clone(), &path, message);
            }
            return;
        }
        match kinds::object(kind, document) {
            Ok(object) => self.object(place, object, about),
            Err(wrong) => self.problem(place, about, &wrong.path, wrong.message),
        }
    }

    fn object(&mut self, place: &Place, object: Object, about: String) {
        let key = (object.kind(), object.key());
        if let Some(first) = self.seen.get(&key) {
            let message = format!(
                "it is declared already, in {}, document {}: keep one of the two",
                first.file, first.number
            );
            return self.problem(place, about, "", message);
        }
        self.seen.insert(key, place.clone());
        self.found.objects.push(object);
    }

    fn problem(&mut self, place: &Place, object: String, path: &str, message: String) {
        let (place, path) = (place.clone(), path.to_owned());
        self.found.problems.push(Problem { place, object, path, message });
    }
}

/// The objects of a `List`, as kubectl prints it, or the one object that a document is.
fn items(mut document: Value) -> Vec<Value> {
    let is_list = document["apiVersion"] == "v1" && document["kind"] == "List";
    match document.get_mut("items") {
        Some(Value::Array(items)) if is_list => std::mem::take(items),
        _ => vec![document],
    }
}

/// A DNS subdomain (RFC 1123), which is what names of objects are.
fn is_name(name: &str) -> bool {
    let is_label = |label: &str| {
        let inner = label.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
        inner && !label.is_empty() && !label.starts_with('-') && !label.ends_with('-')
    };
    name.len() <= 253 && name.split('.').all(is_label)
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Manifests {
        parse(&[Source { name: "a.yaml".into(), text: text.into() }], "default")
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
            found.objects.iter().map(|object| format!("{} {}", object.kind(), object.key())).collect();
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
    fn an_unknown_kind_of_ours_is_a_problem() {
        let problems = problems("apiVersion: flynn.io/v1alpha1\nkind: Rout\nmetadata: {name: a}\n");
        assert!(problems[0].contains("a.yaml, document 1, Rout a: there is no kind Rout"), "{problems:?}");
    }

    #[test]
    fn an_unknown_field_is_told_with_its_path() {
        let problems = problems(
            "apiVersion: flynn.io/v1alpha1\nkind: Route\nmetadata: {name: a}\nspec: {app: a, http: {host: a.site.com, pth: /}}\n",
        );
        assert_eq!(problems.len(), 1);
        assert!(problems[0].contains("Route a, spec.http.pth: "), "{problems:?}");
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
