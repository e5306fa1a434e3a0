//! What stands beside our rules and groups, and is nobody's but its owner's: what goes out, further interfaces, groups that somebody attaches meanwhile.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use aws_sdk_ec2::types::{IpPermission, IpRange};
use e2e::amazon::{Call, Fault};
use e2e::site::{CLUSTER, DOMAIN, Node, Site, WALLED};

use super::{ssh, tcp, web_rule};

/// What goes out of the nodes' group.
async fn lets_out(site: &Site) -> Result<String> {
    Ok(format!("{:?}", site.nodes_group().await?.ip_permissions_egress()))
}

#[tokio::test]
async fn what_goes_out_is_left_as_somebody_made_it_by_repairs_and_by_a_strict_look() -> Result<()> {
    let (site, _) = Site::walled(1).await?;
    let own = site.nodes_group().await?.group_id;
    let ec2 = &site.amazon.account.ec2;
    let add = ec2.authorize_security_group_egress().set_group_id(own.clone());
    add.ip_permissions(tcp(25, "192.0.2.25/32")).send().await?;
    let everything = IpPermission::builder().ip_protocol("-1");
    let range = IpRange::builder().cidr_ip("0.0.0.0/0").build();
    let remove = ec2.revoke_security_group_egress().set_group_id(own.clone());
    remove.ip_permissions(everything.ip_ranges(range).build()).send().await?;
    let before = lets_out(&site).await?;
    ensure!(before.contains("192.0.2.25/32") && !before.contains("0.0.0.0/0"), "{before}");

    let revoke = ec2.revoke_security_group_ingress().set_group_id(own.clone());
    revoke.ip_permissions(web_rule()).send().await?;
    ec2.authorize_security_group_ingress().set_group_id(own).ip_permissions(ssh()).send().await?;
    site.apply(&WALLED.replace("cache]}", "cache], strict: true}")).await?;
    site.eventually("what comes in is as declared", || async {
        let rules = site.lets_in().await?;
        ensure!(rules.contains("tcp 443-443 from 0.0.0.0/0") && rules.len() == 5, "{rules:?}");
        Ok(())
    })
    .await?;
    site.is_secured().await?;
    site.look().await?;
    ensure!(lets_out(&site).await? == before, "{}", lets_out(&site).await?);
    let calls = site.amazon.proxy.calls_by_action();
    ensure!(!calls.keys().any(|action| action.contains("Egress")), "{calls:?}");

    site.apply(CLUSTER).await?;
    site.eventually("the groups are gone, whatever they let out", || async {
        let left = site.own_groups().await?;
        ensure!(left.is_empty(), "{left:?}");
        Ok(())
    })
    .await?;
    site.strangers_are_untouched().await
}

/// The groups and tags of a node's second interface.
async fn second(site: &Site, node: &Node) -> Result<String> {
    let interfaces = site.amazon.account.interfaces_of(&node.instance).await?;
    let second = interfaces.get(1).context("it has two interfaces")?;
    Ok(format!("{:?} {:?}", second.groups(), second.tag_set()))
}

#[tokio::test]
async fn of_an_instance_with_two_interfaces_the_first_one_gets_the_groups() -> Result<()> {
    let mut site = Site::start(WALLED).await?;
    let nodes = site.add_nodes(2).await?;
    site.amazon.account.add_interface(&nodes[0].instance).await?;
    let before = second(&site, &nodes[0]).await?;
    site.apply(WALLED).await?;
    site.lead().await?;
    ensure!(site.is_secured().await? == "2/2 nodes");
    site.has_groups(&nodes).await?;
    site.serves(DOMAIN, &nodes).await?;
    ensure!(second(&site, &nodes[0]).await? == before, "{}", second(&site, &nodes[0]).await?);

    site.kubectl().ok(&["delete", "cluster/site", "--wait=false"]).await?;
    site.eventually("the groups are gone", || async {
        let left = site.own_groups().await?;
        ensure!(left.is_empty(), "{left:?}");
        Ok(())
    })
    .await?;
    ensure!(site.groups_of(&nodes[0]).await? == ["default".to_owned()].into());
    ensure!(second(&site, &nodes[0]).await? == before, "{}", second(&site, &nodes[0]).await?);
    site.strangers_are_untouched().await
}

#[tokio::test]
async fn a_group_that_somebody_attaches_between_the_look_and_the_call_is_not_lost() -> Result<()> {
    let (mut site, nodes) = Site::walled(1).await?;
    let groups = site.amazon.account.groups().await?;
    let office = groups.into_iter().find(|group| group.group_name() == Some("office"));
    let office = office.and_then(|group| group.group_id).context("somebody has that group")?;
    site.kill().await?;
    site.set_groups(&nodes[0], &["default", "nodes", "cache"]).await?;
    // The last answer about the interface before the plan: the first one is of all nodes, the second of all that have our note.
    let describe = "ec2:DescribeNetworkInterfaces";
    site.amazon.proxy.forget_calls();
    site.amazon.proxy.order(describe, 1, Fault::Delay(Duration::ZERO));
    site.amazon.proxy.order(describe, 1, Fault::HoldReply);
    site.lead().await?;
    site.call_is_held().await?;
    site.set_groups(&nodes[0], &["default", "nodes", "cache", "office"]).await?;
    site.amazon.proxy.release();

    let expected = ["cache", "database", "default", "nodes", "office"].map(str::to_owned).into();
    site.eventually("the node has ours and theirs", || async {
        let groups = site.groups_of(&nodes[0]).await?;
        ensure!(groups == expected, "{groups:?}");
        Ok(())
    })
    .await?;
    let calls = site.amazon.proxy.calls();
    let modify = |call: &&Call| call.action == "ec2:ModifyNetworkInterfaceAttribute";
    let made: Vec<_> = calls.iter().filter(modify).collect();
    let names_it = |call: &&Call| call.parameters.values().any(|value| *value == office);
    ensure!(
        made.len() == 1 && made.iter().all(names_it),
        "it was replaced by what was seen before: {made:?}"
    );
    site.is_secured().await?;
    site.strangers_are_untouched().await
}
