//! Hosted zones and records on Route 53.

mod names;
mod record;

use std::collections::BTreeSet;

use async_trait::async_trait;
use aws_sdk_route53::types::{Change, ChangeBatch, ChangeStatus, HostedZone};
use plan::aws::{ChangeId, Failure, Fault, RecordChange, RecordName, RecordSet, Zone, ZoneId};

use super::Zones;
use crate::failure::{self, incomplete, invalid};
use crate::operation::Operation;
use crate::pace::Lane;
use crate::sdk::Route53;

const LIST: Operation = Operation::read("route53:ListHostedZones", &[Lane::Route53]);
const CHANGE: Operation = Operation::write("route53:ChangeResourceRecordSets", &[Lane::Route53]);
const GET_CHANGE: Operation = Operation::read("route53:GetChange", &[Lane::Route53]);

/// How the console explains a change.
const COMMENT: &str = "flynn-operator";

#[async_trait]
impl Zones for Route53 {
    async fn list(&self) -> Result<Vec<Zone>, Failure> {
        let mut zones = Vec::new();
        let mut marker = None;
        loop {
            let send = || self.client.list_hosted_zones().set_marker(marker.clone()).send();
            let page = self.caller.call(&LIST, send).await?;
            failure::page(LIST.name, page.max_items)?;
            zones.extend(page.hosted_zones().iter().map(zone));
            marker = page.next_marker.filter(|_| page.is_truncated);
            if marker.is_none() {
                return Ok(zones);
            }
        }
    }

    async fn records(&self, zone: &ZoneId, names: &BTreeSet<RecordName>) -> Result<Vec<RecordSet>, Failure> {
        names::read(self, zone, names).await
    }

    async fn change(&self, zone: &ZoneId, changes: &[RecordChange]) -> Result<ChangeId, Failure> {
        let changes: Vec<Change> = changes.iter().map(record::change).collect::<Result<_, _>>()?;
        let batch = ChangeBatch::builder().set_changes(Some(changes)).comment(COMMENT).build();
        let batch = batch.map_err(|error| invalid(CHANGE.name, error.to_string()))?;
        let send = || {
            let request = self.client.change_resource_record_sets().hosted_zone_id(zone.as_str());
            request.change_batch(batch.clone()).send()
        };
        let output = self.caller.call(&CHANGE, send).await?;
        let change = output.change_info.ok_or_else(|| incomplete(CHANGE.name))?;
        Ok(ChangeId::new(bare(&change.id)))
    }

    async fn is_in_sync(&self, change: &ChangeId) -> Result<bool, Failure> {
        let send = || self.client.get_change().id(change.as_str()).send();
        match self.caller.call(&GET_CHANGE, send).await {
            Ok(output) => Ok(output.change_info.is_some_and(|info| info.status == ChangeStatus::Insync)),
            Err(failure) if failure.fault == Fault::NotFound => Ok(true),
            Err(failure) => Err(failure),
        }
    }
}

fn zone(zone: &HostedZone) -> Zone {
    let private = zone.config().is_some_and(|config| config.private_zone());
    Zone { id: ZoneId::new(bare(zone.id())), name: RecordName::new(zone.name()), private }
}

/// An id without its kind: answers say `/hostedzone/Z1` and `/change/C1`.
fn bare(id: &str) -> &str {
    id.rsplit('/').next().unwrap_or(id)
}
