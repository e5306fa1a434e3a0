//! Creating, updating, patching and applying.

use http::Method;
use serde_json::json;

use crate::api::{Api, message, revision};

const MAPS: &str = "/api/v1/namespaces/default/configmaps";
const APPS: &str = "/apis/flynn.io/v1alpha1/namespaces/default/apps";
const DEPLOYMENTS: &str = "/apis/apps/v1/namespaces/default/deployments";

fn deployment(replicas: i64) -> serde_json::Value {
    json!({
        "metadata": {"name": "web"},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"a": "b"}},
            "template": {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "x"}]}},
        },
    })
}

#[tokio::test]
async fn an_object_is_created_once() {
    let api = Api::start().await;
    let created = api.create(MAPS, json!({"metadata": {"name": "a"}, "data": {"k": "v"}})).await;
    assert_eq!(
        (&created["kind"], &created["metadata"]["namespace"]),
        (&"ConfigMap".into(), &"default".into())
    );
    assert!(created["metadata"]["uid"].is_string() && created["metadata"]["creationTimestamp"].is_string());
    assert_eq!(created["metadata"]["managedFields"][0]["manager"], "test");
    let (code, status) = api.ask(Method::POST, MAPS, Some(json!({"metadata": {"name": "a"}}))).await;
    assert_eq!((code, message(&status)), (409, "configmaps \"a\" already exists"));
}

#[tokio::test]
async fn a_name_is_generated_of_five_letters() {
    let api = Api::start().await;
    let created = api.create(MAPS, json!({"metadata": {"generateName": "a-"}})).await;
    let name = created["metadata"]["name"].as_str().expect("a name");
    assert!(name.starts_with("a-") && name.len() == 7, "{name}");
}

#[tokio::test]
async fn nothing_is_created_in_a_namespace_that_is_missing() {
    let api = Api::start().await;
    let path = "/api/v1/namespaces/none/configmaps";
    let (code, status) = api.ask(Method::POST, path, Some(json!({"metadata": {"name": "a"}}))).await;
    assert_eq!((code, message(&status)), (404, "namespaces \"none\" not found"));
}

#[tokio::test]
async fn an_update_from_an_old_revision_is_a_conflict() {
    let api = Api::start().await;
    let created = api.create(DEPLOYMENTS, deployment(1)).await;
    let path = format!("{DEPLOYMENTS}/web");
    let (code, updated) = api.ask(Method::PUT, &path, Some(deployment(2))).await;
    assert_eq!((code, &updated["metadata"]["generation"]), (200, &2.into()), "{updated}");
    let mut old = deployment(3);
    old["metadata"]["resourceVersion"] = revision(&created).into();
    let (code, status) = api.ask(Method::PUT, &path, Some(old)).await;
    let expected = "Operation cannot be fulfilled on deployments.apps \"web\": the object has been modified; \
                    please apply your changes to the latest version and try again";
    assert_eq!((code, message(&status)), (409, expected));
}

#[tokio::test]
async fn an_update_that_changes_nothing_is_no_write() {
    let api = Api::start().await;
    let created = api.create(DEPLOYMENTS, deployment(1)).await;
    let (_, updated) = api.ask(Method::PUT, &format!("{DEPLOYMENTS}/web"), Some(deployment(1))).await;
    assert_eq!(updated, created);
}

#[tokio::test]
async fn a_dry_run_stores_nothing() {
    let api = Api::start().await;
    let (code, object) =
        api.ask(Method::POST, &format!("{MAPS}?dryRun=All"), Some(json!({"metadata": {"name": "a"}}))).await;
    assert_eq!((code, &object["metadata"]["resourceVersion"]), (201, &serde_json::Value::Null));
    assert_eq!(api.ask(Method::GET, &format!("{MAPS}/a"), None).await.0, 404);
}

