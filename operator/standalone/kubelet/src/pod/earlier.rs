//! What a Pod's status says of the containers that an earlier run of the kubelet had. Pure but for the clock.
//!
//! None of their processes is left: a container that ran has ended, unseen, and is started again if the Pod wants that.

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{ContainerState, ContainerStateTerminated, ContainerStatus, Pod};

use crate::container::{Current, Restart, State, Terminated};

/// What was before, of a container that has been started: how often it was started again, and how it ended.
pub(super) fn earlier(status: Option<&ContainerStatus>) -> Option<(u32, Terminated)> {
    let status = status?;
    let restarts = u32::try_from(status.restart_count).unwrap_or_default();
    let state = status.state.as_ref();
    let ended = if let Some(running) = state.and_then(|state| state.running.as_ref()) {
        let since = running.started_at.as_ref().map_or(Timestamp::UNIX_EPOCH, |time| time.0);
        Terminated::unseen(restarts, status.container_id.clone(), since)
    } else {
        let of = |state: Option<&ContainerState>| state.and_then(|state| state.terminated.clone());
        read(of(state).or_else(|| of(status.last_state.as_ref()))?, restarts)
    };
    Some((restarts, ended))
}

/// The state of a container that is not started again, if it is one.
pub(super) fn over(pod: &Pod, earlier: Option<&(u32, Terminated)>, restart: Restart) -> Option<State> {
    let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref());
    let finished = matches!(phase, Some("Succeeded" | "Failed"));
    let ended = earlier.filter(|(_, ended)| finished || !restart.applies(ended.exit_code));
    let first = State::first(None);
    match ended {
        Some((restarts, ended)) => {
            let current = Current::Terminated(ended.clone());
            Some(State { current, restarts: *restarts, over: true, ..first })
        }
        None if finished => Some(State { over: true, ..first }),
        None => None,
    }
}

fn read(ended: ContainerStateTerminated, run: u32) -> Terminated {
    let time = |time: Option<k8s_openapi::apimachinery::pkg::apis::meta::v1::Time>| {
        time.map_or(Timestamp::UNIX_EPOCH, |time| time.0)
    };
    Terminated {
        id: ended.container_id,
        run,
        exit_code: ended.exit_code,
        signal: ended.signal,
        reason: known(ended.reason.as_deref().unwrap_or_default()),
        message: ended.message,
        started_at: time(ended.started_at),
        finished_at: time(ended.finished_at),
    }
}

/// The kubelet has a few words for an end; one of somebody else becomes the general one.
fn known(reason: &str) -> &'static str {
    let known = ["Completed", "OOMKilled", "StartError", "Unknown"];
    known.into_iter().find(|known| *known == reason).unwrap_or("Error")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn status(state: Value, last: Value) -> ContainerStatus {
        serde_json::from_value(
            json!({"name": "web", "image": "", "imageID": "", "ready": true, "restartCount": 3,
            "containerID": "process://7.1", "state": state, "lastState": last}),
        )
        .unwrap()
    }

    #[test]
    fn one_that_ran_has_ended_unseen() {
        let status = status(json!({"running": {"startedAt": "2026-11-22T08:00:00Z"}}), json!({}));
        let (restarts, ended) = earlier(Some(&status)).unwrap();
        let shown = (restarts, ended.run, ended.reason, ended.exit_code, ended.id.as_deref());
        assert_eq!(shown, (3, 3, "Unknown", 255, Some("process://7.1")));
    }

    #[test]
    fn one_that_waited_has_ended_as_it_did_before() {
        let last = json!({"terminated": {"exitCode": 2, "reason": "Error", "containerID": "process://7.1"}});
        let crashed = status(json!({"waiting": {"reason": "CrashLoopBackOff"}}), last);
        assert_eq!(earlier(Some(&crashed)).map(|(_, ended)| ended.exit_code), Some(2));
        let new = status(json!({"waiting": {"reason": "ContainerCreating"}}), json!({}));
        assert_eq!((earlier(Some(&new)), earlier(None)), (None, None));
    }

    #[test]
    fn a_job_that_is_done_is_not_done_again() {
        let done = status(json!({"terminated": {"exitCode": 0, "reason": "Completed"}}), json!({}));
        let done = earlier(Some(&done));
        assert!(over(&Pod::default(), done.as_ref(), Restart::OnFailure).is_some_and(|state| state.over));
        assert!(over(&Pod::default(), done.as_ref(), Restart::Always).is_none());
    }
}
