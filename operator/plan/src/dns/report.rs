//! What a pass says: the state of each record, of each address, and of all together.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use crds::{Reason, RecordStatus};

use super::batch::Batches;
use super::group::Group;
use super::standing::{Merit, Standing};
use super::survey::Survey;
use super::{DnsPlan, DnsState, DnsWord, History, Scene};
use crate::aws::{RecordName, RecordType, ZoneId};
use crate::{Finding, Refusal, Verdict};

/// How many healthy multivalue sets Route 53 answers with.
const ANSWERED: usize = 8;

/// How many values a status lists.
const MOST_VALUES: usize = 100;

/// How many of how many, addresses and records.
struct Counts {
    published: usize,
    wanted: usize,
    in_sync: usize,
    records: usize,
}

/// Puts the plan together.
pub(super) fn plan(
    scene: &Scene<'_>,
    survey: &Survey<'_>,
    groups: Vec<Group>,
    batches: Batches,
    mut history: History,
) -> DnsPlan {
    let records = records(scene, survey, &groups, &batches, &history);
    let states = states(scene, survey, &groups);
    let deleted = scene.inputs.order.deleted_at.is_some();
    let finding = match deleted {
        true => removal(scene, survey),
        false => finding(scene, survey, &groups, &batches, Counts::of(scene, &records)),
    };
    let clear = survey.is_whole() && survey.ours(&scene.inputs.order.owner).next().is_none();
    let undone = deleted && clear && !scene.checks.any_left;
    history.told.clone_from(&records);
    let rechecks = [scene.standings.recheck_at, scene.checks.recheck_at, batches.recheck_at];
    let recheck_at = rechecks.into_iter().chain(groups.iter().map(|group| group.recheck_at)).flatten().min();
    let drift =
        scene.checks.drift.iter().cloned().chain(groups.into_iter().flat_map(|group| group.drift)).collect();
    let calls = [&scene.checks.before, &batches.calls, &scene.checks.after];
    DnsPlan {
        calls: calls.into_iter().flatten().cloned().collect(),
        published: Some(finding),
        records,
        states,
        drift,
        undone,
        history,
        checks: scene.checks.ids(),
        recheck_at,
    }
}

fn records(
    scene: &Scene<'_>,
    survey: &Survey<'_>,
    groups: &[Group],
    batches: &Batches,
    history: &History,
) -> Vec<RecordStatus> {
    let mut records: Vec<RecordStatus> = groups.iter().map(|group| status(group, batches, history)).collect();
    for (name, zone) in &scene.inputs.order.former {
        let is_this = |record: &RecordStatus| {
            record.name == name.as_str() && record.hosted_zone_id.as_deref() == Some(zone.as_str())
        };
        if let Some(why) = survey.why_unknown(name).filter(|_| !records.iter().any(is_this)) {
            let told: Vec<RecordStatus> =
                history.told.iter().filter(|record| is_this(record)).cloned().collect();
            // The name's own line says no more than these.
            records.retain(|record| record.name != name.as_str() || record.hosted_zone_id.is_some());
            records.extend(as_it_was(told, name, zone).into_iter().map(|record| RecordStatus {
                state: "Failed".to_owned(),
                message: Some(why.message.clone()),
                ..record
            }));
        }
    }
    records
}

/// What cannot be read now as it was, so that no name is forgotten.
fn as_it_was(told: Vec<RecordStatus>, name: &RecordName, zone: &ZoneId) -> Vec<RecordStatus> {
    if !told.is_empty() {
        return told;
    }
    let type_ = if name.as_str().starts_with("*.") { RecordType::Cname } else { RecordType::A };
    vec![RecordStatus {
        name: name.to_string(),
        type_: type_.to_string(),
        hosted_zone_id: Some(zone.to_string()),
        ..RecordStatus::default()
    }]
}

fn status(group: &Group, batches: &Batches, history: &History) -> RecordStatus {
    let failed = group.zone.as_ref().and_then(|zone| batches.faults.get(&(zone.clone(), group.name.clone())));
    let failed = failed.filter(|_| !group.wishes.is_empty()).or(group.fault.as_ref());
    let under_way = group.zone.as_ref().is_some_and(|zone| history.is_under_way(zone));
    let (state, message) = match failed {
        Some(fault) if fault.reason == Reason::NotOwned => ("NotOwned", Some(fault.message.clone())),
        Some(fault) => ("Failed", Some(fault.message.clone())),
        None if !group.wishes.is_empty() || group.waits.is_some() => ("Pending", group.waits.clone()),
        None if under_way => ("Pending", Some("not every name server of Route 53 has it yet".to_owned())),
        None => ("InSync", group.note.map(str::to_owned)),
    };
    RecordStatus {
        name: group.name.to_string(),
        type_: group.type_.to_string(),
        hosted_zone_id: group.zone.as_ref().map(ToString::to_string),
        values: group.values.iter().take(MOST_VALUES).cloned().collect(),
        state: state.to_owned(),
        message,
    }
}