#[tokio::test]
async fn a_custom_object_is_validated_and_its_status_is_apart() {
    let api = Api::start().await;
    let app = json!({"apiVersion": "flynn.io/v1alpha1", "kind": "App", "metadata": {"name": "www"}, "spec": {"image": "x"}, "status": {"url": "u"}});
    let created = api.create(APPS, app).await;
    assert!(created["status"].is_null(), "{created}");
    let (code, status) = api.merge(&format!("{APPS}/www"), json!({"spec": {"image": 5}})).await;
    assert_eq!((code, &status["reason"]), (422, &"Invalid".into()), "{status}");
    let (_, patched) = api
        .merge(&format!("{APPS}/www/status"), json!({"status": {"url": "u"}, "spec": {"image": "y"}}))
        .await;
    assert_eq!((&patched["status"]["url"], &patched["spec"]["image"]), (&"u".into(), &"x".into()));
    assert_eq!(patched["metadata"]["generation"], 1);
}

#[tokio::test]
async fn strategic_patches_are_for_built_in_kinds() {
    let api = Api::start().await;
    let media_type = "application/strategic-merge-patch+json";
    api.create(DEPLOYMENTS, deployment(1)).await;
    let patch = json!({"spec": {"template": {"spec": {"containers": [{"name": "d", "image": "y"}]}}}});
    let (code, patched) =
        api.ask_as(Method::PATCH, &format!("{DEPLOYMENTS}/web"), media_type, Some(patch)).await;
    assert_eq!(
        (code, patched["spec"]["template"]["spec"]["containers"].as_array().map(Vec::len)),
        (200, Some(2))
    );
    assert_eq!(api.ask_as(Method::PATCH, &format!("{APPS}/www"), media_type, Some(json!({}))).await.0, 415);
}

#[tokio::test]
async fn applying_creates_and_then_conflicts_with_others() {
    let api = Api::start().await;
    let media_type = "application/apply-patch+yaml";
    let configuration = |value: &str| {
        Some(
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"k": value}}),
        )
    };
    let path = |options: &str| format!("{MAPS}/a?{options}");
    assert_eq!(api.ask_as(Method::PATCH, &path(""), media_type, configuration("v")).await.0, 422);
    assert_eq!(
        api.ask_as(Method::PATCH, &path("fieldManager=me"), media_type, configuration("v")).await.0,
        201
    );
    let (code, status) =
        api.ask_as(Method::PATCH, &path("fieldManager=you"), media_type, configuration("w")).await;
    assert_eq!(
        (code, message(&status)),
        (409, "Apply failed with 1 conflict: conflict with \"me\": .data.k")
    );
    let (code, forced) =
        api.ask_as(Method::PATCH, &path("fieldManager=you&force=true"), media_type, configuration("w")).await;
    assert_eq!((code, &forced["data"]["k"]), (200, &"w".into()));
}

#[tokio::test]
async fn patches_at_the_same_time_all_count() {
    let api = Api::start().await;
    api.create(MAPS, json!({"metadata": {"name": "a"}, "data": {}})).await;
    let path = format!("{MAPS}/a");
    let patches = (0..16).map(|number| api.merge(&path, json!({"data": {format!("k{number}"): "v"}})));
    for (code, answer) in futures::future::join_all(patches).await {
        assert_eq!(code, 200, "{answer}");
    }
    assert_eq!(api.get(&path).await["data"].as_object().map(serde_json::Map::len), Some(16));
}

#[tokio::test]
async fn a_scale_writes_the_replicas() {
    let api = Api::start().await;
    api.create(DEPLOYMENTS, deployment(1)).await;
    let path = format!("{DEPLOYMENTS}/web");
    let (code, scale) = api.merge(&format!("{path}/scale"), json!({"spec": {"replicas": 3}})).await;
    assert_eq!(
        (code, &scale["kind"], &scale["spec"]["replicas"], &scale["status"]["selector"]),
        (200, &"Scale".into(), &3.into(), &"a=b".into())
    );
    let live = api.get(&path).await;
    assert_eq!((&live["spec"]["replicas"], &live["metadata"]["generation"]), (&3.into(), &2.into()));
}

#[tokio::test]
async fn definitions_of_custom_kinds_are_there_and_cannot_be_changed() {
    let api = Api::start().await;
    let path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
    let list = api.get(path).await;
    assert_eq!(list["items"].as_array().map(Vec::len), Some(crds::all().len()));
    let (code, status) = api.ask(Method::DELETE, &format!("{path}/apps.flynn.io"), None).await;
    assert_eq!((code, &status["reason"]), (405, &"MethodNotAllowed".into()));
}

