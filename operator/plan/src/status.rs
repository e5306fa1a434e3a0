//! The whole status of an object, as a value: built from what the plan found, written only if it differs.
//!
//! `lastTransitionTime` moves when a condition flips and at no other time, so that equal findings yield an equal status.

mod kinds;

use crds::{ConditionType, Reason};
use jiff::{Timestamp, Unit as TimeUnit};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

use crate::{Refusal, Transition, Verdict};

pub(crate) use kinds::{ClusterFindings, app, certificate, cluster, route};

/// What a condition says when it is True: mostly nothing, sometimes a count.
pub type Finding = Result<String, Refusal>;

/// The conditions of one object in the making.
pub(crate) struct Conditions<'a> {
    observed: &'a [Condition],
    generation: i64,
    now: Timestamp,
    findings: Vec<(ConditionType, Finding)>,
}

impl<'a> Conditions<'a> {
    /// Begins with what the object's status says now.
    pub(crate) fn new(observed: &'a [Condition], generation: i64, now: Timestamp) -> Self {
        Self { observed, generation, now, findings: Vec::new() }
    }

    /// Adds a finding.
    pub(crate) fn with(mut self, condition: ConditionType, finding: Finding) -> Self {
        self.findings.push((condition, finding));
        self
    }

    /// Adds a finding, if there is one.
    pub(crate) fn with_asked(self, condition: ConditionType, finding: &Option<Finding>) -> Self {
        match finding {
            Some(finding) => self.with(condition, finding.clone()),
            None => self,
        }
    }

    /// Adds `Ready`, which sums up, and `Stalled`, which says that only a person can go on (kstatus).
    pub(crate) fn finish(self) -> (Vec<Condition>, Vec<Transition>) {
        let faults = || self.findings.iter().filter_map(|(_, finding)| finding.as_ref().err());
        let ready = faults().next().cloned().map_or(Ok(String::new()), Err);
        let stalled = faults().find(|fault| fault.waits_for_a_person()).cloned();

        let transitions =
            self.findings.iter().filter_map(|(kind, finding)| self.transition(*kind, finding)).collect();
        let mut conditions: Vec<Condition> =
            self.findings.iter().map(|(kind, finding)| self.condition(*kind, finding)).collect();
        conditions.push(self.condition(ConditionType::Ready, &ready));
        if let Some(fault) = stalled {
            conditions.push(self.stated(ConditionType::Stalled, "True", fault.reason, fault.message));
        }
        (conditions, transitions)
    }

    fn condition(&self, kind: ConditionType, finding: &Finding) -> Condition {
        match finding {
            Ok(message) => self.stated(kind, "True", Reason::Met(kind), message.clone()),
            Err(Refusal { reason, message }) => self.stated(kind, "False", *reason, message.clone()),
        }
    }

    fn stated(&self, kind: ConditionType, status: &str, reason: Reason, message: String) -> Condition {
        let unchanged = self.observed(kind).filter(|observed| observed.status == status);
        let since = unchanged.map(|observed| observed.last_transition_time.clone());
        Condition {
            type_: kind.to_string(),
            status: status.to_owned(),
            reason: reason.to_string(),
            message,
            observed_generation: Some(self.generation),
            last_transition_time: since.unwrap_or_else(|| Time(whole_seconds(self.now))),
        }
    }

    /// A flip is worth an event; so is a fault that a new object comes with, but not that it is not finished yet.
    fn transition(&self, condition: ConditionType, finding: &Finding) -> Option<Transition> {
        let before = self.observed(condition).map(|observed| observed.status == "True");
        match (before, finding) {
            (Some(false), Ok(message)) => Some(Transition {
                condition,
                holds: true,
                reason: Reason::Met(condition),
                message: message.clone(),
            }),
            (Some(true), Err(fault)) => Some(fault_of(condition, fault)),
            (None, Err(fault)) if fault.waits_for_a_person() => Some(fault_of(condition, fault)),
            _ => None,
        }
    }

    fn observed(&self, kind: ConditionType) -> Option<&'a Condition> {
        let name = kind.to_string();
        self.observed.iter().find(|condition| condition.type_ == name)
    }
}

/// A verdict as a finding that has nothing to add when it is fine.
pub(crate) fn plain(verdict: &Verdict) -> Finding {
    verdict.clone().map(|()| String::new())
}

/// A finding that has to wait for others: it cannot hold before they do.
pub(crate) fn after(verdicts: &[&Verdict], finding: Finding) -> Finding {
    match verdicts.iter().find_map(|verdict| verdict.as_ref().err()) {
        Some(fault) => {
            Err(Refusal::new(Reason::Blocked, format!("waits until this is mended: {}", fault.message)))
        }
        None => finding,
    }
}

fn fault_of(condition: ConditionType, fault: &Refusal) -> Transition {
    Transition { condition, holds: false, reason: fault.reason, message: fault.message.clone() }
}

/// The API keeps whole seconds, so a status with fractions would differ from itself.
fn whole_seconds(now: Timestamp) -> Timestamp {
    now.round(TimeUnit::Second).unwrap_or(now)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn conditions(observed: &[Condition], second: i64, finding: Finding) -> Vec<Condition> {
        Conditions::new(observed, 1, at(second)).with(ConditionType::Accepted, finding).finish().0
    }

    #[test]
    fn the_time_of_a_condition_moves_when_it_flips_and_not_when_its_message_changes() {
        let refused = |message: &str| Err(Refusal::new(Reason::HostClaimed, message));
        let first = conditions(&[], 100, refused("by a"));
        let told_otherwise = conditions(&first, 200, refused("by b"));
        assert_eq!(told_otherwise[0].message, "by b");
        assert_eq!(told_otherwise[0].last_transition_time, Time(at(100)));
        let flipped = conditions(&told_otherwise, 300, Ok(String::new()));
        assert_eq!(flipped[0].last_transition_time, Time(at(300)));
    }

    #[test]
    fn a_flip_is_one_event_and_a_repetition_none() {
        let refused = || Err(Refusal::new(Reason::HostClaimed, "by a"));
        let events = |observed: &[Condition], finding| {
            Conditions::new(observed, 1, at(100)).with(ConditionType::Accepted, finding).finish().1
        };
        let before = conditions(&[], 100, refused());
        assert_eq!(events(&[], refused()).len(), 1);
        assert!(events(&before, refused()).is_empty());
        assert!(events(&before, Ok(String::new()))[0].holds);
        assert!(events(&[], Ok(String::new())).is_empty());
    }
}
