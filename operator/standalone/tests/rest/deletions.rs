//! Deleting, with all that it waits for.

use http::Method;
use serde_json::json;

use crate::api::{Api, message};

const MAPS: &str = "/api/v1/namespaces/default/configmaps";
const PODS: &str = "/api/v1/namespaces/default/pods";

#[tokio::test]
async fn a_deletion_answers_what_was_deleted() {
    let api = Api::start().await;
    let created = api.create(MAPS, json!({"metadata": {"name": "a"}})).await;
    let (code, status) = api.ask(Method::DELETE, &format!("{MAPS}/a"), None).await;
    let details = json!({"name": "a", "kind": "configmaps", "uid": created["metadata"]["uid"]});
    assert_eq!((code, &status["status"], &status["details"]), (200, &"Success".into(), &details));
    let (code, status) = api.ask(Method::DELETE, &format!("{MAPS}/a"), None).await;
    assert_eq!((code, message(&status)), (404, "configmaps \"a\" not found"));
}

#[tokio::test]
async fn the_last_finalizer_ends_a_deletion() {
    let api = Api::start().await;
    let path = format!("{MAPS}/a");
    api.create(MAPS, json!({"metadata": {"name": "a", "finalizers": ["flynn.io/x"]}})).await;
    let (code, marked) = api.ask(Method::DELETE, &path, None).await;
    assert!(code == 200 && marked["metadata"]["deletionTimestamp"].is_string(), "{marked}");
    let (code, status) =
        api.merge(&path, json!({"metadata": {"finalizers": ["flynn.io/x", "flynn.io/y"]}})).await;
    let refused = "metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, \
                   found new finalizers []string{\"flynn.io/y\"}";
    assert!(code == 422 && message(&status).ends_with(refused), "{status}");
    assert_eq!(api.merge(&path, json!({"metadata": {"finalizers": null}})).await.0, 200);
    assert_eq!(api.ask(Method::GET, &path, None).await.0, 404);
}

#[tokio::test]
async fn a_running_pod_is_deleted_by_who_runs_it() {
    let api = Api::start().await;
    let pod = json!({"metadata": {"name": "p"}, "spec": {"nodeName": "n", "containers": [{"name": "c", "image": "x"}]}});
    api.create(PODS, pod).await;
    let (_, marked) = api.ask(Method::DELETE, &format!("{PODS}/p"), None).await;
    assert_eq!(marked["metadata"]["deletionGracePeriodSeconds"], 30);
    assert_eq!(api.ask(Method::GET, &format!("{PODS}/p"), None).await.0, 200);
    let (code, gone) = api.ask(Method::DELETE, &format!("{PODS}/p?gracePeriodSeconds=0"), None).await;
    assert_eq!((code, &gone["kind"]), (200, &"Pod".into()));
    assert_eq!(api.ask(Method::GET, &format!("{PODS}/p"), None).await.0, 404);
}

#[tokio::test]
async fn a_collection_is_deleted_as_far_as_it_is_selected() {
    let api = Api::start().await;
    for (name, label) in [("a", "x"), ("b", "x"), ("c", "y")] {
        api.create(MAPS, json!({"metadata": {"name": name, "labels": {"l": label}}})).await;
    }
    let (code, list) = api.ask(Method::DELETE, &format!("{MAPS}?labelSelector=l%3Dx"), None).await;
    assert_eq!((code, list["items"].as_array().map(Vec::len)), (200, Some(2)));
    assert_eq!(api.get(MAPS).await["items"][0]["metadata"]["name"], "c");
    assert_eq!(list["metadata"]["continue"], json!(null));
    let (_, list) = api.ask(Method::DELETE, "/apis/flynn.io/v1alpha1/namespaces/default/apps", None).await;
    assert_eq!(list["metadata"]["continue"], "");
}

#[tokio::test]
async fn a_namespace_goes_when_it_is_finalized() {
    let api = Api::start().await;
    let path = "/api/v1/namespaces/site";
    api.create("/api/v1/namespaces", json!({"metadata": {"name": "site"}})).await;
    let (_, marked) = api.ask(Method::DELETE, path, None).await;
    assert_eq!(
        (&marked["status"]["phase"], &marked["spec"]["finalizers"]),
        (&"Terminating".into(), &json!(["kubernetes"]))
    );
    let (code, status) =
        api.ask(Method::POST, &format!("{path}/configmaps"), Some(json!({"metadata": {"name": "a"}}))).await;
    let expected = "configmaps \"a\" is forbidden: unable to create new content in namespace site because it is being terminated";
    assert_eq!((code, message(&status)), (403, expected));
    let empty = json!({"metadata": {"name": "site"}, "spec": {"finalizers": []}});
    assert_eq!(api.ask(Method::PUT, &format!("{path}/finalize"), Some(empty)).await.0, 200);
    assert_eq!(api.ask(Method::GET, path, None).await.0, 404);
}

#[tokio::test]
async fn the_default_namespace_stays() {
    let api = Api::start().await;
    let (code, status) = api.ask(Method::DELETE, "/api/v1/namespaces/default", None).await;
    assert_eq!(
        (code, message(&status)),
        (403, "namespaces \"default\" is forbidden: this namespace may not be deleted")
    );
}
