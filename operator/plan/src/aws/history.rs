//! What this leader has seen and tried since it began: how long things have been as they are, what AWS's lists may not show yet, and what failed.
//!
//! It is an input and an output of every plan. A new leader begins with an empty one, which makes it wait as if everything had just begun; nothing that is
//! in here is ever needed to find out whose a resource is.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::network::NetworkOutcome;
use super::{Call, ChangeId, Failure, Outcome};
use crate::security_group::NetworkHistory;
use crate::{address, dns};

/// The wait after the first failure of a call; it doubles with each further one.
const FIRST_WAIT: SignedDuration = SignedDuration::from_secs(2);

/// The longest wait.
const LONGEST_WAIT: SignedDuration = SignedDuration::from_mins(2);

/// After which time a call that has not been made again is forgotten.
const FORGOTTEN: SignedDuration = SignedDuration::from_hours(1);

/// The memory of a leader.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct History {
    pub(crate) address: address::History,
    pub(crate) dns: dns::History,
    pub(crate) network: NetworkHistory,
    pub(crate) attempts: Attempts,
}

/// A call whose attempts are counted.
pub(crate) trait Attempted {
    /// What the call is about, so that its next attempt is known as one.
    fn subject(&self) -> String;
}

/// The calls that failed, by what they are about, until they are made again with success.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Attempts {
    failed: BTreeMap<String, Attempt>,
}

#[derive(Debug, Clone, PartialEq)]
struct Attempt {
    failures: u32,
    again_at: Timestamp,
    failure: Failure,
}

impl History {
    /// Takes note of the calls that were made.
    pub fn take(&mut self, outcomes: &[Outcome], now: Timestamp) {
        for outcome in outcomes {
            if let Call::Network(call) = &outcome.call {
                let result = outcome.result.clone().map(drop);
                self.network.take(&[NetworkOutcome { call: call.clone(), result }], now);
                continue;
            }
            self.attempts.take(outcome, now);
            self.address.take(outcome, now);
            self.dns.take(outcome, now);
        }
    }

    /// The changes of records of which it has to be found out whether every name server has them, for [`Observed::in_sync`](super::Observed::in_sync).
    #[must_use]
    pub fn changes_on_their_way(&self) -> BTreeSet<ChangeId> {
        self.dns.changes_on_their_way()
    }
}

impl Attempts {
    pub(crate) fn take<C: Attempted, D>(&mut self, outcome: &Outcome<C, D>, now: Timestamp) {
        self.failed.retain(|_, attempt| attempt.again_at + FORGOTTEN > now);
        let subject = outcome.call.subject();
        let Err(failure) = &outcome.result else {
            self.failed.remove(&subject);
            return;
        };
        let failures = self.failed.get(&subject).map_or(0, |attempt| attempt.failures).saturating_add(1);
        let wait = FIRST_WAIT * (1 << (failures - 1).min(10));
        let again_at = now + wait.min(LONGEST_WAIT);
        self.failed.insert(subject, Attempt { failures, again_at, failure: failure.clone() });
    }

    /// Why the call failed last, if it did.
    pub(crate) fn failure(&self, call: &impl Attempted) -> Option<&Failure> {
        self.failed.get(&call.subject()).map(|attempt| &attempt.failure)
    }

    /// When the call may be made again, if it has to wait.
    pub(crate) fn waits_until(&self, call: &impl Attempted, now: Timestamp) -> Option<Timestamp> {
        self.failed.get(&call.subject()).map(|attempt| attempt.again_at).filter(|at| *at > now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::{AllocationId, Call, Done, Fault};

    fn release(result: Result<Done, Failure>) -> Outcome {
        Outcome { call: Call::ReleaseAddress { address: AllocationId::new("eipalloc-1") }, result }
    }

    #[test]
    fn a_call_that_is_not_made_again_is_forgotten() {
        let failure =
            Failure { call: "ec2:ReleaseAddress", fault: Fault::Denied, code: None, message: "no".into() };
        let mut history = History::default();
        let outcome = release(Err(failure));
        history.take(std::slice::from_ref(&outcome), Timestamp::UNIX_EPOCH);
        let call = Call::ReleaseAddress { address: AllocationId::new("eipalloc-2") };
        let later = Timestamp::UNIX_EPOCH + SignedDuration::from_hours(2);
        history.take(&[Outcome { call, result: Ok(Done::Nothing) }], later);
        assert_eq!(history.attempts.failure(&outcome.call), None);
    }

    #[test]
    fn a_call_that_failed_waits_longer_each_time_and_not_at_all_after_a_success() {
        let failure = Failure {
            call: "ec2:ReleaseAddress",
            fault: Fault::Throttled,
            code: Some("RequestLimitExceeded".into()),
            message: "Request limit exceeded.".into(),
        };
        let now = Timestamp::UNIX_EPOCH;
        let mut history = History::default();
        let call = release(Ok(Done::Nothing)).call;
        for seconds in [2, 4, 8, 16, 32, 64, 120, 120] {
            history.take(&[release(Err(failure.clone()))], now);
            let until = history.attempts.waits_until(&call, now);
            assert_eq!(until, Some(now + SignedDuration::from_secs(seconds)));
        }
        assert_eq!(history.attempts.failure(&call), Some(&failure));
        history.take(&[release(Ok(Done::Nothing))], now);
        assert_eq!(history.attempts.waits_until(&call, now), None);
    }
}
