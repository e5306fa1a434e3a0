//! Controllers that die in the middle of a call, and lists that lie: the end is the same, and no node loses a group.

mod calls;

use anyhow::{Context, Result, ensure};
use e2e::amazon::Fault;
use e2e::site::{DOMAIN, Site, WALLED};

#[tokio::test]
async fn a_controller_that_dies_at_any_call_about_groups_is_followed_by_one_that_comes_to_the_same_end()
-> Result<()> {
    let mut site = Site::start(WALLED).await?;
    let nodes = site.add_nodes(2).await?;
    site.apply(WALLED).await?;
    for action in [
        "ec2:CreateSecurityGroup",
        "ec2:AuthorizeSecurityGroupIngress",
        "ec2:CreateTags",
        "ec2:ModifyNetworkInterfaceAttribute",
    ] {
        for fault in [Fault::HoldRequest, Fault::HoldReply] {
            site.dies_at(action, fault).await.with_context(|| action.to_owned())?;
        }
    }
    site.lead().await?;
    site.is_secured().await?;
    site.has_groups(&nodes).await?;
    ensure!(site.own_groups().await?.len() == 2, "{:?}", site.own_groups().await?);
    site.serves(DOMAIN, &nodes).await?;
    site.rests().await?;

    site.kill().await?;
    site.kubectl().ok(&["delete", "cluster/site", "--wait=false"]).await?;
    for action in ["ec2:ModifyNetworkInterfaceAttribute", "ec2:DeleteTags", "ec2:DeleteSecurityGroup"] {
        for fault in [Fault::HoldRequest, Fault::HoldReply] {
            site.dies_at(action, fault).await.with_context(|| action.to_owned())?;
        }
    }
    site.lead().await?;
    site.cluster_is_gone().await?;
    ensure!(site.own_groups().await?.is_empty(), "{:?}", site.own_groups().await?);
    for node in &nodes {
        ensure!(site.groups_of(node).await? == ["default".to_owned()].into());
    }
    site.strangers_are_untouched().await
}

#[tokio::test]
async fn a_controller_that_dies_while_rules_and_groups_end_is_followed_by_one_that_ends_them() -> Result<()> {
    let (mut site, nodes) = Site::walled(1).await?;
    site.kill().await?;
    let closed = WALLED.replace(", cache]}", "], web: {cidrs: [192.0.2.0/24]}}");
    site.apply(&closed).await?;
    for action in [
        "ec2:RevokeSecurityGroupIngress",
        "ec2:ModifyNetworkInterfaceAttribute",
        "ec2:CreateTags",
        "ec2:DeleteSecurityGroup",
    ] {
        for fault in [Fault::HoldRequest, Fault::HoldReply] {
            site.dies_at(action, fault).await.with_context(|| action.to_owned())?;
        }
    }
    site.lead().await?;
    site.is_secured().await?;
    let web = ["-1 from a group", "tcp 443-443 from 192.0.2.0/24", "tcp 80-80 from 192.0.2.0/24"];
    ensure!(site.lets_in().await? == web.map(str::to_owned).into(), "{:?}", site.lets_in().await?);
    let groups = site.groups_of(&nodes[0]).await?;
    ensure!(groups == ["database", "default", "nodes"].map(str::to_owned).into(), "{groups:?}");
    ensure!(site.own_groups().await?.len() == 1, "{:?}", site.own_groups().await?);
    site.strangers_are_untouched().await
}

#[tokio::test]
async fn lists_that_come_back_empty_or_fail_take_no_group_from_any_node() -> Result<()> {
    let (site, nodes) = Site::walled(2).await?;
    site.amazon.proxy.forget_calls();
    for list in
        ["ec2:DescribeNetworkInterfaces", "ec2:DescribeSecurityGroups", "ec2:DescribeSecurityGroupRules"]
    {
        for fault in [Fault::EmptyList, Fault::ServerError, Fault::deny("UnauthorizedOperation")] {
            site.amazon.proxy.order(list, usize::MAX, fault.clone());
            site.look().await?;
            site.look().await?;
            site.has_groups(&nodes).await.with_context(|| format!("{list}: {fault:?}"))?;
            site.amazon.proxy.forget_faults();
        }
    }
    site.look().await?;
    site.is_secured().await?;
    ensure!(site.writes().is_empty(), "{:?}", site.writes());
    site.strangers_are_untouched().await
}
