//! The role `node`: watches the API by itself, plans, and serves the traffic of its node.
//!
//! ```text
//! watches --> reconciler --Pass--> effects/route.rs (the table) --> requests
//!                            '---> effects/report.rs (its RouterNode)
//! ```
//!
//! Its listeners open when the first complete table is there, so that it never answers 404 for what it has not read yet. It
//! writes nothing but its RouterNode, and needs neither the leader nor, once it serves, the API.

use std::time::Duration;

use crds::Fault;
use kube::Client;
use plan::{Planner, Role};
use prometheus_client::registry::Registry;
use router::{Addresses, Options};
use router_config::Listen;
use tokio::sync::{mpsc, watch};

use crate::args::NodeArguments;
use crate::effects::report::{Identity, Report, Reporter};
use crate::effects::route::{self, Serving, Table};
use crate::health::Health;
use crate::metrics::machine::Left;
use crate::metrics::router::RouterCounters;
use crate::metrics::{PlanMetrics, TableMetrics, WatchMetrics};
use crate::observe::Watches;
use crate::reconcile::{Pass, QUEUE, Reconciler};
use crate::shutdown::Shutdown;
use crate::startup::{Error, announce, listen_for_probes, raise_open_files};

/// Serves until the process is asked to end.
pub(crate) async fn run(
    client: Client,
    arguments: NodeArguments,
    listen: Listen,
    mut registry: Registry,
) -> Result<(), Error> {
    let mut shutdown = Shutdown::listen().map_err(Error::Signals)?;
    raise_open_files();
    let (listener, health_address) = listen_for_probes(arguments.health_address, arguments.share_ports)?;
    let node = Node::start(client, &mut registry);
    registry.register_collector(Box::new(Left::of_this_machine()));
    let (ready, is_ready) = watch::channel(false);
    let probes = tokio::spawn(Health::new(is_ready, registry).serve(listener));
    let settings = Settings {
        options: Options {
            access_log: arguments.logging.access_log(None),
            ..router_options(arguments.workers, arguments.share_ports, arguments.listening.max_connections)
        },
        listen,
        name: arguments.node_name,
        addresses: arguments.addresses,
        drain: Duration::from_secs(arguments.drain_seconds),
    };
    let listening = |addresses: Addresses| announce(&addresses, health_address);
    let outcome = node.serve(settings, listening, &ready, &mut shutdown).await;
    probes.abort();
    outcome
}

/// How a node serves.
pub(crate) struct Settings {
    /// Of the router.
    pub(crate) options: Options,
    /// Where it listens.
    pub(crate) listen: Listen,
    /// The name of its RouterNode.
    pub(crate) name: String,
    /// What the RouterNode publishes instead of the addresses that are listened on.
    pub(crate) addresses: Vec<String>,
    /// How long open requests may take at the end.
    pub(crate) drain: Duration,
}

/// A running node.
pub(crate) struct Node {
    client: Client,
    serving: Serving,
    watches: Watches,
    reconciler: Reconciler,
    table: Table,
}

impl Node {
    /// Begins to watch.
    pub(crate) fn start(client: Client, registry: &mut Registry) -> Self {
        let serving = Serving::default();
        registry.register_collector(Box::new(RouterCounters(serving.clone())));
        let (sender, inputs) = mpsc::channel(QUEUE);
        let watches = Watches::of_a_node(&client, &sender, &WatchMetrics::register(registry));
        let metrics = PlanMetrics::register(registry);
        let reconciler = Reconciler::new(Planner::new(Role::Node), watches.demand(), inputs, metrics);
        let table = Table::new(TableMetrics::register(registry));
        Self { client, serving, watches, reconciler, table }
    }

    /// Serves from the first complete table on until it is asked to end. `listening` is told the addresses once.
    pub(crate) async fn serve(
        mut self,
        settings: Settings,
        listening: impl FnOnce(Addresses),
        ready: &watch::Sender<bool>,
        shutdown: &mut Shutdown,
    ) -> Result<(), Error> {
        let first = tokio::select! {
            first = self.reconciler.next() => first?,
            () = self.watches.ended() => return Err(Error::Ended),
            () = shutdown.asked() => return Ok(()),
        };
        let Settings { options, listen, name, addresses, drain } = settings;
        self.table.listens_on(&listen);
        let (mut report, _) = self.apply(first);
        let bound = self.serving.start(&self.table, &listen, options)?;
        report.faults = self.faults();
        listening(bound.clone());
        ready.send_replace(true);
        let identity = Identity { name, addresses: published(addresses, bound) };
        let reporter = Reporter::start(self.client.clone(), identity, report.clone());
        let outcome = self.follow(&reporter, report, shutdown).await;
        ready.send_replace(false);
        drop(reporter);
        self.serving.stop(drain).await;
        outcome
    }

