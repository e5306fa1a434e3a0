//! The status of a Deployment: counts, whether it is available, and whether its rollout gets on.
//!
//! A rollout that ends says so once; one that makes no step for `progressDeadlineSeconds` has failed, until a step is
//! made after all.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::apps::v1::{Deployment, DeploymentCondition, DeploymentStatus, ReplicaSet};

use super::bounds::Bounds;
use crate::event::second;

const PROGRESSING: &str = "Progressing";
const AVAILABLE: &str = "Available";
const REPLICA_FAILURE: &str = "ReplicaFailure";

const NEW_REPLICA_SET_AVAILABLE: &str = "NewReplicaSetAvailable";
const TIMED_OUT: &str = "ProgressDeadlineExceeded";
const PAUSED: &str = "DeploymentPaused";

/// What a Deployment consists of.
#[derive(Debug, Clone, Copy)]
pub(super) struct Observed<'a> {
    pub(super) deployment: &'a Deployment,
    pub(super) new: Option<&'a ReplicaSet>,
    pub(super) old: &'a [ReplicaSet],
    pub(super) now: Timestamp,
}

impl Observed<'_> {
    fn all(&self) -> impl Iterator<Item = &ReplicaSet> {
        self.old.iter().chain(self.new)
    }

    fn sum(&self, of: impl Fn(&ReplicaSet) -> Option<i32>) -> i32 {
        self.all().filter_map(of).sum()
    }

    fn before(&self) -> DeploymentStatus {
        self.deployment.status.clone().unwrap_or_default()
    }

    fn replicas(&self) -> i32 {
        self.deployment.spec.as_ref().and_then(|spec| spec.replicas).unwrap_or(1)
    }

    /// The name of what gets on, or does not, as the messages have it.
    fn subject(&self) -> String {
        match self.new {
            Some(set) => format!("ReplicaSet {:?}", set.metadata.name.as_deref().unwrap_or_default()),
            None => format!("Deployment {:?}", self.deployment.metadata.name.as_deref().unwrap_or_default()),
        }
    }
}

/// The counts, and whether the Deployment is available: all that is said while nothing is rolled out.
pub(super) fn counted(observed: &Observed<'_>) -> DeploymentStatus {
    let status_of = |set: &ReplicaSet| set.status.clone().unwrap_or_default();
    let wanted = observed.sum(|set| set.spec.as_ref()?.replicas);
    let available = observed.sum(|set| status_of(set).available_replicas);
    let updated = observed.new.map_or(0, |set| status_of(set).replicas);
    let before = observed.before();
    let mut status = DeploymentStatus {
        observed_generation: observed.deployment.metadata.generation,
        replicas: count(observed.sum(|set| Some(status_of(set).replicas))),
        updated_replicas: count(updated),
        ready_replicas: count(observed.sum(|set| status_of(set).ready_replicas)),
        available_replicas: count(available),
        unavailable_replicas: count((wanted - available).max(0)),
        terminating_replicas: terminating(observed),
        collision_count: before.collision_count,
        conditions: before.conditions,
    };
    let spec = observed.deployment.spec.as_ref();
    let enough = spec.is_none_or(|spec| available >= Bounds::of(spec).lowest());
    let (value, reason, message) = match enough {
        true => ("True", "MinimumReplicasAvailable", "Deployment has minimum availability."),
        false => ("False", "MinimumReplicasUnavailable", "Deployment does not have minimum availability."),
    };
    set(&mut status, condition(AVAILABLE, value, reason, message.to_owned(), observed.now));
    status
}

/// The status during a rollout: the counts, and whether it gets on.
pub(super) fn rolled(observed: &Observed<'_>) -> DeploymentStatus {
    let mut status = counted(observed);
    let before = observed.before();
    let known = find(&before, PROGRESSING);
    let ended = status.replicas == status.updated_replicas
        && known.is_some_and(|known| known.reason.as_deref() == Some(NEW_REPLICA_SET_AVAILABLE));
    match deadline(observed.deployment) {
        None => remove(&mut status, PROGRESSING),
        Some(_) if ended => {}
        Some(deadline) => judge(observed, &before, deadline, &mut status),
    }
    match failure(observed) {
        Some(failure) => set(&mut status, failure),
        None => remove(&mut status, REPLICA_FAILURE),
    }
    status
}

