//! The nodes' firewall as EC2 has it, past the operator's door.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, ensure};
use aws_sdk_ec2::types::{IpPermission, SecurityGroup};

use super::{Node, Site, strangers};

/// The Cluster with a firewall: TCP Routes of one network, a group that a database has, and one that nobody made yet.
pub const WALLED: &str = "
apiVersion: flynn.io/v1alpha1
kind: Cluster
metadata: {name: site}
spec:
  domains: [{name: site.com}]
  nodes: {selector: {matchLabels: {flynn.io/router: ''}}}
  aws:
    region: us-east-1
    elasticIPs: {}
    dns: {ttlSeconds: 1}
    securityGroups: {tcp: {cidrs: [10.0.0.0/8]}, extra: [database, cache]}
";

impl Site {
    /// With so many nodes, as [`Self::settled`], and waits until they have their groups as well.
    ///
    /// # Errors
    /// When a part does not start, or does not come to rest.
    pub async fn walled(nodes: usize) -> Result<(Self, Vec<Node>)> {
        let (site, nodes) = Self::settled(WALLED, nodes).await?;
        site.is_secured().await?;
        site.has_groups(&nodes).await?;
        Ok((site, nodes))
    }

    /// Waits until the Cluster says that the nodes' firewall is as declared.
    ///
    /// # Errors
    /// When it does not in time.
    pub async fn is_secured(&self) -> Result<String> {
        self.says("SecurityGroupsReady", "True SecurityGroupsReady").await
    }

    /// The security groups that the operator made.
    ///
    /// # Errors
    /// When EC2 does not answer.
    pub async fn own_groups(&self) -> Result<Vec<SecurityGroup>> {
        let mut groups = self.amazon.account.groups().await?;
        groups.retain(strangers::is_own);
        Ok(groups)
    }

    /// The group of the nodes, which is the Cluster's own.
    ///
    /// # Errors
    /// When there is none.
    pub async fn nodes_group(&self) -> Result<SecurityGroup> {
        let groups = self.own_groups().await?;
        let own =
            |group: &SecurityGroup| group.group_name().is_some_and(|name| name.starts_with("flynn-site-"));
        groups.into_iter().find(own).context("the nodes have no group of their own")
    }

    /// What the nodes' group lets in, such as `tcp 80-80 from 0.0.0.0/0`.
    ///
    /// # Errors
    /// When there is no such group.
    pub async fn lets_in(&self) -> Result<BTreeSet<String>> {
        let group = self.nodes_group().await?;
        Ok(group.ip_permissions().iter().flat_map(told).collect())
    }

    /// The names of the groups of a node's first interface; that of the Cluster's own is `nodes`.
    ///
    /// # Errors
    /// When it has none.
    pub async fn groups_of(&self, node: &Node) -> Result<BTreeSet<String>> {
        let names = self.names_of_groups().await?;
        let interfaces = self.amazon.account.interfaces_of(&node.instance).await?;
        let first = interfaces.first().context("it has an interface")?;
        let ids = first.groups().iter().filter_map(|group| group.group_id());
        Ok(ids.filter_map(|id| names.get(id).cloned()).collect())
    }

    /// Has a node's first interface have the groups of these names and no others, as somebody at the console may.
    ///
    /// # Errors
    /// When there is no group of such a name.
    pub async fn set_groups(&self, node: &Node, names: &[&str]) -> Result<()> {
        let known = self.names_of_groups().await?;
        let id = |name: &&str| known.iter().find(|(_, known)| known == name).map(|(id, _)| id.clone());
        let ids = names.iter().map(|name| id(name).with_context(|| format!("there is no group {name}")));
        let interface = self.amazon.account.interfaces_of(&node.instance).await?.remove(0);
        let modify = self.amazon.account.ec2.modify_network_interface_attribute();
        let modify = modify.set_network_interface_id(interface.network_interface_id);
        modify.set_groups(Some(ids.collect::<Result<_>>()?)).send().await?;
        Ok(())
    }

    /// The names of all groups by their ids.
    async fn names_of_groups(&self) -> Result<BTreeMap<String, String>> {
        let named = |group: SecurityGroup| {
            let name = group.group_name?;
            Some((group.group_id?, if name.starts_with("flynn-site-") { "nodes".to_owned() } else { name }))
        };
        Ok(self.amazon.account.groups().await?.into_iter().filter_map(named).collect())
    }

    /// Waits until these nodes have the groups of [`WALLED`], beside the one that each has anyway.
    ///
    /// # Errors
    /// When they do not in time.
    pub async fn has_groups(&self, nodes: &[Node]) -> Result<()> {
        self.eventually("the nodes have their groups", || async {
            for node in nodes {
                let groups = self.groups_of(node).await?;
                let expected = ["cache", "database", "default", "nodes"].map(str::to_owned).into();
                ensure!(groups == expected, "{}: {groups:?}", node.name);
            }
            Ok(())
        })
        .await
    }
}

/// One sentence for each network and group.
fn told(rule: &IpPermission) -> Vec<String> {
    let ports = rule.from_port().zip(rule.to_port()).filter(|ports| *ports != (-1, -1));
    let ports = ports.map(|(first, last)| format!(" {first}-{last}")).unwrap_or_default();
    let protocol = rule.ip_protocol().unwrap_or_default();
    let v4 = rule.ip_ranges().iter().filter_map(|range| range.cidr_ip());
    let v6 = rule.ipv6_ranges().iter().filter_map(|range| range.cidr_ipv6());
    let groups = rule.user_id_group_pairs().iter().map(|_| "a group");
    v4.chain(v6).chain(groups).map(|source| format!("{protocol}{ports} from {source}")).collect()
}
