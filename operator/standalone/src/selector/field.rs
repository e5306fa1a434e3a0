//! Field selectors: `metadata.name=a,status.phase!=Running`. Each kind has a few fields that can be asked for.

use schema::Resource;
use serde_json::Value;
use store::Key;

use crate::status::{Failure, Result};

/// Requirements that all hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FieldSelector(Vec<Requirement>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Requirement {
    field: Field,
    equal: bool,
    value: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Field {
    Name,
    Namespace,
    /// The path in the stored object.
    Path(String),
}

impl FieldSelector {
    pub(super) fn parse(resource: &Resource, text: &str) -> Result<Self> {
        let terms = terms(text)?;
        let requirements =
            terms.iter().filter(|term| !term.is_empty()).map(|term| Requirement::parse(resource, term));
        requirements.collect::<Result<_>>().map(Self)
    }

    pub(super) fn is_everything(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the object's key tells all.
    pub(super) fn is_about_key(&self) -> bool {
        !self.0.iter().any(|requirement| matches!(requirement.field, Field::Path(_)))
    }

    /// Whether the requirements of the name and the namespace hold.
    pub(super) fn matches_key(&self, key: &Key) -> bool {
        self.0.iter().all(|requirement| match requirement.field {
            Field::Name => requirement.holds(&key.name),
            Field::Namespace => requirement.holds(&key.namespace),
            Field::Path(_) => true,
        })
    }

    /// Whether the requirements of the other fields hold.
    pub(super) fn matches(&self, object: &Value) -> bool {
        self.0.iter().all(|requirement| match &requirement.field {
            Field::Name | Field::Namespace => true,
            Field::Path(path) => requirement.holds(&text(object, path)),
        })
    }
}

impl Requirement {
    fn parse(resource: &Resource, term: &str) -> Result<Self> {
        let (name, equal, value) = split(term).ok_or_else(|| {
            Failure::bad_request(format!("invalid selector: '{term}'; can't understand '{term}'"))
        })?;
        Ok(Self { field: field(resource, name)?, equal, value: unescape(value)? })
    }

