//! The states that a Pod goes through, as `kubectl get pods` shows them.

use super::*;

fn now() -> Timestamp {
    "2026-01-01T01:00:00Z".parse().unwrap()
}

/// READY, STATUS and RESTARTS.
fn shown(pod: Value) -> [String; 3] {
    let cells = cells(&pod, now()).cells;
    [1, 2, 3].map(|index| cells[index].as_str().unwrap().to_owned())
}

fn pod(phase: &str, statuses: Value) -> Value {
    let containers = statuses.as_array().unwrap().iter().map(|status| json!({"name": status["name"]}));
    json!({
        "metadata": {"name": "web", "creationTimestamp": "2026-01-01T00:58:00Z"},
        "spec": {"containers": containers.collect::<Vec<_>>()},
        "status": {"phase": phase, "containerStatuses": statuses},
    })
}

#[test]
fn a_new_pod_is_pending() {
    let pod = json!({"spec": {"containers": [{"name": "a"}]}, "status": {"phase": "Pending"}});
    assert_eq!(shown(pod), ["0/1", "Pending", "0"]);
}

#[test]
fn a_running_pod_is_running_and_ready() {
    let status = json!([{"name": "a", "ready": true, "restartCount": 0, "state": {"running": {}}}]);
    assert_eq!(shown(pod("Running", status)), ["1/1", "Running", "0"]);
    let status = json!([{"name": "a", "ready": false, "restartCount": 0, "state": {"running": {}}}]);
    assert_eq!(shown(pod("Running", status)), ["0/1", "Running", "0"]);
}

#[test]
fn a_waiting_container_tells_why() {
    let status = json!([{"name": "a", "state": {"waiting": {"reason": "ContainerCreating"}}}]);
    assert_eq!(shown(pod("Pending", status)), ["0/1", "ContainerCreating", "0"]);
}

#[test]
fn restarts_tell_when_the_last_one_was() {
    let status = json!([{
        "name": "a",
        "restartCount": 3,
        "state": {"waiting": {"reason": "CrashLoopBackOff"}},
        "lastState": {"terminated": {"exitCode": 1, "finishedAt": "2026-01-01T00:55:00Z"}},
    }]);
    assert_eq!(shown(pod("Running", status)), ["0/1", "CrashLoopBackOff", "3 (5m ago)"]);
}

#[test]
fn an_ended_container_tells_its_reason_its_signal_or_its_exit_code() {
    let ended = |terminated: Value| {
        let status = json!([{"name": "a", "state": {"terminated": terminated}}]);
        shown(pod("Failed", status))[1].clone()
    };
    assert_eq!(ended(json!({"exitCode": 1, "reason": "Error"})), "Error");
    assert_eq!(ended(json!({"exitCode": 137, "signal": 9})), "Signal:9");
    assert_eq!(ended(json!({"exitCode": 2})), "ExitCode:2");
    assert_eq!(ended(json!({"exitCode": 0, "reason": "Completed"})), "Completed");
}

#[test]
fn a_pod_with_one_container_done_is_told_by_the_other() {
    let two = |second: Value, conditions: Value| {
        let done = json!({"name": "a", "state": {"terminated": {"exitCode": 0, "reason": "Completed"}}});
        let mut pod = pod("Running", json!([done, second]));
        pod["status"]["conditions"] = conditions;
        shown(pod)[1].clone()
    };
    let running = json!({"name": "b", "ready": true, "state": {"running": {}}});
    let failed = json!({"name": "b", "state": {"terminated": {"exitCode": 1, "reason": "Error"}}});
    let ready = json!([{"type": "Ready", "status": "True"}]);
    assert_eq!(two(running.clone(), ready.clone()), "Running");
    assert_eq!(two(running, json!([])), "NotReady");
    assert_eq!(two(failed, ready), "Error");
}

#[test]
fn a_pod_that_is_deleted_is_terminating_until_it_ended() {
    let deleted = |phase: &str, reason: &str| {
        let mut pod = pod(phase, json!([]));
        pod["metadata"]["deletionTimestamp"] = "2026-01-01T01:00:00Z".into();
        pod["status"]["reason"] = reason.into();
        shown(pod)[1].clone()
    };
    assert_eq!(deleted("Running", ""), "Terminating");
    assert_eq!(deleted("Running", "NodeLost"), "Unknown");
    assert_eq!(deleted("Succeeded", ""), "Succeeded");
}

#[test]
fn an_init_container_that_is_not_done_is_told_first() {
    let with_init = |statuses: Value| {
        let mut pod =
            pod("Pending", json!([{"name": "a", "state": {"waiting": {"reason": "PodInitializing"}}}]));
        pod["spec"]["initContainers"] = json!([{"name": "one"}, {"name": "two"}]);
        pod["status"]["initContainerStatuses"] = statuses;
        shown(pod)[1].clone()
    };
    let done = json!({"name": "one", "state": {"terminated": {"exitCode": 0}}});
    let failed = json!({"name": "one", "state": {"terminated": {"exitCode": 3}}});
    let waiting = |reason: &str| json!({"name": "two", "state": {"waiting": {"reason": reason}}});
    assert_eq!(with_init(json!([{"name": "one", "state": {"running": {}}}])), "Init:0/2");
    assert_eq!(with_init(json!([done, waiting("PodInitializing")])), "Init:1/2");
    assert_eq!(with_init(json!([done, waiting("CrashLoopBackOff")])), "Init:CrashLoopBackOff");
    assert_eq!(with_init(json!([failed])), "Init:ExitCode:3");
}

#[test]
fn a_sidecar_counts_among_the_containers() {
    let mut pod =
        pod("Running", json!([{"name": "a", "ready": true, "restartCount": 1, "state": {"running": {}}}]));
    pod["spec"]["initContainers"] = json!([{"name": "side", "restartPolicy": "Always"}]);
    pod["status"]["initContainerStatuses"] = json!([
        {"name": "side", "ready": true, "started": true, "restartCount": 2, "state": {"running": {}}}
    ]);
    assert_eq!(shown(pod), ["2/2", "Running", "3"]);
}

#[test]
fn the_wide_columns_name_the_address_the_node_and_the_gates() {
    let mut pod = pod("Running", json!([]));
    let wide = |pod: &Value| cells(pod, now()).cells[5..].to_vec();
    assert_eq!(wide(&pod), ["<none>", "<none>", "<none>", "<none>"]);
    pod["status"]["podIPs"] = json!([{"ip": "127.0.0.1"}]);
    pod["spec"]["nodeName"] = "here".into();
    pod["spec"]["readinessGates"] = json!([{"conditionType": "a"}, {"conditionType": "b"}]);
    pod["status"]["conditions"] = json!([{"type": "b", "status": "True"}]);
    assert_eq!(wide(&pod), ["127.0.0.1", "here", "<none>", "1/2"]);
}

#[test]
fn the_row_of_a_pod_that_ended_says_so() {
    assert!(cells(&pod("Running", json!([])), now()).conditions.is_empty());
    let conditions = cells(&pod("Failed", json!([])), now()).conditions;
    assert_eq!((&conditions[0]["type"], &conditions[0]["reason"]), (&json!("Completed"), &json!("Failed")));
}
