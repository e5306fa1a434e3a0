//! Controllers that die in the middle of a call, that are two at once, and a Cluster that is deleted: the end is the same, and nothing is left.

use anyhow::{Context, Result, ensure};
use e2e::amazon::Fault;
use e2e::site::{CLUSTER, DOMAIN, Site};
use rustix::process::Signal;

#[tokio::test]
async fn a_controller_that_dies_at_any_write_is_followed_by_one_that_finishes_and_doubles_nothing()
-> Result<()> {
    let mut site = Site::start(CLUSTER).await?;
    let nodes = site.add_nodes(3).await?;
    site.apply(CLUSTER).await?;
    for action in [
        "ec2:AllocateAddress",
        "ec2:AssociateAddress",
        "route53:CreateHealthCheck",
        "route53:ChangeResourceRecordSets",
    ] {
        for fault in [Fault::HoldRequest, Fault::HoldReply] {
            site.dies_at(action, fault).await.with_context(|| action.to_owned())?;
        }
    }
    site.lead().await?;
    site.serves(DOMAIN, &nodes).await?;
    site.rests().await?;
    site.holds_exactly(3).await?;
    site.strangers_are_untouched().await
}

#[tokio::test]
async fn a_controller_that_was_paused_while_another_took_over_does_no_harm() -> Result<()> {
    let mut site = Site::start(CLUSTER).await?;
    let nodes = site.add_nodes(3).await?;
    site.apply(CLUSTER).await?;
    site.amazon.proxy.order("ec2:AllocateAddress", 1, Fault::HoldRequest);
    site.lead().await?;
    site.call_is_held().await?;
    let first = site.leader().await?;
    site.controllers()[0].process().signal(Signal::STOP)?;
    site.lead().await?;
    site.eventually("the other one leads", || async {
        ensure!(site.leader().await? != first, "{first} leads");
        Ok(())
    })
    .await?;
    site.serves(DOMAIN, &nodes).await?;
    // What the paused one had asked for is done after all: an address too many.
    site.amazon.proxy.release();
    site.eventually("an address is too many", || async {
        ensure!(site.own_addresses().await?.len() == 4, "it is not there");
        Ok(())
    })
    .await?;
    site.controllers()[0].process().signal(Signal::CONT)?;
    site.eventually("it is given back", || async { site.holds_exactly(3).await }).await?;
    site.serves(DOMAIN, &nodes).await?;
    site.strangers_are_untouched().await
}

#[tokio::test]
async fn a_deleted_cluster_takes_its_records_then_its_health_checks_then_its_addresses_and_nothing_else()
-> Result<()> {
    let (mut site, _) = Site::settled(CLUSTER, 3).await?;
    site.kill().await?;
    site.kubectl().ok(&["delete", "cluster/site", "--wait=false"]).await?;
    site.amazon.proxy.forget_calls();
    site.dies_at("route53:ChangeResourceRecordSets", Fault::HoldReply).await?;
    site.dies_at("route53:DeleteHealthCheck", Fault::HoldRequest).await?;
    site.lead().await?;
    site.cluster_is_gone().await?;
    let writes = site.writes();
    let place = |action: &str| writes.iter().position(|write| write == action);
    let (records, checks) = (place("route53:ChangeResourceRecordSets"), place("route53:DeleteHealthCheck"));
    let released = place("ec2:ReleaseAddress");
    ensure!(records.is_some() && records < checks && checks < released, "{writes:?}");
    site.holds_exactly(0).await?;
    ensure!(site.zones.own_sets(&site.zone).await?.is_empty(), "records are left");
    site.strangers_are_untouched().await
}
