//! A firewall from its first call to its last: made beside what is there, opened and closed with TCP Routes, taken away.

use std::collections::BTreeSet;

use anyhow::{Result, ensure};
use e2e::site::{CLUSTER, Site, WALLED};

/// What is let in without any TCP Route.
fn web() -> BTreeSet<String> {
    let texts = [
        "-1 from a group",
        "tcp 80-80 from 0.0.0.0/0",
        "tcp 80-80 from ::/0",
        "tcp 443-443 from 0.0.0.0/0",
        "tcp 443-443 from ::/0",
    ];
    texts.map(str::to_owned).into()
}

#[tokio::test]
async fn nodes_get_the_groups_beside_what_they_have_and_a_tcp_route_opens_its_port_and_closes_it()
-> Result<()> {
    let (site, nodes) = Site::walled(2).await?;
    ensure!(site.is_secured().await? == "2/2 nodes");
    ensure!(site.lets_in().await? == web(), "{:?}", site.lets_in().await?);

    site.people.declare("route", "db", "{app: db, tcp: {port: 5432}}").await?;
    site.people.condition("route/db", "Reachable", "True Reachable").await?;
    let with_port: BTreeSet<String> =
        web().into_iter().chain(["tcp 5432-5432 from 10.0.0.0/8".to_owned()]).collect();
    site.eventually("the port is open", || async {
        let rules = site.lets_in().await?;
        ensure!(rules == with_port, "{rules:?}");
        Ok(())
    })
    .await?;

    site.people.declare("route", "db", "{app: db, tcp: {port: 5432, clients: [192.0.2.0/24]}}").await?;
    let message = site.people.condition("route/db", "Reachable", "False NotReachable").await?;
    ensure!(message.contains("spec.aws.securityGroups.tcp.cidrs"), "{message}");

    site.kubectl().ok(&["delete", "route.flynn.io/db"]).await?;
    site.eventually("the port is closed", || async {
        let rules = site.lets_in().await?;
        ensure!(rules == web(), "{rules:?}");
        Ok(())
    })
    .await?;
    site.is_secured().await?;
    site.has_groups(&nodes).await?;
    let events = site.kubectl().ok(&["get", "events", "-o", "jsonpath={.items[*].reason}"]).await?;
    ensure!(!events.contains("DriftRepaired"), "what was asked for is no drift: {events}");
    site.strangers_are_untouched().await
}

#[tokio::test]
async fn in_sync_nothing_is_written_and_a_plan_lists_the_calls_and_makes_none() -> Result<()> {
    let (mut site, nodes) = Site::walled(2).await?;
    site.amazon.proxy.forget_calls();
    site.look().await?;
    site.look().await?;
    ensure!(site.writes().is_empty(), "{:?}", site.writes());
    site.kill().await?;
    let other = WALLED.replace("10.0.0.0/8]}", "10.0.0.0/8]}, web: {cidrs: [192.0.2.0/24]}");
    let (code, text) = site.plan(&other, &["--against", "cluster", "--aws"]).await?;
    let calls =
        ["ec2:AuthorizeSecurityGroupIngress", "ec2:RevokeSecurityGroupIngress", "tcp 443 from 192.0.2.0/24"];
    ensure!(code == Some(2) && calls.iter().all(|call| text.contains(call)), "{code:?} {text}");
    ensure!(site.writes().is_empty(), "{:?}", site.writes());
    site.has_groups(&nodes).await?;
    site.strangers_are_untouched().await
}

#[tokio::test]
async fn a_firewall_that_leaves_the_manifest_is_taken_away_and_the_rest_stays() -> Result<()> {
    let (site, nodes) = Site::walled(2).await?;
    site.apply(CLUSTER).await?;
    site.eventually("the groups are gone", || async {
        let own = site.own_groups().await?;
        ensure!(own.is_empty(), "{own:?}");
        for node in &nodes {
            let groups = site.groups_of(node).await?;
            ensure!(groups == ["default".to_owned()].into(), "{groups:?}");
        }
        Ok(())
    })
    .await?;
    site.eventually("nothing is said of it", || async {
        let conditions = site.status("/conditions").await?.to_string();
        ensure!(!conditions.contains("SecurityGroupsReady"), "{conditions}");
        Ok(())
    })
    .await?;
    site.rests().await?;
    site.holds_exactly(2).await?;
    site.strangers_are_untouched().await
}

#[tokio::test]
async fn a_deleted_cluster_takes_its_groups_last_and_leaves_the_one_that_others_use() -> Result<()> {
    let (site, nodes) = Site::walled(2).await?;
    // Somebody lets what has the group `cache` into a machine of their own.
    let elsewhere = site.run("us-east-1a").await?;
    let cache = site.own_groups().await?.into_iter().find(|group| group.group_name() == Some("cache"));
    let cache = cache.and_then(|group| group.group_id).unwrap_or_default();
    site.set_groups(&elsewhere, &["cache"]).await?;
    site.amazon.proxy.forget_calls();
    site.kubectl().ok(&["delete", "cluster/site", "--wait=false"]).await?;
    site.cluster_is_gone().await?;
    let writes = site.writes();
    let released = writes.iter().rposition(|write| write == "ec2:ReleaseAddress");
    let taken = writes.iter().position(|write| write == "ec2:ModifyNetworkInterfaceAttribute");
    ensure!(released.is_some() && released < taken, "{writes:?}");
    let left = site.own_groups().await?;
    ensure!(left.len() == 1 && left[0].group_name() == Some("cache"), "{left:?}");
    let told = site.people.event("cluster/site", "NotOwned").await?;
    ensure!(told.contains(&cache), "{told}");
    for node in &nodes {
        let groups = site.groups_of(node).await?;
        ensure!(groups == ["default".to_owned()].into(), "{groups:?}");
    }
    site.holds_exactly(0).await?;
    site.strangers_are_untouched().await
}
