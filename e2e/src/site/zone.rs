//! What stands in the hosted zones, and what a client gets from their name servers; past the operator's door, so that its calls stay countable.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use aws_sdk_route53::Client;
use aws_sdk_route53::config::Builder;
use aws_sdk_route53::types::{
    Change, ChangeAction, ChangeBatch, HealthCheck, HostedZoneConfig, ResourceRecord, ResourceRecordSet, Vpc,
    VpcRegion,
};
use hickory_proto::rr::RecordType;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep_until};

use crate::Amazon;

/// The hosted zones of an account.
#[derive(Debug, Clone)]
pub struct Zones {
    /// Route 53 itself: a person at the console.
    pub client: Client,
    /// When the next list may be asked for: who waits for something to change must not use up the calls that the account has.
    turn: Arc<Mutex<Instant>>,
}

/// The time between two lists. Of the account's ten calls a second the operator takes up to five.
const PAUSE: Duration = Duration::from_millis(250);

impl Zones {
    pub(super) fn of(amazon: &Amazon) -> Self {
        let direct = Builder::from(&amazon.sdk(amazon.key())).endpoint_url(amazon.route53.endpoint());
        Self { client: Client::from_conf(direct.build()), turn: Arc::new(Mutex::new(Instant::now())) }
    }

    /// Every record set of a zone.
    ///
    /// # Errors
    /// When Route 53 refuses.
    pub async fn sets(&self, zone: &str) -> Result<Vec<ResourceRecordSet>> {
        self.take_turn().await;
        let list = self.client.list_resource_record_sets().hosted_zone_id(zone);
        let mut sets = Vec::new();
        let mut page = list.clone().send().await?;
        loop {
            sets.extend(page.resource_record_sets);
            if !page.is_truncated {
                return Ok(sets);
            }
            let next = list.clone().set_start_record_name(page.next_record_name);
            let next = next.set_start_record_type(page.next_record_type);
            page = next.set_start_record_identifier(page.next_record_identifier).send().await?;
        }
    }

    /// The record sets of a zone that the operator made.
    ///
    /// # Errors
    /// When Route 53 refuses.
    pub async fn own_sets(&self, zone: &str) -> Result<Vec<ResourceRecordSet>> {
        let mut sets = self.sets(zone).await?;
        sets.retain(is_ours);
        Ok(sets)
    }

    /// Changes record sets, all or none.
    ///
    /// # Errors
    /// When Route 53 refuses.
    pub async fn change<const N: usize>(
        &self,
        zone: &str,
        changes: [(ChangeAction, ResourceRecordSet); N],
    ) -> Result<()> {
        let mut batch = ChangeBatch::builder();
        for (action, set) in changes {
            batch = batch.changes(Change::builder().action(action).resource_record_set(set).build()?);
        }
        let change = self.client.change_resource_record_sets().hosted_zone_id(zone);
        change.change_batch(batch.build()?).send().await?;
        Ok(())
    }

    /// Every health check.
    ///
    /// # Errors
    /// When Route 53 refuses.
    pub async fn checks(&self) -> Result<Vec<HealthCheck>> {
        self.take_turn().await;
        let list = self.client.list_health_checks();
        let mut checks = Vec::new();
        let mut page = list.clone().send().await?;
        loop {
            checks.extend(page.health_checks);
            if !page.is_truncated {
                return Ok(checks);
            }
            page = list.clone().set_marker(page.next_marker).send().await?;
        }
    }

    async fn take_turn(&self) {
        let mut turn = self.turn.lock().await;
        sleep_until(*turn).await;
        *turn = Instant::now() + PAUSE;
    }

    /// The health checks that the operator made.
    ///
    /// # Errors
    /// When Route 53 refuses.
    pub async fn own_checks(&self) -> Result<Vec<HealthCheck>> {
        let mut checks = self.checks().await?;
        checks.retain(|check| check.caller_reference.contains('/'));
        Ok(checks)
    }

    /// Makes a zone that only a network of the account sees, and returns its id.
    ///
    /// # Errors
    /// When Route 53 refuses.
    pub async fn private(&self, name: &str) -> Result<String> {
        let vpc = Vpc::builder().vpc_id("vpc-0123456789abcdef0");
        let vpc = vpc.vpc_region(VpcRegion::UsEast1).build();
        let private = HostedZoneConfig::builder().private_zone(true).build();
        let make = self.client.create_hosted_zone().name(name).vpc(vpc).hosted_zone_config(private);
        let made = make.caller_reference(crate::unique("private")).send().await?;
        let zone = made.hosted_zone.context("a zone was made")?;
        Ok(zone.id.trim_start_matches("/hostedzone/").to_owned())
    }
}

/// A plain record set, as somebody else has it.
///
/// # Errors
/// When a part of it is missing.
pub fn simple(name: &str, type_: &str, values: &[&str]) -> Result<ResourceRecordSet> {
    let records = values.iter().map(|value| ResourceRecord::builder().value(*value).build());
    let set = ResourceRecordSet::builder().name(name).r#type(type_.into()).ttl(300);
    Ok(set.set_resource_records(Some(records.collect::<Result<_, _>>()?)).build()?)
}

/// Whether the operator made a record set.
pub(super) fn is_ours(set: &ResourceRecordSet) -> bool {
    set.set_identifier().is_some_and(|identifier| identifier.starts_with("flynn/"))
}

/// The addresses that a client gets for a name.
pub(super) async fn addresses_of(amazon: &Amazon, name: &str) -> Result<BTreeSet<IpAddr>> {
    let mut addresses = BTreeSet::new();
    for kind in [RecordType::A, RecordType::AAAA] {
        let answer = amazon.route53.ask(name, kind).await?;
        addresses.extend(answer.values().iter().filter_map(|value| value.parse::<IpAddr>().ok()));
    }
    Ok(addresses)
}
