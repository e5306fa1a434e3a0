//! What the API server makes of a document at admission, without one.
//!
//! In come a document and the object of its name, if the cluster has one; out goes the object as it would be stored, or the
//! sentences with which it would be refused, as `kubectl apply` prints them. Decoding, defaults, bounds and rules are those
//! of the crate `schema`, which the embedded API runs as well.

use schema::Resource;
use serde_json::Value;

use super::overlay::laid_over;

/// Fields of the metadata that the API server alone writes.
pub(super) const SERVERS_OWN: [&str; 8] = [
    "uid",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "generation",
    "resourceVersion",
    "managedFields",
    "selfLink",
];

/// The object that comes of applying `document`; `live` is the one that it is laid over.
pub(super) fn admit(
    resource: &Resource,
    document: &Value,
    live: Option<&Value>,
) -> Result<Value, Vec<String>> {
    if let Some(why) = undecodable(resource, document) {
        return Err(vec![why]);
    }
    let mut new = live.map_or_else(|| document.clone(), |live| laid_over(&resource.schema, live, document));
    fit(resource, &mut new);
    let refusals = refusals(resource, &new, live);
    if refusals.is_empty() { Ok(new) } else { Err(refusals) }
}

/// Brings an object into the one form that it is stored in, defaults filled in.
pub(super) fn fit(resource: &Resource, object: &mut Value) {
    resource.default(object);
    resource.prune(object);
}

/// Why the document is no object of this kind.
fn undecodable(resource: &Resource, document: &Value) -> Option<String> {
    let why = resource.decode_errors(document).or_else(|| {
        let findings = resource.strict_findings(document.to_string().as_bytes());
        (!findings.is_empty()).then(|| format!("strict decoding error: {}", findings.join(", ")))
    })?;
    let Resource { kind, version, .. } = resource;
    Some(format!("{kind} in version {version:?} cannot be handled as a {kind}: {why}"))
}

/// Every fault of the object, each told once.
fn refusals(resource: &Resource, object: &Value, live: Option<&Value>) -> Vec<String> {
    let mut stored = object.clone();
    if live.is_none() {
        begin(resource, &mut stored);
    }
    resource.allocate(&mut stored, live);
    let mut sentences: Vec<String> = Vec::new();
    for fault in resource.validate(&stored, live) {
        let sentence = fault.to_string();
        if !sentences.contains(&sentence) {
            sentences.push(sentence);
        }
    }
    sentences
}

/// A new object has nothing yet of what others write into it.
fn begin(resource: &Resource, object: &mut Value) {
    let metadata = object.get_mut("metadata").and_then(Value::as_object_mut);
    for metadata in metadata.into_iter() {
        metadata.retain(|field, _| !SERVERS_OWN.contains(&field.as_str()));
    }
    if let Some(fields) = object.as_object_mut().filter(|_| resource.subresources.status) {
        fields.remove("status");
    }
}

#[cfg(test)]
mod tests {
    use schema::Catalog;
    use serde_json::json;

    use super::*;

    /// Applies `fields` of this kind, over `live` if there is one.
    fn applied(kind: &str, fields: &Value, live: Option<&Value>) -> Result<Value, Vec<String>> {
        let catalog = Catalog::new();
        let resource = catalog.resources().find(|resource| resource.kind == kind).unwrap();
        let complete = |fields: &Value| {
            let mut document = json!({
                "apiVersion": resource.api_version(), "kind": kind, "metadata": {"name": "a", "namespace": "b"}
            });
            document.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
            document
        };
        let live = live.map(|fields| {
            let mut live = complete(fields);
            fit(resource, &mut live);
            live
        });
        admit(resource, &complete(fields), live.as_ref())
    }

    fn refusals(kind: &str, fields: &Value) -> Vec<String> {
        applied(kind, fields, None).unwrap_err()
    }

    #[test]
    fn a_rule_is_told_in_the_words_of_the_api_server() {
        let target = "spec: Invalid value: name exactly one target: app, service or redirect";
        assert_eq!(refusals("Route", &json!({"spec": {"http": {"host": "a.site.com"}}})), [target]);
        let refusals =
            refusals("Route", &json!({"spec": {"app": "a", "http": {"host": "https://a.site.com"}}}));
        assert_eq!(refusals.len(), 1, "{refusals:?}");
        let start = r#"spec.http.host: Invalid value: "https://a.site.com": a host is a name such as"#;
        assert!(refusals[0].starts_with(start), "{refusals:?}");
    }

