//! The status of a ReplicaSet: how many Pods there are, and how many of them are ready and have stayed so.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::apps::v1::{ReplicaSet, ReplicaSetCondition, ReplicaSetStatus};
use k8s_openapi::api::core::v1::Pod;

use crate::event::second;
use crate::pod::{is_ready, ready_condition};
use crate::refusal;

const REPLICA_FAILURE: &str = "ReplicaFailure";

/// A ReplicaSet and its Pods.
pub(super) struct Counted<'a> {
    pub(super) set: &'a ReplicaSet,
    pub(super) active: &'a [Arc<Pod>],
    /// How many are on their way out.
    pub(super) terminating: usize,
    pub(super) now: Timestamp,
}

/// Why Pods could not be created or deleted.
pub(super) struct Failure {
    reason: &'static str,
    message: String,
}

impl Failure {
    pub(super) fn of(set: &ReplicaSet, active: &[Arc<Pod>], error: &kube::Error) -> Self {
        let wanted = set.spec.as_ref().and_then(|spec| spec.replicas).unwrap_or(1);
        let too_few = number(active.len()) < wanted;
        let reason = if too_few { "FailedCreate" } else { "FailedDelete" };
        Self { reason, message: refusal::message(error) }
    }
}

impl Counted<'_> {
    pub(super) fn status(&self, failure: Option<Failure>) -> ReplicaSetStatus {
        let ready = self.active.iter().filter(|pod| is_ready(pod));
        let available =
            self.active.iter().filter(|pod| self.until_available(pod) == Some(SignedDuration::ZERO));
        let labelled = self.active.iter().filter(|pod| self.is_fully_labelled(pod));
        ReplicaSetStatus {
            replicas: number(self.active.len()),
            fully_labeled_replicas: count(labelled.count()),
            ready_replicas: count(ready.count()),
            available_replicas: count(available.count()),
            terminating_replicas: Some(number(self.terminating)),
            observed_generation: self.set.metadata.generation,
            conditions: self.conditions(failure),
        }
    }

    /// When the next ready Pod has been so for long enough.
    pub(super) fn next_look(&self) -> Option<Duration> {
        let waits = self.active.iter().filter_map(|pod| self.until_available(pod));
        let next = waits.filter(|wait| wait.is_positive()).min()?;
        Duration::try_from(next).ok()
    }

    /// How long a Pod has to stay ready until it counts as available; none if it is not ready.
    fn until_available(&self, pod: &Pod) -> Option<SignedDuration> {
        let ready = ready_condition(pod).filter(|condition| condition.status == "True")?;
        let least = self.set.spec.as_ref().and_then(|spec| spec.min_ready_seconds).unwrap_or_default();
        if least == 0 {
            return Some(SignedDuration::ZERO);
        }
        let since = ready.last_transition_time.as_ref()?.0;
        let left = (since + SignedDuration::from_secs(least.into())).duration_since(self.now);
        Some(left.max(SignedDuration::ZERO))
    }

    fn is_fully_labelled(&self, pod: &Pod) -> bool {
        let template = self.set.spec.as_ref().and_then(|spec| spec.template.as_ref());
        let wanted = template.and_then(|template| template.metadata.as_ref()?.labels.as_ref());
        let labels = pod.metadata.labels.as_ref();
        wanted.into_iter().flatten().all(|(name, value)| labels.and_then(|all| all.get(name)) == Some(value))
    }

    /// A failure stays as it was first told until there is none any more.
    fn conditions(&self, failure: Option<Failure>) -> Option<Vec<ReplicaSetCondition>> {
        let known = self.set.status.as_ref().and_then(|status| status.conditions.clone());
        let mut conditions = known.unwrap_or_default();
        let is_known = conditions.iter().any(|condition| condition.type_ == REPLICA_FAILURE);
        match failure {
            None => conditions.retain(|condition| condition.type_ != REPLICA_FAILURE),
            Some(_) if is_known => {}
            Some(Failure { reason, message }) => conditions.push(ReplicaSetCondition {
                type_: REPLICA_FAILURE.to_owned(),
                status: "True".to_owned(),
                reason: Some(reason.to_owned()),
                message: Some(message),
                last_transition_time: Some(second(self.now)),
            }),
        }
        (!conditions.is_empty()).then_some(conditions)
    }
}

/// A count as a status has it: nothing is left out.
fn count(count: usize) -> Option<i32> {
    (count != 0).then(|| number(count))
}

fn number(count: usize) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn set(min_ready: i32, conditions: Value) -> ReplicaSet {
        serde_json::from_value(json!({
            "metadata": {"generation": 3},
            "spec": {
                "replicas": 3, "minReadySeconds": min_ready, "selector": {},
                "template": {"metadata": {"labels": {"app": "a"}}}
            },
            "status": {"replicas": 0, "conditions": conditions}
        }))
        .unwrap()
    }

    fn pod(ready: &str, since: i64, label: &str) -> Arc<Pod> {
        let since = Timestamp::from_second(since).unwrap().to_string();
        let pod = serde_json::from_value(json!({
            "metadata": {"labels": {"app": label}},
            "status": {"conditions": [{"type": "Ready", "status": ready, "lastTransitionTime": since}]}
        }));
        Arc::new(pod.unwrap())
    }

    fn counted<'a>(set: &'a ReplicaSet, active: &'a [Arc<Pod>], now: i64) -> Counted<'a> {
        Counted { set, active, terminating: 1, now: Timestamp::from_second(now).unwrap() }
    }

    #[test]
    fn a_pod_is_available_when_it_has_been_ready_for_long_enough() {
        let set = set(10, Value::Null);
        let pods = [pod("True", 100, "a"), pod("True", 93, "b"), pod("False", 0, "a")];
        let counted = counted(&set, &pods, 104);
        let status = serde_json::to_value(counted.status(None)).unwrap();
        let expected = json!({
            "replicas": 3, "fullyLabeledReplicas": 2, "readyReplicas": 2, "availableReplicas": 1,
            "terminatingReplicas": 1, "observedGeneration": 3
        });
        assert_eq!(status, expected);
        assert_eq!(counted.next_look(), Some(Duration::from_secs(6)));
    }

    #[test]
    fn without_a_least_time_ready_is_available_and_nothing_is_waited_for() {
        let set = set(0, Value::Null);
        let pods = [pod("True", 100, "a")];
        let counted = counted(&set, &pods, 100);
        assert_eq!(counted.status(None).available_replicas, Some(1));
        assert_eq!(counted.next_look(), None);
    }

    #[test]
    fn a_failure_stays_as_it_was_first_told_until_there_is_none() {
        let failure = |message: &str| Some(Failure { reason: "FailedCreate", message: message.to_owned() });
        let none = set(0, Value::Null);
        let first = counted(&none, &[], 0).status(failure("first")).conditions;
        assert_eq!(first.as_ref().unwrap()[0].message.as_deref(), Some("first"));
        let told = set(0, serde_json::to_value(first).unwrap());
        let second = counted(&told, &[], 9).status(failure("second")).conditions;
        assert_eq!(second.unwrap()[0].message.as_deref(), Some("first"));
        assert_eq!(counted(&told, &[], 9).status(None).conditions, None);
    }
}
