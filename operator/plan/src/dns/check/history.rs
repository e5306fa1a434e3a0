//! What a leader remembers of health checks: those that a list may not show yet, the references that are spent, and since when one is free.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use crate::aws::{Call, Done, Fault, HealthCheck, HealthCheckConfig, HealthCheckId, Outcome};

/// How long a list may leave out a check that was made.
const LAG: SignedDuration = SignedDuration::from_mins(5);

/// What is remembered of health checks.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct CheckHistory {
    created: BTreeMap<HealthCheckId, (HealthCheck, Timestamp)>,
    /// The references that Route 53 refused.
    spent: BTreeSet<String>,
    /// Since when this leader has seen a check used by nobody.
    free: BTreeMap<HealthCheckId, Timestamp>,
    /// What was seen to be as it should, by the reference without its number.
    right: BTreeMap<String, HealthCheckConfig>,
}

impl CheckHistory {
    /// Takes note of a call that was made.
    pub(in crate::dns) fn take(&mut self, outcome: &Outcome, now: Timestamp) {
        match (&outcome.call, &outcome.result) {
            (Call::CreateHealthCheck { .. }, Ok(Done::CheckCreated(check))) => {
                self.created.insert(check.id.clone(), (check.clone(), now));
            }
            (Call::CreateHealthCheck { reference, .. }, Err(failure)) if failure.fault == Fault::Conflict => {
                self.spent.insert(reference.clone());
            }
            (Call::DeleteHealthCheck { id }, _) => {
                self.created.remove(id);
                self.free.remove(id);
            }
            // Perhaps one was deleted by somebody before any list showed it.
            (Call::ChangeRecords { .. }, Err(failure))
                if matches!(failure.fault, Fault::Invalid | Fault::NotFound) =>
            {
                self.created.clear();
            }
            _ => {}
        }
    }

    /// The checks that are listed, and those that the list may not show yet.
    pub(super) fn merge(&mut self, listed: &[HealthCheck], now: Timestamp) -> Vec<HealthCheck> {
        self.created.retain(|id, (_, since)| {
            now.duration_since(*since) < LAG && !listed.iter().any(|check| check.id == *id)
        });
        listed.iter().chain(self.created.values().map(|(check, _)| check)).cloned().collect()
    }

    /// The highest number that was refused.
    pub(super) fn highest_spent(&self, prefix: &str) -> Option<u32> {
        self.spent.iter().filter_map(|reference| reference.strip_prefix(prefix)?.parse().ok()).max()
    }

    /// Takes note that the check of this reference is as it should be.
    pub(super) fn saw_right(&mut self, prefix: &str, config: &HealthCheckConfig) {
        self.right.insert(prefix.to_owned(), config.clone());
    }

    /// Whether the check of this reference was seen to be so before. It is told once.
    pub(super) fn was_right(&mut self, prefix: &str, config: &HealthCheckConfig) -> bool {
        self.right.remove(prefix).is_some_and(|seen| seen == *config)
    }

    /// Forgets how the checks were that are not wanted any more. One that is still there may be wanted again in a moment, when its address is back.
    pub(super) fn forget_others(&mut self, prefixes: &BTreeSet<String>, known: &[HealthCheck]) {
        let is_known = |prefix: &str| known.iter().any(|check| check.reference.starts_with(prefix));
        self.right.retain(|prefix, _| prefixes.contains(prefix) || is_known(prefix));
    }

    /// Takes note of the checks that nobody uses now; since when each has been so.
    pub(super) fn free(
        &mut self,
        ids: BTreeSet<HealthCheckId>,
        now: Timestamp,
    ) -> Vec<(HealthCheckId, Timestamp)> {
        self.free.retain(|id, _| ids.contains(id));
        for id in ids {
            self.free.entry(id).or_insert(now);
        }
        self.free.iter().map(|(id, since)| (id.clone(), *since)).collect()
    }
}