/// When to look again for a rollout that may have stopped.
pub(super) fn next_look(observed: &Observed<'_>, status: &DeploymentStatus) -> Option<Duration> {
    let deadline = deadline(observed.deployment)?;
    let progressing = find(status, PROGRESSING)?;
    if is_complete(observed, status) || progressing.reason.as_deref() == Some(TIMED_OUT) {
        return None;
    }
    let due = progressing.last_update_time.as_ref()?.0 + deadline;
    let wait = due.duration_since(observed.now) + SignedDuration::from_secs(1);
    Some(Duration::try_from(wait).unwrap_or_default().max(Duration::from_secs(1)))
}

/// Whether every Pod is of the current template and can serve.
pub(super) fn is_complete(observed: &Observed<'_>, status: &DeploymentStatus) -> bool {
    let replicas = count(observed.replicas());
    status.updated_replicas == replicas
        && status.replicas == replicas
        && status.available_replicas == replicas
        && status.observed_generation >= observed.deployment.metadata.generation
}

/// Notes that the rollout is paused, or is no longer: so that the time in between does not count against it.
pub(super) fn note_pause(deployment: &mut Deployment, now: Timestamp) {
    let paused = deployment.spec.as_ref().and_then(|spec| spec.paused).unwrap_or_default();
    if deadline(deployment).is_none() {
        return;
    }
    let status = deployment.status.get_or_insert_default();
    let reason = find(status, PROGRESSING).and_then(|known| known.reason.as_deref());
    let noted = match (paused, reason) {
        (_, Some(TIMED_OUT)) | (true, Some(PAUSED)) => return,
        (true, _) => condition(PROGRESSING, "Unknown", PAUSED, "Deployment is paused".to_owned(), now),
        (false, Some(PAUSED)) => {
            condition(PROGRESSING, "Unknown", "DeploymentResumed", "Deployment is resumed".to_owned(), now)
        }
        (false, _) => return,
    };
    set(status, noted);
}

/// Notes how the ReplicaSet of the current template came about.
pub(super) fn note_progress(
    deployment: &mut Deployment,
    value: &str,
    reason: &str,
    message: String,
    now: Timestamp,
) {
    if deadline(deployment).is_some() {
        let status = deployment.status.get_or_insert_default();
        set(status, condition(PROGRESSING, value, reason, message, now));
    }
}

/// Notes that a ReplicaSet of the current template was there already, if nothing else was noted.
pub(super) fn note_found(deployment: &mut Deployment, name: &str, now: Timestamp) {
    let known = deployment.status.as_ref().and_then(|status| find(status, PROGRESSING));
    if known.is_none() {
        let message = format!("Found new replica set {name:?}");
        note_progress(deployment, "True", "FoundNewReplicaSet", message, now);
    }
}

fn judge(
    observed: &Observed<'_>,
    before: &DeploymentStatus,
    deadline: SignedDuration,
    status: &mut DeploymentStatus,
) {
    let (subject, now) = (observed.subject(), observed.now);
    if is_complete(observed, status) {
        let message = format!("{subject} has successfully progressed.");
        set(status, condition(PROGRESSING, "True", NEW_REPLICA_SET_AVAILABLE, message, now));
    } else if got_on(before, status) {
        let message = format!("{subject} is progressing.");
        let mut progressing = condition(PROGRESSING, "True", "ReplicaSetUpdated", message, now);
        if let Some(known) = find(before, PROGRESSING).filter(|known| known.status == "True") {
            progressing.last_transition_time = known.last_transition_time.clone();
        }
        remove(status, PROGRESSING); // the time of the last step counts, even when the reason stays the same
        set(status, progressing);
    } else if timed_out(status, deadline, now) {
        let message = format!("{subject} has timed out progressing.");
        set(status, condition(PROGRESSING, "False", TIMED_OUT, message, now));
    }
}

