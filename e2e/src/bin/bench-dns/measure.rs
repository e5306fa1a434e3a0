//! One event at a time: what happens comes in, the time until DNS or the zone shows it goes out.
//!
//! A node whose address left DNS would be damped when it comes back, so that each sample takes another one.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use e2e::Site;
use e2e::amazon::Fault;
use e2e::site::{DOMAIN, Node};

/// How long the double takes until its name server has a change; Route 53 says "generally within 60 s".
const IN_SYNC: Duration = Duration::from_millis(50);

/// How long it took until a node was out of DNS' answers, and until its record was gone.
pub(crate) struct Ill {
    pub(crate) unready_record: Duration,
    pub(crate) dead_answers: Duration,
    pub(crate) dead_record: Duration,
}

/// The parts of the time that a new node's record took.
pub(crate) struct Added {
    /// Until its address was associated.
    pub(crate) associated: Duration,
    /// Until our own probes had gone well twice.
    pub(crate) probes: Duration,
    /// Until the record was on every name server.
    pub(crate) published: Duration,
}

async fn address(site: &Site, node: &Node) -> Result<IpAddr> {
    let address = site.amazon.account.address_of(&node.instance).await?;
    Ok(address.with_context(|| format!("{} has no address", node.name))?.into())
}

/// When an action was called first.
fn called(site: &Site, action: &str, since: Instant) -> Result<Duration> {
    let call = site.amazon.proxy.calls().into_iter().find(|call| call.action == action);
    Ok(call.with_context(|| format!("{action} was not called"))?.at - since)
}

/// When records were changed first, and every name server had them.
fn changed(site: &Site, since: Instant) -> Result<Duration> {
    Ok(called(site, "route53:ChangeResourceRecordSets", since)? + IN_SYNC)
}

/// Waits until the records are those of so many nodes, and everything is in sync.
pub(crate) async fn whole(site: &Site, nodes: &[Node]) -> Result<()> {
    site.eventually("all nodes are published", || async {
        let count = site.apex().await?.len();
        ensure!(count == nodes.len(), "{count} of {}", nodes.len());
        Ok(())
    })
    .await?;
    site.rests().await
}

/// Waits until a record is there, or is not.
async fn record(site: &Site, address: IpAddr, is_there: bool) -> Result<()> {
    site.eventually("the records are so", || async {
        ensure!(site.apex().await?.contains(&address) == is_there, "they are not");
        Ok(())
    })
    .await
}

/// The calls of looks in sync, for each look, by action; nothing is written.
pub(crate) async fn reads(site: &Site) -> Result<BTreeMap<String, f64>> {
    const LOOKS: u8 = 5;
    site.amazon.proxy.forget_calls();
    for _ in 0..LOOKS {
        site.look().await?;
    }
    site.eventually("the last look is over", || async {
        let calls = site.amazon.proxy.calls_by_action();
        let lists = calls.iter().filter(|(action, _)| !action.ends_with("Status")).map(|(_, count)| count);
        ensure!(lists.clone().min() == lists.max(), "{calls:?}");
        Ok(())
    })
    .await?;
    ensure!(site.writes().is_empty(), "{:?}", site.writes());
    let calls = site.amazon.proxy.calls_by_action();
    let looks = f64::from(u32::try_from(calls.get("ec2:DescribeAddresses").copied().unwrap_or(1))?);
    let each = |count: usize| anyhow::Ok(f64::from(u32::try_from(count)?) / looks);
    calls.into_iter().map(|(action, count)| Ok((action, each(count)?))).collect()
}

/// From the Node object of a new instance until every name server has its record.
pub(crate) async fn added(site: &Site, nodes: &mut Vec<Node>, samples: usize) -> Result<Vec<Added>> {
    let mut times = Vec::new();
    for _ in 0..samples {
        let node = site.run("us-east-1a").await?;
        site.amazon.proxy.forget_calls();
        let began = Instant::now();
        node.join(&site.people.client, Some(&node.provider_id())).await?;
        nodes.push(node);
        whole(site, nodes).await?;
        let associated = called(site, "ec2:AssociateAddress", began)?;
        let proven = called(site, "route53:CreateHealthCheck", began)?;
        times.push(Added {
            associated,
            probes: proven - associated,
            published: changed(site, began)? - proven,
        });
    }
    Ok(times)
}

