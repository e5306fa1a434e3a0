//! The states of containers come in, what `kubectl get pod` and `describe` show goes out.

use serde_json::{Value, json};

use super::*;

fn pod(policy: &str) -> Pod {
    serde_json::from_value(json!({
        "metadata": {"name": "web-1", "namespace": "shop", "generation": 1},
        "spec": {"restartPolicy": policy, "containers": [{"name": "web", "image": "shop:1"}]},
    }))
    .unwrap()
}

fn first() -> State {
    State::first(None)
}

fn running(ready: bool) -> State {
    let current = Current::Running { id: "process://7.1".into(), run: 0, since: Timestamp::UNIX_EPOCH };
    State { current, ready, started: true, ..first() }
}

fn ended(exit_code: i32) -> Terminated {
    let reason = if exit_code == 0 { "Completed" } else { "Error" };
    Terminated {
        reason,
        exit_code,
        ..Terminated::unseen(0, Some("process://7.1".into()), Timestamp::UNIX_EPOCH)
    }
}

fn over(exit_code: i32) -> State {
    State { current: Current::Terminated(ended(exit_code)), over: true, ..first() }
}

fn crash_loop() -> State {
    let current = Current::Waiting { reason: "CrashLoopBackOff", message: None };
    State { current, last: Some(ended(1)), ..first() }
}

fn of(pod: &Pod, main: &[State], ending: bool) -> PodStatus {
    let now = "2026-11-22T08:00:00Z".parse().unwrap();
    let view = View { pod, init: &[], main, ending, address: [127, 0, 0, 1].into(), now };
    status(&view, &PodStatus::default())
}

fn condition(status: &PodStatus, type_: &str) -> Value {
    let condition = status.conditions.iter().flatten().find(|condition| condition.type_ == type_).unwrap();
    json!([condition.status, condition.reason, condition.message])
}

#[test]
fn phases_are_those_of_kubernetes() {
    let table = [
        ("Always", first(), "Pending"),
        ("Always", running(false), "Running"),
        ("Always", crash_loop(), "Running"),
        ("Always", over(0), "Running"),
        ("OnFailure", over(0), "Succeeded"),
        ("OnFailure", over(1), "Running"),
        ("Never", over(0), "Succeeded"),
        ("Never", over(1), "Failed"),
    ];
    for (policy, state, expected) in table {
        let status = of(&pod(policy), std::slice::from_ref(&state), false);
        assert_eq!(status.phase.as_deref(), Some(expected), "{policy} {:?}", state.current);
    }
}

#[test]
fn a_pod_that_has_come_to_its_end_stays_there() {
    let mut pod = pod("Never");
    pod.status = Some(PodStatus { phase: Some("Failed".into()), ..PodStatus::default() });
    assert_eq!(of(&pod, &[first()], false).phase.as_deref(), Some("Failed"));
}

#[test]
fn a_container_that_runs_and_is_ready_makes_the_pod_ready() {
    let status = of(&pod("Always"), &[running(true)], false);
    for type_ in ["PodScheduled", "Initialized", "ContainersReady", "Ready", "PodReadyToStartContainers"] {
        assert_eq!(condition(&status, type_), json!(["True", null, null]), "{type_}");
    }
    let container = &status.container_statuses.unwrap()[0];
    let shown =
        (container.ready, container.started, container.restart_count, container.container_id.as_deref());
    assert_eq!(shown, (true, Some(true), 0, Some("process://7.1")));
}

#[test]
fn a_pod_that_is_being_ended_is_not_ready() {
    let status = of(&pod("Always"), &[running(true)], true);
    let unready = json!(["False", "ContainersNotReady", "containers with unready status: [web]"]);
    assert_eq!(condition(&status, "Ready"), unready);
    assert!(!status.container_statuses.unwrap()[0].ready);
}

#[test]
fn why_a_container_is_not_ready_is_in_the_condition() {
    let state = State { remark: Some("web does not listen on port 20001".into()), ..running(false) };
    let message = "containers with unready status: [web]; web does not listen on port 20001";
    assert_eq!(
        condition(&of(&pod("Always"), &[state], false), "Ready"),
        json!(["False", "ContainersNotReady", message])
    );
}

#[test]
fn a_completed_pod_says_so() {
    assert_eq!(
        condition(&of(&pod("Never"), &[over(0)], false), "Ready"),
        json!(["False", "PodCompleted", ""])
    );
}

#[test]
fn a_condition_keeps_its_time_until_it_changes() {
    let pod = pod("Always");
    let main = [running(true)];
    let view = |now: &str, ready| View {
        pod: &pod,
        init: &[],
        main: if ready { &main[..] } else { &[] },
        ending: !ready,
        address: [127, 0, 0, 1].into(),
        now: now.parse().unwrap(),
    };
    let before = status(&view("2026-11-22T08:00:00Z", true), &PodStatus::default());
    assert_eq!(status(&view("2026-11-22T09:00:00Z", true), &before), before);
}

#[test]
fn what_others_say_of_the_pod_is_kept() {
    let mut pod = pod("Always");
    let gate = json!({"conditions": [{"type": "example.com/gate", "status": "True"}, {"type": "Ready", "status": "True"}]});
    pod.status = serde_json::from_value(gate).unwrap();
    let status = of(&pod, &[running(false)], false);
    let types: Vec<String> =
        status.conditions.unwrap().into_iter().map(|condition| condition.type_).collect();
    let ours = ["PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled"];
    assert_eq!(types, [ours.as_slice(), &["example.com/gate"]].concat());
}
