//! The records of one name and type: what is there, what is wished, and what stands in the way.

use std::collections::BTreeSet;
use std::net::IpAddr;

use jiff::Timestamp;

use crate::Refusal;
use crate::aws::{RecordAction, RecordChange, RecordName, RecordSet, RecordType, ZoneId};

/// The records of one name and type.
#[derive(Debug, Clone)]
pub(super) struct Group {
    pub(super) zone: Option<ZoneId>,
    pub(super) name: RecordName,
    pub(super) type_: RecordType,
    /// The values of the sets of ours that are there.
    pub(super) values: Vec<String>,
    pub(super) wishes: Vec<Wish>,
    /// Why nothing can be done.
    pub(super) fault: Option<Refusal>,
    /// Why not everything is done yet.
    pub(super) waits: Option<String>,
    /// What is to be said although nothing is left to be done.
    pub(super) note: Option<&'static str>,
    /// The addresses that should leave, but too few would be left.
    pub(super) held: BTreeSet<IpAddr>,
    /// What somebody else changed, and a wish puts right.
    pub(super) drift: Vec<String>,
    pub(super) recheck_at: Option<Timestamp>,
}

/// Changes that are made together or not at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wish {
    pub(super) changes: Vec<RecordChange>,
}

impl Group {
    /// The records of a name, before anything is known that has to be done.
    pub(super) fn new(zone: &ZoneId, name: &RecordName, type_: RecordType, ours: &[&RecordSet]) -> Self {
        let mut values: Vec<String> = ours.iter().flat_map(|set| set.values.iter().cloned()).collect();
        values.sort_by_cached_key(|value| (value.parse::<IpAddr>().ok(), value.clone()));
        Self { zone: Some(zone.clone()), values, ..Self::empty(name, type_) }
    }

    /// Of a domain whose zone is not known, or could not be read.
    pub(super) fn unknown(name: &RecordName, fault: Refusal) -> Self {
        Self { fault: Some(fault), ..Self::empty(name, RecordType::A) }
    }

    fn empty(name: &RecordName, type_: RecordType) -> Self {
        Self {
            zone: None,
            name: name.clone(),
            type_,
            values: Vec::new(),
            wishes: Vec::new(),
            fault: None,
            waits: None,
            note: None,
            held: BTreeSet::new(),
            drift: Vec::new(),
            recheck_at: None,
        }
    }

    /// Notes why not everything is done yet: the first reason is told.
    pub(super) fn wait(&mut self, why: String) {
        self.waits.get_or_insert(why);
    }

    /// Whether nothing is left to be done.
    pub(super) fn is_settled(&self) -> bool {
        self.wishes.is_empty() && self.fault.is_none() && self.waits.is_none()
    }

    pub(super) fn wish(&mut self, action: RecordAction, set: RecordSet) {
        self.wishes.push(Wish { changes: vec![RecordChange { action, set }] });
    }
}

impl Wish {
    /// The deletion of a set.
    pub(super) fn deletion(set: &RecordSet) -> RecordChange {
        RecordChange { action: RecordAction::Delete, set: set.clone() }
    }

    /// The creation of a set.
    pub(super) fn creation(set: RecordSet) -> RecordChange {
        RecordChange { action: RecordAction::Create, set }
    }
}
