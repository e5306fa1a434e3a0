//! The floor: whatever is believed of the nodes, a share of a domain's addresses stays in DNS.
//!
//! | of one domain and type                                                          | leave                                    |
//! |---------------------------------------------------------------------------------|------------------------------------------|
//! | the nodes or their addresses could not be read, or there is no node             | none                                     |
//! | an earlier change of the zone is not everywhere yet                             | none, for now                            |
//! | no published address serves                                                     | none: `TooFewHealthy`                    |
//! | those of vanished nodes, a TTL and `PROPAGATION` after the last cut or sooner   | not yet                                  |
//! | more than `set - floor`                                                         | the worst: `TooFewHealthy` for the others |
//! | AAAA, no node has such an address, and the domain's A records serve             | all: the domain is not empty             |
//!
//! `set` is what is published and what the nodes have, and the floor its `minimumSharePercent`, at least one. If that is the whole set, a vanished address
//! could never be replaced: one may go at a time, when every node is published and serves.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::net::IpAddr;

use jiff::{SignedDuration, Timestamp};

use super::standing::{Merit, Standing};
use super::{History, PROPAGATION, Scene};
use crate::aws::{RecordName, RecordType, ZoneId};

/// Who leaves, and why the others do not.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Leaving {
    /// These do.
    pub(super) go: BTreeSet<IpAddr>,
    /// These should, but too few would be left.
    pub(super) held: BTreeSet<IpAddr>,
    /// Why some others wait.
    pub(super) waits: Option<String>,
    pub(super) recheck_at: Option<Timestamp>,
}

/// What of a domain's published addresses is looked at.
pub(super) struct Published<'a> {
    pub(super) zone: &'a ZoneId,
    pub(super) name: &'a RecordName,
    pub(super) type_: &'a RecordType,
    /// Those of ours, of this type.
    pub(super) addresses: BTreeSet<IpAddr>,
    /// Whether the domain answers with another type of address that serves.
    pub(super) answers_otherwise: bool,
}

/// Decides who leaves.
pub(super) fn leaving(scene: &Scene<'_>, published: &Published<'_>, history: &History) -> Leaving {
    let standing = |address: &IpAddr| scene.standings.get(*address);
    let leavers =
        published.addresses.iter().filter(|address| standing(address).is_some_and(Standing::should_leave));
    let leavers: BTreeSet<IpAddr> = leavers.copied().collect();
    if leavers.is_empty() {
        return Leaving::default();
    }
    if !scene.is_known() {
        return Leaving::waiting("the nodes or their addresses are not known now, so none is taken out");
    }
    if history.is_under_way(published.zone) {
        return Leaving::waiting("an earlier change is not on every name server yet");
    }
    let members: BTreeSet<IpAddr> =
        scene.standings.members(published.type_).map(|(address, _)| address).collect();
    let leaves_nothing =
        members.is_empty() && *published.type_ == RecordType::Aaaa && published.answers_otherwise;
    let serves = |address: &IpAddr| standing(address).is_some_and(Standing::serves);
    if !leaves_nothing && !published.addresses.iter().any(serves) {
        return match published.addresses.len() == leavers.len() {
            true => Leaving { held: leavers, ..Leaving::default() },
            false => Leaving::waiting("no other address is known to serve yet"),
        };
    }

    let vanished =
        |address: &IpAddr| standing(address).is_some_and(|standing| standing.merit == Merit::Vanished);
    let until = scene.next_cut(published, history).filter(|until| *until > scene.inputs.now);
    let late = until.filter(|_| leavers.iter().any(vanished));
    let mut ready: Vec<IpAddr> =
        leavers.into_iter().filter(|address| late.is_none() || !vanished(address)).collect();
    ready.sort_by_cached_key(|address| scene.worth(*address));

    let set = published.addresses.union(&members).count();
    let floor = if leaves_nothing { 0 } else { floor(scene.declared.minimum_share_percent, set) };
    let mut room = published.addresses.len().saturating_sub(floor);
    let whole = || members.iter().all(|address| published.addresses.contains(address) && serves(address));
    if floor == set && !members.is_empty() && ready.first().is_some_and(vanished) && whole() {
        room = 1;
    }
    let held = ready.split_off(room.min(ready.len()));
    Leaving {
        go: ready.into_iter().collect(),
        held: held.into_iter().collect(),
        waits: late
            .map(|_| "addresses without a node leave a while after the last ones that left".to_owned()),
        recheck_at: late,
    }
}

/// How many of a set have to stay.
pub(super) fn floor(percent: u8, set: usize) -> usize {
    (usize::from(percent) * set).div_ceil(100).max(1)
}

impl Leaving {
    fn waiting(why: &str) -> Self {
        Self { waits: Some(why.to_owned()), ..Self::default() }
    }
}

impl Scene<'_> {
    /// Whether the nodes' addresses are known.
    fn is_known(&self) -> bool {
        let observed = self.inputs.observed;
        let known = observed.addresses.is_ok() && observed.instances.is_ok();
        known && self.inputs.members.iter().any(|member| member.addresses().next().is_some())
    }

    /// From when on addresses without a node may leave.
    fn next_cut(&self, published: &Published<'_>, history: &History) -> Option<Timestamp> {
        let wait = SignedDuration::from_secs(self.declared.ttl_seconds.into()) + PROPAGATION;
        history.quiet_since(published.name, published.type_).map(|since| since + wait)
    }

    /// What an address is worth among those that should leave: the worst sorts first.
    fn worth(&self, address: IpAddr) -> (bool, bool, bool, Reverse<String>) {
        let standing = self.standings.get(address);
        let member = standing.and_then(|standing| standing.member);
        let name = member.map_or_else(|| address.to_string(), |member| member.node.clone());
        let answers = standing.is_some_and(|standing| standing.answers);
        (answers, member.is_some_and(|member| member.serves.is_ok()), member.is_some(), Reverse(name))
    }
}

#[cfg(test)]
mod tests {
    use super::floor;

    #[test]
    fn the_floor_is_the_share_rounded_up_and_at_least_one() {
        assert_eq!([0, 1, 2, 3, 10].map(|set| floor(50, set)), [1, 1, 1, 2, 5]);
        assert_eq!([1, 3, 100].map(|set| floor(1, set)), [1, 1, 1]);
        assert_eq!([1, 3, 100].map(|set| floor(100, set)), [1, 3, 100]);
    }
}
