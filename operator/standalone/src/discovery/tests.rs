//! Discovery, asked as kubectl asks.

use std::sync::LazyLock;

use super::*;

/// Made once: it takes a while.
static CATALOG: LazyLock<Arc<Catalog>> = LazyLock::new(|| Arc::new(Catalog::new()));

fn discovery() -> Discovery {
    Discovery::new(Arc::clone(&CATALOG), "127.0.0.1:6443".to_owned())
}

fn get(path: &str) -> Value {
    object(discovery().answer(&Question { path, ..Question::default() }).unwrap().unwrap())
}

fn object(answer: Answer) -> Value {
    match answer.body {
        Body::Object(value) => value,
        Body::Text(text) => serde_json::from_slice(&text).unwrap(),
    }
}

fn names(list: &Value) -> Vec<&str> {
    list["resources"].as_array().unwrap().iter().map(|kind| kind["name"].as_str().unwrap()).collect()
}

#[test]
fn kinds_are_listed_with_their_subresources() {
    let apps = get("/apis/apps/v1");
    let expected = [
        "deployments",
        "deployments/scale",
        "deployments/status",
        "replicasets",
        "replicasets/scale",
        "replicasets/status",
    ];
    assert_eq!(names(&apps), expected);
    assert_eq!(apps["groupVersion"], "apps/v1");
    assert_eq!(apps["resources"][1]["kind"], "Scale");
    assert_eq!(apps["resources"][1]["group"], "autoscaling");
    assert_eq!(apps["resources"][0]["shortNames"], json!(["deploy"]));

    let core = get("/api/v1/");
    let expected = [
        "configmaps",
        "events",
        "namespaces",
        "namespaces/finalize",
        "namespaces/status",
        "nodes",
        "nodes/status",
        "pods",
        "pods/log",
        "pods/status",
        "secrets",
        "services",
        "services/status",
    ];
    assert_eq!(names(&core), expected);
    assert_eq!(core["resources"][2]["namespaced"], false);
    assert!(core.get("apiVersion").is_none());
}

#[test]
fn groups_are_in_a_real_servers_order_and_ours_is_last() {
    let list = get("/apis");
    let groups = list["groups"].as_array().unwrap().iter().map(|group| group["name"].as_str().unwrap());
    let groups = groups.collect::<Vec<_>>();
    assert_eq!(groups.first(), Some(&"apps"));
    assert_eq!(groups.last(), Some(&"flynn.io"));
    assert_eq!(get("/apis/flynn.io")["preferredVersion"]["groupVersion"], "flynn.io/v1alpha1");
}

#[test]
fn the_aggregated_form_is_sent_to_whoever_asks_for_it_first() {
    let accept = |accept: &str| {
        let question = Question { path: "/apis", accept: Some(accept), ..Question::default() };
        object(discovery().answer(&question).unwrap().unwrap())["kind"].as_str().unwrap().to_owned()
    };
    assert_eq!(accept(&format!("{AGGREGATED},application/json")), "APIGroupDiscoveryList");
    assert_eq!(accept(&format!("application/json, {AGGREGATED}")), "APIGroupList");
    let old = "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList";
    assert_eq!(accept(&format!("{old},application/json")), "APIGroupList");
    assert_eq!(accept("application/vnd.kubernetes.protobuf,application/json"), "APIGroupList");
}

#[test]
fn an_answer_in_another_format_is_not_acceptable() {
    for path in ["/apis", "/api/v1", "/version"] {
        let question = Question { path, accept: Some("text/html"), ..Question::default() };
        let failure = discovery().answer(&question).unwrap().unwrap_err();
        assert_eq!(failure.code(), StatusCode::NOT_ACCEPTABLE, "{path}");
    }
}

#[test]
fn the_aggregated_form_tells_kinds_of_built_in_and_of_custom_resources() {
    let question = Question { path: "/apis", accept: Some(AGGREGATED), ..Question::default() };
    let answer = discovery().answer(&question).unwrap().unwrap();
    let tag = answer.headers[header::ETAG].to_str().unwrap().to_owned();
    let list = object(answer);
    let group = |name: &str| {
        let items = list["items"].as_array().unwrap();
        items.iter().find(|item| item["metadata"]["name"] == name).unwrap()["versions"][0].clone()
    };
    let deployments = &group("apps")["resources"][0];
    assert_eq!(deployments["responseKind"], json!({"group": "", "version": "", "kind": "Deployment"}));
    assert_eq!(deployments["subresources"][0]["responseKind"]["kind"], "Scale");
    let ours = group("flynn.io");
    let apps = ours["resources"].as_array().unwrap().iter().find(|kind| kind["resource"] == "apps").unwrap();
    assert_eq!(apps["responseKind"], json!({"group": "flynn.io", "version": "v1alpha1", "kind": "App"}));
    assert_eq!(apps["subresources"][0]["subresource"], "status");

    let again = Question { if_none_match: Some(&tag), ..question };
    assert_eq!(discovery().answer(&again).unwrap().unwrap().status, StatusCode::NOT_MODIFIED);
}

#[test]
fn what_is_not_there_is_told_apart_from_what_is_elsewhere() {
    let discovery = discovery();
    let ask = |path| discovery.answer(&Question { path, ..Question::default() });
    assert!(ask("/apis/nope").is_none());
    assert!(ask("/apis/nope/v1").is_none());
    assert!(ask("/apis/flynn.io/v9").is_none());
    assert!(ask("/openapi/v2/nothing").is_none());
    for path in ["/apis/apps/v9", "/api/v2"] {
        assert_eq!(ask(path).unwrap().unwrap_err().code(), StatusCode::NOT_FOUND, "{path}");
    }
    assert!(ask("/").is_some());
    assert!(ask("/api/v1/pods").is_none());
}

#[test]
fn a_document_may_be_kept_for_ever_under_its_hash() {
    let discovery = discovery();
    let ask = |path: &str, query: &str, if_none_match: Option<&str>| {
        let question = Question { path, query, if_none_match, ..Question::default() };
        discovery.answer(&question).unwrap().unwrap()
    };
    let index = object(ask("/openapi/v3", "timeout=32s", None));
    let address = index["paths"]["apis/apps/v1"]["serverRelativeURL"].as_str().unwrap();
    let (path, query) = address.split_once('?').unwrap();

    let kept = ask(path, &format!("{query}&timeout=32s"), None);
    assert!(kept.headers[header::CACHE_CONTROL].to_str().unwrap().contains("immutable"));
    let tag = kept.headers[header::ETAG].to_str().unwrap().to_owned();
    assert!(object(kept)["components"]["schemas"].is_object());

    let asked_again = ask(path, "", Some(&tag));
    assert_eq!(asked_again.status, StatusCode::NOT_MODIFIED);
    let moved = ask(path, "hash=OLD", None);
    assert_eq!(moved.status, StatusCode::MOVED_PERMANENTLY);
    assert_eq!(moved.headers[header::LOCATION], address);
    let missing = ask("/openapi/v3/apis/nothing/v1", "", None);
    assert_eq!((missing.status, missing.body), (StatusCode::NOT_FOUND, Body::Text(Bytes::new())));
}

#[test]
fn the_version_is_one_that_kubectl_can_read() {
    let version = get("/version");
    assert_eq!(version["gitVersion"], "v1.36.3+flynn-standalone");
    assert_eq!((&version["major"], &version["minor"]), (&json!("1"), &json!("36")));
}
