//! The status of a RouterNode, as a value.
//!
//! In come the report and what is known of the object; out goes the whole status. `Ready` turns True once and keeps the
//! time of that across restarts, because a node only reports while it serves a complete table.

use crds::{ConditionType, Reason, RouterNode, RouterNodeStatus};
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

use super::{Identity, Report};

/// How many faults a status lists; all are counted.
const LISTED_FAULTS: usize = 100;

/// What a node knows of its own RouterNode.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Own {
    generation: i64,
    ready_since: Option<Time>,
}

impl Own {
    /// As the API shows it.
    pub(crate) fn of(router_node: &RouterNode) -> Self {
        let conditions = router_node.status.iter().flat_map(|status| &status.conditions);
        let ready = conditions.into_iter().find(|condition| is_ready(condition));
        Self {
            generation: router_node.metadata.generation.unwrap_or(1),
            ready_since: ready.map(|condition| condition.last_transition_time.clone()),
        }
    }

    /// The same, after `status` was written.
    pub(crate) fn with_ready(mut self, status: &RouterNodeStatus) -> Self {
        let ready = status.conditions.iter().find(|condition| is_ready(condition));
        self.ready_since = ready.map(|condition| condition.last_transition_time.clone());
        self
    }

    /// The status for a report.
    pub(crate) fn status(&self, identity: &Identity, report: &Report, now: Timestamp) -> RouterNodeStatus {
        let Report { versions, hosts, faults } = report;
        RouterNodeStatus {
            observed_generation: self.generation,
            conditions: vec![self.ready(*hosts, now)],
            addresses: identity.addresses.clone(),
            version: Some(env!("CARGO_PKG_VERSION").to_owned()),
            applied: versions.to_status(),
            hosts: count(*hosts),
            fault_count: count(faults.len()),
            faults: faults.iter().take(LISTED_FAULTS).cloned().collect(),
        }
    }

    fn ready(&self, hosts: usize, now: Timestamp) -> Condition {
        Condition {
            type_: ConditionType::Ready.to_string(),
            status: "True".to_owned(),
            reason: Reason::Met(ConditionType::Ready).to_string(),
            message: format!("{hosts} hosts are served"),
            observed_generation: Some(self.generation),
            last_transition_time: self.ready_since.clone().unwrap_or(Time(now)),
        }
    }
}

fn is_ready(condition: &Condition) -> bool {
    condition.type_ == ConditionType::Ready.to_string() && condition.status == "True"
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use crds::{Fault, RouterNodeSpec};

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn identity() -> Identity {
        Identity { name: "n".into(), addresses: vec!["http://10.0.0.7:80".into()] }
    }

    #[test]
    fn ready_keeps_its_time_across_a_restart() {
        let first = Own::default().status(&identity(), &Report::default(), at(100));
        let mut router_node = RouterNode::new("n", RouterNodeSpec {});
        router_node.status = Some(first);
        let second = Own::of(&router_node).status(&identity(), &Report::default(), at(200));
        assert_eq!(second.conditions[0].last_transition_time, Time(at(100)));
    }

    #[test]
    fn a_hundred_faults_are_listed_and_all_are_counted() {
        let faults = vec![Fault::default(); 250];
        let status = Own::default().status(&identity(), &Report { faults, ..Report::default() }, at(0));
        assert_eq!((status.faults.len(), status.fault_count), (100, 250));
    }
}
