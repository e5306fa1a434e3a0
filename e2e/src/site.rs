//! A site on AWS: a Cluster's YAML comes in; a Kubernetes API, an account with the domain's hosted zone, nodes that are EC2 instances, and controllers
//! with the rights that `flynn-operator aws-policy` prints go out.
//!
//! ```text
//!   Stage (Kubernetes API) <-- Site --> Amazon (EC2, Route 53, DNS, machines)
//!                              |  `--> Strangers: what belongs to somebody else, and stays as it is
//!                              `--> Operator, Operator ... (controllers)
//! ```
//!
//! Its machines answer health checks at port 80 of their addresses, so that it needs `e2e/netns`.

mod firewall;
mod node;
mod patience;
mod router;
mod stage;
mod strangers;
mod zone;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use aws_sdk_ec2::types::Address;

use crate::amazon::{AccessKey, Port, Quotas, Settings};
use crate::operator::Launch;
use crate::platform::SYSTEM;
use crate::{Amazon, Clock, Kubectl, Operator, Tenant, TestBed, unique};
use stage::Stage;
use strangers::Strangers;

pub use firewall::WALLED;
pub use node::Node;
pub use router::Router;
pub use zone::{Zones, simple};

/// The domain of the Cluster, and its hosted zone.
pub const DOMAIN: &str = "site.com";

/// The Cluster that most tests declare, and that others change by `replace`.
pub const CLUSTER: &str = "
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
";

/// A running site; all of it ends with it, except for the Kubernetes API, which the next one gets.
pub struct Site {
    /// AWS.
    pub amazon: Amazon,
    /// What stands in the hosted zones.
    pub zones: Zones,
    /// The id of the domain's hosted zone.
    pub zone: String,
    /// An administrator of Kubernetes.
    pub people: Tenant,
    controllers: Vec<Operator>,
    strangers: Strangers,
    key: AccessKey,
    clock: Option<Clock>,
    stage: Stage,
}

impl Site {
    /// With this Cluster, whose manifest decides on the controllers' rights. Nothing is applied yet, and no controller runs.
    ///
    /// # Errors
    /// When a part does not start.
    pub async fn start(cluster: &str) -> Result<Self> {
        let quotas = Quotas { elastic_ips: 60, ..Quotas::default() };
        Self::with(Settings { quotas, ..Settings::default() }, cluster).await
    }

    /// The same in an account with these settings, whose clock is the controllers' as well.
    ///
    /// # Errors
    /// When a part does not start.
    pub async fn with(settings: Settings, cluster: &str) -> Result<Self> {
        let clock = settings.clock.clone();
        let (stage, amazon) = tokio::try_join!(Stage::take(), Amazon::with(settings))?;
        let policy = policy(&stage, cluster).await?;
        let key = amazon.account.user("operator", &policy).await?;
        amazon.heed_policies();
        let zone = amazon.route53.create_zone(DOMAIN).map_err(|refusal| anyhow::anyhow!("{refusal:?}"))?;
        let zones = Zones::of(&amazon);
        let strangers = Strangers::settle(&amazon, &zones, &zone).await?;
        let people = Tenant::of(stage.bed(), "default").await?;
        Ok(Self { amazon, zones, zone, people, controllers: Vec::new(), strangers, key, clock, stage })
    }

    /// With so many nodes and a controller, the Cluster applied; returns the nodes as well.
    ///
    /// # Errors
    /// When a part does not start.
    pub async fn led(cluster: &str, nodes: usize) -> Result<(Self, Vec<Node>)> {
        let mut site = Self::start(cluster).await?;
        let nodes = site.add_nodes(nodes).await?;
        site.apply(cluster).await?;
        site.lead().await?;
        Ok((site, nodes))
    }

    /// The same, and waits until all is as declared.
    ///
    /// # Errors
    /// When a part does not start, or does not come to rest.
    pub async fn settled(cluster: &str, nodes: usize) -> Result<(Self, Vec<Node>)> {
        let (site, nodes) = Self::led(cluster, nodes).await?;
        site.serves(DOMAIN, &nodes).await?;
        site.rests().await?;
        Ok((site, nodes))
    }

