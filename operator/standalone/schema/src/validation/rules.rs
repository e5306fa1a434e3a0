//! The rules of custom kinds in CEL (`x-kubernetes-validations`), compiled once and told as a real server tells them.

use std::collections::BTreeMap;
use std::fmt;

use kube_cel::{CompiledSchema, ValidationError, compile_schema, validate_compiled};
use serde_json::{Map, Value};

use super::structural::{counterpart, field};
use crate::field_error::Faults;
use crate::structural::{Schema, Shape};

const VALIDATIONS: &str = "x-kubernetes-validations";

/// The old value, in rules about a change.
const OLD: &str = "oldSelf";

/// The rules of one kind, apart for each field at the top: a write of `status` does not look at `spec` again.
#[derive(Default)]
pub(crate) struct Rules {
    parts: Vec<Part>,
    /// Rules that name a field below the one that they are at, with that field: the value there is not shown.
    pointing: BTreeMap<String, String>,
}

/// The rules of the object as a whole (the empty name), or of one field and everything below.
struct Part {
    field: String,
    compiled: CompiledSchema,
    /// Some rule is about the change.
    is_about_change: bool,
}

impl Rules {
    /// Of a schema in OpenAPI.
    pub(crate) fn of(openapi: &Value) -> Self {
        let mut pointing = BTreeMap::new();
        find_pointing(openapi, &mut pointing);
        let whole = openapi[VALIDATIONS].is_array().then(|| Part::of("", &without_parts(openapi)));
        let fields = openapi["properties"].as_object().into_iter().flatten();
        let fields = fields.filter(|(_, field)| field.to_string().contains(VALIDATIONS));
        let parts = whole.into_iter().chain(fields.map(|(name, field)| Part::of(name, field)));
        Self { parts: parts.collect(), pointing }
    }

    /// What the rules refuse. A value that an update leaves as it was is refused only by rules about the change.
    pub(super) fn validate(&self, schema: &Schema, new: &Value, old: Option<&Value>, faults: &mut Faults) {
        let mut errors: Vec<_> = self.parts.iter().flat_map(|part| part.errors(new, old)).collect();
        // What is above comes first.
        errors.sort_by(|a, b| a.0.cmp(&b.0));
        for (path, error) in errors {
            let found = locate(schema, new, old, &path);
            // What counts is the value that the rule is at, not the one that it points to.
            let pointed = self.pointing.get(&error.rule).and_then(|field| path.strip_suffix(field.as_str()));
            let at = locate(schema, new, old, pointed.unwrap_or(&path));
            let is_unchanged = at.old.is_some() && at.old == Some(at.new);
            if is_unchanged && !error.rule.contains(OLD) {
                continue;
            }
            let is_shown =
                !found.new.is_object() && !found.new.is_array() && !self.pointing.contains_key(&error.rule);
            if is_shown {
                faults.invalid(found.path, found.new, &error.message);
            } else {
                faults.invalid_unshown(found.path, &error.message);
            }
        }
    }
}

impl Part {
    fn of(field: &str, openapi: &Value) -> Self {
        let is_about_change = openapi.to_string().contains(OLD);
        Self { field: field.to_owned(), compiled: compile_schema(openapi), is_about_change }
    }

    /// The errors with their paths from the top.
    fn errors(&self, new: &Value, old: Option<&Value>) -> Vec<(String, ValidationError)> {
        let (Some(new), old) = (self.of_object(new), old.and_then(|old| self.of_object(old))) else {
            return Vec::new();
        };
        if old == Some(new) && !self.is_about_change {
            return Vec::new();
        }
        let errors = validate_compiled(&self.compiled, new, old).err().into_iter().flatten();
        errors.map(|error| (self.path(&error.field_path), error)).collect()
    }

    fn of_object<'a>(&self, object: &'a Value) -> Option<&'a Value> {
        if self.field.is_empty() { Some(object) } else { object.get(&self.field) }
    }

    fn path(&self, below: &str) -> String {
        let field = &self.field;
        match below.chars().next() {
            None => field.clone(),
            Some('.' | '[') => format!("{field}{below}"),
            Some(_) if field.is_empty() => below.to_owned(),
            Some(_) => format!("{field}.{below}"),
        }
    }
}

/// The schema with the rules at its top only.
fn without_parts(openapi: &Value) -> Value {
    let mut whole = openapi.clone();
    for field in whole["properties"].as_object_mut().into_iter().flat_map(Map::values_mut) {
        drop_rules(field);
    }
    whole
}

fn drop_rules(openapi: &mut Value) {
    match openapi {
        Value::Object(keywords) => {
            keywords.remove(VALIDATIONS);
            keywords.values_mut().for_each(drop_rules);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_rules),
        _ => {}
    }
}

