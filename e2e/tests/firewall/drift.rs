//! What others do to the firewall: what is missing is put right and told, what is too much is told and removed only where that is declared.

use anyhow::{Context, Result, ensure};
use e2e::amazon::{Quotas, Settings};
use e2e::site::{Site, WALLED};

use super::{ssh, web_rule};

#[tokio::test]
async fn a_rule_and_a_group_that_somebody_took_away_are_put_back_and_told() -> Result<()> {
    let (site, nodes) = Site::walled(2).await?;
    let before = site.lets_in().await?;
    let own = site.nodes_group().await?.group_id;
    let revoke = site.amazon.account.ec2.revoke_security_group_ingress().set_group_id(own);
    revoke.ip_permissions(web_rule()).send().await?;
    site.set_groups(&nodes[0], &["default"]).await?;
    site.look().await?;
    site.has_groups(&nodes).await?;
    site.eventually("the rule is back", || async {
        ensure!(site.lets_in().await? == before, "it is not");
        Ok(())
    })
    .await?;
    let told = site.people.event("cluster/site", "DriftRepaired").await?;
    ensure!(told.contains("lacked"), "{told}");
    site.is_secured().await?;
    site.strangers_are_untouched().await
}

#[tokio::test]
async fn a_foreign_rule_is_reported_and_goes_only_with_strict() -> Result<()> {
    let (site, _) = Site::walled(1).await?;
    let own = site.nodes_group().await?.group_id;
    let add = site.amazon.account.ec2.authorize_security_group_ingress().set_group_id(own);
    add.ip_permissions(ssh()).send().await?;
    site.look().await?;
    let told = site.people.event("cluster/site", "NotOwned").await?;
    ensure!(told.contains("tcp 22 from 0.0.0.0/0"), "{told}");
    site.says_why("SecurityGroupsReady", "True SecurityGroupsReady", "tcp 22").await?;
    let rule = "tcp 22-22 from 0.0.0.0/0";
    ensure!(site.lets_in().await?.contains(rule));

    site.apply(&WALLED.replace("cache]}", "cache], strict: true}")).await?;
    site.eventually("the rule is gone", || async {
        ensure!(!site.lets_in().await?.contains(rule), "it is there");
        Ok(())
    })
    .await?;
    let told = site.people.event("cluster/site", "DriftRepaired").await?;
    ensure!(told.contains("tcp 22"), "{told}");
    ensure!(site.is_secured().await? == "1/1 nodes");
    site.strangers_are_untouched().await
}

#[tokio::test]
async fn an_interface_without_room_is_a_condition_and_the_other_nodes_are_served() -> Result<()> {
    let quotas = Quotas { elastic_ips: 60, groups_per_interface: 3 };
    let site = &mut Site::with(Settings { quotas, ..Settings::default() }, WALLED).await?;
    let nodes = site.add_nodes(2).await?;
    site.apply(&WALLED.replace("[database, cache]", "[database]")).await?;
    // One node has two groups already.
    let other = site.amazon.account.ec2.create_security_group().group_name("crowd").description("more");
    let other = other.send().await?.group_id.context("a group was made")?;
    site.set_groups(&nodes[0], &["default", "crowd"]).await?;
    site.lead().await?;
    let message = site.says("SecurityGroupsReady", "False QuotaReached").await?;
    ensure!(message.contains("SecurityGroupsPerInterfaceLimitExceeded"), "{message}");
    let expected = ["database", "default", "nodes"].map(str::to_owned).into();
    ensure!(site.groups_of(&nodes[1]).await? == expected, "{:?}", site.groups_of(&nodes[1]).await?);
    site.rests().await?;

    site.set_groups(&nodes[0], &["default"]).await?;
    site.look().await?;
    site.is_secured().await?;
    ensure!(site.groups_of(&nodes[0]).await? == expected, "{:?}", site.groups_of(&nodes[0]).await?);
    site.amazon.account.ec2.delete_security_group().group_id(other).send().await?;
    site.strangers_are_untouched().await
}

#[tokio::test]
async fn more_rules_than_a_group_has_room_for_are_a_condition_and_nodes_keep_their_groups() -> Result<()> {
    let (site, nodes) = Site::walled(1).await?;
    let networks: Vec<_> = (0..40).map(|number| format!("10.{number}.0.0/24")).collect();
    let web = format!("cache], web: {{cidrs: [{}]}}}}", networks.join(", "));
    site.apply(&WALLED.replace("cache]}", &web)).await?;
    site.says_why("SecurityGroupsReady", "False QuotaReached", "RulesPerSecurityGroupLimitExceeded").await?;
    ensure!(site.lets_in().await?.contains("tcp 443-443 from 0.0.0.0/0"), "what was let in is shut out");
    site.has_groups(&nodes).await?;

    site.apply(WALLED).await?;
    site.eventually("the rules are as declared", || async {
        let rules = site.lets_in().await?;
        ensure!(rules.len() == 5, "{rules:?}");
        Ok(())
    })
    .await?;
    site.is_secured().await?;
    site.strangers_are_untouched().await
}