    /// Serves what changes until the process is asked to end.
    async fn follow(
        &mut self,
        reporter: &Reporter,
        mut report: Report,
        shutdown: &mut Shutdown,
    ) -> Result<(), Error> {
        let mut ports = self.serving.port_faults();
        loop {
            let urgent;
            tokio::select! {
                pass = self.reconciler.next() => (report, urgent) = self.apply(pass?),
                () = changed(&mut ports) => urgent = true,
                () = self.watches.ended() => return Err(Error::Ended),
                () = shutdown.asked() => return Ok(()),
            }
            report.faults = self.faults();
            reporter.tell(report.clone(), urgent);
        }
    }

    /// What this node cannot serve: of the table, and of the ports that the machine does not give.
    fn faults(&self) -> Vec<Fault> {
        let ports = self.serving.port_faults().map(|faults| route::in_our_words(&faults.borrow()));
        together(self.table.faults(), ports.unwrap_or_default())
    }

    /// Serves a pass, and says what to report and whether that is urgent.
    fn apply(&mut self, pass: Pass) -> (Report, bool) {
        let Pass { step, versions, new_generation } = pass;
        let urgent = new_generation || !step.table.is_empty();
        let hosts = self.reconciler.hosts();
        self.table.apply(step.table, hosts);
        (Report { versions, hosts, faults: self.faults() }, urgent)
    }
}

/// The faults of the table, and those that only the router tells: of hosts without a listener both do.
fn together(table: &[Fault], router: Vec<Fault>) -> Vec<Fault> {
    let others = router.into_iter().filter(|fault| !table.contains(fault));
    table.iter().cloned().chain(others).collect()
}

/// Waits until other ports cannot be had.
async fn changed(ports: &mut Option<watch::Receiver<Vec<router::Fault>>>) {
    if let Some(ports) = ports
        && ports.changed().await.is_ok()
    {
        return;
    }
    // Nobody listens, or the router has ended.
    std::future::pending::<()>().await;
}

/// The router's options, with the operator's version.
pub(crate) fn router_options(
    workers: Option<u16>,
    share_ports: bool,
    max_connections: Option<u32>,
) -> Options {
    let defaults = Options::default();
    Options {
        workers: workers.map_or(defaults.workers, usize::from),
        share_ports,
        max_connections: max_connections.map(|most| most as usize),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        ..defaults
    }
}

/// The addresses to publish: those that were asked for, else those that are listened on.
fn published(asked_for: Vec<String>, listening: Addresses) -> Vec<String> {
    if !asked_for.is_empty() {
        return asked_for;
    }
    let http = listening.http.map(|address| format!("http://{address}"));
    let https = listening.https.map(|address| format!("https://{address}"));
    http.into_iter().chain(https).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_addresses_that_are_listened_on_are_published_unless_others_are_given() {
        let listening = Addresses {
            http: "10.0.0.7:80".parse().ok(),
            https: "[::1]:443".parse().ok(),
            ..Addresses::default()
        };
        assert_eq!(published(Vec::new(), listening.clone()), ["http://10.0.0.7:80", "https://[::1]:443"]);
        assert_eq!(published(vec!["http://a".into()], listening), ["http://a"]);
    }

    #[test]
    fn what_the_table_and_the_router_tell_is_told_once() {
        let fault = |name: &str| Fault { name: name.into(), ..Fault::default() };
        let told = together(&[fault("a"), fault("b")], vec![fault("b"), fault("c")]);
        assert_eq!(told, ["a", "b", "c"].map(fault));
    }

    #[test]
    fn the_router_takes_as_many_connections_as_asked_for() {
        assert_eq!(router_options(None, false, Some(7)).max_connections, Some(7));
        assert_eq!(router_options(None, false, None).max_connections, None);
    }
}
