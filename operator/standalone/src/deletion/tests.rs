//! Deletions of objects in every state.

use std::sync::Arc;

use schema::Catalog;
use serde_json::json;

use super::*;

const NOW: &str = "2026-01-01T00:00:00Z";

fn kind(plural: &str) -> Arc<Resource> {
    Arc::clone(Catalog::new().by_path("", "v1", plural).expect("served"))
}

fn options(query: &str) -> Options {
    Options::parse("", b"", &Query::parse(query)).expect("well formed")
}

fn delete(plural: &str, query: &str, live: &Value) -> Deletion {
    options(query).delete(&kind(plural), live, NOW.parse().expect("a time"))
}

fn marked(deletion: Deletion) -> Value {
    match deletion {
        Deletion::Mark(object) => object["metadata"].clone(),
        other => panic!("not marked: {other:?}"),
    }
}

#[test]
fn what_waits_for_nothing_goes_at_once() {
    let live = json!({"metadata": {"name": "a"}});
    assert_eq!(delete("configmaps", "", &live), Deletion::Now);
    assert_eq!(delete("configmaps", "propagationPolicy=Background", &live), Deletion::Now);
}

#[test]
fn finalizers_are_waited_for_and_the_generation_counts() {
    let live = json!({"metadata": {"finalizers": ["a/b"], "generation": 2}});
    let expected = json!({"finalizers": ["a/b"], "generation": 3, "deletionTimestamp": NOW, "deletionGracePeriodSeconds": 0});
    assert_eq!(marked(delete("configmaps", "", &live)), expected);
}

#[test]
fn what_is_marked_already_stays_as_it_is() {
    let live = json!({"metadata": {"finalizers": ["a/b"], "deletionTimestamp": "2025-01-01T00:00:00Z", "deletionGracePeriodSeconds": 0}});
    assert_eq!(delete("configmaps", "", &live), Deletion::Unchanged);
}

#[test]
fn propagation_is_a_finalizer_for_the_garbage_collector() {
    let live = json!({"metadata": {}});
    assert_eq!(
        marked(delete("configmaps", "propagationPolicy=Foreground", &live))["finalizers"],
        json!(["foregroundDeletion"])
    );
    assert_eq!(marked(delete("configmaps", "orphanDependents=true", &live))["finalizers"], json!(["orphan"]));
    let foreground = json!({"metadata": {"finalizers": ["foregroundDeletion"]}});
    assert_eq!(delete("configmaps", "propagationPolicy=Background", &foreground), Deletion::Now);
}

#[test]
fn a_running_pod_has_its_grace_period() {
    let pod = json!({"metadata": {}, "spec": {"nodeName": "n", "terminationGracePeriodSeconds": 30}, "status": {"phase": "Running"}});
    let waiting = marked(delete("pods", "", &pod));
    assert_eq!(
        waiting,
        json!({"deletionTimestamp": "2026-01-01T00:00:30Z", "deletionGracePeriodSeconds": 30})
    );
    assert_eq!(
        marked(delete("pods", "gracePeriodSeconds=5", &pod))["deletionTimestamp"],
        "2026-01-01T00:00:05Z"
    );
    assert_eq!(delete("pods", "gracePeriodSeconds=0", &pod), Deletion::Now);
}

#[test]
fn a_grace_period_that_runs_is_only_made_shorter() {
    let pod = json!({
        "metadata": {"deletionTimestamp": "2026-01-01T00:00:20Z", "deletionGracePeriodSeconds": 30, "generation": 2},
        "spec": {"nodeName": "n", "terminationGracePeriodSeconds": 30},
    });
    assert_eq!(delete("pods", "", &pod), Deletion::Unchanged);
    assert_eq!(delete("pods", "gracePeriodSeconds=60", &pod), Deletion::Unchanged);
    let shorter = marked(delete("pods", "gracePeriodSeconds=10", &pod));
    assert_eq!(shorter["deletionTimestamp"], "2026-01-01T00:00:00Z");
    assert_eq!(shorter["generation"], 2, "it was counted when the deletion began");
    assert_eq!(delete("pods", "gracePeriodSeconds=0", &pod), Deletion::Now);
}

