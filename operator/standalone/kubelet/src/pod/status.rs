//! The status of a Pod, made whole from the states of its containers. Pure: time is an argument.

use std::net::IpAddr;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{
    Container, ContainerState, ContainerStateRunning, ContainerStateTerminated, ContainerStateWaiting,
    ContainerStatus, HostIP, Pod, PodIP, PodStatus,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::conditions::conditions;
use crate::container::{Current, Restart, State, Terminated};

/// A Pod and the states of its containers, in the order of its spec.
#[derive(Clone, Copy, Debug)]
pub(crate) struct View<'a> {
    pub(crate) pod: &'a Pod,
    pub(crate) init: &'a [State],
    pub(crate) main: &'a [State],
    /// Whether it is being ended; then it is not ready, whatever its containers say.
    pub(crate) ending: bool,
    pub(crate) address: IpAddr,
    pub(crate) now: Timestamp,
}

/// The status; what does not change is taken from the one before.
pub(crate) fn status(view: &View<'_>, before: &PodStatus) -> PodStatus {
    let spec = view.pod.spec.as_ref();
    let containers = spec.map(|spec| spec.containers.as_slice()).unwrap_or_default();
    let init = spec.and_then(|spec| spec.init_containers.as_deref()).unwrap_or_default();
    let address = view.address.to_string();
    PodStatus {
        conditions: Some(conditions(view, before)),
        container_statuses: Some(statuses(containers, view.main, view.ending)),
        init_container_statuses: (!init.is_empty()).then(|| statuses(init, view.init, view.ending)),
        host_ip: Some(address.clone()),
        host_ips: Some(vec![HostIP { ip: address.clone() }]),
        observed_generation: view.pod.metadata.generation,
        phase: Some(phase(view).to_owned()),
        pod_ip: Some(address.clone()),
        pod_ips: Some(vec![PodIP { ip: address }]),
        qos_class: before.qos_class.clone(),
        start_time: before.start_time.clone().or(Some(Time(view.now))),
        ..PodStatus::default()
    }
}

/// What of the containers' ends a Pod's restart policy makes of them.
pub(crate) fn restart(pod: &Pod) -> Restart {
    match pod.spec.as_ref().and_then(|spec| spec.restart_policy.as_deref()) {
        Some("Never") => Restart::Never,
        Some("OnFailure") => Restart::OnFailure,
        _ => Restart::Always,
    }
}

fn phase(view: &View<'_>) -> &'static str {
    let before = view.pod.status.as_ref().and_then(|status| status.phase.as_deref());
    match before {
        // A Pod that has come to its end stays there.
        Some("Succeeded") => return "Succeeded",
        Some("Failed") => return "Failed",
        _ => {}
    }
    let failed = |state: &State| {
        state.over && matches!(&state.current, Current::Terminated(ended) if ended.exit_code != 0)
    };
    let never = restart(view.pod) == Restart::Never;
    if never && view.init.iter().any(failed) {
        return "Failed";
    }
    let has_run = |state: &State| !matches!(state.current, Current::Waiting { .. }) || state.last.is_some();
    if !view.main.iter().all(has_run) {
        return "Pending";
    }
    if !view.main.iter().all(|state| state.over && matches!(state.current, Current::Terminated(_))) {
        return "Running";
    }
    match restart(view.pod) {
        Restart::Always => "Running",
        _ if !view.main.iter().any(failed) => "Succeeded",
        Restart::Never => "Failed",
        // It is not started again only because it was told to end.
        Restart::OnFailure => "Running",
    }
}

fn statuses(containers: &[Container], states: &[State], ending: bool) -> Vec<ContainerStatus> {
    containers
        .iter()
        .zip(states)
        .map(|(container, state)| container_status(container, state, ending))
        .collect()
}

fn container_status(container: &Container, state: &State, ending: bool) -> ContainerStatus {
    let id = match &state.current {
        Current::Running { id, .. } => Some(id.clone()),
        Current::Terminated(ended) => ended.id.clone(),
        Current::Waiting { .. } => state.last.as_ref().and_then(|last| last.id.clone()),
    };
    ContainerStatus {
        name: container.name.clone(),
        image: container.image.clone().unwrap_or_default(),
        image_id: String::new(),
        container_id: id,
        ready: is_ready(state, ending),
        started: Some(state.started),
        restart_count: state.restarts.try_into().unwrap_or(i32::MAX),
        state: Some(current(&state.current)),
        last_state: Some(state.last.as_ref().map(terminated).unwrap_or_default()),
        ..ContainerStatus::default()
    }
}

/// An init container is ready when it has done its work.
pub(super) fn is_ready(state: &State, ending: bool) -> bool {
    let done = state.over && matches!(&state.current, Current::Terminated(ended) if ended.exit_code == 0);
    (state.ready && !ending) || done
}

fn current(current: &Current) -> ContainerState {
    match current {
        Current::Waiting { reason, message } => ContainerState {
            waiting: Some(ContainerStateWaiting {
                reason: Some((*reason).to_owned()),
                message: message.clone(),
            }),
            ..ContainerState::default()
        },
        Current::Running { since, .. } => ContainerState {
            running: Some(ContainerStateRunning { started_at: Some(Time(*since)) }),
            ..ContainerState::default()
        },
        Current::Terminated(ended) => terminated(ended),
    }
}

fn terminated(ended: &Terminated) -> ContainerState {
    let terminated = ContainerStateTerminated {
        container_id: ended.id.clone(),
        exit_code: ended.exit_code,
        signal: ended.signal,
        reason: Some(ended.reason.to_owned()),
        message: ended.message.clone(),
        started_at: Some(Time(ended.started_at)),
        finished_at: Some(Time(ended.finished_at)),
    };
    ContainerState { terminated: Some(terminated), ..ContainerState::default() }
}

#[cfg(test)]
mod tests;
