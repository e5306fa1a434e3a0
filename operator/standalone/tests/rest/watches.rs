//! Watches: what they begin with, what they tell, and how they end.

use std::sync::Arc;
use std::time::Duration;

use http::{Method, Request};
use serde_json::json;
use standalone::{Limits, NoLogs};

use crate::api::{Api, revision};

const MAPS: &str = "/api/v1/namespaces/default/configmaps";

fn told(kind: &str, name: &str) -> Option<(String, String)> {
    Some((kind.to_owned(), name.to_owned()))
}

async fn next(lines: &mut crate::api::Lines) -> Option<(String, String)> {
    lines.told().await.map(|(kind, name, _)| (kind, name))
}

#[tokio::test]
async fn a_watch_tells_every_change_after_its_revision() {
    let api = Api::start().await;
    let list = api.get(MAPS).await;
    let mut watch = api.watch(&format!("{MAPS}?watch=true&resourceVersion={}", revision(&list))).await;
    api.create(MAPS, json!({"metadata": {"name": "a"}})).await;
    api.merge(&format!("{MAPS}/a"), json!({"data": {"k": "v"}})).await;
    api.ask(Method::DELETE, &format!("{MAPS}/a"), None).await;
    let mut last = 0;
    for kind in ["ADDED", "MODIFIED", "DELETED"] {
        let (found, name, revision) = watch.told().await.expect("an event");
        assert_eq!((found.as_str(), name.as_str()), (kind, "a"));
        assert!(revision > last);
        last = revision;
    }
}

#[tokio::test]
async fn a_watch_list_ends_what_there_is_with_a_bookmark() {
    let api = Api::start().await;
    api.create(MAPS, json!({"metadata": {"name": "a"}})).await;
    let path = format!(
        "{MAPS}?watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true"
    );
    let mut watch = api.watch(&path).await;
    assert_eq!(next(&mut watch).await, told("ADDED", "a"));
    let bookmark = watch.next().await.expect("a bookmark");
    assert_eq!(bookmark["type"], "BOOKMARK");
    assert_eq!(bookmark["object"]["metadata"]["annotations"]["k8s.io/initial-events-end"], "true");
    api.create(MAPS, json!({"metadata": {"name": "b"}})).await;
    assert_eq!(next(&mut watch).await, told("ADDED", "b"));
}

#[tokio::test]
async fn a_selector_makes_additions_and_deletions_of_changes() {
    let api = Api::start().await;
    api.create(MAPS, json!({"metadata": {"name": "a"}})).await;
    let mut watch = api.watch(&format!("{MAPS}?watch=true&labelSelector=x%3Dy")).await;
    api.merge(&format!("{MAPS}/a"), json!({"metadata": {"labels": {"x": "y"}}})).await;
    assert_eq!(next(&mut watch).await, told("ADDED", "a"));
    api.merge(&format!("{MAPS}/a"), json!({"metadata": {"labels": {"x": "z"}}})).await;
    assert_eq!(next(&mut watch).await, told("DELETED", "a"));
}

#[tokio::test]
async fn bookmarks_tell_how_far_a_quiet_watch_has_come() {
    let limits = Limits { bookmark_interval: Duration::from_millis(20), ..Limits::default() };
    let api = Api::start_with(limits, Arc::new(NoLogs), None).await;
    let other = api.create("/api/v1/namespaces/default/secrets", json!({"metadata": {"name": "s"}})).await;
    let wanted: u64 = revision(&other).parse().expect("a number");
    let mut watch = api.watch(&format!("{MAPS}?watch=true&resourceVersion=1&allowWatchBookmarks=true")).await;
    loop {
        let (kind, _, revision) = watch.told().await.expect("a bookmark");
        assert_eq!(kind, "BOOKMARK");
        if revision >= wanted {
            break;
        }
    }
}

#[tokio::test]
async fn a_watch_ends_at_its_time() {
    let api = Api::start().await;
    let mut watch = api.watch(&format!("{MAPS}?watch=true&timeoutSeconds=1")).await;
    assert!(watch.next().await.is_none());
}

#[tokio::test]
async fn a_watch_ends_cleanly_when_the_server_stops() {
    let api = Api::start().await;
    let mut watch = api.watch(&format!("{MAPS}?watch=true")).await;
    api.server.stop().await;
    assert!(watch.next().await.is_none());
}

#[tokio::test]
async fn a_watch_that_nobody_reads_is_let_go() {
    let limits = Limits { streams: 1, write_timeout: Duration::from_millis(20), ..Limits::default() };
    let api = Api::start_with(limits, Arc::new(NoLogs), None).await;
    let path = format!("{MAPS}?watch=true&resourceVersion=1");
    let _unread = api.watch(&path).await;
    for number in 0..2000 {
        api.create(MAPS, json!({"metadata": {"name": format!("m{number}")}})).await;
        let request = Request::builder().uri(&path).body(Default::default()).expect("a request");
        if api.send(request).await.status() == 200 {
            return;
        }
    }
    panic!("it still holds its place");
}

#[tokio::test]
async fn there_are_only_so_many_watches() {
    let api = Api::start_with(Limits { streams: 1, ..Limits::default() }, Arc::new(NoLogs), None).await;
    let path = format!("{MAPS}?watch=true");
    let first = api.watch(&path).await;
    let (code, status) = api.ask(Method::GET, &path, None).await;
    assert_eq!((code, &status["reason"]), (429, &"TooManyRequests".into()));
    drop(first);
    let request = || Request::builder().uri(&path).body(Default::default()).expect("a request");
    while api.send(request()).await.status() != 200 {
        tokio::task::yield_now().await;
    }
}
