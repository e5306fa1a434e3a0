//! The part of a random life that is about the firewall: who interferes with it, and what has to hold all the same.

use std::collections::BTreeSet;

use anyhow::{Result, ensure};
use aws_sdk_ec2::types::{IpPermission, IpRange};

use super::Life;

/// The ports that a TCP Route may have.
const PORTS: [u16; 3] = [5432, 6379, 9200];

/// What each node has from somebody else from its beginning.
const FOREIGN: [&str; 2] = ["default", "office"];

impl Life {
    /// A new node; its name comes back.
    pub(super) async fn join(&mut self, zone: &str) -> Result<String> {
        let node = self.site.run(zone).await?;
        self.site.set_groups(&node, &FOREIGN).await?;
        node.join(&self.site.people.client, Some(&node.provider_id())).await?;
        let name = node.name.clone();
        self.nodes.push(node);
        Ok(name)
    }

    /// Somebody interferes, or asks for another port.
    pub(super) async fn interfere(&mut self) -> Result<String> {
        match self.random.usize(0..4) {
            0 => {
                let node = &self.nodes[self.random.usize(0..self.nodes.len())];
                self.site.set_groups(node, &FOREIGN).await?;
                Ok(format!("somebody took our groups from {}", node.name))
            }
            1 => self.take_rule().await,
            2 => self.close().await,
            _ => self.open().await,
        }
    }

    /// Somebody takes a rule out of the nodes' group, if it is there now.
    async fn take_rule(&self) -> Result<String> {
        let range = IpRange::builder().cidr_ip("0.0.0.0/0").build();
        let web = IpPermission::builder().ip_protocol("tcp").from_port(443).to_port(443).ip_ranges(range);
        let group = self.site.nodes_group().await?.group_id;
        let revoke = self.site.amazon.account.ec2.revoke_security_group_ingress().set_group_id(group);
        let taken = revoke.ip_permissions(web.build()).send().await.is_ok();
        Ok(format!("somebody took a rule away: {taken}"))
    }

    async fn open(&mut self) -> Result<String> {
        let port = PORTS[self.random.usize(0..PORTS.len())];
        self.site.people.declare("route", "db", &format!("{{app: db, tcp: {{port: {port}}}}}")).await?;
        self.port = Some(port);
        Ok(format!("the port {port} is asked for"))
    }

    /// No port is asked for any more.
    pub(super) async fn close(&mut self) -> Result<String> {
        self.site.kubectl().ok(&["delete", "route.flynn.io/db", "--ignore-not-found"]).await?;
        self.port = None;
        Ok("no port is asked for".to_owned())
    }

    /// What holds at every step: nobody's group was taken from a node of this Cluster.
    pub(super) async fn keeps_foreign_groups(&self) -> Result<()> {
        for node in &self.nodes {
            let groups = self.site.groups_of(node).await?;
            ensure!(FOREIGN.iter().all(|name| groups.contains(*name)), "{} has {groups:?}", node.name);
        }
        Ok(())
    }

    /// Waits until every node has all of its groups, and theirs lets in what is declared and nothing else.
    pub(super) async fn is_walled(&self) -> Result<()> {
        self.site.is_secured().await?;
        let expected: BTreeSet<String> =
            ["cache", "database", "nodes"].into_iter().chain(FOREIGN).map(str::to_owned).collect();
        let port = self.port.map(|port| format!("tcp {port}-{port} from 10.0.0.0/8"));
        let web = [
            "-1 from a group",
            "tcp 80-80 from 0.0.0.0/0",
            "tcp 80-80 from ::/0",
            "tcp 443-443 from 0.0.0.0/0",
            "tcp 443-443 from ::/0",
        ];
        let let_in: BTreeSet<String> = web.map(str::to_owned).into_iter().chain(port).collect();
        self.site
            .eventually("the firewall is as declared", || async {
                for node in &self.nodes {
                    let groups = self.site.groups_of(node).await?;
                    ensure!(groups == expected, "{} has {groups:?}", node.name);
                }
                let rules = self.site.lets_in().await?;
                ensure!(rules == let_in, "{rules:?}");
                let own = self.site.own_groups().await?;
                ensure!(own.len() == 2, "{own:?}");
                Ok(())
            })
            .await
    }
}
