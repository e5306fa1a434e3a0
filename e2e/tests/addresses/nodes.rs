//! Nodes that come and go: whose address stays, who leaves DNS and when, and that DNS is never without one that serves.

use anyhow::{Result, ensure};
use e2e::site::{CLUSTER, DOMAIN, Node, Site};

#[tokio::test]
async fn a_replacement_gets_the_address_of_the_node_that_is_gone_and_dns_does_not_change() -> Result<()> {
    let (site, nodes) = Site::settled(CLUSTER, 3).await?;
    let [first, second, lost] = nodes.as_slice() else { unreachable!("three were asked for") };
    let (kept, published) = (site.addresses(&nodes).await?, site.zones.own_sets(&site.zone).await?);
    site.amazon.proxy.forget_calls();
    site.amazon.account.terminate(&lost.instance).await?;
    lost.leave(&site.people.client).await?;
    let new = site.add_node(&lost.zone).await?;
    let now = [first.clone(), second.clone(), new];
    site.serves(DOMAIN, &now).await?;
    site.rests().await?;
    ensure!(site.addresses(&now).await? == kept, "the address did not move to the new node");
    ensure!(site.zones.own_sets(&site.zone).await? == published, "a record was changed");
    ensure!(site.writes() == ["ec2:AssociateAddress"], "{:?}", site.writes());
    site.holds_exactly(3).await?;
    site.strangers_are_untouched().await
}

#[tokio::test]
async fn nodes_that_are_cordoned_not_ready_or_silent_leave_dns_and_come_back() -> Result<()> {
    let (site, nodes) = Site::settled(CLUSTER, 6).await?;
    let (leaving, staying) = nodes.split_at(3);
    let [cordoned, unready, silent] = leaving else { unreachable!("three were split off") };
    let client = &site.people.client;
    let allocated = site.own_addresses().await?.len();
    unready.report(client, "Unknown").await?;
    site.amazon.machines.kill(&silent.instance).await;
    cordoned.cordon(client, true).await?;
    // The cordoned one first: the others have a minute in which they may recover.
    let left = [unready.clone(), silent.clone(), staying[0].clone(), staying[1].clone(), staying[2].clone()];
    published(&site, &left).await?;
    site.serves(DOMAIN, staying).await?;
    let message = site.says("RecordsPublished", "False NotServing").await?;
    ensure!(message.contains(&silent.name), "{message}");
    ensure!(site.own_addresses().await?.len() == allocated, "a node that may come back keeps its address");

    unready.report(client, "True").await?;
    cordoned.cordon(client, false).await?;
    site.amazon.machines.revive(&silent.instance);
    site.serves(DOMAIN, &nodes).await?;
    site.rests().await?;
    site.holds_exactly(6).await?;
    site.strangers_are_untouched().await
}

#[tokio::test]
async fn whatever_becomes_of_all_nodes_together_dns_keeps_its_share() -> Result<()> {
    let (site, nodes) = Site::settled(CLUSTER, 4).await?;
    let client = &site.people.client;
    for node in &nodes {
        node.cordon(client, true).await?;
    }
    site.says_why("RecordsPublished", "False TooFewHealthy", DOMAIN).await?;
    let share = site.apex().await?;
    ensure!(share.len() >= 2, "less than half of four: {share:?}");
    for node in &nodes {
        site.amazon.machines.sicken(&node.instance);
        node.cordon(client, false).await?;
    }
    site.says_why("RecordsPublished", "False TooFewHealthy", "does not answer").await?;
    ensure!(site.apex().await? == share, "records were changed while nobody serves");
    ensure!(!site.addresses_of(DOMAIN).await?.is_empty(), "nobody is named");
    for node in &nodes {
        site.amazon.machines.revive(&node.instance);
    }
    site.serves(DOMAIN, &nodes).await?;
    site.strangers_are_untouched().await
}

#[tokio::test]
async fn ten_nodes_are_all_published_and_every_answer_names_eight_of_them() -> Result<()> {
    let (site, nodes) = Site::led(CLUSTER, 10).await?;
    let told = site.says("RecordsPublished", "True RecordsPublished").await?;
    site.holds_exactly(10).await?;
    ensure!(site.apex().await? == site.addresses(&nodes).await?, "a node is in no record");
    let answer = site.addresses_of(DOMAIN).await?;
    ensure!(answer.len() == 8 && answer.is_subset(&site.addresses(&nodes).await?), "{answer:?}");
    ensure!(told.contains("10/10") && told.contains("up to 8"), "{told}");
    site.strangers_are_untouched().await
}

/// Waits until the apex has records for these nodes and no others, whatever Route 53 makes of their health.
async fn published(site: &Site, nodes: &[Node]) -> Result<()> {
    site.eventually("the records are those of these nodes", || async {
        let (values, expected) = (site.apex().await?, site.addresses(nodes).await?);
        ensure!(expected == values, "{values:?} instead of {expected:?}");
        Ok(())
    })
    .await
}