    /// `kubectl apply`.
    ///
    /// # Errors
    /// When the API refuses.
    pub async fn apply(&self, cluster: &str) -> Result<()> {
        self.kubectl().apply(cluster).await.map(drop)
    }

    /// `flynn-operator plan` of an administrator, with the AWS rights of the controllers: its exit code, and what it printed.
    ///
    /// # Errors
    /// When it does not end.
    pub async fn plan(&self, manifest: &str, args: &[&str]) -> Result<(Option<i32>, String)> {
        let bed = self.stage.bed();
        let file = write(bed, manifest)?;
        let launch = Launch::new("plan", bed.control_plane().kubeconfig());
        let launch = launch.args(["-f".as_ref(), file.as_os_str()]).args(args);
        let (status, said) = Operator::run_to_end(&self.towards_aws(launch), bed.folder()).await?;
        Ok((status.code(), said))
    }

    fn towards_aws(&self, launch: Launch) -> Launch {
        let environment = self.amazon.environment(&self.key);
        let launch = environment.into_iter().fold(launch, |launch, (name, value)| launch.env(name, value));
        let clock = self.clock.iter().flat_map(Clock::environment);
        clock.fold(launch, |launch, (name, value)| launch.env(name, value))
    }

    /// `kubectl` of an administrator.
    #[must_use]
    pub fn kubectl(&self) -> &Kubectl {
        &self.people.kubectl
    }

    /// Starts one more controller.
    ///
    /// # Errors
    /// When it does not get ready.
    pub async fn lead(&mut self) -> Result<()> {
        let kubeconfig = self.stage.kubeconfig().await?;
        let identity = unique("controller");
        let launch = Launch::new("controller", kubeconfig)
            .args(["--identity", &identity])
            .args(["--health-address=127.0.0.1:0", "--lease-duration-seconds=5"]);
        let mut controller = Operator::start(&self.towards_aws(launch), self.stage.bed().folder()).await?;
        controller.wait_ready().await?;
        self.controllers.push(controller);
        Ok(())
    }

    /// The controllers, in the order in which they were started.
    #[must_use]
    pub fn controllers(&self) -> &[Operator] {
        &self.controllers
    }

    /// Kills the oldest controller (SIGKILL), and takes its Lease from it, so that nobody has to wait for that to expire.
    ///
    /// # Errors
    /// When none runs.
    pub async fn kill(&mut self) -> Result<()> {
        ensure!(!self.controllers.is_empty(), "no controller runs");
        self.controllers.remove(0).kill9()?;
        self.lease().ok(&["delete", "lease/flynn-operator", "--ignore-not-found"]).await.map(drop)
    }

    /// `kubectl` for the Lease.
    #[must_use]
    pub fn lease(&self) -> Kubectl {
        self.kubectl().namespace(SYSTEM)
    }

    /// The identity of the controller that has the Lease.
    ///
    /// # Errors
    /// When nobody has it.
    pub async fn leader(&self) -> Result<String> {
        self.lease().field("lease/flynn-operator", ".spec.holderIdentity").await
    }

    /// The addresses that a client gets for a name.
    ///
    /// # Errors
    /// When the name server does not answer.
    pub async fn addresses_of(&self, name: &str) -> Result<BTreeSet<IpAddr>> {
        zone::addresses_of(&self.amazon, name).await
    }

