//! From wishes to calls: as few batches for each zone as Route 53 takes, and smaller ones around a change that it refuses.
//!
//! A batch is carried out whole or not at all, so that one bad change would keep all others away. A batch that was refused for what is in it is cut into
//! halves in the next pass, until the bad change is alone: that one is tried again with back-off, and the others go on.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::group::{Group, Wish};
use super::{DnsInputs, History};
use crate::Refusal;
use crate::aws::{Call, Done, Failure, Fault, RecordAction, RecordChange, RecordName, ZoneId};

/// How many records a batch may name, and how many characters of values; an UPSERT counts twice.
const LARGEST: Size = Size { records: 1_000, characters: 32_000 };

/// The calls that change records.
#[derive(Debug, Default)]
pub(super) struct Batches {
    pub(super) calls: Vec<Call>,
    /// Why the records of a zone's name failed.
    pub(super) faults: BTreeMap<(ZoneId, RecordName), Refusal>,
    pub(super) recheck_at: Option<Timestamp>,
}

/// How many changes of a batch that was refused may be tried together, by change.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Portions {
    most: BTreeMap<String, usize>,
}

#[derive(Clone, Copy, Default)]
struct Size {
    records: usize,
    characters: usize,
}

impl Batches {
    /// Makes calls of the wishes.
    pub(super) fn of(inputs: &DnsInputs<'_>, groups: &[Group], history: &mut History) -> Self {
        let mut zones: BTreeMap<&ZoneId, BTreeMap<&RecordName, Vec<&Wish>>> = BTreeMap::new();
        for group in groups {
            let Some(zone) = &group.zone else { continue };
            zones.entry(zone).or_default().entry(&group.name).or_default().extend(&group.wishes);
        }
        history.portions.retain(&zones);
        let mut batches = Self::default();
        for (zone, names) in zones {
            for changes in packed(zone, names.into_values(), &history.portions) {
                batches.push(inputs, Call::ChangeRecords { zone: zone.clone(), changes });
            }
        }
        batches
    }

    /// Adds a call, unless it has to wait after a failure.
    fn push(&mut self, inputs: &DnsInputs<'_>, call: Call) {
        let until = inputs.attempts.waits_until(&call, inputs.now);
        if let (Call::ChangeRecords { zone, changes }, Some(failure)) =
            (&call, inputs.attempts.failure(&call))
        {
            let names: BTreeSet<&RecordName> = changes.iter().map(|change| &change.set.name).collect();
            for name in names {
                self.faults.entry((zone.clone(), name.clone())).or_insert_with(|| failure.refusal());
            }
        }
        match until {
            Some(until) => self.recheck_at = self.recheck_at.into_iter().chain([until]).min(),
            None => self.calls.push(call),
        }
    }
}

/// The changes of a zone in batches, those of one name together as far as they fit.
fn packed<'a>(
    zone: &ZoneId,
    names: impl Iterator<Item = Vec<&'a Wish>>,
    portions: &Portions,
) -> Vec<Vec<RecordChange>> {
    let mut full = Vec::new();
    let mut batch: Vec<RecordChange> = Vec::new();
    for wishes in names {
        let all: Vec<RecordChange> = wishes.iter().flat_map(|wish| wish.changes.iter().cloned()).collect();
        if !portions.fit(zone, &batch, &all) && portions.fit(zone, &[], &all) {
            full.push(std::mem::take(&mut batch));
        }
        for wish in wishes {
            if !portions.fit(zone, &batch, &wish.changes) {
                full.push(std::mem::take(&mut batch));
            }
            batch.extend(wish.changes.iter().cloned());
        }
    }
    full.push(batch);
    full.retain(|batch| !batch.is_empty());
    full
}

impl Portions {
    /// Takes note of what came of a batch.
    pub(super) fn take(&mut self, zone: &ZoneId, changes: &[RecordChange], result: &Result<Done, Failure>) {
        let keys = changes.iter().map(|change| key(zone, change));
        match result {
            Ok(_) => keys.for_each(|key| {
                self.most.remove(&key);
            }),
            Err(failure) if matches!(failure.fault, Fault::Invalid | Fault::NotFound) => {
                let half = (changes.len() / 2).max(1);
                self.most.extend(keys.map(|key| (key, half)));
            }
            Err(_) => {}
        }
    }

    /// Forgets the changes that are wished no longer.
    fn retain(&mut self, zones: &BTreeMap<&ZoneId, BTreeMap<&RecordName, Vec<&Wish>>>) {
        if self.most.is_empty() {
            return;
        }
        let wished = |(zone, names): (&&ZoneId, &BTreeMap<&RecordName, Vec<&Wish>>)| {
            let changes = names.values().flatten().flat_map(|wish| &wish.changes);
            changes.map(|change| key(zone, change)).collect::<Vec<_>>()
        };
        let wished: BTreeSet<String> = zones.iter().flat_map(wished).collect();
        self.most.retain(|key, _| wished.contains(key));
    }

