//! Several domains in several hosted zones, zones that cannot be used, and records of somebody else: each domain goes its own way.

use anyhow::{Result, ensure};
use aws_sdk_route53::types::ChangeAction;
use e2e::site::{CLUSTER, DOMAIN, Site, simple};

/// The Cluster with further domains.
fn with_domains(domains: &str) -> String {
    CLUSTER.replace("[{name: site.com}]", &format!("[{{name: site.com, default: true}}, {domains}]"))
}

#[tokio::test]
async fn every_domain_that_can_be_published_is_and_the_others_say_why_they_are_not() -> Result<()> {
    let domains = "{name: old.org}, {name: shop.site.com}, {name: twice.net}, {name: inside.net}, \
                   {name: nowhere.net}, {name: chosen.net, hostedZoneID: ZCHOSEN}, {name: wrong.net, hostedZoneID: Z0MISSING}";
    let mut site = Site::start(&with_domains(domains)).await?;
    let zone =
        |name: &str| site.amazon.route53.create_zone(name).map_err(|refusal| anyhow::anyhow!("{refusal:?}"));
    let (old, _, _) = (zone("old.org")?, zone("twice.net")?, zone("twice.net")?);
    let (_, chosen) = (zone("chosen.net")?, zone("chosen.net")?);
    site.zones.private("inside.net").await?;
    site.zones.private("old.org").await?; // of the public and the private one, the public one
    let cluster = with_domains(&domains.replace("ZCHOSEN", &chosen));
    let nodes = site.add_nodes(3).await?;
    site.apply(&cluster).await?;
    site.lead().await?;
    for name in [DOMAIN, "old.org", "www.old.org", "shop.site.com", "any.shop.site.com"] {
        site.serves(name, &nodes).await?;
    }
    site.eventually("the chosen one of two zones has the records", || async {
        ensure!(site.zones.own_sets(&chosen).await?.len() == 4, "three nodes and the wildcard");
        Ok(())
    })
    .await?;
    ensure!(site.zones.own_sets(&old).await?.len() == 4, "three nodes and the wildcard");
    ensure!(site.zones.own_checks().await?.len() == 3, "the domains share the health checks");
    let said = [
        ("twice.net", "could be in any of the hosted zones"),
        ("inside.net", "is private"),
        ("nowhere.net", "in no public hosted zone"),
        ("wrong.net", "no hosted zone Z0MISSING"),
    ];
    for (name, word) in said {
        record(&site, name, "Failed", word).await?;
    }
    let condition = site.people.read("cluster/site").await?["status"]["conditions"].to_string();
    ensure!(condition.contains("HostedZone"), "{condition}");
    site.strangers_are_untouched().await
}

#[tokio::test]
async fn records_of_somebody_else_stay_until_they_are_adopted_in_one_change() -> Result<()> {
    let mut site = Site::start(CLUSTER).await?;
    let theirs = simple("site.com.", "A", &["192.0.2.80"])?;
    site.zones.change(&site.zone, [(ChangeAction::Create, theirs.clone())]).await?;
    let nodes = site.add_nodes(3).await?;
    site.apply(CLUSTER).await?;
    site.lead().await?;
    let message = site.says("RecordsPublished", "False NotOwned").await?;
    ensure!(message.contains(DOMAIN) && message.contains("adopt"), "{message}");
    record(&site, DOMAIN, "NotOwned", DOMAIN).await?;
    ensure!(site.zones.sets(&site.zone).await?.contains(&theirs), "it was touched");
    site.amazon.proxy.forget_calls();
    site.apply(&CLUSTER.replace("ttlSeconds: 1", "ttlSeconds: 1, adopt: true")).await?;
    site.serves(DOMAIN, &nodes).await?;
    site.rests().await?;
    ensure!(!site.zones.sets(&site.zone).await?.contains(&theirs), "it is still there");
    site.strangers_are_untouched().await
}

/// Waits until the status of a name's record is in this state, with this word in its message.
async fn record(site: &Site, name: &str, state: &str, word: &str) -> Result<()> {
    site.eventually(&format!("{name} is {state}"), || async {
        let records = site.status("/records").await?;
        let told = records.as_array().into_iter().flatten().find(|record| record["name"] == name);
        let told = told.cloned().unwrap_or_default();
        ensure!(told["state"] == state && told["message"].to_string().contains(word), "{told} of {records}");
        Ok(())
    })
    .await
}