impl fmt::Debug for Rules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rules").finish_non_exhaustive()
    }
}

fn find_pointing(openapi: &Value, pointing: &mut BTreeMap<String, String>) {
    match openapi {
        Value::Object(keywords) => {
            let text = |keyword: &str| keywords.get(keyword).and_then(Value::as_str).map(str::to_owned);
            pointing.extend(text("rule").zip(text("fieldPath")));
            keywords.values().for_each(|value| find_pointing(value, pointing));
        }
        Value::Array(items) => items.iter().for_each(|item| find_pointing(item, pointing)),
        _ => {}
    }
}

/// A place, as a kube-apiserver writes it for rules: the names in maps are in brackets.
struct Found<'a> {
    path: String,
    new: &'a Value,
    old: Option<&'a Value>,
}

/// Goes down a path such as `spec.processes.a.b.port`, in which a name may hold dots.
fn locate<'a>(schema: &Schema, new: &'a Value, old: Option<&'a Value>, path: &str) -> Found<'a> {
    let mut found = Found { path: String::new(), new, old };
    let mut schema = Some(schema);
    let mut rest = path;
    while !rest.is_empty() {
        let Some(step) = step(rest, found.new) else { break };
        rest = &rest[step.len()..];
        let name = step.trim_start_matches('.');
        let before = schema;
        if let Some(index) = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')) {
            let (below, list_type) = match before.map(|schema| &schema.shape) {
                Some(Shape::List { items, list_type }) => (Some(&**items), Some(list_type)),
                _ => (None, None),
            };
            schema = below;
            let entry = index.parse().ok().and_then(|index: usize| found.new.get(index));
            found.new = entry.unwrap_or(&Value::Null);
            found.old = found.old.zip(list_type).and_then(|(old, of)| counterpart(of, old, found.new));
            found.path.push_str(step);
        } else {
            schema = before.and_then(|schema| field(schema, name));
            found.new = &found.new[name];
            found.old = found.old.and_then(|old| old.get(name));
            match before.map(|schema| &schema.shape) {
                Some(Shape::Map { .. }) => found.path.push_str(&format!("[{name}]")),
                _ if found.path.is_empty() => found.path.push_str(name),
                _ => found.path.push_str(&format!(".{name}")),
            }
        }
    }
    if found.path.is_empty() {
        found.path = "<nil>".to_owned();
    }
    found
}

/// The next step of a path: `[0]`, or the longest name that the value has.
fn step<'a>(path: &'a str, value: &Value) -> Option<&'a str> {
    if path.starts_with('[') {
        return path.split_inclusive(']').next();
    }
    let dots = path.len() - path.trim_start_matches('.').len();
    let names = &path[dots..];
    let ends = names.char_indices().filter(|(_, c)| ['.', '['].contains(c)).map(|(at, _)| at);
    let ends: Vec<_> = ends.chain([names.len()]).collect();
    let known = ends.iter().rev().find(|end| value.get(&names[..**end]).is_some());
    let end = known.or(ends.first())?;
    Some(&path[..dots + end])
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::{Catalog, FieldError};

    fn app(image: &str, path: &str) -> serde_json::Value {
        json!({
            "apiVersion": "flynn.io/v1alpha1", "kind": "App", "metadata": {"name": "a"},
            "spec": {"image": image, "processes": {"a.b": {}, "web": {"port": 80, "healthCheck": {"path": path}}}}
        })
    }

    fn fields(new: &serde_json::Value, old: Option<&serde_json::Value>) -> Vec<String> {
        let catalog = Catalog::new();
        let resource = catalog.by_kind("flynn.io", "v1alpha1", "App").expect("it is served");
        resource.validate(new, old).into_iter().map(|FieldError { field, .. }| field).collect()
    }

    #[test]
    fn names_in_maps_are_in_brackets() {
        assert_eq!(fields(&app("i", "x"), None), ["spec.processes", "spec.processes[web].healthCheck.path"]);
    }

    #[test]
    fn the_rules_of_the_whole_object_are_looked_at() {
        let mut unnamed = app("i", "/");
        unnamed["spec"]["processes"] = json!({});
        unnamed["metadata"]["name"] = json!("a.b");
        assert_eq!(fields(&unnamed, None), ["<nil>"]);
    }

    #[test]
    fn what_an_update_leaves_as_it_was_is_not_refused() {
        let old = app("", "x");
        assert_eq!(fields(&app("i", "x"), Some(&old)), [""; 0]);
        assert_eq!(
            fields(&app("", "y"), Some(&old)),
            ["spec.processes", "spec.processes[web].healthCheck.path"]
        );
    }
}
