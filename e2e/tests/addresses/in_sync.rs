//! When nothing is to be done: no write, few reads; and what somebody else changes is put right.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use aws_sdk_route53::types::ChangeAction;
use e2e::site::{CLUSTER, DOMAIN, Site};

/// What one look reads, each of it once.
const A_LOOK: [&str; 5] = [
    "ec2:DescribeAddresses",
    "ec2:DescribeInstances",
    "route53:ListHealthChecks",
    "route53:ListHostedZones",
    "route53:ListResourceRecordSets",
];

/// How often it is asked to look. Whatever is read twice in a look shows, because the counts may differ by one.
const LOOKS: usize = 3;

/// Looks several times, and checks that nothing was written, and nothing else read than the health of addresses.
async fn a_look_reads_everything_once(site: &Site) -> Result<()> {
    site.rests().await?;
    site.look().await?;
    site.amazon.proxy.forget_calls();
    for _ in 0..LOOKS {
        site.look().await?;
    }
    site.eventually("the looks are over, and have read everything once", || async {
        let mut reads = site.amazon.proxy.calls_by_action();
        reads.remove("route53:GetHealthCheckStatus");
        ensure!(reads.keys().map(String::as_str).eq(A_LOOK), "{reads:?}");
        // One look may have been under way when the counting began, and one may be now.
        let (fewest, most) = (reads.values().min(), reads.values().max());
        ensure!(fewest >= Some(&LOOKS) && most <= fewest.map(|count| count + 1).as_ref(), "{reads:?}");
        Ok(())
    })
    .await?;
    ensure!(site.writes().is_empty(), "{:?}", site.writes());
    Ok(())
}

#[tokio::test]
async fn in_sync_nothing_is_written_and_the_reads_do_not_grow_with_the_nodes() -> Result<()> {
    let (site, _) = Site::settled(CLUSTER, 3).await?;
    a_look_reads_everything_once(&site).await?;
    site.add_nodes(47).await?;
    site.grows_to("addresses", 50, || async { Ok(site.own_addresses().await?.len()) }).await?;
    let associated = || async {
        let addresses = site.own_addresses().await?;
        Ok(addresses.iter().filter(|address| address.association_id.is_some()).count())
    };
    site.grows_to("associated addresses", 50, associated).await?;
    site.grows_to("health checks", 50, || async { Ok(site.zones.own_checks().await?.len()) }).await?;
    site.eventually("50 nodes are published", || async {
        let published = site.status("/addressesPublished").await?;
        ensure!(published == "50/50", "{published}");
        Ok(())
    })
    .await?;
    a_look_reads_everything_once(&site).await?;
    site.holds_exactly(50).await?;
    site.strangers_are_untouched().await
}

#[tokio::test]
async fn what_somebody_else_changes_is_put_right_when_asked_for_and_told() -> Result<()> {
    let (site, nodes) = Site::settled(CLUSTER, 3).await?;
    let (sets, checks) = (site.zones.own_sets(&site.zone).await?, site.zones.own_checks().await?);
    let apex = sets.iter().find(|set| set.r#type.as_str() == "A").context("an apex record")?;
    let wildcard = sets.iter().find(|set| set.r#type.as_str() == "CNAME").context("the wildcard")?;
    let mut longer = wildcard.clone();
    longer.ttl = Some(7200);
    let changes = [(ChangeAction::Delete, apex.clone()), (ChangeAction::Upsert, longer)];
    site.zones.change(&site.zone, changes).await?;
    let route53 = &site.zones.client;
    route53.update_health_check().health_check_id(&checks[0].id).port(81).send().await?;
    let ec2 = &site.amazon.account.ec2;
    let taken = site.own_addresses().await?.into_iter().find_map(|address| address.association_id);
    ec2.disassociate_address().set_association_id(taken).send().await?;

    site.look().await?;
    site.eventually("all is as it was", || async {
        ensure!(site.zones.own_sets(&site.zone).await? == sets, "the records differ");
        let now = site.zones.own_checks().await?;
        let port = now[0].health_check_config.as_ref().and_then(|config| config.port);
        ensure!(now.len() == 3 && port == Some(80), "{now:?}");
        Ok(())
    })
    .await?;
    site.serves(DOMAIN, &nodes).await?;
    site.eventually("it is told", || async {
        let told = site.people.event("cluster/site", "DriftRepaired").await?;
        ensure!(
            told.contains(DOMAIN) && told.contains("health check") && told.contains("Elastic IP"),
            "{told}"
        );
        Ok(())
    })
    .await?;
    site.holds_exactly(3).await?;

    // A health check that is gone cannot come back: the record gets another one.
    route53.delete_health_check().health_check_id(&checks[1].id).send().await?;
    site.look().await?;
    site.eventually("there is another health check, and a record has it", || async {
        // Each look takes from the account's calls, of which the operator needs some.
        tokio::time::sleep(Duration::from_secs(2)).await;
        let now = site.zones.own_checks().await?;
        let sets = site.zones.own_sets(&site.zone).await?;
        let used = sets.iter().filter_map(|set| set.health_check_id());
        ensure!(
            now.len() == 3 && used.into_iter().all(|used| now.iter().any(|check| check.id == used)),
            "{sets:?}"
        );
        Ok(())
    })
    .await?;
    site.serves(DOMAIN, &nodes).await?;
    site.strangers_are_untouched().await
}
