//! The manifests of a folder, as objects to apply.
//!
//! In come files; out go the documents in them, Namespaces first, and what is wrong with the others. What is wrong with one
//! document keeps no other from being applied.

use std::path::Path;

use kube::api::DynamicObject;
use serde_json::Value;

use crate::files::{self, Source};

/// A document, and where it stands.
#[derive(Debug, Clone)]
pub(super) struct Document {
    /// Such as `apps.yaml, document 2`.
    pub(super) place: String,
    pub(super) object: DynamicObject,
}

/// What cannot be applied, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Problem {
    pub(super) place: String,
    /// Such as `Route www`, as far as that can be told.
    pub(super) object: String,
    pub(super) message: String,
}

/// Everything in a folder.
#[derive(Debug, Default)]
pub(super) struct Manifests {
    pub(super) documents: Vec<Document>,
    pub(super) problems: Vec<Problem>,
}

/// Reads a file, or a folder with everything below it.
pub(super) fn read(folder: &Path) -> Result<Manifests, files::Error> {
    let mut manifests = Manifests::default();
    for source in files::read(&[folder.to_owned()])? {
        manifests.source(&source);
    }
    // The sort is stable: apart from that, files and documents keep their order.
    manifests.documents.sort_by_key(|document| kind_of(&document.object) != "Namespace");
    Ok(manifests)
}

impl Manifests {
    fn source(&mut self, source: &Source) {
        // The limits are for input of strangers; these files are the user's own.
        let options = serde_saphyr::options! { budget: None, with_snippet: false };
        match serde_saphyr::from_multiple_with_options::<Value>(&source.text, options) {
            Ok(documents) => {
                for (number, document) in (1..).zip(documents) {
                    let place = format!("{}, document {number}", source.name);
                    items(document).into_iter().for_each(|object| self.document(&place, object));
                }
            }
            Err(error) => {
                let cause = error.to_string();
                let cause = cause.lines().next().unwrap_or_default();
                self.problem(&source.name, "", format!("it is not YAML: {cause}"));
            }
        }
    }

    fn document(&mut self, place: &str, document: Value) {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let (api_version, kind) = (text(&document["apiVersion"]), text(&document["kind"]));
        let about = format!("{kind} {}", text(&document["metadata"]["name"]));
        if api_version.is_empty() || kind.is_empty() {
            return self.problem(place, "", "it has no apiVersion or no kind".to_owned());
        }
        match serde_json::from_value::<DynamicObject>(document) {
            Ok(object) if object.metadata.name.as_deref().unwrap_or_default().is_empty() => {
                self.problem(place, &about, "it has no metadata.name".to_owned());
            }
            Ok(object) => self.documents.push(Document { place: place.to_owned(), object }),
            Err(error) => self.problem(place, &about, format!("it is not an object: {error}")),
        }
    }

    fn problem(&mut self, place: &str, object: &str, message: String) {
        self.problems.push(Problem { place: place.to_owned(), object: object.trim().to_owned(), message });
    }
}

/// The objects of a List, or the object itself; nothing for an empty document.
fn items(document: Value) -> Vec<Value> {
    match document {
        Value::Null => Vec::new(),
        Value::Object(mut fields) if fields.get("kind").is_some_and(|kind| kind == "List") => {
            match fields.remove("items") {
                Some(Value::Array(items)) => items,
                _ => Vec::new(),
            }
        }
        object => vec![object],
    }
}

/// The kind of an object, as its manifest has it.
pub(super) fn kind_of(object: &DynamicObject) -> &str {
    object.types.as_ref().map_or("", |types| types.kind.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_files(files: &[(&str, &str)]) -> Manifests {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        let mut manifests = read(folder.path()).unwrap();
        for problem in &mut manifests.problems {
            problem.place = problem.place.rsplit('/').next().unwrap().to_owned();
        }
        manifests
    }

    #[test]
    fn namespaces_come_first_and_the_rest_in_order() {
        let found = read_files(&[
            (
                "a.yaml",
                "{apiVersion: v1, kind: Secret, metadata: {name: a}}\n---\n{apiVersion: v1, kind: Namespace, metadata: {name: b}}",
            ),
            (
                "b.yaml",
                "{apiVersion: v1, kind: List, items: [{apiVersion: v1, kind: ConfigMap, metadata: {name: c}}]}\n---\n",
            ),
        ]);
        let names: Vec<_> =
            found.documents.iter().map(|found| found.object.metadata.name.as_deref()).collect();
        assert_eq!(names, [Some("b"), Some("a"), Some("c")]);
        assert_eq!(found.problems, []);
    }

    #[test]
    fn a_bad_document_is_told_with_its_place_and_the_others_are_read() {
        let found = read_files(&[
            ("a.yaml", "a: [1"),
            (
                "b.yaml",
                "{apiVersion: v1, kind: Secret, metadata: {name: a}}\n---\nkind: Secret\n---\n{apiVersion: v1, kind: Secret}",
            ),
        ]);
        assert_eq!(found.documents.len(), 1);
        let problems: Vec<_> = found
            .problems
            .iter()
            .map(|p| (p.place.as_str(), p.object.as_str(), p.message.as_str()))
            .collect();
        assert_eq!((problems[0].0, problems[0].2.starts_with("it is not YAML: ")), ("a.yaml", true));
        assert_eq!(problems[1], ("b.yaml, document 2", "", "it has no apiVersion or no kind"));
        assert_eq!(problems[2], ("b.yaml, document 3", "Secret", "it has no metadata.name"));
    }
}
