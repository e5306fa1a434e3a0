//! What AWS refuses: each a condition that says so, nothing that serves changes, and all goes on when it can.

use anyhow::{Result, ensure};
use aws_sdk_ec2::types::Filter;
use e2e::amazon::{Fault, Quotas, Settings};
use e2e::site::{CLUSTER, DOMAIN, Node, Site};

#[tokio::test]
async fn credentials_that_are_refused_change_nothing_and_are_told_with_the_next_step() -> Result<()> {
    let (site, nodes) = Site::settled(CLUSTER, 3).await?;
    let before = site.zones.own_sets(&site.zone).await?;
    site.amazon.proxy.forget_calls();
    for (code, reason) in [
        ("UnauthorizedOperation", "AccessDenied"),
        ("AccessDenied", "AccessDenied"),
        ("ExpiredToken", "CredentialsRefused"),
        ("AuthFailure", "CredentialsRefused"),
        ("SignatureDoesNotMatch", "SignatureRefused"),
    ] {
        site.amazon.proxy.order("*", usize::MAX, Fault::deny(code));
        site.look().await?;
        let message = site.says("AddressesAssociated", &format!("False {reason}")).await?;
        ensure!(message.contains("ec2:Describe") || message.contains("DescribeAddresses"), "{message}");
        site.says("RecordsPublished", &format!("False {reason}")).await?;
        site.amazon.proxy.forget_faults();
        site.look().await?;
        site.rests().await?;
    }
    ensure!(site.writes().is_empty(), "{:?}", site.writes());
    ensure!(site.zones.own_sets(&site.zone).await? == before, "a record was changed");
    site.serves(DOMAIN, &nodes).await?;
    site.strangers_are_untouched().await
}

#[tokio::test]
async fn while_aws_is_unreachable_nothing_changes_and_afterwards_what_was_missed_is_done() -> Result<()> {
    let (site, nodes) = Site::settled(CLUSTER, 3).await?;
    site.amazon.proxy.set_down(true);
    nodes[0].cordon(&site.people.client, true).await?;
    site.says("AddressesAssociated", "False AwsUnreachable").await?;
    site.says("RecordsPublished", "False AwsUnreachable").await?;
    site.serves(DOMAIN, &nodes).await?;
    site.amazon.proxy.set_down(false);
    site.serves(DOMAIN, &nodes[1..]).await?;
    site.strangers_are_untouched().await
}

#[tokio::test]
async fn lists_that_come_back_empty_or_fail_take_nothing_from_dns() -> Result<()> {
    let (site, nodes) = Site::settled(CLUSTER, 3).await?;
    let before = site.zones.own_sets(&site.zone).await?;
    let lists = [
        "ec2:DescribeAddresses",
        "ec2:DescribeInstances",
        "route53:ListHostedZones",
        "route53:ListResourceRecordSets",
        "route53:ListHealthChecks",
    ];
    for list in lists {
        for fault in [Fault::EmptyList, Fault::ServerError, Fault::Throttle] {
            site.amazon.proxy.order(list, usize::MAX, fault.clone());
            site.look().await?;
            site.look().await?;
            ensure!(site.addresses_of(DOMAIN).await? == site.addresses(&nodes).await?, "{list}: {fault:?}");
            site.amazon.proxy.forget_faults();
        }
    }
    site.look().await?;
    site.rests().await?;
    let label = ["label", "nodes", "-l", "flynn.io/router", "flynn.io/router-", "flynn.io/away="];
    site.kubectl().ok(&label).await?;
    let message = site.says("AddressesAssociated", "False NodesNotFound").await?;
    ensure!(message.contains("flynn.io/router"), "{message}");
    site.look().await?;
    ensure!(site.addresses_of(DOMAIN).await?.len() == 3, "an empty list of nodes emptied DNS");
    let label = ["label", "nodes", "-l", "flynn.io/away", "flynn.io/away-", "flynn.io/router="];
    site.kubectl().ok(&label).await?;
    site.rests().await?;
    let names = |sets: Vec<aws_sdk_route53::types::ResourceRecordSet>| {
        sets.into_iter().map(|set| (set.name, set.set_identifier)).collect::<Vec<_>>()
    };
    ensure!(names(site.zones.own_sets(&site.zone).await?) == names(before), "records are others than before");
    site.holds_exactly(3).await?;
    site.strangers_are_untouched().await
}

#[tokio::test]
async fn a_node_that_can_have_no_address_says_why_and_the_others_go_on() -> Result<()> {
    let quotas = Quotas { elastic_ips: 4, ..Quotas::default() };
    let mut site = Site::with(Settings { quotas, ..Settings::default() }, CLUSTER).await?;
    let nodes = site.add_nodes(2).await?;
    let client = site.people.client.clone();
    let odd = |name: &str, instance: &str| Node {
        name: e2e::unique(name),
        instance: instance.to_owned(),
        zone: "us-east-1a".to_owned(),
    };
    let nameless = odd("nameless", "");
    nameless.join(&client, None).await?;
    let foreign = odd("foreign", "i-0123456789abcdef0");
    foreign.join(&client, Some(&foreign.provider_id())).await?;
    let stopped = site.add_node("us-east-1b").await?;
    site.amazon.account.stop(&stopped.instance).await?;
    let terminated = site.add_node("us-east-1c").await?;
    site.amazon.account.terminate(&terminated.instance).await?;
    site.apply(CLUSTER).await?;
    site.lead().await?;
    site.serves(DOMAIN, &nodes).await?;
    let expected =
        [(&nameless, "providerID"), (&foreign, "i-0123456789abcdef0"), (&stopped, stopped.instance.as_str())];
    for (node, word) in expected {
        says_of(&site, node, word).await?;
    }
    let state = Filter::builder().name("instance-state-name").values("running").build();
    let running = site.amazon.account.ec2.describe_instances().filters(state).send().await?;
    ensure!(running.reservations().len() == 2, "only two run: {running:?}");

    // One address is a stranger's, two are the nodes', so that one is left for two more.
    let more = site.add_nodes(2).await?;
    site.eventually("one of both says that the quota is reached", || async {
        let told = site.status("/addresses").await?.to_string();
        ensure!(told.contains("quota"), "{told}");
        Ok(())
    })
    .await?;
    ensure!(site.own_addresses().await?.len() == 3, "{more:?}");
    site.strangers_are_untouched().await
}

/// Waits until the status of a node's address has a message with this word.
async fn says_of(site: &Site, node: &Node, word: &str) -> Result<()> {
    site.eventually(&format!("the status tells of {}", node.name), || async {
        let told = site.status("/addresses").await?;
        let told =
            told.as_array().into_iter().flatten().find(|told| told["node"] == node.name.as_str()).cloned();
        let message = told.unwrap_or_default()["message"].to_string();
        ensure!(message.contains(word), "{message}");
        Ok(())
    })
    .await
}