    #[test]
    fn the_schema_comes_before_the_rules() {
        let refusals = refusals("Route", &json!({"spec": {"http": {"host": 7}}}));
        let wrong = r#"spec.http.host: Invalid value: "integer": spec.http.host in body must be of type string: "integer""#;
        assert_eq!(refusals[0], wrong);
        assert!(refusals[1].contains("some validation rules were not checked"), "{refusals:?}");
    }

    #[test]
    fn unknown_fields_are_a_decoding_error() {
        let refusals = refusals("App", &json!({"spec": {"imagee": "a"}}));
        let sentence = r#"App in version "v1alpha1" cannot be handled as a App: strict decoding error: unknown field "spec.imagee""#;
        assert_eq!(refusals, [sentence]);
    }

    #[test]
    fn built_in_kinds_are_checked_as_well() {
        let service = json!({"spec": {"ports": [{"port": 0}]}});
        let sentence = "spec.ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive";
        assert!(refusals("Service", &service).contains(&sentence.to_owned()));
        assert!(applied("Service", &json!({"spec": {"ports": [{"port": 80}]}}), None).is_ok());
    }

    #[test]
    fn of_a_secret_nothing_is_told_but_where_it_is_wrong() {
        let refusals = refusals("Secret", &json!({"data": {"tls.key": "hunter2!"}}));
        assert_eq!(refusals.len(), 1);
        assert!(refusals[0].ends_with("illegal base64 data at input byte 7"), "{refusals:?}");
    }

    #[test]
    fn defaults_are_filled_in() {
        let route = json!({"spec": {"http": {"host": "a.com"}, "redirect": {"host": "b.com"}}});
        let route = applied("Route", &route, None).unwrap();
        assert_eq!(
            (&route["spec"]["http"]["path"], &route["spec"]["redirect"]["code"]),
            (&json!("/"), &json!(308))
        );
        let secret = applied("Secret", &json!({"stringData": {"tls.crt": "x"}}), None).unwrap();
        assert_eq!((&secret["data"], &secret["type"]), (&json!({"tls.crt": "eA=="}), &json!("Opaque")));
    }

    #[test]
    fn what_others_wrote_into_a_new_object_is_not_looked_at() {
        let app = json!({
            "metadata": {"name": "a", "uid": "u", "resourceVersion": "7"},
            "spec": {"image": "a:1"}, "status": {"conditions": [{"type": "Ready"}]}
        });
        assert!(applied("App", &app, None).is_ok());
    }

    #[test]
    fn what_may_not_change_is_refused_where_there_is_an_object() {
        let workload = |name: &str| {
            json!({"spec": {
                "selector": {"matchLabels": {"app": name}},
                "template": {"metadata": {"labels": {"app": name}}, "spec": {"containers": [{"name": "a", "image": "a"}]}},
            }})
        };
        assert!(applied("Deployment", &workload("x"), None).is_ok());
        assert!(applied("Deployment", &workload("x"), Some(&workload("x"))).is_ok());
        let refusals = applied("Deployment", &workload("x"), Some(&workload("y"))).unwrap_err();
        assert!(refusals.iter().any(|sentence| sentence.ends_with("field is immutable")), "{refusals:?}");
    }

    #[test]
    fn what_is_right_passes_every_rule_of_every_kind() {
        let cases = [
            (
                "Cluster",
                json!({"domains": [{"name": "site.com", "default": true}, {"name": "b.com"}], "hosts": [{"pattern": "*"}]}),
            ),
            (
                "App",
                json!({"image": "a:1", "env": {"A": "b"}, "envFrom": [{"secret": "x"}],
                "blobstore": "b", "processes": {"web": {"replicas": 2, "port": 80, "healthCheck": {"path": "/"}, "resources": {"limits": {"cpu": 1}}}}}),
            ),
            ("Route", json!({"app": "a", "http": {"host": "*.site.com", "path": "/a/"}})),
            ("Route", json!({"redirect": {"host": "b.com", "path": "/x"}, "http": {"host": "a.com"}})),
            ("Certificate", json!({"secret": "a"})),
            ("Blobstore", json!({"s3": {"bucket": "abc", "region": "us-east-1"}})),
        ];
        for (kind, spec) in cases {
            let admitted = applied(kind, &json!({"spec": spec}), None);
            assert!(admitted.is_ok(), "{kind}: {admitted:?}");
        }
    }
}
