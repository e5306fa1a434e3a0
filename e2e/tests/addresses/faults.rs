//! A random life: nodes come, go, fall ill and are cordoned, ports open and close, somebody interferes with the firewall, AWS fails in every way, controllers
//! die. At every step DNS names somebody, soon only who serves, no node has lost a group that somebody else gave it, and what is somebody else's is as it was;
//! in the end all is as declared, and nothing is left over.
//!
//! `SEED` repeats a run, `STEPS` makes it longer.

mod firewall;
mod table;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use e2e::amazon::Fault;
use e2e::site::{DOMAIN, Node, Site, WALLED};
use fastrand::Rng;

/// How many nodes there are at first, and at most.
const NODES: usize = 5;
const MOST_NODES: usize = 8;

/// What is wrong with a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ill {
    Cordoned,
    Unready,
    Sick,
    Dead,
}

struct Life {
    site: Site,
    nodes: Vec<Node>,
    ill: BTreeMap<String, Ill>,
    random: Rng,
    port: Option<u16>,
}

fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[tokio::test]
async fn at_every_step_of_a_random_life_dns_names_who_serves_and_what_is_not_ours_stays() -> Result<()> {
    let seed = setting("SEED").unwrap_or_else(|| fastrand::u64(1..1_000_000));
    let steps = setting("STEPS").unwrap_or(10);
    println!("SEED={seed} STEPS={steps}");
    let mut life = Life::begin(Rng::with_seed(seed)).await?;
    for step in 0..steps {
        let did = life.step().await?;
        life.is_sound().await.with_context(|| format!("SEED={seed}, step {step}: {did}"))?;
        println!("{step}: {did}");
    }
    life.ends_well().await.with_context(|| format!("SEED={seed}, the end"))?;
    println!("{}", table::of(&life.site.amazon.proxy.calls()));
    Ok(())
}

impl Life {
    /// All is as declared, and every node has a group of somebody else beside the default one.
    async fn begin(random: Rng) -> Result<Self> {
        let site = Site::start(WALLED).await?;
        let mut life = Self { site, nodes: Vec::new(), ill: BTreeMap::new(), random, port: None };
        for zone in ["us-east-1a", "us-east-1b", "us-east-1c"].into_iter().cycle().take(NODES) {
            life.join(zone).await?;
        }
        life.site.apply(WALLED).await?;
        life.site.lead().await?;
        life.site.serves(DOMAIN, &life.nodes).await?;
        life.is_walled().await?;
        Ok(life)
    }

    /// Something happens, while AWS fails somehow.
    async fn step(&mut self) -> Result<String> {
        let fault = self.disturb();
        let event = match self.random.usize(0..12) {
            0 => self.replace().await?,
            1 if self.nodes.len() < MOST_NODES => {
                self.join("us-east-1b").await?;
                "a node came".to_owned()
            }
            2 | 3 => self.heal().await?,
            4 => {
                self.site.kill().await?;
                self.site.lead().await?;
                "the controller was killed".to_owned()
            }
            5..8 => self.interfere().await?,
            _ => self.fall_ill().await?,
        };
        self.site.look().await?;
        Ok(format!("{event}; {fault}"))
    }

    fn disturb(&mut self) -> String {
        let faults = [
            Fault::Throttle,
            Fault::ServerError,
            Fault::LoseReply,
            Fault::Drop,
            Fault::Delay(Duration::from_millis(300)),
        ];
        let patterns = [
            "*",
            "ec2:*",
            "route53:*",
            "ec2:AllocateAddress",
            "route53:ChangeResourceRecordSets",
            "ec2:AuthorizeSecurityGroupIngress",
            "ec2:RevokeSecurityGroupIngress",
            "ec2:ModifyNetworkInterfaceAttribute",
            "ec2:CreateTags",
            "ec2:DescribeSecurityGroup*",
        ];
        let lists = [
            "ec2:DescribeAddresses",
            "ec2:DescribeInstances",
            "ec2:DescribeNetworkInterfaces",
            "ec2:DescribeSecurityGroups",
            "ec2:DescribeSecurityGroupRules",
            "route53:List*",
        ];
        let (pattern, fault) = match self.random.usize(0..3) {
            0 => (lists[self.random.usize(0..lists.len())], Fault::EmptyList),
            _ => (
                patterns[self.random.usize(0..patterns.len())],
                faults[self.random.usize(0..faults.len())].clone(),
            ),
        };
        let times = self.random.usize(1..6);
        self.site.amazon.proxy.order(pattern, times, fault.clone());
        format!("{times} times {fault:?} at {pattern}")
    }

