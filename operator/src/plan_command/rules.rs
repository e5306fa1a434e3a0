//! What the API server checks at admission, without one: the schema of a custom resource, then its rules in CEL.
//!
//! In comes a document; out go paths and sentences, those of the rules in the words of `crds`. Kinds that are not ours are
//! not checked here.

use std::collections::BTreeMap;

use kube_cel::{CompiledSchema, Validator, compile_schema};
use plan::Kind;
use serde_json::Value;

use super::schema;

/// A path and what is wrong there.
pub(super) type Refusal = (String, String);

/// The schemas and rules of all custom resources.
pub(super) struct Admission {
    resources: BTreeMap<String, Resource>,
    validator: Validator,
}

struct Resource {
    schema: Value,
    rules: CompiledSchema,
}

impl Admission {
    /// Compiles every rule once.
    pub(super) fn new() -> Self {
        let resources = crds::all().into_iter().map(|crd| {
            let kind = crd.spec.names.kind.clone();
            let version =
                serde_json::to_value(&crd.spec.versions[0]).expect("a custom resource definition is JSON");
            let schema = version["schema"]["openAPIV3Schema"].clone();
            (kind, Resource { rules: compile_schema(&schema), schema })
        });
        Self { resources: resources.collect(), validator: Validator::new() }
    }

    /// Why the API server would refuse this document; nothing if it would not. Rules are looked at once the schema holds,
    /// as the API server does it.
    pub(super) fn refusals(&self, kind: Kind, document: &Value) -> Vec<Refusal> {
        let Some(resource) = self.resources.get(&kind.to_string()) else { return Vec::new() };
        let findings = schema::check(&resource.schema, document);
        if !findings.is_empty() {
            return findings;
        }
        match self.validator.validate_compiled(&resource.rules, document, None) {
            Ok(()) => Vec::new(),
            Err(errors) => errors.into_iter().map(|error| (error.field_path, error.message)).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn route(spec: &Value) -> Vec<Refusal> {
        let document = json!({
            "apiVersion": "flynn.io/v1alpha1", "kind": "Route", "metadata": {"name": "a"}, "spec": spec
        });
        Admission::new().refusals(Kind::Route, &document)
    }

    #[test]
    fn a_rule_is_told_in_its_own_words() {
        let refusals = route(&json!({"http": {"host": "a.site.com"}}));
        assert_eq!(refusals.len(), 1, "{refusals:?}");
        assert_eq!(refusals[0].1, "name exactly one target: app, service or redirect");
        let refusals = route(&json!({"app": "a", "http": {"host": "https://a.site.com"}}));
        assert_eq!(refusals[0].0, "spec.http.host");
        assert!(refusals[0].1.starts_with("a host is a name such as"), "{refusals:?}");
    }

    #[test]
    fn the_schema_comes_before_the_rules() {
        let refusals = route(&json!({"http": {"host": 7}}));
        assert_eq!(
            refusals,
            [("spec.http.host".to_owned(), "it is a number and must be a string".to_owned())]
        );
    }

    #[test]
    fn what_is_right_passes_every_rule_of_every_kind() {
        let admission = Admission::new();
        let cases = [
            (
                Kind::Cluster,
                json!({"domains": [{"name": "site.com", "default": true}, {"name": "b.com"}], "hosts": [{"pattern": "*"}]}),
            ),
            (
                Kind::App,
                json!({"image": "a:1", "env": {"A": "b"}, "envFrom": [{"secret": "x"}],
                "processes": {"web": {"replicas": 2, "port": 80, "healthCheck": {"path": "/"}, "resources": {"limits": {"cpu": 1}}}}}),
            ),
            (Kind::Route, json!({"app": "a", "http": {"host": "*.site.com", "path": "/a/"}})),
            (Kind::Route, json!({"redirect": {"host": "b.com", "path": "/x"}, "http": {"host": "a.com"}})),
            (Kind::Certificate, json!({"secret": "a"})),
        ];
        for (kind, spec) in cases {
            let document = json!({"apiVersion": "flynn.io/v1alpha1", "metadata": {"name": "a"}, "kind": kind.to_string(), "spec": spec});
            assert_eq!(admission.refusals(kind, &document), [], "{kind}");
        }
    }
}