    /// Whether changes may join a batch.
    fn fit(&self, zone: &ZoneId, batch: &[RecordChange], more: &[RecordChange]) -> bool {
        if batch.is_empty() && more.len() <= 1 {
            return true;
        }
        let most = batch.iter().chain(more).filter_map(|change| self.most.get(&key(zone, change))).min();
        let count = batch.len() + more.len();
        let size = batch.iter().chain(more).fold(Size::default(), Size::with);
        most.is_none_or(|most| count <= *most)
            && size.records <= LARGEST.records
            && size.characters <= LARGEST.characters
    }
}

impl Size {
    fn with(self, change: &RecordChange) -> Self {
        let times = if change.action == RecordAction::Upsert { 2 } else { 1 };
        let characters: usize = change.set.values.iter().map(|value| value.chars().count()).sum();
        Self {
            // An alias has no value, and is counted as one.
            records: self.records + times * change.set.values.len().max(1),
            characters: self.characters + times * characters,
        }
    }
}

fn key(zone: &ZoneId, change: &RecordChange) -> String {
    format!("{zone} {change}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::{ChangeId, RecordSet, RecordType, Routing};

    fn wish(name: &str, action: RecordAction, value: String) -> Wish {
        let set = RecordSet {
            name: RecordName::new(name),
            type_: RecordType::A,
            routing: Routing::Multivalue { identifier: value.clone() },
            ttl_seconds: Some(60),
            values: vec![value],
            health_check: None,
            alias: None,
            unmodelled: false,
        };
        Wish { changes: vec![RecordChange { action, set }] }
    }

    fn wishes(name: &str, action: RecordAction, count: usize) -> Vec<Wish> {
        (0..count).map(|n| wish(name, action, format!("{n}"))).collect()
    }

    fn sizes(names: &[&[Wish]], portions: &Portions) -> Vec<usize> {
        let names = names.iter().map(|wishes| wishes.iter().collect());
        packed(&ZoneId::new("Z1"), names, portions).iter().map(Vec::len).collect()
    }

    #[test]
    fn a_batch_holds_a_thousand_records_and_half_as_many_that_are_upserts() {
        let none = Portions::default();
        assert_eq!(sizes(&[&wishes("a", RecordAction::Create, 1_001)], &none), [1_000, 1]);
        assert_eq!(sizes(&[&wishes("a", RecordAction::Upsert, 501)], &none), [500, 1]);
    }

    #[test]
    fn a_batch_holds_32_000_characters_of_values() {
        let long = |n: usize| wish("a", RecordAction::Create, format!("{n:04000}"));
        let wishes: Vec<Wish> = (0..9).map(long).collect();
        assert_eq!(sizes(&[&wishes], &Portions::default()), [8, 1]);
    }

    #[test]
    fn the_changes_of_a_name_are_in_one_batch_if_they_fit() {
        let (a, b) = (wishes("a", RecordAction::Create, 600), wishes("b", RecordAction::Create, 600));
        assert_eq!(sizes(&[&a, &b], &Portions::default()), [600, 600]);
    }

    #[test]
    fn a_batch_that_was_refused_is_halved_until_it_was_taken() {
        let refused = || {
            let failure = Failure {
                call: "route53:ChangeResourceRecordSets",
                fault: Fault::Invalid,
                code: None,
                message: String::new(),
            };
            Err(failure)
        };
        let (zone, wishes) = (ZoneId::new("Z1"), wishes("a", RecordAction::Create, 8));
        let changes: Vec<RecordChange> = wishes.iter().flat_map(|wish| wish.changes.clone()).collect();
        let mut portions = Portions::default();
        portions.take(&zone, &changes, &refused());
        assert_eq!(sizes(&[&wishes], &portions), [4, 4]);
        portions.take(&zone, &changes[..4], &refused());
        portions.take(&zone, &changes[4..], &Ok(Done::Changed(ChangeId::new("C1"))));
        assert_eq!(sizes(&[&wishes], &portions), [2, 2, 4]);
        portions.take(&zone, &changes[..2], &refused());
        assert_eq!(sizes(&[&wishes], &portions), [1, 1, 2, 4]);
    }

    #[test]
    fn changes_that_belong_together_are_never_cut() {
        let zone = ZoneId::new("Z1");
        let mut wishes = wishes("a", RecordAction::Create, 2);
        let together = wishes.iter().flat_map(|wish| wish.changes.clone()).collect();
        wishes = vec![Wish { changes: together }];
        let failure = Failure { call: "", fault: Fault::Invalid, code: None, message: String::new() };
        let mut portions = Portions::default();
        portions.take(&zone, &wishes[0].changes, &Err(failure));
        assert_eq!(sizes(&[&wishes], &portions), [2]);
    }
}
