//! All that the account holds, and the changes on their way.
//!
//! | rule | page |
//! |---|---|
//! | several zones of one name may exist, each from its own `CallerReference` | API_CreateHostedZone: HostedZoneAlreadyExists |
//! | a zone with records of its own is not deleted | API_DeleteHostedZone: HostedZoneNotEmpty |
//! | a change to a zone that works on one is refused | API_ChangeResourceRecordSets: PriorRequestNotComplete |
//! | 500 zones | API_CreateHostedZone: TooManyHostedZones; DeveloperGuide DNSLimitations |
//! | 10,000 record sets in a zone; AWS does not say how it refuses more | DeveloperGuide DNSLimitations |
//! | PENDING, then INSYNC; unknown ids are told | API_GetChange: NoSuchChange |
//!
//! The rules for health checks are in [`health_check`](crate::health_check), for tags in [`tags`](crate::tags).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use jiff::Timestamp;

use crate::batch;
use crate::health_check::HealthChecks;
use crate::name::Name;
use crate::record::Records;
use crate::refusal::Refusal;
use crate::settings::{Settings, Sync};
use crate::tags::Tags;
use crate::xml::records::{ChangeBatch, ChangeInfo};
use crate::xml::zones::CreateHostedZoneRequest;
use crate::zone::Zone;

/// The account.
pub struct Account {
    settings: Settings,
    /// By id, which is also the order they were made in.
    pub zones: BTreeMap<String, Zone>,
    /// The health checks.
    pub health_checks: HealthChecks,
    /// The tags.
    pub tags: Tags,
    changes: Vec<Change>,
    zones_made: u64,
}

struct Change {
    id: String,
    zone: String,
    comment: Option<String>,
    submitted: Timestamp,
    state: State,
}

enum State {
    /// The name server answers this from then on; without a time it waits for the command.
    Pending {
        due: Option<Instant>,
        records: Arc<Records>,
    },
    InSync,
}

impl Account {
    /// An account that holds nothing.
    pub fn new(settings: &Settings) -> Self {
        Self {
            settings: settings.clone(),
            zones: BTreeMap::new(),
            health_checks: HealthChecks::new(settings),
            tags: Tags::default(),
            changes: Vec::new(),
            zones_made: 0,
        }
    }

    /// The zone of this id.
    pub fn zone(&self, id: &str) -> Result<&Zone, Refusal> {
        self.zones.get(id).ok_or_else(|| Refusal::no_such_hosted_zone(id))
    }

    /// Makes a zone.
    pub fn create_zone(&mut self, request: CreateHostedZoneRequest) -> Result<(Zone, ChangeInfo), Refusal> {
        let config = request.hosted_zone_config.unwrap_or_default();
        let invalid =
            |error: crate::name::InvalidName| Refusal::new(400, "InvalidDomainName", error.to_string());
        let apex = Name::parse(&request.name).map_err(invalid)?;
        if config.private_zone != request.vpc.is_some() {
            return Err(Refusal::invalid_input("a private zone has a VPC, and a public one has none"));
        }
        if self.zones.values().any(|zone| zone.caller_reference == request.caller_reference) {
            let message = "A hosted zone has already been created with the specified caller reference.";
            return Err(Refusal::new(409, "HostedZoneAlreadyExists", message));
        }
        if self.zones.len() >= self.settings.max_zones {
            let message = format!("Maximum number of hosted zones ({}) reached.", self.settings.max_zones);
            return Err(Refusal::new(400, "TooManyHostedZones", message));
        }
        self.zones_made += 1;
        let id = format!("Z{:013}", self.zones_made);
        let zone = Zone::new(id.clone(), apex, request.caller_reference, config.comment, request.vpc);
        self.zones.insert(id.clone(), zone.clone());
        Ok((zone, self.submit(&id, None)))
    }

    /// Deletes a zone that holds no records of its own.
    pub fn delete_zone(&mut self, id: &str) -> Result<ChangeInfo, Refusal> {
        if self.zone(id)?.has_own_records() {
            let message = "The specified hosted zone contains non-required resource record sets and so cannot be deleted.";
            return Err(Refusal::new(400, "HostedZoneNotEmpty", message));
        }
        let info = self.submit(id, None);
        self.zones.remove(id);
        Ok(info)
    }

    /// Applies a batch.
    pub fn change_records(&mut self, id: &str, request: ChangeBatch) -> Result<ChangeInfo, Refusal> {
        let zone = self.zone(id)?;
        if Instant::now() < zone.busy_until {
            return Err(Refusal::prior_request_not_complete());
        }
        let target = batch::Target {
            id,
            apex: &zone.apex,
            records: &zone.records,
            health_check_exists: &|check| self.health_checks.get(check).is_ok(),
        };
        let records = batch::apply(&target, &request.changes.items)?;
        if records.len() > self.settings.max_records {
            let message =
                format!("The hosted zone would hold more than {} records", self.settings.max_records);
            return Err(Refusal::invalid_change_batch(&[message]));
        }
        let busy_until = Instant::now() + self.settings.processing;
        let zone = self.zones.get_mut(id).expect("the zone was just read");
        zone.records = records;
        zone.busy_until = busy_until;
        Ok(self.submit(id, request.comment))
    }

    /// How far a change is.
    pub fn change(&self, id: &str) -> Result<ChangeInfo, Refusal> {
        let message = || format!("Could not find resource with ID: {id}");
        let change = self.changes.iter().find(|change| change.id == id);
        change.map(Change::info).ok_or_else(|| Refusal::new(404, "NoSuchChange", message()))
    }

    /// Brings the changes that are due to the name server.
    pub fn settle(&mut self) {
        let now = Instant::now();
        self.bring_in_sync(|due| due.is_some_and(|due| due <= now));
    }

    /// Brings all changes to the name server.
    pub fn sync(&mut self) {
        self.bring_in_sync(|_| true);
    }

    fn bring_in_sync(&mut self, is_due: impl Fn(Option<Instant>) -> bool) {
        for change in &mut self.changes {
            if let State::Pending { due, records } = &change.state
                && is_due(*due)
            {
                if let Some(zone) = self.zones.get_mut(&change.zone) {
                    zone.served = records.clone();
                }
                change.state = State::InSync;
            }
        }
    }

    /// Sends what a zone now holds on its way.
    fn submit(&mut self, zone: &str, comment: Option<String>) -> ChangeInfo {
        let due = match self.settings.sync {
            Sync::After(time) => Some(Instant::now() + time),
            Sync::OnCommand => None,
        };
        let change = Change {
            id: format!("C{:013}", self.changes.len() + 1),
            zone: zone.to_owned(),
            comment,
            submitted: Timestamp::now(),
            state: State::Pending { due, records: Arc::new(self.zones[zone].records.clone()) },
        };
        let info = change.info();
        self.changes.push(change);
        info
    }
}

impl Change {
    fn info(&self) -> ChangeInfo {
        ChangeInfo {
            id: format!("/change/{}", self.id),
            status: if matches!(self.state, State::InSync) { "INSYNC" } else { "PENDING" },
            submitted_at: self.submitted.to_string(),
            comment: self.comment.clone(),
        }
    }
}
