//! Which Pods go when there are too many: those that do the least first.
//!
//! In order: without a node before placed; pending before running; not ready before ready; the lower
//! `controller.kubernetes.io/pod-deletion-cost`; where more of the same run together; ready for a shorter time;
//! restarted more often; younger. Times count in powers of two, so that among Pods of about the same age chance
//! decides and not the last digit.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use crate::pod::{is_ready, ready_condition};

const DELETION_COST: &str = "controller.kubernetes.io/pod-deletion-cost";

/// The `count` Pods of `active` that go. `related` are all Pods of the same purpose.
pub(super) fn choose(
    active: &[Arc<Pod>],
    related: &[Arc<Pod>],
    count: usize,
    now: Timestamp,
) -> Vec<Arc<Pod>> {
    let neighbours = ready_per_node(related);
    let mut ranked: Vec<_> = active.iter().map(|pod| (rank(pod, &neighbours, now), pod)).collect();
    ranked.sort_by(|(one, _), (other, _)| one.cmp(other));
    ranked.into_iter().take(count).map(|(_, pod)| Arc::clone(pod)).collect()
}

/// The order of the header: the lowest goes first.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Rank<'a> {
    is_placed: bool,
    phase: u8,
    is_ready: bool,
    cost: i32,
    neighbours: Reverse<usize>,
    ready_for: Age,
    restarts: Reverse<i32>,
    age: Age,
    uid: Option<&'a str>,
}

fn rank<'a>(pod: &'a Pod, neighbours: &HashMap<&str, usize>, now: Timestamp) -> Rank<'a> {
    let status = pod.status.as_ref();
    let containers = status.and_then(|status| status.container_statuses.as_deref()).unwrap_or_default();
    let cost = pod.metadata.annotations.as_ref().and_then(|all| all.get(DELETION_COST));
    let node = node_of(pod);
    let ready_since = ready_condition(pod).and_then(|condition| condition.last_transition_time.as_ref());
    Rank {
        is_placed: !node.is_empty(),
        phase: match status.and_then(|status| status.phase.as_deref()) {
            Some("Running") => 2,
            Some("Unknown") => 1,
            _ => 0,
        },
        is_ready: is_ready(pod),
        cost: cost.and_then(|cost| cost.parse().ok()).unwrap_or_default(),
        neighbours: Reverse(neighbours.get(node).copied().unwrap_or_default()),
        ready_for: if is_ready(pod) { Age::since(ready_since, now) } else { Age::None },
        restarts: Reverse(
            containers.iter().map(|container| container.restart_count).max().unwrap_or_default(),
        ),
        age: Age::since(pod.metadata.creation_timestamp.as_ref(), now),
        uid: pod.metadata.uid.as_deref(),
    }
}

/// A time that has passed, in powers of two seconds; an unknown one counts as none.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Age {
    None,
    Power(u32),
}

impl Age {
    fn since(time: Option<&Time>, now: Timestamp) -> Self {
        let Some(time) = time else { return Self::None };
        match now.as_second() - time.0.as_second() {
            seconds @ 1.. => Self::Power(seconds.ilog2() + 1),
            _ => Self::Power(0),
        }
    }
}

fn ready_per_node(related: &[Arc<Pod>]) -> HashMap<&str, usize> {
    let mut nodes = HashMap::new();
    for pod in related.iter().filter(|pod| is_ready(pod)) {
        *nodes.entry(node_of(pod)).or_default() += 1;
    }
    nodes
}

fn node_of(pod: &Pod) -> &str {
    pod.spec.as_ref().and_then(|spec| spec.node_name.as_deref()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW: i64 = 100_000;

    fn pod(uid: &str) -> Pod {
        let long_ago = Timestamp::from_second(NOW - 50_000).unwrap().to_string();
        serde_json::from_value(json!({
            "metadata": {"uid": uid, "creationTimestamp": long_ago},
            "spec": {"nodeName": "n", "containers": []},
            "status": {
                "phase": "Running",
                "conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": long_ago}],
                "containerStatuses": [
                    {"name": "c", "image": "", "imageID": "", "ready": true, "restartCount": 1}
                ]
            }
        }))
        .unwrap()
    }

    fn with(uid: &str, change: impl FnOnce(&mut Pod)) -> Pod {
        let mut pod = pod(uid);
        change(&mut pod);
        pod
    }

    fn ago(seconds: i64) -> Option<Time> {
        Some(Time(Timestamp::from_second(NOW - seconds).unwrap()))
    }

    /// The uids in the order in which they go.
    fn order(pods: Vec<Pod>) -> Vec<String> {
        let pods: Vec<_> = pods.into_iter().map(Arc::new).collect();
        let chosen = choose(&pods, &pods, pods.len(), Timestamp::from_second(NOW).unwrap());
        chosen.iter().map(|pod| pod.metadata.uid.clone().unwrap()).collect()
    }

    #[test]
    fn pods_go_in_the_order_of_the_header() {
        let table: [(&str, Pod); 8] = [
            ("unplaced", with("z", |pod| pod.spec.as_mut().unwrap().node_name = None)),
            ("pending", with("z", |pod| pod.status.as_mut().unwrap().phase = Some("Pending".into()))),
            (
                "not ready",
                with("z", |pod| {
                    pod.status.as_mut().unwrap().conditions.as_mut().unwrap()[0].status = "False".into();
                }),
            ),
            (
                "cheap",
                with("z", |pod| {
                    pod.metadata.annotations = Some([(DELETION_COST.to_owned(), "-1".to_owned())].into());
                }),
            ),
            (
                "ready since a moment",
                with("z", |pod| {
                    pod.status.as_mut().unwrap().conditions.as_mut().unwrap()[0].last_transition_time =
                        ago(3);
                }),
            ),
            (
                "restarted",
                with("z", |pod| {
                    pod.status.as_mut().unwrap().container_statuses.as_mut().unwrap()[0].restart_count = 9;
                }),
            ),
            ("young", with("z", |pod| pod.metadata.creation_timestamp = ago(3))),
            ("of unknown age", with("z", |pod| pod.metadata.creation_timestamp = None)),
        ];
        for (case, first) in table {
            assert_eq!(order(vec![pod("a"), first]), ["z", "a"], "{case}");
        }
    }

    #[test]
    fn of_many_on_one_node_one_goes_first() {
        let alone = with("a", |pod| pod.spec.as_mut().unwrap().node_name = Some("m".into()));
        assert_eq!(order(vec![alone, pod("y"), pod("z")]), ["y", "z", "a"]);
    }

    #[test]
    fn among_pods_of_about_the_same_age_the_time_does_not_decide() {
        let older = with("a", |pod| pod.metadata.creation_timestamp = ago(50_001));
        assert_eq!(order(vec![pod("z"), older]), ["a", "z"]);
    }

    #[test]
    fn only_as_many_go_as_are_too_many() {
        let pods: Vec<_> = ["a", "b", "c"].map(|uid| Arc::new(pod(uid))).into();
        assert_eq!(choose(&pods, &pods, 2, Timestamp::from_second(NOW).unwrap()).len(), 2);
    }
}
