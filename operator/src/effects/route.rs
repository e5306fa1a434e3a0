//! A node's table and the router that serves it: the only place that knows the router's API.
//!
//! In come changes of the table; out go requests answered by it. The table is applied as a whole and can be filled before
//! anything listens. What the router cannot serve comes back as faults in the words of a RouterNode.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crds::Fault;
use router::{Addresses, Handle, Options, Server, Snapshot, StartError, Subject};
use router_config::{Delta, Listen};
use tokio::sync::watch;

use crate::args::ADMIN_PORT;
use crate::metrics::TableMetrics;

/// What this node serves.
pub(crate) struct Table {
    handle: Handle,
    metrics: TableMetrics,
    faults: Vec<Fault>,
    /// The additional ports that are listened on.
    ports: BTreeSet<u16>,
    /// The hosts that are to be served on another one.
    unheard: BTreeMap<String, Fault>,
}

/// A router that listens, from [`Serving::start`] to [`Serving::stop`]. Its clones are the same router.
#[derive(Debug, Clone, Default)]
pub(crate) struct Serving {
    // Behind a lock because scrapes read while the role stops it.
    server: Arc<Mutex<Option<Server>>>,
}

impl Table {
    /// An empty one.
    pub(crate) fn new(metrics: TableMetrics) -> Self {
        Self {
            handle: Handle::new(),
            metrics,
            faults: Vec::new(),
            ports: BTreeSet::new(),
            unheard: BTreeMap::new(),
        }
    }

    /// Tells where the router is going to listen, before anything is applied.
    pub(crate) fn listens_on(&mut self, listen: &Listen) {
        self.ports = listen.extra_http.iter().chain(&listen.extra_https).map(SocketAddr::port).collect();
    }

    /// Applies a change. When this returns, every further request is served by it.
    pub(crate) fn apply(&mut self, delta: Delta, hosts: usize) {
        if delta.is_empty() {
            return;
        }
        for (name, host) in &delta.hosts {
            // The router tells it too, but not before somebody could have taken the Route for ready.
            match router::unheard(name, &self.ports).filter(|_| host.is_some()) {
                Some(found) => self.unheard.insert(name.clone(), fault(found.subject, found.reason)),
                None => self.unheard.remove(name),
            };
        }
        let applied = self.handle.apply(delta);
        self.faults = in_our_words(&applied.faults);
        self.faults.extend(self.unheard.values().cloned());
        self.metrics.generation.set(applied.generation);
        self.metrics.hosts.set(hosts.try_into().unwrap_or(i64::MAX));
        self.metrics.faults.set(self.faults.len().try_into().unwrap_or(i64::MAX));
        tracing::debug!(
            generation = applied.generation,
            hosts,
            faults = self.faults.len(),
            "serving a new table"
        );
    }

    /// What of it cannot be served as declared.
    pub(crate) fn faults(&self) -> &[Fault] {
        &self.faults
    }
}

impl Serving {
    /// Opens the listeners, and serves `table` as it is and as it becomes.
    pub(crate) fn start(
        &self,
        table: &Table,
        listen: &Listen,
        options: Options,
    ) -> Result<Addresses, StartError> {
        let start = |listen: &Listen| Server::start(listen, table.handle.clone(), options.clone());
        let server = match start(listen) {
            // Requests are served whoever has the port that nobody asked for.
            Err(StartError::InUse(address)) if is_default_admin(listen, address) => {
                let admin = Some(SocketAddr::new(address.ip(), 0));
                start(&Listen { admin, ..listen.clone() })?
            }
            started => started?,
        };
        let addresses = server.addresses().clone();
        *self.server() = Some(server);
        Ok(addresses)
    }

    /// The TCP ports that cannot be had and the hosts without a listener, as that changes; nothing while it does not listen.
    pub(crate) fn port_faults(&self) -> Option<watch::Receiver<Vec<router::Fault>>> {
        self.server().as_ref().map(Server::faults)
    }

    /// What was served so far; nothing while it does not listen.
    pub(crate) fn counted(&self) -> Option<Snapshot> {
        self.server().as_ref().map(Server::metrics)
    }

    /// Stops accepting, and lets requests finish for at most `grace`.
    pub(crate) async fn stop(self, grace: Duration) {
        let Some(server) = self.server().take() else { return };
        // It waits for threads, which an async task must not.
        if let Err(panic) = tokio::task::spawn_blocking(move || server.shutdown(grace)).await {
            tracing::error!(%panic, "the router did not stop in order");
        }
    }

    fn server(&self) -> MutexGuard<'_, Option<Server>> {
        self.server.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The router's faults as a RouterNode has them.
pub(crate) fn in_our_words(faults: &[router::Fault]) -> Vec<Fault> {
    faults.iter().map(|found| fault(found.subject.clone(), found.reason.clone())).collect()
}

/// Whether this is the admin API where it is unless somebody says otherwise.
fn is_default_admin(listen: &Listen, address: SocketAddr) -> bool {
    listen.admin == Some(address) && address.port() == ADMIN_PORT
}

fn fault(subject: Subject, message: String) -> Fault {
    let (subject, name) = match subject {
        Subject::DefaultCertificate => ("certificate", String::new()),
        Subject::Certificate(name) => ("certificate", name),
        Subject::Service(name) => ("service", name),
        Subject::Host(name) => ("host", name),
        Subject::Tcp(port) => ("tcp", port.to_string()),
    };
    Fault { subject: subject.to_owned(), name, message }
}

#[cfg(test)]
mod tests {
    use router_config::Host;

    use super::*;

    #[test]
    fn a_fault_is_told_in_the_words_of_a_router_node() {
        let fault = fault(Subject::Host("www.site.com".into()), "no".into());
        assert_eq!((fault.subject.as_str(), fault.name.as_str()), ("host", "www.site.com"));
    }

    #[test]
    fn a_host_on_a_port_that_nobody_listens_on_is_a_fault_until_it_goes() {
        let mut table = Table::new(TableMetrics::default());
        table.listens_on(&Listen { extra_http: vec!["0.0.0.0:8080".parse().unwrap()], ..Listen::default() });
        let mut change = |name: &str, host: Option<Host>| {
            let hosts = [(name.to_owned(), host)].into();
            table.apply(Delta { hosts, ..Delta::default() }, 1);
            table.faults().iter().map(|fault| fault.name.clone()).collect::<Vec<_>>()
        };
        assert!(change("a.site.com:8080", Some(Host::default())).is_empty());
        assert_eq!(change("a.site.com:9090", Some(Host::default())), ["a.site.com:9090"]);
        assert!(change("a.site.com:9090", None).is_empty());
    }

    #[test]
    fn a_change_that_changes_nothing_is_no_new_table() {
        let metrics = TableMetrics::default();
        let mut table = Table::new(metrics.clone());
        let mut delta = Delta::default();
        delta.hosts.insert("www.site.com".into(), Some(Host::default()));
        table.apply(delta, 1);
        let generation = metrics.generation.get();
        table.apply(Delta::default(), 1);
        assert_eq!((metrics.generation.get(), metrics.hosts.get()), (generation, 1));
    }
}
