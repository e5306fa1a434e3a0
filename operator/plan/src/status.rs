//! The whole status of an object, as a value: built from what the plan found, written only if it differs.
//!
//! `lastTransitionTime` moves when a condition flips and at no other time, so that equal findings yield an equal status.
//!
//! | was     | is found      | is                | event                                              |
//! |---------|---------------|-------------------|----------------------------------------------------|
//! | False   | True          | True              | yes                                                |
//! | True, Unknown | a fault | False             | yes                                                |
//! | nothing | a fault       | False             | if it waits for a person                           |
//! | False   | nobody knows yet | False, as it was told: that somebody begins anew mends nothing | none |
//! | anything else | nobody knows yet | Unknown  | none                                               |

mod blobstore;
mod kinds;

use crds::{ConditionType, Reason};
use jiff::{Timestamp, Unit as TimeUnit};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

use crate::{Refusal, Transition, Verdict};

pub(crate) use blobstore::{BlobstoreFindings, blobstore};
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
        let mut faults = self.findings.iter().filter_map(|(_, finding)| finding.as_ref().err());
        let stalled = faults.find(|fault| fault.waits_for_a_person()).cloned();

        let transitions =
            self.findings.iter().filter_map(|(kind, finding)| self.transition(*kind, finding)).collect();
        let mut conditions: Vec<Condition> =
            self.findings.iter().map(|(kind, finding)| self.condition(*kind, finding)).collect();
        conditions.push(self.ready(&conditions));
        if let Some(fault) = stalled {
            conditions.push(self.stated(ConditionType::Stalled, "True", &fault.reason, fault.message));
        }
        (conditions, transitions)
    }

    /// The first that is False, otherwise the first that is Unknown.
    fn ready(&self, conditions: &[Condition]) -> Condition {
        let first = |status: &str| conditions.iter().find(|condition| condition.status == status);
        match first("False").or_else(|| first("Unknown")) {
            Some(Condition { status, reason, message, .. }) => {
                self.stated(ConditionType::Ready, status, reason, message.clone())
            }
            None => self.condition(ConditionType::Ready, &Ok(String::new())),
        }
    }

    fn condition(&self, kind: ConditionType, finding: &Finding) -> Condition {
        match finding {
            Ok(message) => self.stated(kind, "True", &Reason::Met(kind), message.clone()),
            Err(fault) if fault.is_open() => match self.observed(kind) {
                Some(Condition { status, reason, message, .. }) if status == "False" => {
                    self.stated(kind, status, reason, message.clone())
                }
                _ => self.stated(kind, "Unknown", &fault.reason, fault.message.clone()),
            },
            Err(fault) => self.stated(kind, "False", &fault.reason, fault.message.clone()),
        }
    }

    fn stated(
        &self,
        kind: ConditionType,
        status: &str,
        reason: &impl ToString,
        message: String,
    ) -> Condition {
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

    /// A flip is worth an event; so is a fault that a new object comes with, but not that it is not finished yet, nor that nobody knows.
    fn transition(&self, condition: ConditionType, finding: &Finding) -> Option<Transition> {
        let before = self.observed(condition).map(|observed| observed.status.as_str());
        match (before, finding) {
            (_, Err(fault)) if fault.is_open() => None,
            (Some("False"), Ok(message)) => Some(Transition {
                condition,
                holds: true,
                reason: Reason::Met(condition),
                message: message.clone(),
            }),
            (Some("True" | "Unknown"), Err(fault)) => Some(fault_of(condition, fault)),
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

    fn open() -> Finding {
        Err(Refusal::new(Reason::Probing, "nobody knows yet"))
    }

    #[test]
    fn what_nobody_knows_is_unknown_and_so_is_ready_until_something_is_false() {
        let told = conditions(&[], 100, open());
        let words: Vec<_> =
            told.iter().map(|c| (c.type_.as_str(), c.status.as_str(), c.reason.as_str())).collect();
        assert_eq!(words, [("Accepted", "Unknown", "Probing"), ("Ready", "Unknown", "Probing")]);
        let refused = Err(Refusal::new(Reason::HostClaimed, "by a"));
        let several = Conditions::new(&[], 1, at(100));
        let several = several.with(ConditionType::Accepted, open()).with(ConditionType::Routed, refused);
        let ready = several.finish().0.into_iter().find(|condition| condition.type_ == "Ready").unwrap();
        assert_eq!((ready.status.as_str(), ready.reason.as_str()), ("False", "HostClaimed"));
    }

    #[test]
    fn that_nobody_knows_takes_no_fault_back_and_hides_a_true_without_an_event() {
        let refused = || Err(Refusal::new(Reason::TooFewHealthy, "all are dead"));
        let faulty = conditions(&[], 100, refused());
        assert_eq!(conditions(&faulty, 200, open()), faulty);
        let fine = conditions(&[], 100, Ok("3/3".to_owned()));
        let asked = |observed: &[Condition], finding| {
            Conditions::new(observed, 1, at(200)).with(ConditionType::Accepted, finding).finish()
        };
        let (unknown, events) = asked(&fine, open());
        assert_eq!((unknown[0].status.as_str(), events), ("Unknown", Vec::new()));
        assert_eq!(asked(&unknown, Ok(String::new())).1, Vec::new());
        assert!(!asked(&unknown, refused()).1[0].holds, "what was hidden has turned");
    }
}