    /// One of the well ones falls ill, but never so many that fewer than half are well.
    async fn fall_ill(&mut self) -> Result<String> {
        if (self.ill.len() + 1) * 2 > self.nodes.len() {
            return self.heal().await;
        }
        let well: Vec<_> =
            self.nodes.iter().filter(|node| !self.ill.contains_key(&node.name)).cloned().collect();
        let node = &well[self.random.usize(0..well.len())];
        let ill = [Ill::Cordoned, Ill::Unready, Ill::Sick, Ill::Dead][self.random.usize(0..4)];
        let client = &self.site.people.client;
        match ill {
            Ill::Cordoned => node.cordon(client, true).await?,
            Ill::Unready => node.report(client, "Unknown").await?,
            Ill::Sick => self.site.amazon.machines.sicken(&node.instance),
            Ill::Dead => self.site.amazon.machines.kill(&node.instance).await,
        }
        self.ill.insert(node.name.clone(), ill);
        Ok(format!("{} is {ill:?}", node.name))
    }

    /// All are well again.
    async fn heal(&mut self) -> Result<String> {
        let client = &self.site.people.client;
        for node in self.nodes.iter().filter(|node| self.ill.contains_key(&node.name)) {
            node.cordon(client, false).await?;
            node.report(client, "True").await?;
            self.site.amazon.machines.revive(&node.instance);
        }
        self.ill.clear();
        Ok("all are well".to_owned())
    }

    /// A node's instance is terminated, and another one comes in its place.
    async fn replace(&mut self) -> Result<String> {
        let lost = self.nodes.remove(self.random.usize(0..self.nodes.len()));
        self.site.amazon.account.terminate(&lost.instance).await?;
        lost.leave(&self.site.people.client).await?;
        self.ill.remove(&lost.name);
        let new = self.join(&lost.zone).await?;
        Ok(format!("{} was replaced by {new}", lost.name))
    }

    /// What holds at every step. Route 53's checkers have their time to see who does not serve.
    async fn is_sound(&mut self) -> Result<()> {
        ensure!(!self.site.addresses_of(DOMAIN).await?.is_empty(), "DNS names nobody");
        self.site.strangers_are_untouched().await?;
        self.keeps_foreign_groups().await?;
        self.site
            .eventually("DNS names only who serves", || async {
                let answer = self.site.addresses_of(DOMAIN).await?;
                ensure!(!answer.is_empty(), "DNS names nobody");
                let serving = self.serving().await?;
                ensure!(answer.is_subset(&serving), "{answer:?} of which serve {serving:?}");
                Ok(())
            })
            .await
    }

    /// The addresses at which somebody answers.
    async fn serving(&self) -> Result<BTreeSet<std::net::IpAddr>> {
        let silent = |node: &&Node| !matches!(self.ill.get(&node.name), Some(Ill::Sick | Ill::Dead));
        let mut serving = BTreeSet::new();
        for node in self.nodes.iter().filter(silent) {
            serving.extend(
                self.site.amazon.account.address_of(&node.instance).await?.map(std::net::IpAddr::from),
            );
        }
        Ok(serving)
    }

    /// With the faults over, all is as declared, and nothing is left over. A new controller remembers nobody's departures.
    async fn ends_well(&mut self) -> Result<()> {
        self.site.amazon.proxy.forget_faults();
        self.heal().await?;
        self.site.kill().await?;
        self.site.lead().await?;
        self.site.serves(DOMAIN, &self.nodes).await?;
        self.site.eventually("nothing is left over", || self.site.holds_exactly(self.nodes.len())).await?;
        self.site.rests().await?;
        self.is_walled().await?;
        self.keeps_foreign_groups().await?;
        self.close().await?;
        self.site.strangers_are_untouched().await
    }
}
