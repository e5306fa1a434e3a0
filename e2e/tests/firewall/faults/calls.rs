//! Every call about the firewall is throttled, fails, loses its answer or is late: the firewall is made, narrowed and taken away as ever, nothing is made
//! twice, and no node loses a group of somebody else.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Result, ensure};
use e2e::amazon::Fault;
use e2e::site::{Node, Site, WALLED};

/// All calls of a firewall's life.
const ACTIONS: [&str; 10] = [
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeSecurityGroupRules",
    "ec2:CreateSecurityGroup",
    "ec2:AuthorizeSecurityGroupIngress",
    "ec2:RevokeSecurityGroupIngress",
    "ec2:CreateTags",
    "ec2:DeleteTags",
    "ec2:ModifyNetworkInterfaceAttribute",
    "ec2:DeleteSecurityGroup",
];

/// The firewall alone: no address has to be waited for, and no TTL.
fn walled() -> String {
    WALLED.replace("    elasticIPs: {}\n    dns: {ttlSeconds: 1}\n", "")
}

/// Open to one network only, and without the group `cache`.
fn narrowed() -> String {
    walled().replace(", cache]}", "], web: {cidrs: [192.0.2.0/24]}}")
}

/// Without any firewall.
fn open() -> String {
    let (before, _) = WALLED.split_once("    elasticIPs").expect("the Cluster has addresses");
    before.to_owned()
}

/// Waits until a node has the groups of these names and no others, and so many are the operator's.
async fn has(site: &Site, nodes: &[Node], names: &[&str], own: usize) -> Result<()> {
    let expected: BTreeSet<String> = names.iter().map(|name| (*name).to_owned()).collect();
    site.eventually(&format!("the nodes have the groups {names:?}"), || async {
        for node in nodes {
            let groups = site.groups_of(node).await?;
            ensure!(groups == expected, "{}: {groups:?}", node.name);
        }
        let groups = site.own_groups().await?;
        ensure!(groups.len() == own, "{groups:?}");
        Ok(())
    })
    .await
}

/// Lives through a firewall's life in which each action runs into a fault so many times.
async fn suffers(fault: Fault, times: usize) -> Result<()> {
    let mut site = Site::start(&walled()).await?;
    let nodes = site.add_nodes(2).await?;
    for action in ACTIONS {
        site.amazon.proxy.order(action, times, fault.clone());
    }
    site.apply(&walled()).await?;
    site.lead().await?;
    has(&site, &nodes, &["cache", "database", "default", "nodes"], 2).await?;
    site.is_secured().await?;

    site.apply(&narrowed()).await?;
    has(&site, &nodes, &["database", "default", "nodes"], 1).await?;
    let web = ["-1 from a group", "tcp 443-443 from 192.0.2.0/24", "tcp 80-80 from 192.0.2.0/24"];
    site.eventually("the firewall is narrow", || async {
        let rules = site.lets_in().await?;
        ensure!(rules == web.map(str::to_owned).into(), "{rules:?}");
        Ok(())
    })
    .await?;
    site.is_secured().await?;

    site.apply(&open()).await?;
    has(&site, &nodes, &["default"], 0).await?;
    let calls = site.amazon.proxy.calls_by_action();
    println!("each {times} times {fault:?}:");
    ACTIONS.iter().for_each(|action| println!("{:6}  {action}", calls.get(*action).unwrap_or(&0)));
    ensure!(site.amazon.proxy.faults_left() == 0, "{calls:?}");
    site.strangers_are_untouched().await
}

/// As often as the operator tries a call in two passes.
const TWO_PASSES: usize = 6;

#[tokio::test]
async fn every_call_may_be_throttled() -> Result<()> {
    suffers(Fault::Throttle, TWO_PASSES).await
}

#[tokio::test]
async fn every_call_may_fail() -> Result<()> {
    suffers(Fault::ServerError, TWO_PASSES).await
}

#[tokio::test]
async fn every_answer_may_be_lost() -> Result<()> {
    suffers(Fault::LoseReply, 1).await
}

#[tokio::test]
async fn every_call_may_be_late() -> Result<()> {
    suffers(Fault::Delay(Duration::from_secs(2)), 1).await
}
