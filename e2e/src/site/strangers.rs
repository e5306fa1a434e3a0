//! What belongs to somebody else in the account, beside everything that the operator makes: it is there before the operator, and has to be the same
//! at any later time.

use std::collections::BTreeSet;

use anyhow::{Result, ensure};
use aws_sdk_ec2::types::{Address, DomainType, SecurityGroup, Tag};
use aws_sdk_route53::types::{ChangeAction, HealthCheckConfig, HealthCheckType};

use crate::Amazon;
use crate::site::zone::{self, Zones, simple};

/// Resources, each as it is shown.
#[derive(Debug)]
pub(super) struct Strangers {
    zone: String,
    before: BTreeSet<String>,
}

impl Strangers {
    /// Makes them: records beside and below the apex, one with the operator's word but another Cluster's, an address, a health check, security groups.
    pub(super) async fn settle(amazon: &Amazon, zones: &Zones, zone: &str) -> Result<Self> {
        let sets = [
            simple("site.com", "MX", &["10 mail.site.com"])?,
            simple("site.com", "TXT", &["\"v=spf1 -all\""])?,
            simple("mail.site.com", "A", &["192.0.2.25"])?,
            simple("api.site.com", "CNAME", &["elsewhere.example"])?,
        ];
        zones.change(zone, sets.map(|set| (ChangeAction::Create, set))).await?;
        amazon.account.ec2.allocate_address().domain(DomainType::Vpc).send().await?;
        let config = HealthCheckConfig::builder().r#type(HealthCheckType::Tcp).port(25);
        let check = zones.client.create_health_check().caller_reference("somebody-else");
        check.health_check_config(config.ip_address("192.0.2.25").build()?).send().await?;
        for (name, description) in [("database", "clients of the database"), ("office", "reached from it")] {
            let group = amazon.account.ec2.create_security_group().group_name(name);
            group.description(description).send().await?;
        }
        let before = present(amazon, zones, zone).await?;
        Ok(Self { zone: zone.to_owned(), before })
    }

    pub(super) async fn are_untouched(&self, amazon: &Amazon, zones: &Zones) -> Result<()> {
        let now = present(amazon, zones, &self.zone).await?;
        let gone: Vec<_> = self.before.difference(&now).collect();
        let new: Vec<_> = now.difference(&self.before).collect();
        ensure!(gone.is_empty() && new.is_empty(), "of somebody else's, gone: {gone:?}, new: {new:?}");
        Ok(())
    }
}

/// What is not the operator's.
async fn present(amazon: &Amazon, zones: &Zones, zone: &str) -> Result<BTreeSet<String>> {
    let addresses = amazon.account.addresses().await?;
    let addresses =
        addresses.iter().filter(|address| !is_ours(address)).map(|address| format!("{address:?}"));
    let groups = amazon.account.groups().await?;
    let groups = groups.iter().filter(|group| !is_own(group)).map(|group| format!("{group:?}"));
    let sets = zones.sets(zone).await?;
    let sets = sets.iter().filter(|set| !zone::is_ours(set)).map(|set| format!("{set:?}"));
    let checks = zones.checks().await?;
    let checks = checks.iter().filter(|check| !check.caller_reference.contains('/'));
    Ok(addresses.chain(groups).chain(sets).chain(checks.map(|check| format!("{check:?}"))).collect())
}

/// Whether the operator made an address.
pub(super) fn is_ours(address: &Address) -> bool {
    is_marked(address.tags())
}

/// Whether the operator made a security group.
pub(super) fn is_own(group: &SecurityGroup) -> bool {
    is_marked(group.tags())
}

fn is_marked(tags: &[Tag]) -> bool {
    tags.iter().any(|tag| tag.key() == Some("flynn.io/cluster"))
}
