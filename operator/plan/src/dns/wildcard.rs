//! `*.<domain>`: one CNAME to the domain. It is a weighted set, because a simple one has no identifier and so no mark.
//!
//! | `wildcardRecord` | a set of ours | the domain has an address in DNS | then                      |
//! |------------------|---------------|----------------------------------|---------------------------|
//! | yes              | no            | no                               | it waits                  |
//! | yes              | no            | yes                              | it is created             |
//! | yes              | yes           | either                           | it stays, and is put right |
//! | no               | yes           | either                           | it is deleted             |
//!
//! Any set of others at this name is in its way: see [`adoption`](super::adoption).

use super::group::{Group, Wish};
use super::survey::{Mark, Place, mark};
use super::{History, Scene, adoption, apex};
use crate::aws::{RecordAction, RecordName, RecordSet, RecordType, Routing};

/// The wildcard's record.
pub(super) fn group(
    scene: &Scene<'_>,
    place: &Place<'_>,
    apex: &RecordName,
    wanted: bool,
    history: &mut History,
) -> Option<Group> {
    let name = apex.wildcard();
    let sets = place.sets.iter().copied().filter(|set| set.name == name);
    let (ours, others): (Vec<&RecordSet>, Vec<&RecordSet>) =
        sets.partition(|set| mark(&scene.inputs.order.owner, set) == Some(Mark::Wildcard));
    let mut group = Group::new(&place.zone, &name, RecordType::Cname, &ours);
    if !wanted {
        ours.iter().for_each(|set| group.wish(RecordAction::Delete, (*set).clone()));
        return Some(group).filter(|group| !group.wishes.is_empty());
    }
    let set = scene.wildcard(apex);
    if !others.is_empty() {
        match adoption::allowed(scene.declared.adopt, &name, &group.type_, &others) {
            Err(fault) => group.fault = Some(fault),
            Ok(()) if !apex::is_published(scene, place, apex) => {
                group.wait(format!("{apex} has no address yet"));
            }
            Ok(()) => {
                let gone = others.iter().chain(&ours).map(|set| Wish::deletion(set));
                group.wishes.push(Wish { changes: gone.chain([Wish::creation(set)]).collect() });
            }
        }
        return Some(group);
    }
    match ours.first() {
        Some(there) if is_same(there, &set) => history.saw_right(&place.zone, &set),
        Some(_) => {
            if history.was_right(&place.zone, &set) {
                group.drift.push(format!("the record {name} CNAME had been changed"));
            }
            group.wish(RecordAction::Upsert, set);
        }
        None if apex::is_published(scene, place, apex) => {
            if history.was_right(&place.zone, &set) {
                group.drift.push(format!("the record {name} CNAME had been deleted"));
            }
            group.wish(RecordAction::Create, set);
        }
        None => group.wait(format!("{apex} has no address yet")),
    }
    Some(group)
}

impl Scene<'_> {
    fn wildcard(&self, apex: &RecordName) -> RecordSet {
        RecordSet {
            name: apex.wildcard(),
            type_: RecordType::Cname,
            routing: Routing::Weighted { identifier: self.inputs.order.owner.set_of_wildcard(), weight: 1 },
            ttl_seconds: Some(self.declared.ttl_seconds),
            values: vec![apex.to_string()],
            health_check: None,
            alias: None,
            unmodelled: false,
        }
    }
}

/// Whether a set is as it is wanted, with or without a dot at the end of its value.
fn is_same(set: &RecordSet, wanted: &RecordSet) -> bool {
    let names = |set: &RecordSet| -> Vec<RecordName> {
        set.values.iter().map(|value| RecordName::new(value)).collect()
    };
    names(set) == names(wanted) && RecordSet { values: wanted.values.clone(), ..set.clone() } == *wanted
}