    /// The addresses that the records at the domain's apex name, whatever Route 53 makes of their health.
    ///
    /// # Errors
    /// When Route 53 refuses.
    pub async fn apex(&self) -> Result<BTreeSet<IpAddr>> {
        let sets = self.zones.own_sets(&self.zone).await?;
        let sets = sets.iter().filter(|set| matches!(set.r#type.as_str(), "A" | "AAAA"));
        let values = sets.flat_map(|set| set.resource_records());
        Ok(values.map(|record| record.value.parse()).collect::<Result<_, _>>()?)
    }

    /// The addresses of these nodes, as EC2 has them.
    ///
    /// # Errors
    /// When one has none.
    pub async fn addresses(&self, nodes: &[Node]) -> Result<BTreeSet<IpAddr>> {
        let addresses = self.amazon.account.addresses().await?;
        let holders: BTreeMap<&str, &Address> =
            addresses.iter().filter_map(|address| Some((address.instance_id()?, address))).collect();
        let address = |node: &Node| {
            let held = holders.get(node.instance.as_str()).and_then(|address| address.public_ip());
            anyhow::Ok(held.with_context(|| format!("{} has no address", node.name))?.parse()?)
        };
        nodes.iter().map(address).collect()
    }

    /// The field of the Cluster's status at this JSON pointer, such as `/plannedCalls`.
    ///
    /// # Errors
    /// When there is no Cluster.
    pub async fn status(&self, pointer: &str) -> Result<serde_json::Value> {
        let cluster = self.people.read("cluster/site").await?;
        Ok(cluster["status"].pointer(pointer).cloned().unwrap_or_default())
    }

    /// The calls so far that write.
    #[must_use]
    pub fn writes(&self) -> Vec<String> {
        let reads = ["Describe", "Get", "List"];
        let is_write = |action: &str| {
            action.split_once(':').is_some_and(|(_, name)| !reads.iter().any(|read| name.starts_with(read)))
        };
        let calls = self.amazon.proxy.calls().into_iter().map(|call| call.action);
        calls.filter(|action| is_write(action)).collect()
    }

    /// An error if something that is not the operator's was changed.
    ///
    /// # Errors
    /// Tells what is no more, and what is new.
    pub async fn strangers_are_untouched(&self) -> Result<()> {
        self.strangers.are_untouched(&self.amazon, &self.zones).await
    }

    /// An error if there is more or less in AWS than these nodes need: an address each, and a health check for each.
    ///
    /// # Errors
    /// Tells what is too much, or missing.
    pub async fn holds_exactly(&self, nodes: usize) -> Result<()> {
        let ours = self.own_addresses().await?;
        ensure!(ours.len() == nodes, "{} addresses for {nodes} nodes: {ours:?}", ours.len());
        let checks = self.zones.own_checks().await?;
        ensure!(checks.len() == nodes, "{} health checks for {nodes} nodes: {checks:?}", checks.len());
        Ok(())
    }

    /// The Elastic IPs with the operator's tag.
    ///
    /// # Errors
    /// When EC2 does not answer.
    pub async fn own_addresses(&self) -> Result<Vec<Address>> {
        let mut addresses = self.amazon.account.addresses().await?;
        addresses.retain(strangers::is_ours);
        Ok(addresses)
    }

    /// So many new nodes, in one availability zone after the other. Each is an instance that is played, and a Node that is ready.
    ///
    /// # Errors
    /// When EC2 or the API refuses.
    pub async fn add_nodes(&self, count: usize) -> Result<Vec<Node>> {
        let mut nodes = Vec::new();
        for zone in ["us-east-1a", "us-east-1b", "us-east-1c"].into_iter().cycle().take(count) {
            nodes.push(self.add_node(zone).await?);
        }
        Ok(nodes)
    }

    /// A new node.
    ///
    /// # Errors
    /// When EC2 or the API refuses.
    pub async fn add_node(&self, zone: &str) -> Result<Node> {
        let node = self.run(zone).await?;
        node.join(&self.people.client, Some(&node.provider_id())).await?;
        Ok(node)
    }

    /// A new instance that is played, of which Kubernetes does not know yet.
    ///
    /// # Errors
    /// When EC2 refuses.
    pub async fn run(&self, zone: &str) -> Result<Node> {
        let instance = self.amazon.account.run(zone).await?;
        self.amazon.machines.play(&instance, [Port::answering(80)]);
        Ok(Node { name: unique("node"), instance, zone: zone.to_owned() })
    }
}

/// The policy for a manifest.
async fn policy(stage: &Stage, cluster: &str) -> Result<String> {
    let manifest = write(stage.bed(), cluster)?;
    let launch = Launch::new("aws-policy", stage.bed().control_plane().kubeconfig())
        .args(["-f".as_ref(), manifest.as_os_str()]);
    let (status, said) = Operator::run_to_end(&launch, stage.bed().folder()).await?;
    ensure!(status.success(), "flynn-operator aws-policy: {status}: {said}");
    Ok(said)
}

/// Writes a manifest where its file is in nobody's way.
fn write(bed: &TestBed, manifest: &str) -> Result<PathBuf> {
    let file = bed.folder().join(format!("{}.yaml", unique("manifest")));
    std::fs::write(&file, manifest)?;
    Ok(file)
}
