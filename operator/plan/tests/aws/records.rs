//! The hosted zones of the simulated account: batches are carried out whole or refused whole, by the rules of Route 53 for the sets of one name.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use jiff::{SignedDuration, Timestamp};
use plan::aws::{
    Call, ChangeId, Done, Failure, Fault, HealthCheckId, Owner, RecordAction, RecordChange, RecordName,
    RecordSet, RecordType, Routing, Zone, ZoneId,
};
use serde::{Deserialize, Serialize};

use crate::account::{Account, refused};

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct HostedZone {
    pub(crate) name: String,
    pub(crate) private: bool,
    /// By any key that a case likes; those that calls make are `name type identifier`.
    pub(crate) records: BTreeMap<String, Record>,
}

/// A record set. Without an identifier it is simple; with a weight it is weighted; with `policy` it is of another policy; otherwise multivalue.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Record {
    pub(crate) name: String,
    #[serde(rename = "type")]
    pub(crate) type_: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) identifier: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) weight: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) policy: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ttl: Option<u32>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) values: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) check: Option<String>,
    /// Zone, name, whether the target's health counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) alias: Option<(String, String, bool)>,
}

impl Account {
    pub(crate) fn list_zones(&self) -> Vec<Zone> {
        let zone = |(id, zone): (&String, &HostedZone)| Zone {
            id: ZoneId::new(id.as_str()),
            name: RecordName::new(&zone.name),
            private: zone.private,
        };
        self.zones.iter().map(zone).collect()
    }

    /// The sets of these names in a zone. At its apex it has the two that a case need not state.
    pub(crate) fn list_records(&self, zone: &ZoneId, names: &BTreeSet<RecordName>) -> Vec<RecordSet> {
        let Some(zone) = self.zones.get(zone.as_str()) else { return Vec::new() };
        let own = ["NS", "SOA"].map(|type_| Record::of_zone(&zone.name, type_));
        let records = own.iter().chain(zone.records.values());
        records.map(Record::told).filter(|set| names.contains(&set.name)).collect()
    }

    /// The addresses that sets of this owner name.
    pub(crate) fn published(&self, owner: &Owner) -> BTreeSet<IpAddr> {
        let records = self.zones.values().flat_map(|zone| zone.records.values());
        let ours = records.filter(|record| record.identifier.as_ref().is_some_and(|id| owner.owns_set(id)));
        ours.flat_map(|record| &record.values).filter_map(|value| value.parse().ok()).collect()
    }

    /// The changes that every name server has.
    pub(crate) fn in_sync(&self, now: Timestamp) -> BTreeSet<ChangeId> {
        let done = self.changes.iter().filter(|(_, at)| **at <= now);
        done.map(|(id, _)| ChangeId::new(id.as_str())).collect()
    }

    pub(crate) fn change_records(
        &mut self,
        call: &Call,
        zone: &ZoneId,
        changes: &[RecordChange],
        now: Timestamp,
    ) -> Result<Done, Failure> {
        let Some(hosted) = self.zones.get(zone.as_str()) else {
            return Err(refused(call, Fault::NotFound, "NoSuchHostedZone"));
        };
        let mut records = hosted.records.clone();
        for change in changes {
            apply(&mut records, change).map_err(|said| invalid(call, said))?;
        }
        let apex = RecordName::new(&hosted.name);
        let checks: BTreeSet<&str> = self.checks.keys().map(String::as_str).collect();
        for change in changes.iter().filter(|change| change.action != RecordAction::Delete) {
            fits(&change.set, &apex, &records, &checks).map_err(|said| invalid(call, said))?;
        }
        if size(changes) > (1_000, 32_000) || size(changes).1 > 32_000 {
            return Err(invalid(call, "the batch is too large".into()));
        }
        self.zones.get_mut(zone.as_str()).expect("it was there").records = records;
        let id = format!("C{}", self.next());
        self.changes.insert(id.clone(), now + SignedDuration::from_secs(self.sync_seconds));
        Ok(Done::Changed(ChangeId::new(id)))
    }
}

/// The records and the characters of a batch, of which an UPSERT has twice as many.
fn size(changes: &[RecordChange]) -> (usize, usize) {
    let times = |change: &RecordChange| if change.action == RecordAction::Upsert { 2 } else { 1 };
    let records = changes.iter().map(|change| times(change) * change.set.values.len().max(1)).sum();
    let length = |change: &RecordChange| change.set.values.iter().map(String::len).sum::<usize>();
    (records, changes.iter().map(|change| times(change) * length(change)).sum())
}

fn invalid(call: &Call, said: String) -> Failure {
    Failure { message: said, ..refused(call, Fault::Invalid, "InvalidChangeBatch") }
}

