//! What a leader remembers of addresses: what AWS's list may not show yet, what each instance had last, and how long an address has been of no use.
//!
//! All of it makes the plan wait or keeps it from doing a thing twice. Without it a plan is as right, and slower.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use jiff::{SignedDuration, Timestamp};

use super::{AddressInputs, Holding};
use crate::aws::{AllocationId, Call, Done, ElasticIp, InstanceId, Outcome};

/// How long an address that was allocated counts although no list shows it.
const UNLISTED: SignedDuration = SignedDuration::from_mins(5);

/// How long an allocation without an answer may still turn out to have made an address.
const UNANSWERED: SignedDuration = SignedDuration::from_secs(30);

/// After which time a list is read again that should show something soon.
const SOON: SignedDuration = SignedDuration::from_secs(2);

/// What is remembered from pass to pass.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct History {
    /// The addresses that were allocated and are not listed yet, and until when they count.
    unlisted: BTreeMap<AllocationId, Timestamp>,
    /// Until when each allocation without an answer counts.
    unanswered: Vec<Timestamp>,
    /// The address that each instance was last seen with.
    pub(super) seen: BTreeMap<InstanceId, (AllocationId, Ipv4Addr)>,
    /// Since when an address of ours is needed by no node and named by no record.
    pub(super) idle: BTreeMap<AllocationId, Timestamp>,
    /// The time of the last plan.
    now: Option<Timestamp>,
}

impl History {
    /// Takes note of a call that was made.
    pub(crate) fn take(&mut self, outcome: &Outcome, now: Timestamp) {
        match (&outcome.call, &outcome.result) {
            (Call::AllocateAddress { .. }, Ok(Done::Allocated(eip))) => {
                self.unlisted.insert(eip.id.clone(), now + UNLISTED);
            }
            (Call::AllocateAddress { .. }, Err(failure)) if failure.is_ambiguous() => {
                self.unanswered.push(now + UNANSWERED);
            }
            _ => {}
        }
    }

    /// The history with what is over and what has been listed forgotten, and without the waits, which are counted anew from each plan to the next.
    pub(super) fn after(&self, inputs: &AddressInputs<'_>) -> Self {
        let mut history = self.clone();
        history.idle.clear();
        history.unanswered.retain(|until| *until > inputs.now);
        history.unlisted.retain(|_, until| *until > inputs.now);
        for eip in inputs.ours() {
            history.unlisted.remove(&eip.id);
        }
        history.now = Some(inputs.now);
        history
    }

    /// How many addresses were allocated that the list does not show yet.
    pub(super) fn unlisted(&self) -> usize {
        self.unlisted.len()
    }

    /// How many allocations may still turn out to have made an address.
    pub(super) fn unanswered(&self) -> usize {
        self.unanswered.len()
    }

    /// Whether addresses may turn up.
    pub(super) fn expects_more(&self) -> bool {
        !self.unlisted.is_empty() || !self.unanswered.is_empty()
    }

    /// When to look for them.
    pub(super) fn recheck_at(&self) -> Option<Timestamp> {
        self.now.filter(|_| self.expects_more()).map(|now| now + SOON)
    }

    /// Takes note of what the nodes have; of what a node had and has no more, until it has another.
    pub(super) fn see(&mut self, holdings: &[Holding<'_>], listed: &[ElasticIp]) {
        let last = std::mem::take(&mut self.seen);
        for holding in holdings {
            let Some(instance) = &holding.node.instance else { continue };
            let has = holding.id().and_then(|id| listed.iter().find(|eip| eip.id == *id));
            let seen = has.map(|eip| (eip.id.clone(), eip.address)).or_else(|| last.get(instance).cloned());
            self.seen.extend(seen.map(|seen| (instance.clone(), seen)));
        }
    }
}