    fn holds(&self, value: &str) -> bool {
        (self.value == value) == self.equal
    }
}

/// Cuts at commas that no backslash is before.
fn terms(text: &str) -> Result<Vec<String>> {
    let mut terms = vec![String::new()];
    let mut escaped = false;
    for character in text.chars() {
        let term = terms.last_mut().expect("it begins with one and never gets shorter");
        match character {
            ',' if !escaped => terms.push(String::new()),
            _ => term.push(character),
        }
        escaped = character == '\\' && !escaped;
    }
    Ok(terms)
}

fn split(term: &str) -> Option<(&str, bool, &str)> {
    let at =
        term.char_indices().find(|(at, character)| *character == '=' || term[*at..].starts_with("!="))?.0;
    let rest = &term[at..];
    [("!=", false), ("==", true), ("=", true)]
        .into_iter()
        .find_map(|(operator, equal)| Some((&term[..at], equal, rest.strip_prefix(operator)?)))
}

fn unescape(value: &str) -> Result<String> {
    let mut plain = String::with_capacity(value.len());
    let mut characters = value.chars();
    while let Some(character) = characters.next() {
        match (character, characters.as_str().chars().next()) {
            ('\\', Some(escaped @ ('\\' | ',' | '='))) => {
                plain.push(escaped);
                characters.next();
            }
            ('\\', other) => {
                let sequence = other.map(String::from).unwrap_or_default();
                let message = format!("invalid field selector: invalid escape sequence: \\{sequence}");
                return Err(Failure::bad_request(message));
            }
            (character, _) => plain.push(character),
        }
    }
    Ok(plain)
}

/// Where the value of a field that can be asked for is.
fn field(resource: &Resource, name: &str) -> Result<Field> {
    match name {
        "metadata.name" => return Ok(Field::Name),
        "metadata.namespace" => return Ok(Field::Namespace),
        _ => {}
    }
    let events = |object: &str, names: &[&str]| {
        let part = name.strip_prefix(object)?.strip_prefix('.')?;
        names.contains(&part).then(|| format!("involvedObject.{part}"))
    };
    const REFERENCE: &[&str] =
        &["kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath"];
    let path = match (resource.group.as_str(), resource.plural.as_str()) {
        ("", "pods") => own(
            name,
            &[
                "spec.nodeName",
                "spec.restartPolicy",
                "spec.schedulerName",
                "spec.serviceAccountName",
                "spec.hostNetwork",
                "status.phase",
                "status.podIP",
                "status.nominatedNodeName",
            ],
        ),
        ("", "secrets") => own(name, &["type"]),
        ("", "nodes") => own(name, &["spec.unschedulable"]),
        ("", "namespaces") => own(name, &["status.phase"]),
        ("", "services") => own(name, &["spec.clusterIP", "spec.type"]),
        ("", "events") => own(name, &["reason", "type", "reportingComponent", "source"])
            .or_else(|| events("involvedObject", REFERENCE)),
        ("events.k8s.io", "events") => match name {
            "reportingController" => Some("reportingComponent".to_owned()),
            _ => own(name, &["reason", "type"]).or_else(|| events("regarding", REFERENCE)),
        },
        _ if resource.is_custom => None,
        _ => {
            let known = r#"only "metadata.name", "metadata.namespace""#;
            return Err(Failure::bad_request(format!("{name:?} is not a known field selector: {known}")));
        }
    };
    path.map(Field::Path).ok_or_else(|| Failure::bad_request(format!("field label not supported: {name}")))
}

fn own(name: &str, known: &[&str]) -> Option<String> {
    known.contains(&name).then(|| name.to_owned())
}

/// The value at a path as text; empty where there is none.
fn text(object: &Value, path: &str) -> String {
    // An Event of the new API tells its source in another field.
    if path == "source" {
        let source = [&object["source"]["component"], &object["reportingComponent"]];
        return source.iter().find_map(|source| source.as_str()).unwrap_or_default().to_owned();
    }
    match path.split('.').fold(object, |value, step| &value[step]) {
        Value::String(text) => text.clone(),
        Value::Null if matches!(path, "spec.hostNetwork" | "spec.unschedulable") => "false".to_owned(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use schema::Catalog;

    use super::*;

    fn refusal(group: &str, version: &str, plural: &str, text: &str) -> String {
        let catalog = Catalog::new();
        let resource = catalog.by_path(group, version, plural).expect("served");
        let failure = FieldSelector::parse(resource, text).expect_err(text);
        failure.to_status()["message"].as_str().expect("a message").to_owned()
    }

    #[test]
    fn unknown_fields_are_refused_with_the_real_words() {
        assert_eq!(refusal("", "v1", "pods", "foo=bar"), "field label not supported: foo");
        let expected =
            "\"foo\" is not a known field selector: only \"metadata.name\", \"metadata.namespace\"";
        assert_eq!(refusal("apps", "v1", "deployments", "foo=bar"), expected);
        assert_eq!(refusal("", "v1", "pods", "foo"), "invalid selector: 'foo'; can't understand 'foo'");
        let expected = r"invalid field selector: invalid escape sequence: \x";
        assert_eq!(refusal("", "v1", "pods", r"metadata.name=a\x"), expected);
    }

    #[test]
    fn commas_and_equals_signs_can_be_escaped() {
        let catalog = Catalog::new();
        let secrets = catalog.by_path("", "v1", "secrets").expect("served");
        let selector = FieldSelector::parse(secrets, r"type=a\,b\=c,metadata.name!=x").expect("well formed");
        assert_eq!(selector.0[0].value, "a,b=c");
        assert!(!selector.0[1].equal);
    }

    #[test]
    fn an_event_is_found_by_what_it_is_about_in_both_apis() {
        let catalog = Catalog::new();
        let event = serde_json::json!({"involvedObject": {"name": "web"}});
        for (group, field) in [("", "involvedObject.name"), ("events.k8s.io", "regarding.name")] {
            let events = catalog.by_path(group, "v1", "events").expect("served");
            assert!(FieldSelector::parse(events, &format!("{field}=web")).expect("known").matches(&event));
        }
    }
}
