//! Everything that an account has of what a site needs, so that two moments can be compared: addresses, security groups and who has them, records,
//! health checks, buckets, and users with their policies and keys.

use std::collections::BTreeSet;

use anyhow::{Result, ensure};
use aws_sdk_ec2::types::NetworkInterface;
use e2e::Site;

/// What an account has: a line for each thing, which begins with the kind of it.
#[derive(Debug)]
pub(super) struct Holdings(BTreeSet<String>);

impl Holdings {
    /// What the account of a site has now.
    pub(super) async fn of(site: &Site) -> Result<Self> {
        let mut lines = network(site).await?;
        lines.extend(names(site).await?);
        lines.extend(storage(site).await?);
        Ok(Self(lines))
    }

    /// The kinds of which there is something that there was not.
    pub(super) fn kinds_beyond(&self, before: &Self) -> BTreeSet<String> {
        let new = self.0.difference(&before.0).filter_map(|line| line.split_once(' '));
        new.map(|(kind, _)| kind.to_owned()).collect()
    }

    /// An error if anything is there no more, or new.
    pub(super) fn are(&self, before: &Self) -> Result<()> {
        let gone: Vec<_> = before.0.difference(&self.0).collect();
        let new: Vec<_> = self.0.difference(&before.0).collect();
        ensure!(gone.is_empty() && new.is_empty(), "gone: {gone:#?}, new: {new:#?}");
        Ok(())
    }
}

/// Addresses, groups with their rules, and interfaces with their groups and tags.
async fn network(site: &Site) -> Result<BTreeSet<String>> {
    let account = &site.amazon.account;
    let addresses = account.addresses().await?.into_iter().map(|address| format!("address {address:?}"));
    let groups = account.groups().await?.into_iter().map(|group| format!("group {group:?}"));
    let interfaces = account.interfaces().await?.into_iter().map(|interface| told(&interface));
    Ok(addresses.chain(groups).chain(interfaces).collect())
}

/// An interface, without the public address that it has while it has no Elastic IP: EC2 gives it another one each time.
fn told(interface: &NetworkInterface) -> String {
    let elastic = interface.association().and_then(|association| association.allocation_id());
    let id = interface.network_interface_id().unwrap_or_default();
    format!("interface {id} {elastic:?} {:?} {:?}", interface.groups(), interface.tag_set())
}

/// Records of all zones, and health checks.
async fn names(site: &Site) -> Result<BTreeSet<String>> {
    let mut lines = BTreeSet::new();
    for zone in site.zones.client.list_hosted_zones().send().await?.hosted_zones {
        let id = zone.id.trim_start_matches("/hostedzone/");
        let sets = site.zones.sets(id).await?;
        lines.extend(sets.into_iter().map(|set| format!("record {} {set:?}", zone.name)));
    }
    let checks = site.zones.checks().await?;
    lines.extend(checks.into_iter().map(|check| format!("check {check:?}")));
    Ok(lines)
}

/// Buckets, and users with what they have.
async fn storage(site: &Site) -> Result<BTreeSet<String>> {
    let (s3, iam) = (&site.amazon.account.s3, &site.amazon.account.iam);
    let buckets = s3.list_buckets().send().await?;
    let mut lines: BTreeSet<String> =
        buckets.buckets().iter().map(|bucket| format!("bucket {:?}", bucket.name())).collect();
    for user in iam.list_users().send().await?.users {
        let name = &user.user_name;
        lines.insert(format!("user {name}"));
        for policy in iam.list_user_policies().user_name(name).send().await?.policy_names {
            let found = iam.get_user_policy().user_name(name).policy_name(policy).send().await?;
            lines.insert(format!("policy {name} {} {}", found.policy_name, found.policy_document));
        }
        let keys = iam.list_access_keys().user_name(name).send().await?;
        lines.extend(keys.access_key_metadata.into_iter().map(|key| format!("key {key:?}")));
    }
    let roles = iam.list_roles().send().await?;
    lines.extend(roles.roles.into_iter().map(|role| format!("role {role:?}")));
    Ok(lines)
}
