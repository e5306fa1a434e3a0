//! The ports of TCP routes: taken when a route comes, closed when it goes, held in between if they are in the range.
//!
//! In come the tables that are published; out go listening sockets for each worker, a fault for each route whose port
//! cannot be had, and one for each host on a port that nobody listens on. One keeper looks after them for all workers: a port is taken for all or for none. A port that is
//! held is bound and does not listen, so that whoever connects to it is refused at once.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::time::Duration;

use router_config::{Listen, TcpRange};
use socket2::Socket;
use tokio::sync::{mpsc, watch};
use tokio::time::sleep;

use super::listen::{hold, open_all};
use super::unheard::unheard;
use super::{Addresses, StartError};
use crate::handle::{Fault, Handle, Subject};
use crate::table::{Table, TcpRoute};

/// What a worker is told about the ports of TCP routes.
#[derive(Debug)]
pub(super) enum Change {
    Open(u16, TcpListener),
    Close(u16),
}

/// Who takes and closes the ports.
pub(super) struct Keeper {
    ip: IpAddr,
    /// The ports that the router itself listens on.
    own: BTreeSet<u16>,
    /// Those of them for hosts that name a port.
    additional: BTreeSet<u16>,
    held: BTreeMap<u16, Socket>,
    open: BTreeSet<u16>,
    shared: bool,
    workers: Vec<mpsc::UnboundedSender<Change>>,
    faults: watch::Sender<Vec<Fault>>,
}

/// How long to wait until a port that could not be had is asked for again.
const RETRY: Duration = Duration::from_secs(5);

impl Keeper {
    /// Holds the ports of the range. The workers' ends are in `workers`.
    pub(super) fn new(
        listen: &Listen,
        addresses: &Addresses,
        shared: bool,
        workers: Vec<mpsc::UnboundedSender<Change>>,
    ) -> Result<Self, StartError> {
        let own: BTreeSet<u16> = addresses.all().map(|address| address.port()).collect();
        let additional = addresses.extra_http.iter().chain(&addresses.extra_https);
        let additional = additional.map(SocketAddr::port).collect();
        let range = listen.tcp.as_ref().into_iter().flat_map(|range| range.first..=range.last);
        let ip = ip(listen.tcp, addresses);
        let held =
            range.filter(|port| !own.contains(port)).map(|port| Ok((port, hold((ip, port).into(), shared)?)));
        let held = held.collect::<Result<_, StartError>>()?;
        let faults = watch::Sender::default();
        Ok(Self { ip, own, additional, held, open: BTreeSet::new(), shared, workers, faults })
    }

    /// What cannot be served now.
    pub(super) fn faults(&self) -> watch::Receiver<Vec<Fault>> {
        self.faults.subscribe()
    }

    /// How many files and sockets it has open.
    pub(super) fn held(&self) -> usize {
        self.held.len()
    }

    /// Follows what is published, for ever.
    pub(super) async fn follow(mut self, handle: Handle) {
        let mut published = handle.changes();
        loop {
            // First of all, because something may have been published since the start.
            self.serve(&handle.table());
            let lacks_ports =
                self.faults.borrow().iter().any(|fault| matches!(fault.subject, Subject::Tcp(_)));
            tokio::select! {
                changed = published.changed() => if changed.is_err() { return },
                () = sleep(RETRY), if lacks_ports => {}
            }
        }
    }

    /// Takes the ports of the table's TCP routes, closes the others, and tells what cannot be served.
    pub(super) fn serve(&mut self, table: &Table) {
        let mut faults = self.open(&table.tcp);
        faults.extend(self.unheard(table));
        self.faults.send_if_modified(|told| {
            let differs = *told != faults;
            *told = faults;
            differs
        });
    }

    fn open(&mut self, routes: &BTreeMap<u16, TcpRoute>) -> Vec<Fault> {
        let gone: Vec<u16> = self.open.iter().filter(|port| !routes.contains_key(port)).copied().collect();
        for port in gone {
            self.open.remove(&port);
            self.workers.iter().for_each(|worker| tell(worker, Change::Close(port)));
        }
        let mut faults = Vec::new();
        for port in routes.keys() {
            if !self.open.contains(port) {
                match self.take(*port) {
                    Ok(()) => _ = self.open.insert(*port),
                    Err(reason) => faults.push(Fault { subject: Subject::Tcp(*port), reason }),
                }
            }
        }
        faults
    }

    /// The faults of hosts on ports that nobody listens on, in the order of their keys.
    fn unheard(&self, table: &Table) -> Vec<Fault> {
        let keys = table.hosts_with_a_port().map(|(port, host)| format!("{}:{port}", host.name));
        let mut faults: Vec<_> = keys.filter_map(|key| unheard(&key, &self.additional)).collect();
        faults.sort_by(|a, b| a.subject.cmp(&b.subject));
        faults
    }

    fn take(&self, port: u16) -> Result<(), String> {
        if port == 0 {
            return Err("a TCP route needs a port from 1 to 65535".to_owned());
        }
        if self.own.contains(&port) {
            return Err(format!("the router itself listens on the port {port}: choose another one"));
        }
        // What is held here is not somebody else's.
        let shared = self.shared || self.held.contains_key(&port);
        let address = SocketAddr::new(self.ip, port);
        let (_, sockets) = open_all(address, self.workers.len(), shared).map_err(|error| sentence(&error))?;
        for (worker, socket) in self.workers.iter().zip(sockets) {
            tell(worker, Change::Open(port, socket));
        }
        Ok(())
    }
}

/// Where TCP routes listen: as the range says, else beside HTTP.
fn ip(range: Option<TcpRange>, addresses: &Addresses) -> IpAddr {
    let beside = || addresses.all().next().map(|address| address.ip());
    range.map(|range| range.ip).or_else(beside).unwrap_or(Ipv4Addr::UNSPECIFIED.into())
}

fn tell(worker: &mpsc::UnboundedSender<Change>, change: Change) {
    // Without a receiver the worker has stopped, and its sockets are closed.
    let _ = worker.send(change);
}

/// An error with its cause, which `Display` leaves to the reader of a chain.
fn sentence(error: &StartError) -> String {
    match error.source() {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}
