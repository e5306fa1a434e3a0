//! The conditions of a Pod, each with the words that Kubernetes has for it. Pure.

use k8s_openapi::api::core::v1::{Container, PodCondition, PodStatus};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::status::{View, is_ready, restart};
use crate::container::{Current, Restart, State};

/// A condition before it is put beside the one before.
struct Verdict {
    type_: &'static str,
    /// One word and a sentence if it does not hold.
    fault: Option<(&'static str, String)>,
}

impl Verdict {
    fn new(type_: &'static str, fault: Option<(&'static str, String)>) -> Self {
        Self { type_, fault }
    }
}

/// Ours, and after them those of others as they are.
pub(super) fn conditions(view: &View<'_>, before: &PodStatus) -> Vec<PodCondition> {
    let spec = view.pod.spec.as_ref();
    let containers = spec.map(|spec| spec.containers.as_slice()).unwrap_or_default();
    let init = spec.and_then(|spec| spec.init_containers.as_deref()).unwrap_or_default();
    let unready = unready(view, containers);
    let ours = [
        Verdict::new("PodReadyToStartContainers", None),
        Verdict::new("Initialized", uninitialized(init, view.init)),
        Verdict::new("Ready", unready.clone()),
        Verdict::new("ContainersReady", unready),
        Verdict::new("PodScheduled", None),
    ];
    let earlier =
        view.pod.status.as_ref().and_then(|status| status.conditions.as_deref()).unwrap_or_default();
    let foreign = earlier.iter().filter(|condition| !ours.iter().any(|ours| ours.type_ == condition.type_));
    let foreign: Vec<PodCondition> = foreign.cloned().collect();
    ours.into_iter().map(|verdict| condition(verdict, view, before)).chain(foreign).collect()
}

/// The time of the last transition moves only with the status.
fn condition(verdict: Verdict, view: &View<'_>, before: &PodStatus) -> PodCondition {
    let status = if verdict.fault.is_none() { "True" } else { "False" };
    let earlier = before.conditions.iter().flatten().find(|condition| condition.type_ == verdict.type_);
    let same = earlier.filter(|earlier| earlier.status == status);
    let since = same.and_then(|same| same.last_transition_time.clone()).unwrap_or(Time(view.now));
    let (reason, message) = verdict.fault.unzip();
    PodCondition {
        type_: verdict.type_.to_owned(),
        status: status.to_owned(),
        reason: reason.map(str::to_owned),
        message,
        last_transition_time: Some(since),
        observed_generation: view.pod.metadata.generation,
        ..PodCondition::default()
    }
}

fn uninitialized(init: &[Container], states: &[State]) -> Option<(&'static str, String)> {
    let is_done = |state: &State| is_ready(state, false) || state.started;
    let left = init.iter().zip(states).filter(|(_, state)| !is_done(state));
    let names: Vec<&str> = left.map(|(container, _)| container.name.as_str()).collect();
    let fault = format!("containers with incomplete status: [{}]", names.join(" "));
    (!names.is_empty()).then_some(("ContainersNotInitialized", fault))
}

fn unready(view: &View<'_>, containers: &[Container]) -> Option<(&'static str, String)> {
    let ended = |state: &State| state.over && matches!(state.current, Current::Terminated(_));
    if restart(view.pod) != Restart::Always
        && !view.ending
        && view.main.iter().all(|state| ended(state) && is_ready(state, false))
    {
        return Some(("PodCompleted", String::new()));
    }
    let states = || containers.iter().zip(view.main);
    let unready = states().filter(|(_, state)| !state.ready || view.ending);
    let names: Vec<&str> = unready.map(|(container, _)| container.name.as_str()).collect();
    let mut fault = format!("containers with unready status: [{}]", names.join(" "));
    for remark in states().filter_map(|(_, state)| state.remark.as_ref()) {
        fault.push_str("; ");
        fault.push_str(remark);
    }
    (!names.is_empty()).then_some(("ContainersNotReady", fault))
}
