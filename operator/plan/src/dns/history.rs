//! What a leader remembers of the records: changes on their way, who left when, and what was right.
//!
//! Its loss makes the next leader wait: it cuts nobody whose node vanished, and deletes no health check, before it has looked on for a TTL and `PROPAGATION`
//! itself.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use crds::RecordStatus;
use jiff::{SignedDuration, Timestamp};

use super::DnsInputs;
use super::batch::Portions;
use super::check::CheckHistory;
use super::damping::Damping;
use super::recall::Recall;
use crate::aws::{
    Call, ChangeId, Done, Outcome, RecordAction, RecordChange, RecordName, RecordSet, RecordType, Routing,
    ZoneId,
};

/// How long a change is waited for: Route 53 forgets it at some time, and then never says that it is in sync.
const LONGEST_CHANGE: SignedDuration = SignedDuration::from_mins(10);

/// The zone, name, type and identifier of a set.
pub(super) type SetKey = (ZoneId, RecordName, RecordType, String);

/// What is remembered from pass to pass.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct History {
    /// Since when this leader looks on.
    begun: Option<Timestamp>,
    changes: BTreeMap<ChangeId, (ZoneId, Timestamp)>,
    /// When an address was last taken out of a domain.
    cuts: BTreeMap<(RecordName, RecordType), Timestamp>,
    /// The sets that were seen to be as they should.
    right: BTreeMap<SetKey, RecordSet>,
    pub(super) damping: Damping,
    pub(super) recall: Recall,
    /// The nodes' addresses of which this leader has had a verdict.
    pub(super) judged: BTreeSet<IpAddr>,
    pub(super) portions: Portions,
    pub(super) checks: CheckHistory,
    /// Since when the records of a domain's new zone are right, and those in its old one still there.
    pub(super) moved: BTreeMap<(ZoneId, RecordName), Timestamp>,
    /// What the status was told last, for the time when Route 53 cannot be read.
    pub(super) told: Vec<RecordStatus>,
}

impl History {
    /// The history as it is in this pass.
    pub(super) fn at(&self, inputs: &DnsInputs<'_>) -> Self {
        let mut history = self.clone();
        history.begun.get_or_insert(inputs.now);
        history.recall = self.recall.after(inputs.published, inputs.now);
        history.changes.retain(|id, (_, since)| {
            !inputs.observed.in_sync.contains(id) && inputs.now.duration_since(*since) < LONGEST_CHANGE
        });
        history
    }

    /// Takes note of a call that was made.
    pub(crate) fn take(&mut self, outcome: &Outcome, now: Timestamp) {
        self.checks.take(outcome, now);
        let Call::ChangeRecords { zone, changes } = &outcome.call else { return };
        self.portions.take(zone, changes, &outcome.result);
        match &outcome.result {
            Ok(done) => {
                if let Done::Changed(id) = done {
                    self.changes.insert(id.clone(), (zone.clone(), now));
                }
                self.depart(zone, changes, now);
            }
            Err(failure) if failure.is_ambiguous() => self.depart(zone, changes, now),
            Err(_) => {}
        }
    }

    /// Takes note of the sets of ours that were, or may have been, taken away.
    fn depart(&mut self, zone: &ZoneId, changes: &[RecordChange], now: Timestamp) {
        let deleted = changes.iter().filter(|change| change.action == RecordAction::Delete);
        for RecordChange { action: _, set } in deleted {
            self.right.remove(&key(zone, set));
            if let Some(address) = own_address(set) {
                self.recall.forget(address);
                self.damping.leave(address, now);
                self.cuts.insert((set.name.clone(), set.type_.clone()), now);
            }
        }
    }

    /// The addresses that records have named, that this leader has not taken out, and that no record names now; `published` are those that some name.
    pub(crate) fn missing(&self, published: Option<&BTreeSet<IpAddr>>, now: Timestamp) -> BTreeSet<IpAddr> {
        self.recall.after(published, now).missing()
    }

    /// The changes that are not everywhere yet, as far as is known.
    pub(crate) fn changes_on_their_way(&self) -> BTreeSet<ChangeId> {
        self.changes.keys().cloned().collect()
    }

    /// Whether a zone has a change that is not everywhere yet.
    pub(super) fn is_under_way(&self, zone: &ZoneId) -> bool {
        self.changes.values().any(|(changed, _)| changed == zone)
    }

    /// Since when nobody was taken out of a domain, as far as this leader has seen.
    pub(super) fn quiet_since(&self, name: &RecordName, type_: &RecordType) -> Option<Timestamp> {
        self.begun.max(self.cuts.get(&(name.clone(), type_.clone())).copied())
    }

    /// Takes note that a set is as it should be.
    pub(super) fn saw_right(&mut self, zone: &ZoneId, set: &RecordSet) {
        self.right.insert(key(zone, set), set.clone());
    }

    /// Whether a set that is wanted as it is here was seen so before, and nobody of ours has changed it since. It is told once.
    pub(super) fn was_right(&mut self, zone: &ZoneId, wanted: &RecordSet) -> bool {
        self.right.remove(&key(zone, wanted)).is_some_and(|seen| seen == *wanted)
    }
}

fn key(zone: &ZoneId, set: &RecordSet) -> SetKey {
    let identifier = match &set.routing {
        Routing::Simple => String::new(),
        Routing::Multivalue { identifier }
        | Routing::Weighted { identifier, .. }
        | Routing::Other { identifier } => identifier.clone(),
    };
    (zone.clone(), set.name.clone(), set.type_.clone(), identifier)
}

/// The address of a set that has the form of ours. Whose it is was decided when its deletion was planned.
fn own_address(set: &RecordSet) -> Option<IpAddr> {
    match &set.routing {
        Routing::Multivalue { identifier } if identifier.starts_with("flynn/") => {
            set.values.first()?.parse().ok()
        }
        _ => None,
    }
}
