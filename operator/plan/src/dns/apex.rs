//! The records of a domain's apex: one multivalue set for each address, with its health check.
//!
//! | of an address, a set of ours        | then                                                             |
//! |-------------------------------------|------------------------------------------------------------------|
//! | is missing, and the address is fit  | is created, once the health check is there                       |
//! | is as it should be                  | stays                                                            |
//! | has another TTL, value or check     | is put right in its place (`UPSERT`)                             |
//! | should leave                        | is deleted, if [`floor`](super::floor) lets it                   |
//! | is about nothing (a stray)          | is deleted                                                       |
//!
//! Sets of others with another routing policy, and a CNAME, cannot stand beside ours: see [`adoption`](super::adoption). Their multivalue sets can, and are left.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::floor::{Leaving, Published, floor, leaving};
use super::group::{Group, Wish};
use super::standing::{Merit, Standing};
use super::survey::{Mark, Place, mark, type_of};
use super::{History, Scene, adoption};
use crate::aws::{RecordAction, RecordName, RecordSet, RecordType, Routing};

/// The sets at one name that matter for one type.
struct Sets<'a> {
    ours: BTreeMap<IpAddr, &'a RecordSet>,
    strays: Vec<&'a RecordSet>,
    /// Those of others that cannot stand beside ours.
    blockers: Vec<&'a RecordSet>,
}

/// The A and AAAA records of a domain.
pub(super) fn groups(
    scene: &Scene<'_>,
    place: &Place<'_>,
    name: &RecordName,
    history: &mut History,
) -> Vec<Group> {
    let types = [RecordType::A, RecordType::Aaaa];
    types.into_iter().filter_map(|type_| group(scene, place, name, type_, history)).collect()
}

/// Whether any address of the domain is published; of calls that are only shown, whether any would be.
pub(super) fn is_published(scene: &Scene<'_>, place: &Place<'_>, name: &RecordName) -> bool {
    let types = [RecordType::A, RecordType::Aaaa];
    let foreseen =
        || scene.foresees() && scene.standings.iter().any(|(_, standing)| standing.merit == Merit::Fit);
    types.iter().any(|type_| !Sets::of(scene, place, name, type_).ours.is_empty()) || foreseen()
}

fn group(
    scene: &Scene<'_>,
    place: &Place<'_>,
    name: &RecordName,
    type_: RecordType,
    history: &mut History,
) -> Option<Group> {
    let sets = Sets::of(scene, place, name, &type_);
    let has_members = scene.standings.members(&type_).next().is_some();
    if !has_members && sets.ours.is_empty() && sets.strays.is_empty() {
        return None;
    }
    let there: Vec<&RecordSet> = sets.ours.values().chain(&sets.strays).copied().collect();
    let mut group = Group::new(&place.zone, name, type_, &there);
    let additions = scene.additions(&sets, &mut group, place, history);
    if !sets.blockers.is_empty() {
        scene.replace(&sets.blockers, additions, &mut group);
        return Some(group);
    }

    let published = Published {
        zone: &place.zone,
        name,
        type_: &group.type_.clone(),
        addresses: sets.ours.keys().copied().collect(),
        answers_otherwise: scene.answers_with(place, name, &RecordType::A),
    };
    let Leaving { go, held, waits, recheck_at } = leaving(scene, &published, history);
    for set in additions {
        group.wish(RecordAction::Create, set);
    }
    for (address, set) in &sets.ours {
        if go.contains(address) {
            group.wish(RecordAction::Delete, (*set).clone());
        } else {
            scene.keep(*address, set, place, &mut group, history);
        }
    }
    for stray in &sets.strays {
        group.wish(RecordAction::Delete, (*stray).clone());
    }
    group.held = held;
    group.waits = group.waits.or(waits);
    group.recheck_at = recheck_at;
    Some(group)
}

impl<'a> Sets<'a> {
    fn of(scene: &Scene<'_>, place: &Place<'a>, name: &RecordName, type_: &RecordType) -> Self {
        let mut sets = Self { ours: BTreeMap::new(), strays: Vec::new(), blockers: Vec::new() };
        for set in place.sets.iter().filter(|set| set.name == *name) {
            let alike = set.type_ == *type_;
            match mark(&scene.inputs.order.owner, set) {
                Some(Mark::Address(address)) if alike => {
                    sets.ours.insert(address, set);
                }
                Some(Mark::Stray) if alike => sets.strays.push(set),
                None if set.type_ == RecordType::Cname => sets.blockers.push(set),
                None if alike && !matches!(set.routing, Routing::Multivalue { .. }) => {
                    sets.blockers.push(set);
                }
                _ => {}
            }
        }
        sets
    }
}

