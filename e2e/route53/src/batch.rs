//! Rules for a change batch: ChangeResourceRecordSets, all or nothing.
//!
//! | rule | page |
//! |---|---|
//! | a batch is applied whole or not at all | API_ChangeResourceRecordSets, "Change Batches and Transactional Changes" |
//! | at most 1,000 record elements and 32,000 characters of values; UPSERT counts twice | DeveloperGuide DNSLimitations |
//! | one record set at most once in a batch, but DELETE and then CREATE | API_ChangeResourceRecordSets ("invalid set of changes") |
//! | names lie in the zone | API_ChangeResourceRecordSets |
//! | CREATE wants absence; DELETE names every value of what exists | API_Change: Action; API_ChangeResourceRecordSets |
//! | the NS and SOA sets of the apex stay | DeveloperGuide SOA-NSrecords |
//! | a health check that a set names exists | API_ChangeResourceRecordSets: NoSuchHealthCheck |
//! | the rules beside other sets | [`neighbours`] |
//!
//! Changes are judged in their order, each against what those before it left; the messages of all are told together.

use std::collections::HashMap;

use hickory_proto::rr::RecordType;

use crate::form;
use crate::name::Name;
use crate::neighbours;
use crate::record::{Key, RecordSet, Records};
use crate::refusal::Refusal;
use crate::xml::records::{Change, ChangeAction};

const MAX_RECORDS: usize = 1_000;
const MAX_CHARACTERS: usize = 32_000;

/// The zone that a batch is for.
pub struct Target<'a> {
    /// The id of the zone.
    pub id: &'a str,
    /// The apex.
    pub apex: &'a Name,
    /// What the zone holds.
    pub records: &'a Records,
    /// Whether a health check of this id exists.
    pub health_check_exists: &'a dyn Fn(&str) -> bool,
}

/// What the zone holds after the batch.
pub fn apply(target: &Target<'_>, changes: &[Change]) -> Result<Records, Refusal> {
    if changes.is_empty() {
        return Err(Refusal::invalid_input("Invalid XML ; a batch has at least one change"));
    }
    let changes = changes
        .iter()
        .map(|change| Ok((change.action, form::parse(change)?)))
        .collect::<Result<Vec<_>, Refusal>>()?;
    within_limits(&changes)?;
    health_checks_exist(target, &changes)?;
    let mut messages = repeated(&changes);
    let mut records = target.records.clone();
    for (action, set) in changes {
        match change(target, &records, action, &set) {
            Ok(()) if action == ChangeAction::Delete => {
                records.remove(&set.key());
            }
            Ok(()) => {
                records.insert(set.key(), set);
            }
            Err(message) => messages.push(message),
        }
    }
    if messages.is_empty() { Ok(records) } else { Err(Refusal::invalid_change_batch(&messages)) }
}

fn within_limits(changes: &[(ChangeAction, RecordSet)]) -> Result<(), Refusal> {
    let (mut elements, mut characters) = (0, 0);
    for (action, set) in changes {
        let times = if *action == ChangeAction::Upsert { 2 } else { 1 };
        elements += times * set.values().len();
        characters += times * set.values().iter().map(|value| value.chars().count()).sum::<usize>();
    }
    let exceeded = |what, limit| {
        Err(Refusal::invalid_change_batch(&[format!("Number of {what} limit of {limit} exceeded.")]))
    };
    match () {
        () if elements > MAX_RECORDS => exceeded("records", MAX_RECORDS),
        () if characters > MAX_CHARACTERS => exceeded("characters", MAX_CHARACTERS),
        () => Ok(()),
    }
}

fn health_checks_exist(target: &Target<'_>, changes: &[(ChangeAction, RecordSet)]) -> Result<(), Refusal> {
    changes
        .iter()
        .filter(|(action, _)| *action != ChangeAction::Delete)
        .filter_map(|(_, set)| set.health_check.as_deref())
        .find(|id| !(target.health_check_exists)(id))
        .map_or(Ok(()), |id| Err(Refusal::no_such_health_check(id)))
}

/// A message for each set that the batch names more than once.
fn repeated(changes: &[(ChangeAction, RecordSet)]) -> Vec<String> {
    let mut actions: HashMap<Key, Vec<ChangeAction>> = HashMap::new();
    let mut messages = Vec::new();
    for (action, set) in changes {
        let seen = actions.entry(set.key()).or_default();
        seen.push(*action);
        if !matches!(seen[..], [_] | [ChangeAction::Delete, ChangeAction::Create]) {
            let RecordSet { name, kind, .. } = set;
            messages.push(format!(
                "The request contains an invalid set of changes for a resource record set '{kind} {name}'"
            ));
        }
    }
    messages
}

/// Whether the records allow this change.
fn change(
    target: &Target<'_>,
    records: &Records,
    action: ChangeAction,
    set: &RecordSet,
) -> Result<(), String> {
    if !set.name.is_within(target.apex) {
        return Err(format!("RRSet with DNS name {} is not permitted in zone {}", set.name, target.apex));
    }
    let stored = records.get(&set.key());
    match (action, stored) {
        (ChangeAction::Create, Some(_)) => {
            Err(format!("Tried to create resource record set {} but it already exists", set.label()))
        }
        (ChangeAction::Create | ChangeAction::Upsert, _) => neighbours::allow(target, records, set),
        (ChangeAction::Delete, None) => {
            Err(format!("Tried to delete resource record set {} but it was not found", set.label()))
        }
        (ChangeAction::Delete, Some(stored)) if !set.names_exactly(stored) => Err(format!(
            "Tried to delete resource record set {} but the values provided do not match the current values",
            set.label()
        )),
        (ChangeAction::Delete, Some(_)) => deletable(target, set),
    }
}

/// A zone keeps the records that make it one.
fn deletable(target: &Target<'_>, set: &RecordSet) -> Result<(), String> {
    match set.kind {
        RecordType::SOA => Err("A HostedZone must contain exactly one SOA record.".to_owned()),
        RecordType::NS if set.name == *target.apex => {
            Err("A HostedZone must contain at least one NS record for the zone itself.".to_owned())
        }
        _ => Ok(()),
    }
}
