use serde_json::{Value, json};

use super::*;

const START: &str = "2026-01-01T00:00:00Z";

fn at(seconds: i64) -> Timestamp {
    START.parse::<Timestamp>().unwrap() + SignedDuration::from_secs(seconds)
}

fn deployment(replicas: i32, status: Value) -> Deployment {
    serde_json::from_value(json!({
        "metadata": {"name": "web", "generation": 2},
        "spec": {
            "replicas": replicas, "progressDeadlineSeconds": 60, "selector": {}, "template": {},
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}
        },
        "status": status
    }))
    .unwrap()
}

fn set_of(name: &str, wanted: i32, there: i32, available: i32) -> ReplicaSet {
    serde_json::from_value(json!({
        "metadata": {"name": name},
        "spec": {"replicas": wanted, "selector": {}},
        "status": {
            "replicas": there, "readyReplicas": available, "availableReplicas": available,
            "terminatingReplicas": 0, "observedGeneration": 1
        }
    }))
    .unwrap()
}

fn progressing(status: &DeploymentStatus) -> (String, String, String) {
    let condition = find(status, PROGRESSING).unwrap().clone();
    (condition.status, condition.reason.unwrap(), condition.message.unwrap())
}

fn words(status: &str, reason: &str, message: &str) -> (String, String, String) {
    (status.to_owned(), reason.to_owned(), message.to_owned())
}

fn roll(deployment: &Deployment, new: &ReplicaSet, old: &[ReplicaSet], seconds: i64) -> DeploymentStatus {
    rolled(&Observed { deployment, new: Some(new), old, now: at(seconds) })
}

#[test]
fn counts_come_from_the_replica_sets_and_nothing_is_left_out() {
    let deployment = deployment(3, json!({}));
    let status = roll(&deployment, &set_of("web-b", 1, 1, 0), &[set_of("web-a", 3, 3, 3)], 0);
    let status = serde_json::to_value(status).unwrap();
    assert_eq!(status["replicas"], 4);
    assert_eq!(status["updatedReplicas"], 1);
    assert_eq!(status["readyReplicas"], 3);
    assert_eq!(status["availableReplicas"], 3);
    assert_eq!(status["unavailableReplicas"], 1);
    assert_eq!(status["observedGeneration"], 2);
    assert_eq!(status["terminatingReplicas"], 0);
}

#[test]
fn a_rollout_gets_on_ends_and_says_so_in_the_words_of_kubernetes() {
    let mut deployment = deployment(1, json!({}));
    note_progress(
        &mut deployment,
        "True",
        "NewReplicaSetCreated",
        "Created new replica set \"web-a\"".into(),
        at(0),
    );
    let status = roll(&deployment, &set_of("web-a", 1, 0, 0), &[], 0);
    assert_eq!(progressing(&status).1, "NewReplicaSetCreated");
    assert_eq!(find(&status, AVAILABLE).unwrap().reason.as_deref(), Some("MinimumReplicasUnavailable"));

    deployment.status = Some(status);
    let status = roll(&deployment, &set_of("web-a", 1, 1, 0), &[], 1);
    let expected = words("True", "ReplicaSetUpdated", "ReplicaSet \"web-a\" is progressing.");
    assert_eq!(progressing(&status), expected);

    deployment.status = Some(status);
    let status = roll(&deployment, &set_of("web-a", 1, 1, 1), &[], 2);
    let message = "ReplicaSet \"web-a\" has successfully progressed.";
    assert_eq!(progressing(&status), words("True", NEW_REPLICA_SET_AVAILABLE, message));
    let condition = find(&status, PROGRESSING).unwrap();
    assert_eq!(condition.last_transition_time.as_ref().unwrap().0, at(0), "it was true all along");
    assert_eq!(condition.last_update_time.as_ref().unwrap().0, at(2));
    let available = find(&status, AVAILABLE).unwrap();
    assert_eq!(available.message.as_deref(), Some("Deployment has minimum availability."));
}

#[test]
fn a_rollout_without_a_step_fails_at_its_deadline_and_recovers_with_the_next_step() {
    let mut deployment = deployment(1, json!({}));
    note_progress(&mut deployment, "True", "NewReplicaSetCreated", String::new(), at(0));
    let stuck = set_of("web-a", 1, 1, 0);
    deployment.status = Some(roll(&deployment, &stuck, &[], 0));
    let observed = Observed { deployment: &deployment, new: Some(&stuck), old: &[], now: at(10) };
    let status = rolled(&observed);
    assert_eq!(progressing(&status).1, "ReplicaSetUpdated");
    assert_eq!(next_look(&observed, &status), Some(Duration::from_secs(51)));

    deployment.status = Some(roll(&deployment, &stuck, &[], 61));
    let status = deployment.status.clone().unwrap();
    let expected = words("False", TIMED_OUT, "ReplicaSet \"web-a\" has timed out progressing.");
    assert_eq!(progressing(&status), expected);
    let observed = Observed { deployment: &deployment, new: Some(&stuck), old: &[], now: at(62) };
    assert_eq!(next_look(&observed, &status), None);

    let status = roll(&deployment, &set_of("web-a", 1, 1, 1), &[], 70);
    assert_eq!(progressing(&status).1, NEW_REPLICA_SET_AVAILABLE);
}

#[test]
fn a_rollout_that_has_ended_is_not_judged_again() {
    let deployment = deployment(
        2,
        json!({"conditions": [{
            "type": PROGRESSING, "status": "True", "reason": NEW_REPLICA_SET_AVAILABLE, "lastUpdateTime": START
        }]}),
    );
    let status = roll(&deployment, &set_of("web-a", 2, 2, 0), &[], 3600);
    assert_eq!(progressing_reason(&status), NEW_REPLICA_SET_AVAILABLE);
}

fn progressing_reason(status: &DeploymentStatus) -> &str {
    find(status, PROGRESSING).unwrap().reason.as_deref().unwrap()
}

#[test]
fn the_time_of_a_pause_does_not_count() {
    let mut deployment = deployment(1, json!({}));
    deployment.spec.as_mut().unwrap().paused = Some(true);
    note_pause(&mut deployment, at(0));
    assert_eq!(progressing_reason(deployment.status.as_ref().unwrap()), PAUSED);
    deployment.spec.as_mut().unwrap().paused = Some(false);
    note_pause(&mut deployment, at(3600));
    let resumed = find(deployment.status.as_ref().unwrap(), PROGRESSING).unwrap();
    assert_eq!(resumed.reason.as_deref(), Some("DeploymentResumed"));
    assert_eq!(resumed.last_update_time.as_ref().unwrap().0, at(3600));
    let status = roll(&deployment, &set_of("web-a", 1, 0, 0), &[], 3601);
    assert_eq!(progressing_reason(&status), "DeploymentResumed");
}

#[test]
fn a_failure_to_create_pods_is_passed_on_and_taken_back() {
    let mut deployment = deployment(1, json!({}));
    let mut failing = set_of("web-a", 1, 0, 0);
    failing.status.as_mut().unwrap().conditions = Some(vec![
        serde_json::from_value(json!({
            "type": REPLICA_FAILURE, "status": "True", "reason": "FailedCreate", "message": "no"
        }))
        .unwrap(),
    ]);
    let status = roll(&deployment, &failing, &[], 0);
    assert_eq!(find(&status, REPLICA_FAILURE).unwrap().message.as_deref(), Some("no"));
    deployment.status = Some(status);
    let status = roll(&deployment, &set_of("web-a", 1, 1, 1), &[], 1);
    assert!(find(&status, REPLICA_FAILURE).is_none());
}