impl Scene<'_> {
    /// The sets of addresses that are fit and not there; what the others wait for.
    fn additions(
        &self,
        sets: &Sets<'_>,
        group: &mut Group,
        place: &Place<'_>,
        history: &mut History,
    ) -> Vec<RecordSet> {
        let mut additions = Vec::new();
        let type_ = group.type_.clone();
        for (address, standing) in self.standings.members(&type_) {
            if sets.ours.contains_key(&address) {
                continue;
            }
            let check = self.checks.of_address(address);
            match (&standing.merit, check) {
                (Merit::Fit, Some(check)) => {
                    let set = self.wanted(&group.name, address, Some(check.clone()));
                    if history.was_right(&place.zone, &set) {
                        group.drift.push(format!(
                            "the record {} {} {address} had been deleted",
                            group.name, set.type_
                        ));
                    }
                    additions.push(set);
                }
                (Merit::Fit, None) => group.wait(format!("{address} has no health check yet")),
                (Merit::Undecided(why), _) => group.wait(why.clone()),
                _ => {}
            }
        }
        additions
    }

    /// Replaces the sets of others by ours, if that is asked for.
    fn replace(&self, blockers: &[&RecordSet], additions: Vec<RecordSet>, group: &mut Group) {
        let adopt = self.declared.adopt;
        if let Err(fault) = adoption::allowed(adopt, &group.name, &group.type_, blockers) {
            group.fault = Some(fault);
            return;
        }
        let has_ipv4 = self.standings.members(&RecordType::A).next().is_some();
        if group.type_ == RecordType::Aaaa
            && has_ipv4
            && blockers.iter().any(|set| set.type_ == RecordType::Cname)
        {
            return group.wait("the A records replace the CNAME first".to_owned());
        }
        let wanted = self.standings.members(&group.type_).count();
        let least = floor(self.declared.minimum_share_percent, wanted);
        if additions.len() < least {
            let ready = additions.len();
            return group.wait(format!(
                "{ready} of {wanted} addresses can replace what is there, and {least} have to"
            ));
        }
        let deletions = blockers.iter().map(|set| Wish::deletion(set));
        let changes = deletions.chain(additions.into_iter().map(Wish::creation)).collect();
        group.wishes.push(Wish { changes });
    }

    /// Puts a set right that stays.
    fn keep(
        &self,
        address: IpAddr,
        set: &RecordSet,
        place: &Place<'_>,
        group: &mut Group,
        history: &mut History,
    ) {
        // Without a health check of its own a set keeps the one that it has.
        let check = self.checks.of_address(address).or(set.health_check.as_ref());
        let wanted = self.wanted(&group.name, address, check.cloned());
        if is_same(set, &wanted) {
            history.saw_right(&place.zone, &wanted);
            return;
        }
        if history.was_right(&place.zone, &wanted) {
            group.drift.push(format!("the record {} {} {address} had been changed", group.name, set.type_));
        }
        group.wish(RecordAction::Upsert, wanted);
    }

    fn wanted(
        &self,
        name: &RecordName,
        address: IpAddr,
        health_check: Option<crate::aws::HealthCheckId>,
    ) -> RecordSet {
        RecordSet {
            name: name.clone(),
            type_: type_of(address),
            routing: Routing::Multivalue { identifier: self.inputs.order.owner.set_of_address(address) },
            ttl_seconds: Some(self.declared.ttl_seconds),
            values: vec![address.to_string()],
            health_check,
            alias: None,
            unmodelled: false,
        }
    }

    /// Whether the domain has published addresses of a type that serve.
    fn answers_with(&self, place: &Place<'_>, name: &RecordName, type_: &RecordType) -> bool {
        let sets = Sets::of(self, place, name, type_);
        let addresses: BTreeSet<&IpAddr> = sets.ours.keys().collect();
        addresses.into_iter().any(|address| self.standings.get(*address).is_some_and(Standing::serves))
    }
}

/// Whether a set is as it is wanted, however its address is spelt.
fn is_same(set: &RecordSet, wanted: &RecordSet) -> bool {
    let addresses = |set: &RecordSet| -> Vec<Option<IpAddr>> {
        set.values.iter().map(|value| value.parse().ok()).collect()
    };
    addresses(set) == addresses(wanted)
        && RecordSet { values: wanted.values.clone(), ..set.clone() } == *wanted
}