#[tokio::test]
async fn events_are_one_kind_in_two_groups() {
    let api = Api::start().await;
    let event = json!({"metadata": {"name": "e"}, "involvedObject": {"name": "web", "namespace": "default"}, "message": "hello"});
    api.create("/api/v1/namespaces/default/events", event).await;
    let list =
        api.get("/apis/events.k8s.io/v1/namespaces/default/events?fieldSelector=regarding.name%3Dweb").await;
    assert_eq!(
        (&list["items"][0]["note"], &list["apiVersion"]),
        (&"hello".into(), &"events.k8s.io/v1".into())
    );
}

#[tokio::test]
async fn what_the_server_says_of_an_object_is_not_asked_of_clients() {
    let api = Api::start().await;
    let path = format!("{MAPS}/a");
    let created = api.create(MAPS, json!({"metadata": {"name": "a", "generation": 7}})).await;
    assert_eq!(created["metadata"]["generation"], 7, "its kind does not count");
    let forged =
        json!({"metadata": {"creationTimestamp": "2001-01-01T00:00:00Z", "generation": 9, "selfLink": "/x"}});
    let (code, patched) = api.merge(&path, forged).await;
    assert_eq!((code, &patched["metadata"]), (200, &created["metadata"]));
    let (_, changed) = api.merge(&path, json!({"data": {"a": "b"}})).await;
    assert_eq!(changed["metadata"]["generation"], 7);
    for (field, value) in
        [("deletionTimestamp", json!("2001-01-01T00:00:00Z")), ("deletionGracePeriodSeconds", json!(5))]
    {
        let (code, status) = api.merge(&path, json!({"metadata": {field: value}})).await;
        assert!(code == 422 && message(&status).ends_with("field is immutable"), "{status}");
    }
    let negative = json!({"metadata": {"name": "b", "generation": -1}});
    let (code, status) = api.ask(Method::POST, MAPS, Some(negative)).await;
    let expected = "metadata.generation: Invalid value: -1: must be greater than or equal to 0";
    assert!(code == 422 && message(&status).ends_with(expected), "{status}");
}

#[tokio::test]
async fn an_object_of_which_its_applier_wants_nothing_any_more_is_null_and_refused() {
    let api = Api::start().await;
    let path = "/apis/flynn.io/v1alpha1/namespaces/default/certificates/c?fieldManager=one";
    let apply = async |spec| {
        let object = json!({"apiVersion": "flynn.io/v1alpha1", "kind": "Certificate", "metadata": {"name": "c"}, "spec": spec});
        api.ask_as(Method::PATCH, path, "application/apply-patch+yaml", Some(object)).await
    };
    assert_eq!(apply(json!({"secret": "s"})).await.0, 201);
    let (code, status) = apply(json!({})).await;
    let expected = "Invalid value: \"null\": spec in body must be of type object: \"null\"";
    let causes = status["details"]["causes"].as_array().expect("causes");
    assert!(code == 422 && causes.iter().any(|cause| cause["message"] == expected), "{status}");
}

#[tokio::test]
async fn labels_of_a_template_are_refused_as_they_came() {
    let api = Api::start().await;
    for (metadata, shown) in
        [(json!({"labels": {}}), "{}"), (json!({"labels": null}), "null"), (json!({}), "null")]
    {
        let mut web = deployment(1);
        web["spec"]["template"]["metadata"] = metadata;
        let (code, status) = api.ask(Method::POST, DEPLOYMENTS, Some(web)).await;
        let expected = format!("Invalid value: {shown}: `selector` does not match template `labels`");
        assert!(code == 422 && message(&status).ends_with(&expected), "{status}");
    }
    api.create(DEPLOYMENTS, deployment(1)).await;
    let without = json!({"spec": {"template": {"metadata": {"labels": {"a": null}}}}});
    let (_, status) = api.merge(&format!("{DEPLOYMENTS}/web"), without).await;
    assert!(message(&status).contains("Invalid value: {}:"), "{status}");
}
