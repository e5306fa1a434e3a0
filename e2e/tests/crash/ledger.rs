//! Every version that was ever told, by an answer, an event or a list. It refuses what cannot be: a version that comes
//! twice or goes back, a write that has two versions, an event that a watch left out.

use std::collections::BTreeMap;
use std::ops::Bound::{Excluded, Included};

use anyhow::{Result, ensure};

use super::follower::Follower;
use super::object::{Kind, List, Stored};
use super::writer::Acknowledged;

/// What was told.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    /// By version.
    facts: BTreeMap<u64, Fact>,
    /// The version of each write.
    writes: BTreeMap<Fact, u64>,
    /// Of the latest list: every later write has a higher one.
    floor: u64,
}

/// A write: the kind, the name and the number, which a deletion has not.
type Fact = (Kind, String, Option<u64>);

impl Ledger {
    /// An answer.
    pub(super) fn acknowledged(&mut self, write: &Acknowledged) -> Result<()> {
        let Acknowledged { writer: _, number, kind, name, version } = write;
        let Some(version) = *version else { return Ok(()) };
        ensure!(version > self.floor, "{name} was written at {version}, after a list of {}", self.floor);
        self.note(version, (*kind, name.clone(), Some(*number)))
    }

    /// The events of a round: all that is known to have happened between the first and the last of them.
    pub(super) fn events(&mut self, follower: &Follower) -> Result<()> {
        let Follower { kind, version: last, from, events, .. } = follower;
        for (version, name, number) in events {
            self.note(*version, (*kind, name.clone(), *number))?;
        }
        let told: BTreeMap<_, _> = events.iter().map(|(version, name, _)| (*version, name)).collect();
        for (version, (_, name, _)) in
            self.facts.range((Excluded(from), Included(last))).filter(|(_, fact)| fact.0 == *kind)
        {
            ensure!(told.contains_key(version), "the watch left out {name} at {version}");
        }
        Ok(())
    }

    /// What there is after a kill.
    pub(super) fn list(&mut self, kind: Kind, list: &List) -> Result<()> {
        let highest = self.facts.last_key_value().map_or(0, |(version, _)| *version).max(self.floor);
        ensure!(list.version >= highest, "the versions went back from {highest} to {}", list.version);
        self.floor = list.version;
        for (name, Stored { number, version }) in &list.objects {
            self.note(*version, (kind, name.clone(), Some(*number)))?;
        }
        Ok(())
    }

    fn note(&mut self, version: u64, fact: Fact) -> Result<()> {
        let known = self.facts.entry(version).or_insert_with(|| fact.clone());
        ensure!(*known == fact, "version {version} is of {known:?} and of {fact:?}");
        if fact.2.is_some() {
            let first = *self.writes.entry(fact.clone()).or_insert(version);
            ensure!(first == version, "{fact:?} was written at {first} and at {version}");
        }
        Ok(())
    }
}