#[test]
fn a_pod_that_runs_nowhere_goes_at_once() {
    assert_eq!(delete("pods", "", &json!({"metadata": {}, "spec": {}})), Deletion::Now);
    let done = json!({"metadata": {}, "spec": {"nodeName": "n"}, "status": {"phase": "Succeeded"}});
    assert_eq!(delete("pods", "", &done), Deletion::Now);
}

#[test]
fn a_namespace_waits_until_it_is_empty() {
    let live = json!({"metadata": {}, "spec": {"finalizers": ["kubernetes"]}, "status": {"phase": "Active"}});
    let Deletion::Mark(new) = delete("namespaces", "", &live) else { panic!("not marked") };
    assert_eq!(new["status"]["phase"], "Terminating");
    assert_eq!(new["metadata"], json!({"deletionTimestamp": NOW}));
    assert!(!is_done(&kind("namespaces"), &new, &new));
    let mut emptied = new.clone();
    emptied["spec"]["finalizers"] = json!([]);
    assert!(is_done(&kind("namespaces"), &new, &emptied));
}

#[test]
fn removing_the_last_finalizer_ends_a_deletion_and_nothing_else() {
    let marked = json!({"metadata": {"finalizers": ["a/b"], "deletionTimestamp": NOW, "deletionGracePeriodSeconds": 0}});
    let mut freed = marked.clone();
    meta::set_finalizers(&mut freed, Vec::new());
    assert!(is_done(&kind("configmaps"), &marked, &freed));
    assert!(!is_done(&kind("configmaps"), &marked, &marked));
    let graceful = json!({"metadata": {"deletionTimestamp": NOW, "deletionGracePeriodSeconds": 30}});
    assert!(!is_done(&kind("pods"), &graceful, &graceful));
    assert!(!is_done(&kind("configmaps"), &json!({"metadata": {}}), &json!({"metadata": {}})));
}

#[test]
fn preconditions_name_the_object_that_is_meant() {
    let live = json!({"metadata": {"name": "b", "uid": "u", "resourceVersion": "5"}});
    let body = br#"{"preconditions":{"uid":"x"}}"#;
    let failure =
        Options::parse("", body, &Query::default()).expect("read").check(&kind("configmaps"), &live);
    let expected = "Operation cannot be fulfilled on ConfigMap \"b\": the UID in the precondition (x) does not match the UID in record (u). \
                    The object might have been deleted and then recreated";
    assert_eq!(failure.expect_err("another").to_status()["message"], expected);
}

#[test]
fn a_dry_run_that_is_not_known_is_no_deletion() {
    let failure = Options::parse("", br#"{"dryRun":["Some"]}"#, &Query::default()).expect_err("unknown");
    assert_eq!(failure.code().as_u16(), 422);
    assert!(Options::parse("", br#"{"dryRun":["All"]}"#, &Query::default()).expect("known").dry_run);
}

#[test]
fn options_that_contradict_each_other_are_refused() {
    for query in ["propagationPolicy=Foo", "propagationPolicy=Orphan&orphanDependents=true"] {
        let failure = Options::parse("", b"", &Query::parse(query)).expect_err(query);
        assert_eq!(failure.code().as_u16(), 422, "{query}");
    }
}

#[test]
fn an_option_of_another_type_is_refused_and_not_taken_as_left_out() {
    let parse = |body: &str| Options::parse("application/json", body.as_bytes(), &Query::parse(""));
    let refused = parse(r#"{"gracePeriodSeconds": "soon"}"#).unwrap_err();
    assert_eq!(refused.code(), 400);
    for body in [r#"{"preconditions": "x"}"#, r#"{"dryRun": "All"}"#, r#"{"propagationPolicy": 1}"#] {
        assert!(parse(body).is_err(), "{body}");
    }
    assert!(parse(r#"{"gracePeriodSeconds": 5, "preconditions": null}"#).is_ok());
}
