//! `flynn-operator plan --aws`: what would change in AWS is told before it does, and nothing is written to find out.

use anyhow::{Result, ensure};
use e2e::amazon::Fault;
use e2e::site::{CLUSTER, Site};
use serde_json::Value;

use super::modes::in_mode;

const AGAINST: [&str; 3] = ["--against", "cluster", "--aws"];

/// The answer as a program reads it.
async fn answer(site: &Site, manifest: &str) -> Result<(Option<i32>, Value)> {
    let (code, json) = site.plan(manifest, &[&AGAINST[..], &["-o", "json"]].concat()).await?;
    Ok((code, serde_json::from_str(&json).map_err(|error| anyhow::anyhow!("{error}: {json}"))?))
}

#[tokio::test]
async fn the_calls_are_told_in_order_as_the_cluster_lists_them_and_none_is_made() -> Result<()> {
    let cluster = in_mode("Plan");
    let mut site = Site::start(&cluster).await?;
    let nodes = site.add_nodes(3).await?;
    let (code, before) = answer(&site, &cluster).await?;
    ensure!(code == Some(2) && before["aws"]["asked"] == true, "{code:?} {before}");
    let (_, table) = site.plan(&cluster, &AGAINST).await?;
    for node in &nodes {
        let call = format!("\n  ec2:AllocateAddress for {}\n", node.name);
        ensure!(table.contains(&call), "{table}");
    }
    ensure!(table.contains("mode: Plan none of these calls is made"), "{table}");
    ensure!(table.contains("3 AWS calls"), "{table}");

    site.apply(&cluster).await?;
    site.lead().await?;
    site.says("AddressesAssociated", "False NotApplied").await?;
    let listed = site.status("/plannedCalls").await?;
    ensure!(before["aws"]["calls"] == listed, "{before} and not {listed}");
    let (code, after) = answer(&site, &cluster).await?;
    ensure!(code == Some(2) && after["aws"]["calls"] == listed, "only AWS differs: {after}");
    ensure!(after["objects"] == serde_json::json!([]), "only AWS differs: {after}");
    ensure!(site.writes().is_empty(), "{:?}", site.writes());
    site.strangers_are_untouched().await
}

#[tokio::test]
async fn without_a_cluster_listed_instances_are_planned_and_without_the_flag_aws_is_left_alone() -> Result<()>
{
    let site = Site::start(CLUSTER).await?;
    let node = site.run("us-east-1a").await?;
    let listed = CLUSTER.replace(
        "selector: {matchLabels: {flynn.io/router: ''}}",
        &format!("instances: [{}]", node.instance),
    );
    let (code, text) = site.plan(&listed, &["--aws"]).await?;
    let call = format!("ec2:AllocateAddress for {}", node.instance);
    ensure!(code == Some(2) && text.contains(&call), "{code:?} {text}");
    ensure!(text.contains("Without --against cluster the Cluster counts as new"), "{text}");
    site.amazon.proxy.forget_calls();
    let (code, text) = site.plan(&listed, &[]).await?;
    ensure!(
        code == Some(2) && text.contains("AWS was not asked") && text.contains("--aws"),
        "{code:?} {text}"
    );
    ensure!(!text.contains(&call) && site.amazon.proxy.calls().is_empty(), "{text}");
    site.strangers_are_untouched().await
}

#[tokio::test]
async fn what_is_so_already_is_no_difference_and_what_is_not_is_told_without_a_write() -> Result<()> {
    let (mut site, nodes) = Site::settled(CLUSTER, 3).await?;
    let before = site.zones.own_sets(&site.zone).await?;
    // Every call that follows is the command's.
    site.kill().await?;
    site.amazon.proxy.forget_calls();
    let (code, text) = site.plan(CLUSTER, &AGAINST).await?;
    ensure!(code == Some(0) && text.contains("No difference"), "{code:?} {text}");
    ensure!(site.amazon.proxy.calls().len() == 5, "{:?}", site.amazon.proxy.calls_by_action());

    let (code, slower) = answer(&site, &CLUSTER.replace("ttlSeconds: 1", "ttlSeconds: 7")).await?;
    let calls = slower["aws"]["calls"].to_string();
    ensure!(code == Some(2) && calls.matches("Upsert site.com A").count() == 3, "{code:?} {slower}");

    nodes[0].leave(&site.people.client).await?;
    let gone = site.addresses(&nodes[..1]).await?;
    let (code, shrunk) = answer(&site, CLUSTER).await?;
    let calls = shrunk["aws"]["calls"].to_string();
    let deletion = gone.iter().map(|address| format!("Delete site.com A {address}")).collect::<String>();
    ensure!(code == Some(2) && calls.contains(&deletion), "{code:?} {shrunk}");
    ensure!(site.writes().is_empty(), "{:?}", site.writes());
    ensure!(site.zones.own_sets(&site.zone).await? == before, "a record was changed");
    site.strangers_are_untouched().await
}

#[tokio::test]
async fn reads_that_fail_are_told_with_the_call_the_code_and_the_next_step() -> Result<()> {
    let site = Site::start(CLUSTER).await?;
    site.add_node("us-east-1a").await?;
    let cases = [
        ("ec2:DescribeAddresses", "UnauthorizedOperation", "aws-policy"),
        ("route53:ListHostedZones", "AccessDenied", "aws-policy"),
        ("ec2:DescribeInstances", "ExpiredToken", "renew the credentials"),
        ("ec2:DescribeAddresses", "SignatureDoesNotMatch", "clock"),
    ];
    for (call, code, step) in cases {
        site.amazon.proxy.order(call, usize::MAX, Fault::deny(code));
        let (exit, text) = site.plan(CLUSTER, &AGAINST).await?;
        let line = text.lines().find(|line| line.contains(call)).unwrap_or_default();
        ensure!(exit == Some(1) && line.contains(code) && line.contains(step), "{exit:?} {text}");
        site.amazon.proxy.forget_faults();
    }
    site.amazon.proxy.set_down(true);
    let (exit, text) = site.plan(CLUSTER, &AGAINST).await?;
    let line = text.lines().find(|line| line.contains("route53:ListHostedZones")).unwrap_or_default();
    ensure!(exit == Some(1) && line.contains("try again"), "{exit:?} {text}");
    Ok(())
}
