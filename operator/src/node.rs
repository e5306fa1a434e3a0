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

use kube::Client;
use plan::{Planner, Role};
use prometheus_client::registry::Registry;
use router::{Addresses, Options};
use router_config::Listen;
use tokio::sync::{mpsc, watch};

use crate::args::NodeArguments;
use crate::effects::report::{Identity, Report, Reporter};
use crate::effects::route::{Serving, Table};
use crate::health::Health;
use crate::metrics::router::RouterCounters;
use crate::metrics::{PlanMetrics, TableMetrics, WatchMetrics};
use crate::observe::Watches;
use crate::reconcile::{Pass, QUEUE, Reconciler};
use crate::shutdown::Shutdown;
use crate::startup::{Error, announce, listen_for_probes};

/// Serves until the process is asked to end.
pub(crate) async fn run(
    client: Client,
    arguments: NodeArguments,
    mut registry: Registry,
) -> Result<(), Error> {
    let mut shutdown = Shutdown::listen().map_err(Error::Signals)?;
    let (listener, health_address) = listen_for_probes(arguments.health_address, arguments.share_ports)?;
    let serving = Serving::default();
    registry.register_collector(Box::new(RouterCounters(serving.clone())));
    let mut node = Node::start(&client, &mut registry);
    let (ready, is_ready) = watch::channel(false);
    let probes = tokio::spawn(Health::new(is_ready, registry).serve(listener));

    let first = tokio::select! {
        first = node.reconciler.next() => first?,
        () = node.watches.ended() => return Err(Error::Ended),
        () = shutdown.asked() => return Ok(()),
    };
    let (report, _) = node.apply(first);
    let listen = Listen { http: Some(arguments.http), https: Some(arguments.https) };
    let addresses = serving.start(&node.table, &listen, options(&arguments))?;
    announce(addresses.http, addresses.https, health_address);
    ready.send_replace(true);

    let identity =
        Identity { name: arguments.node_name, addresses: published(arguments.addresses, addresses) };
    let reporter = Reporter::start(client, identity, report);
    let outcome = node.follow(&reporter, &mut shutdown).await;

    ready.send_replace(false);
    drop(reporter);
    serving.stop(Duration::from_secs(arguments.drain_seconds)).await;
    probes.abort();
    outcome
}

struct Node {
    watches: Watches,
    reconciler: Reconciler,
    table: Table,
}

impl Node {
    fn start(client: &Client, registry: &mut Registry) -> Self {
        let (sender, inputs) = mpsc::channel(QUEUE);
        let watches = Watches::of_a_node(client, &sender, &WatchMetrics::register(registry));
        let kinds = watches.kinds.iter().copied();
        let reconciler =
            Reconciler::new(Planner::new(Role::Node), kinds, inputs, PlanMetrics::register(registry));
        Self { watches, reconciler, table: Table::new(TableMetrics::register(registry)) }
    }

    /// Serves what changes until the process is asked to end.
    async fn follow(&mut self, reporter: &Reporter, shutdown: &mut Shutdown) -> Result<(), Error> {
        loop {
            let pass = tokio::select! {
                pass = self.reconciler.next() => pass?,
                () = self.watches.ended() => return Err(Error::Ended),
                () = shutdown.asked() => return Ok(()),
            };
            let (report, urgent) = self.apply(pass);
            reporter.tell(report, urgent);
        }
    }

    /// Serves a pass, and says what to report and whether that is urgent.
    fn apply(&mut self, pass: Pass) -> (Report, bool) {
        let Pass { step, versions, new_generation } = pass;
        let urgent = new_generation || !step.table.is_empty();
        let hosts = self.reconciler.hosts();
        self.table.apply(step.table, hosts);
        (Report { versions, hosts, faults: self.table.faults().to_vec() }, urgent)
    }
}

fn options(arguments: &NodeArguments) -> Options {
    let defaults = Options::default();
    Options {
        workers: arguments.workers.map_or(defaults.workers, usize::from),
        share_ports: arguments.share_ports,
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
        let listening = Addresses { http: "10.0.0.7:80".parse().ok(), https: "[::1]:443".parse().ok() };
        assert_eq!(published(Vec::new(), listening), ["http://10.0.0.7:80", "https://[::1]:443"]);
        assert_eq!(published(vec!["http://a".into()], listening), ["http://a"]);
    }
}