/// From `kubectl cordon` until the record is gone.
pub(crate) async fn cordoned(site: &Site, nodes: &[Node], samples: usize) -> Result<Vec<Duration>> {
    let mut times = Vec::new();
    for node in nodes.iter().take(samples) {
        let address = address(site, node).await?;
        site.amazon.proxy.forget_calls();
        let began = Instant::now();
        node.cordon(&site.people.client, true).await?;
        record(site, address, false).await?;
        times.push(changed(site, began)?);
    }
    for node in nodes.iter().take(samples) {
        node.cordon(&site.people.client, false).await?;
    }
    whole(site, nodes).await?;
    Ok(times)
}

/// A controller dies when Route 53 has a change and it has no answer: from the start of the next one until it is done.
pub(crate) async fn killed(site: &mut Site, nodes: &[Node]) -> Result<(Duration, Duration)> {
    let node = nodes.last().context("there are nodes")?;
    let address = address(site, node).await?;
    site.amazon.proxy.order("route53:ChangeResourceRecordSets", 1, Fault::HoldRequest);
    node.cordon(&site.people.client, true).await?;
    site.call_is_held().await?;
    site.kill().await?;
    let began = Instant::now();
    site.lead().await?;
    let started = began.elapsed();
    record(site, address, false).await?;
    let healed = began.elapsed();
    node.cordon(&site.people.client, false).await?;
    whole(site, nodes).await?;
    Ok((started, healed))
}

/// A node that Kubernetes takes for not ready, and one that answers nobody.
pub(crate) async fn ill(site: &Site, nodes: &[Node]) -> Result<Ill> {
    let [unready, dead, ..] = &nodes[nodes.len() - 3..] else { unreachable!("there are at least four") };
    let (unready_at, dead_at) = (address(site, unready).await?, address(site, dead).await?);
    let began = Instant::now();
    unready.report(&site.people.client, "Unknown").await?;
    site.amazon.machines.kill(&dead.instance).await;
    // Of more than eight addresses an answer has eight: it takes many to see that one is in none.
    site.eventually("no answer names the dead node", || async {
        for _ in 0..50 {
            ensure!(!site.addresses_of(DOMAIN).await?.contains(&dead_at), "one does");
        }
        Ok(())
    })
    .await?;
    let dead_answers = began.elapsed();
    let gone = async |at| record(site, at, false).await.map(|()| began.elapsed());
    let (unready_record, dead_record) = tokio::try_join!(gone(unready_at), gone(dead_at))?;
    unready.report(&site.people.client, "True").await?;
    site.amazon.machines.revive(&dead.instance);
    whole(site, nodes).await?;
    Ok(Ill { unready_record, dead_answers, dead_record })
}

/// The records that are left when no Node has the label any more.
pub(crate) async fn emptied(site: &Site) -> Result<usize> {
    site.kubectl()
        .ok(&["label", "nodes", "-l", "flynn.io/router", "flynn.io/router-", "flynn.io/away="])
        .await?;
    site.says("AddressesAssociated", "False NodesNotFound").await?;
    site.look().await?;
    site.look().await?;
    let left = site.apex().await?.len();
    site.kubectl()
        .ok(&["label", "nodes", "-l", "flynn.io/away", "flynn.io/away-", "flynn.io/router="])
        .await?;
    site.rests().await?;
    Ok(left)
}

/// The records that are left when all nodes are cordoned.
pub(crate) async fn all_cordoned(site: &Site, nodes: &[Node]) -> Result<usize> {
    for node in nodes {
        node.cordon(&site.people.client, true).await?;
    }
    site.says("RecordsPublished", "False TooFewHealthy").await?;
    site.look().await?;
    Ok(site.apex().await?.len())
}
