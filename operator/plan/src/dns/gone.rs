//! Records of ours that have no place any more: those of a Cluster that is deleted, of a domain that left the spec, and of a zone that a domain left.
//!
//! | records of ours                                          | then                                                                        |
//! |----------------------------------------------------------|-----------------------------------------------------------------------------|
//! | the Cluster is being deleted                             | all are deleted                                                             |
//! | no domain of that name is declared                       | all are deleted                                                             |
//! | the domain is declared, and its zone is not known        | they stay                                                                   |
//! | the domain is declared in another zone                   | they stay until that zone's are right, and for the TTL of a delegation then |

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::group::Group;
use super::survey::{Place, Survey, mark};
use super::{History, Scene};
use crate::aws::{Owner, RecordAction, RecordName, RecordSet, RecordType};

/// How long resolvers may keep a delegation, as registries write it.
const DELEGATION: SignedDuration = SignedDuration::from_hours(48);

/// Deletes all records of ours.
pub(super) fn all(owner: &Owner, survey: &Survey<'_>) -> Vec<Group> {
    survey.places().flat_map(|place| groups(owner, place)).collect()
}

/// Deletes the records at names that are former ones; `current` are the records of the declared domains.
pub(super) fn former(
    scene: &Scene<'_>,
    survey: &Survey<'_>,
    current: &[Group],
    history: &mut History,
) -> Vec<Group> {
    let mut left = Vec::new();
    let mut moving = BTreeSet::new();
    for place in &survey.former {
        for mut group in groups(&scene.inputs.order.owner, place) {
            let domain = survey
                .sites
                .iter()
                .find(|site| site.name == group.name || site.name.wildcard() == group.name);
            if let Some(site) = domain {
                let key = (place.zone.clone(), group.name.clone());
                let right = site.place.is_ok() && is_right(&site.name, current);
                let since = right.then(|| *history.moved.entry(key.clone()).or_insert(scene.inputs.now));
                since.map(|_| moving.insert(key));
                group.stay(since.map(|since| since + DELEGATION), scene.inputs.now);
            }
            left.push(group);
        }
    }
    history.moved.retain(|key, _| moving.contains(key));
    left
}

fn is_right(domain: &RecordName, current: &[Group]) -> bool {
    let mut of_domain = current.iter().filter(|group| group.name == *domain).peekable();
    of_domain.peek().is_some() && of_domain.all(|group| group.is_settled() && !group.values.is_empty())
}

fn groups(owner: &Owner, place: &Place<'_>) -> Vec<Group> {
    let ours: Vec<&RecordSet> = place.sets.iter().copied().filter(|set| mark(owner, set).is_some()).collect();
    let keys: BTreeSet<(&RecordName, &RecordType)> = ours.iter().map(|set| (&set.name, &set.type_)).collect();
    let group = |(name, type_): (&RecordName, &RecordType)| {
        let sets: Vec<&RecordSet> =
            ours.iter().copied().filter(|set| set.name == *name && set.type_ == *type_).collect();
        let mut group = Group::new(&place.zone, name, type_.clone(), &sets);
        sets.into_iter().for_each(|set| group.wish(RecordAction::Delete, set.clone()));
        group
    };
    keys.into_iter().map(group).collect()
}

impl Group {
    /// Lets records stay until then; without a time, for as long as it takes.
    fn stay(&mut self, until: Option<Timestamp>, now: Timestamp) {
        if until.is_some_and(|until| until <= now) {
            return;
        }
        self.wishes.clear();
        self.note = Some(match until {
            Some(_) => {
                "the domain is in another hosted zone: these stay until that one has been complete for two days"
            }
            None => "the domain is not complete in another hosted zone: these stay as they are",
        });
        self.recheck_at = until;
    }
}