fn states(scene: &Scene<'_>, survey: &Survey<'_>, groups: &[Group]) -> BTreeMap<IpAddr, DnsState> {
    let held: BTreeSet<IpAddr> = groups.iter().flat_map(|group| group.held.iter().copied()).collect();
    let state = |(address, standing): (IpAddr, &Standing<'_>)| {
        let word = match () {
            () if held.contains(&address) => DnsWord::Held,
            () if standing.published => DnsWord::Published,
            () if standing.should_leave() => DnsWord::Withdrawn,
            () => DnsWord::Pending,
        };
        let health = scene.checks.of_address(address).and_then(|id| scene.inputs.observed.health.get(id));
        let health = match health {
            Some(health) if health.is_healthy() => "Healthy",
            Some(_) => "Unhealthy",
            None => "Unknown",
        };
        let fault = scene.checks.faults.get(&address).map(|fault| fault.message.clone());
        let message = fault
            .or_else(|| standing.why().filter(|_| word != DnsWord::Published || standing.should_leave()));
        (address, DnsState { word, health, message })
    };
    // Of an address that is in none of the records that could be read, nobody knows whether it is in the others.
    let known = |(_, standing): &(IpAddr, &Standing<'_>)| survey.is_whole() || standing.published;
    scene.standings.iter().filter(known).map(state).collect()
}

/// Whether all is as it should be: the first fault, otherwise how much there is.
fn finding(
    scene: &Scene<'_>,
    survey: &Survey<'_>,
    groups: &[Group],
    batches: &Batches,
    counts: Counts,
) -> Finding {
    let named = |((_, name), fault): (&(ZoneId, RecordName), &Refusal)| {
        Refusal::new(fault.reason, format!("{name}: {}", fault.message))
    };
    let faults = survey.unread.iter().chain(groups.iter().filter_map(|group| group.fault.as_ref()));
    let faults = faults.chain(&scene.checks.unread).cloned();
    let faults = faults.chain(batches.faults.iter().map(named)).chain(scene.checks.faults.values().cloned());
    let fault = faults.chain(too_few(scene, groups)).chain(dead(scene)).next();
    match fault {
        Some(fault) => Err(fault),
        None => counts.finding(scene, groups).and_then(|told| probed(scene).map(|()| told)),
    }
}

/// Whether the operator's own probes have decided about every node that DNS names, once at least since this leader began.
fn probed(scene: &Scene<'_>) -> Verdict {
    let Some((count, why)) = &scene.standings.unjudged else { return Ok(()) };
    let message = format!(
        "whether {count} of the nodes in DNS serve is being found out, because the operator has begun anew: {why}"
    );
    Err(Refusal::new(Reason::Probing, message))
}

/// That addresses had to stay which should leave.
fn too_few(scene: &Scene<'_>, groups: &[Group]) -> Option<Refusal> {
    let group = groups.iter().find(|group| !group.held.is_empty())?;
    let why = scene.standings.get(*group.held.first()?)?.why().unwrap_or_default();
    let addresses: Vec<String> = group.held.iter().map(ToString::to_string).collect();
    let message = format!(
        "{} keeps {}, although they should leave, because too few that serve would be left: mend the nodes ({why})",
        group.name,
        addresses.join(", "),
    );
    Some(Refusal::new(Reason::TooFewHealthy, message))
}

/// That a node is out of DNS because it does not answer.
fn dead(scene: &Scene<'_>) -> Option<Refusal> {
    scene.standings.iter().find_map(|(_, standing)| match &standing.merit {
        Merit::Dead(refusal) => Some(refusal.clone()),
        _ => None,
    })
}

/// How far the removal of everything is.
fn removal(scene: &Scene<'_>, survey: &Survey<'_>) -> Finding {
    if let Some(fault) = survey.unread.clone().or_else(|| scene.checks.unread.clone()) {
        return Err(fault);
    }
    let records = survey.ours(&scene.inputs.order.owner).count();
    match (records, scene.checks.any_left) {
        (0, false) => Err(Refusal::new(Reason::Pending, "its records and health checks are gone")),
        (0, true) => Err(Refusal::new(Reason::Pending, "its records are gone, its health checks follow")),
        (count, _) => Err(Refusal::new(Reason::Pending, format!("{count} records are being removed"))),
    }
}

impl Counts {
    fn of(scene: &Scene<'_>, records: &[RecordStatus]) -> Self {
        let serving = scene
            .standings
            .iter()
            .filter(|(_, standing)| standing.member.is_some() && !standing.should_leave());
        let serving: Vec<&Standing<'_>> = serving.map(|(_, standing)| standing).collect();
        Self {
            published: serving.iter().filter(|standing| standing.published).count(),
            wanted: serving.len(),
            in_sync: records.iter().filter(|record| record.state == "InSync").count(),
            records: records.len(),
        }
    }

    fn finding(&self, scene: &Scene<'_>, groups: &[Group]) -> Finding {
        let Self { published, wanted, in_sync, records } = self;
        let counts = format!("{published}/{wanted} addresses, {in_sync}/{records} records");
        if published < wanted || in_sync < records || *records == 0 {
            let waits = groups.iter().find_map(|group| group.waits.clone());
            let waits = waits.or_else(|| scene.standings.iter().find_map(|(_, standing)| standing.why()));
            let why = waits.map(|why| format!(": {why}")).unwrap_or_default();
            return Err(Refusal::new(Reason::Pending, format!("{counts}{why}")));
        }
        let many = groups
            .iter()
            .filter(|group| group.type_ != RecordType::Cname)
            .map(|group| group.values.len())
            .max();
        let note = many.filter(|count| *count > ANSWERED);
        let note = note.map(|_| format!("; Route 53 answers with up to {ANSWERED} healthy ones at a time"));
        Ok(format!("{counts}{}", note.unwrap_or_default()))
    }
}
