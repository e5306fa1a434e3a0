//! `mode: Plan` and `mode: Observe`: what would be done is told, and nothing is.

use anyhow::{Result, ensure};
use e2e::site::{CLUSTER, DOMAIN, Site};

/// The Cluster in this mode.
pub(super) fn in_mode(mode: &str) -> String {
    CLUSTER.replace("region: us-east-1", &format!("region: us-east-1\n    mode: {mode}"))
}

#[tokio::test]
async fn a_plan_lists_the_calls_and_makes_none_until_it_is_applied() -> Result<()> {
    let mut site = Site::start(CLUSTER).await?;
    let nodes = site.add_nodes(3).await?;
    site.apply(&in_mode("Plan")).await?;
    site.lead().await?;
    site.says("AddressesAssociated", "False NotApplied").await?;
    site.says("RecordsPublished", "False NotApplied").await?;
    let planned = site.status("/plannedCalls").await?;
    for node in &nodes {
        let call = format!("ec2:AllocateAddress for {}", node.name);
        ensure!(planned.as_array().is_some_and(|calls| calls.contains(&call.as_str().into())), "{planned}");
    }
    ensure!(site.writes().is_empty(), "{:?}", site.writes());
    site.holds_exactly(0).await?;

    site.apply(CLUSTER).await?;
    site.serves(DOMAIN, &nodes).await?;
    site.rests().await?;
    ensure!(site.status("/plannedCalls").await?.is_null(), "calls are still planned");

    site.apply(&in_mode("Plan").replace("ttlSeconds: 1", "ttlSeconds: 7")).await?;
    site.eventually("the change of the records is planned", || async {
        let planned = site.status("/plannedCalls").await?;
        ensure!(planned[0].as_str().is_some_and(|call| call.starts_with("route53:Change")), "{planned}");
        Ok(())
    })
    .await?;

    site.apply(&in_mode("Observe")).await?;
    site.rests().await?;
    let before = site.zones.own_sets(&site.zone).await?;
    site.amazon.proxy.forget_calls();
    nodes[0].cordon(&site.people.client, true).await?;
    site.says("RecordsPublished", "False NotApplied").await?;
    ensure!(site.status("/plannedCalls").await?.is_null(), "who observes plans nothing");
    ensure!(site.writes().is_empty(), "{:?}", site.writes());
    ensure!(site.zones.own_sets(&site.zone).await? == before, "a record was changed");
    site.strangers_are_untouched().await
}