/// Whether there are more new Pods, more that serve, or fewer old ones than before.
fn got_on(before: &DeploymentStatus, after: &DeploymentStatus) -> bool {
    let old = |status: &DeploymentStatus| {
        status.replicas.unwrap_or_default() - status.updated_replicas.unwrap_or_default()
    };
    after.updated_replicas > before.updated_replicas
        || old(after) < old(before)
        || after.ready_replicas > before.ready_replicas
        || after.available_replicas > before.available_replicas
}

fn timed_out(status: &DeploymentStatus, deadline: SignedDuration, now: Timestamp) -> bool {
    let Some(progressing) = find(status, PROGRESSING) else { return false };
    match progressing.reason.as_deref() {
        Some(NEW_REPLICA_SET_AVAILABLE) => false,
        Some(TIMED_OUT) => true,
        _ => progressing.last_update_time.as_ref().is_some_and(|last| last.0 + deadline < now),
    }
}

/// The failure of a ReplicaSet to create or delete Pods; that of the current one counts first.
fn failure(observed: &Observed<'_>) -> Option<DeploymentCondition> {
    let sets = observed.new.into_iter().chain(observed.old);
    let conditions =
        sets.flat_map(|set| set.status.iter().flat_map(|status| status.conditions.iter().flatten()));
    let failure = conditions.into_iter().find(|condition| condition.type_ == REPLICA_FAILURE)?;
    Some(DeploymentCondition {
        type_: failure.type_.clone(),
        status: failure.status.clone(),
        reason: failure.reason.clone(),
        message: failure.message.clone(),
        last_transition_time: failure.last_transition_time.clone(),
        last_update_time: failure.last_transition_time.clone(),
    })
}

/// Unknown as long as a ReplicaSet that was looked at does not say.
fn terminating(observed: &Observed<'_>) -> Option<i32> {
    let mut sum = 0;
    for status in observed.all().map(|set| set.status.clone().unwrap_or_default()) {
        match status.terminating_replicas {
            Some(terminating) => sum += terminating,
            None if status.observed_generation.unwrap_or_default() == 0 => {}
            None => return None,
        }
    }
    Some(sum)
}

/// None if progress is not watched.
fn deadline(deployment: &Deployment) -> Option<SignedDuration> {
    let seconds = deployment.spec.as_ref()?.progress_deadline_seconds?;
    (seconds != i32::MAX).then(|| SignedDuration::from_secs(seconds.into()))
}

/// A count as a status has it: nothing is left out.
fn count(count: i32) -> Option<i32> {
    (count != 0).then_some(count)
}

fn condition(
    type_: &str,
    status: &str,
    reason: &str,
    message: String,
    now: Timestamp,
) -> DeploymentCondition {
    DeploymentCondition {
        type_: type_.to_owned(),
        status: status.to_owned(),
        reason: Some(reason.to_owned()),
        message: Some(message),
        last_update_time: Some(second(now)),
        last_transition_time: Some(second(now)),
    }
}

fn find<'a>(status: &'a DeploymentStatus, type_: &str) -> Option<&'a DeploymentCondition> {
    status.conditions.iter().flatten().find(|condition| condition.type_ == type_)
}

/// Puts a condition in its place at the end, unless it says what is known.
fn set(status: &mut DeploymentStatus, mut condition: DeploymentCondition) {
    if let Some(known) = find(status, &condition.type_) {
        if known.status == condition.status && known.reason == condition.reason {
            return;
        }
        if known.status == condition.status {
            condition.last_transition_time = known.last_transition_time.clone();
        }
    }
    remove(status, &condition.type_);
    status.conditions.get_or_insert_default().push(condition);
}

fn remove(status: &mut DeploymentStatus, type_: &str) {
    if let Some(conditions) = &mut status.conditions {
        conditions.retain(|condition| condition.type_ != type_);
    }
}

#[cfg(test)]
mod tests;
