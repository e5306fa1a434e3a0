//! Lists, whole and in pages.

use http::Method;
use serde_json::{Value, json};

use crate::api::{Api, message, revision};

const MAPS: &str = "/api/v1/namespaces/default/configmaps";

fn names(list: &Value) -> Vec<&str> {
    let items = list["items"].as_array().expect("items").iter();
    items.map(|item| item["metadata"]["name"].as_str().expect("a name")).collect()
}

async fn with_maps(names: &[&str]) -> Api {
    let api = Api::start().await;
    for name in names {
        api.create(MAPS, json!({"metadata": {"name": name, "labels": {"odd": "x"}}})).await;
    }
    api
}

#[tokio::test]
async fn pages_are_of_the_state_at_the_first_one() {
    let api = with_maps(&["a", "b", "c"]).await;
    let first = api.get(&format!("{MAPS}?limit=2")).await;
    assert_eq!((names(&first), &first["metadata"]["remainingItemCount"]), (vec!["a", "b"], &1.into()));
    api.create(MAPS, json!({"metadata": {"name": "d"}})).await;
    let token = first["metadata"]["continue"].as_str().expect("a token");
    let second = api.get(&format!("{MAPS}?limit=2&continue={token}")).await;
    assert_eq!((names(&second), revision(&second)), (vec!["c"], revision(&first)));
    assert!(second["metadata"]["continue"].is_null());
}

#[tokio::test]
async fn a_list_of_an_old_revision_is_exact() {
    let api = with_maps(&["a"]).await;
    let before = api.get(MAPS).await;
    api.create(MAPS, json!({"metadata": {"name": "b"}})).await;
    let at = revision(&before);
    let exact = api.get(&format!("{MAPS}?resourceVersion={at}&resourceVersionMatch=Exact")).await;
    assert_eq!((names(&exact), revision(&exact)), (vec!["a"], at));
    let later = api.get(&format!("{MAPS}?resourceVersion={at}&resourceVersionMatch=NotOlderThan")).await;
    assert_eq!(names(&later), ["a", "b"]);
}

#[tokio::test]
async fn a_token_of_a_lost_revision_comes_with_one_that_goes_on() {
    let api = with_maps(&["a", "b"]).await;
    // As a token of revision 0 would be, were there one that old.
    let lost = "eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6MSwic3RhcnQiOiJkZWZhdWx0L2FcdTAwMDAifQ";
    let (code, answer) = api.ask(Method::GET, &format!("{MAPS}?continue={lost}"), None).await;
    if code == 200 {
        // Everything is still known: the state at revision 1 has none of them.
        assert!(names(&answer).is_empty());
        return;
    }
    assert_eq!((code, &answer["reason"]), (410, &"Expired".into()));
    let token = answer["metadata"]["continue"].as_str().expect("a token");
    assert_eq!(names(&api.get(&format!("{MAPS}?continue={token}")).await), ["b"]);
}

#[tokio::test]
async fn a_revision_that_is_not_there_yet_is_a_timeout() {
    let api = with_maps(&[]).await;
    let (code, status) = api.ask(Method::GET, &format!("{MAPS}?resourceVersion=999999"), None).await;
    assert!(
        code == 504 && message(&status).starts_with("Timeout: Too large resource version: 999999"),
        "{status}"
    );
}

#[tokio::test]
async fn one_object_is_as_new_as_any_revision_but_one_to_come() {
    let api = with_maps(&["a"]).await;
    for (name, version, expected) in [
        ("a", "0", 200),
        ("a", "1", 200),
        ("a", "999999", 504),
        ("missing", "999999", 504),
        ("a", "newest", 500),
        ("missing", "1", 404),
    ] {
        let path = format!("{MAPS}/{name}?resourceVersion={version}");
        assert_eq!(api.ask(Method::GET, &path, None).await.0, expected, "{path}");
    }
    let scale = "/apis/apps/v1/namespaces/default/deployments/web/scale?resourceVersion=999999";
    assert_eq!(api.ask(Method::GET, scale, None).await.0, 504);
}

#[tokio::test]
async fn a_whole_list_of_a_custom_kind_says_that_nothing_follows() {
    let api = with_maps(&["a", "b"]).await;
    let apps = api.get("/apis/flynn.io/v1alpha1/namespaces/default/apps").await;
    assert_eq!(apps["metadata"]["continue"], "");
    assert!(api.get(MAPS).await["metadata"]["continue"].is_null());
    assert!(!api.get(&format!("{MAPS}?limit=1")).await["metadata"]["continue"].is_null());
}

#[tokio::test]
async fn selectors_choose() {
    let api = with_maps(&["a", "b"]).await;
    assert_eq!(
        names(&api.get(&format!("{MAPS}?labelSelector=odd%3Dx&fieldSelector=metadata.name%3Db")).await),
        ["b"]
    );
    assert!(names(&api.get("/api/v1/configmaps?labelSelector=!odd").await).is_empty());
}

#[tokio::test]
async fn a_list_is_a_table_where_one_is_wanted() {
    let api = with_maps(&["a"]).await;
    let request =
        http::Request::builder().uri(MAPS).header("accept", "application/json;as=Table;v=v1;g=meta.k8s.io");
    let response = api.send(request.body(Default::default()).expect("a request")).await;
    let bytes = http_body_util::BodyExt::collect(response.into_body()).await.expect("infallible").to_bytes();
    let table: Value = serde_json::from_slice(&bytes).expect("JSON");
    assert_eq!((&table["kind"], &table["rows"][0]["cells"][0]), (&"Table".into(), &"a".into()));
}