fn apply(records: &mut BTreeMap<String, Record>, change: &RecordChange) -> Result<(), String> {
    let set = Record::of(&change.set);
    let same = |record: &Record| {
        (&record.name, &record.type_, &record.identifier) == (&set.name, &set.type_, &set.identifier)
    };
    let key = records.iter().find(|(_, record)| same(record)).map(|(key, _)| key.clone());
    match (change.action, key) {
        (RecordAction::Create, Some(key)) => return Err(format!("{key} already exists")),
        (RecordAction::Create, None) | (RecordAction::Upsert, None) => {
            let identifier = set.identifier.as_deref().unwrap_or_default();
            records.insert(format!("{} {} {identifier}", set.name, set.type_).trim_end().to_owned(), set);
        }
        (RecordAction::Upsert, Some(key)) => drop(records.insert(key, set)),
        (RecordAction::Delete, Some(key)) if records[&key] == set => drop(records.remove(&key)),
        (RecordAction::Delete, _) => return Err(format!("{} {} is not as it is named", set.name, set.type_)),
    }
    Ok(())
}

/// Whether a set may stand beside the others.
fn fits(
    set: &RecordSet,
    zone: &RecordName,
    records: &BTreeMap<String, Record>,
    checks: &BTreeSet<&str>,
) -> Result<(), String> {
    let told = |why: &str| Err(format!("{} {:?}: {why}", set.name, set.type_));
    if !set.name.is_in(zone) {
        return told("is not in the zone");
    }
    if set.health_check.as_ref().is_some_and(|check| !checks.contains(check.as_str())) {
        return told("has a health check that does not exist");
    }
    let cname = set.type_ == RecordType::Cname;
    if cname && set.name == *zone {
        return told("is at the apex of the zone");
    }
    let others: Vec<RecordSet> =
        records.values().map(Record::told).filter(|other| other.name == set.name).collect();
    if others.iter().any(|other| (other.type_ == RecordType::Cname) != cname) {
        return told("stands beside a CNAME");
    }
    let alike: Vec<&RecordSet> = others.iter().filter(|other| other.type_ == set.type_).collect();
    if alike.iter().any(|other| policy(other) != policy(set)) {
        return told("stands beside a set of another routing policy");
    }
    let multivalue = matches!(set.routing, Routing::Multivalue { .. });
    if multivalue && alike.iter().filter(|other| other.values == set.values).count() > 1 {
        return told("has the value of another multivalue set");
    }
    if multivalue && set.values.len() != 1 {
        return told("a multivalue set has one value");
    }
    Ok(())
}

fn policy(set: &RecordSet) -> u8 {
    match set.routing {
        Routing::Simple => 0,
        Routing::Multivalue { .. } => 1,
        Routing::Weighted { .. } => 2,
        Routing::Other { .. } => 3,
    }
}

impl Record {
    /// One that Route 53 made with the zone.
    fn of_zone(zone: &str, type_: &str) -> Self {
        Self {
            name: zone.to_owned(),
            type_: type_.to_owned(),
            identifier: None,
            weight: None,
            policy: None,
            ttl: Some(900),
            values: vec!["ns.awsdns.test".to_owned()],
            check: None,
            alias: None,
        }
    }

    fn of(set: &RecordSet) -> Self {
        let (identifier, weight, policy) = match &set.routing {
            Routing::Simple => (None, None, None),
            Routing::Multivalue { identifier } => (Some(identifier), None, None),
            Routing::Weighted { identifier, weight } => (Some(identifier), Some(*weight), None),
            Routing::Other { identifier } => (Some(identifier), None, Some("other".to_owned())),
        };
        Self {
            name: set.name.to_string(),
            type_: match &set.type_ {
                RecordType::A => "A".into(),
                RecordType::Aaaa => "AAAA".into(),
                RecordType::Cname => "CNAME".into(),
                RecordType::Other(type_) => type_.clone(),
            },
            identifier: identifier.cloned(),
            weight,
            policy,
            ttl: set.ttl_seconds,
            values: set.values.clone(),
            check: set.health_check.as_ref().map(ToString::to_string),
            alias: set
                .alias
                .as_ref()
                .map(|(zone, name, health)| (zone.to_string(), name.to_string(), *health)),
        }
    }

    fn told(&self) -> RecordSet {
        let routing = match (self.identifier.clone(), self.weight, &self.policy) {
            (None, ..) => Routing::Simple,
            (Some(identifier), _, Some(_)) => Routing::Other { identifier },
            (Some(identifier), Some(weight), None) => Routing::Weighted { identifier, weight },
            (Some(identifier), None, None) => Routing::Multivalue { identifier },
        };
        RecordSet {
            name: RecordName::new(&self.name),
            type_: match self.type_.as_str() {
                "A" => RecordType::A,
                "AAAA" => RecordType::Aaaa,
                "CNAME" => RecordType::Cname,
                other => RecordType::Other(other.to_owned()),
            },
            routing,
            ttl_seconds: self.ttl,
            unmodelled: self.policy.is_some(),
            values: self.values.clone(),
            health_check: self.check.as_deref().map(HealthCheckId::new),
            alias: self
                .alias
                .as_ref()
                .map(|(zone, name, health)| (ZoneId::new(zone.as_str()), RecordName::new(name), *health)),
        }
    }
}
