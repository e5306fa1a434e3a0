//! From nothing to an apex that leads to every node: addresses, health checks, records, and what the Cluster says of them.

use anyhow::{Result, ensure};
use e2e::site::{CLUSTER, DOMAIN, Site};

#[tokio::test]
async fn three_nodes_get_addresses_health_checks_and_records_and_the_status_tells_them() -> Result<()> {
    let (site, nodes) = Site::settled(CLUSTER, 3).await?;
    site.holds_exactly(3).await?;
    site.serves(&format!("www.{DOMAIN}"), &nodes).await?;
    let addresses = site.addresses(&nodes).await?;

    let table = site.kubectl().ok(&["get", "cluster/site", "--no-headers"]).await?;
    ensure!(table.contains("3/3"), "{table}");
    let told = site.status("/addresses").await?;
    for node in &nodes {
        let told = told.as_array().into_iter().flatten().find(|told| told["node"] == node.name.as_str());
        let told = told.unwrap_or(&serde_json::Value::Null);
        ensure!(told["instanceID"] == node.instance.as_str() && told["dns"] == "Published", "{told}");
        let address = told["address"].as_str().unwrap_or_default().parse()?;
        ensure!(addresses.contains(&address), "{told}");
    }
    site.eventually("Route 53's own verdict is told", || async {
        let told = site.status("/addresses").await?;
        let healthy = |told: &serde_json::Value| told["health"] == "Healthy";
        ensure!(told.as_array().is_some_and(|told| told.iter().all(healthy)), "{told}");
        Ok(())
    })
    .await?;
    let records = site.status("/records").await?;
    for (place, name) in [DOMAIN, &format!("*.{DOMAIN}")].into_iter().enumerate() {
        ensure!(records[place]["name"] == name && records[place]["state"] == "InSync", "{records}");
    }
    site.people.event("cluster/site", "AddressesAssociated").await?;
    site.people.event("cluster/site", "RecordsPublished").await?;
    site.strangers_are_untouched().await
}

#[tokio::test]
async fn listed_instances_are_published_with_their_ipv6_addresses_as_well() -> Result<()> {
    let mut site = Site::start(CLUSTER).await?;
    let nodes = [site.run("us-east-1a").await?, site.run("us-east-1b").await?];
    let six = format!("2001:db8:77::{:x}:{:x}", fastrand::u16(1..), fastrand::u16(1..));
    site.amazon.account.give_ipv6(&nodes[0].instance, &six).await?;
    let selector = "{selector: {matchLabels: {flynn.io/router: ''}}}";
    let instances = format!("{{instances: [{}, {}]}}", nodes[0].instance, nodes[1].instance);
    ensure!(CLUSTER.contains(selector));
    site.apply(&CLUSTER.replace(selector, &instances)).await?;
    site.lead().await?;
    site.eventually("both instances and the IPv6 address are published", || async {
        let mut expected = site.addresses(&nodes).await?;
        expected.insert(six.parse()?);
        let answered = site.addresses_of(&format!("www.{DOMAIN}")).await?;
        ensure!(answered == expected, "{answered:?} instead of {expected:?}");
        Ok(())
    })
    .await?;
    site.rests().await?;
    ensure!(site.zones.own_checks().await?.len() == 3, "each address has a health check");
    let types: Vec<_> = site
        .status("/records")
        .await?
        .as_array()
        .into_iter()
        .flatten()
        .map(|record| record["type"].to_string())
        .collect();
    ensure!(types == ["\"A\"", "\"AAAA\"", "\"CNAME\""], "{types:?}");
    site.strangers_are_untouched().await
}
