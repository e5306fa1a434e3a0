//! Serves: opens the sockets, starts the workers, stops them.
//!
//! In comes where to listen and a [`Handle`]; out goes a [`Server`] that knows its addresses. Each worker is a thread
//! with its own runtime, its own listening sockets (`SO_REUSEPORT`: the kernel spreads the connections) and its own
//! connections to endpoints; they share the table and the number of connections, and nothing else.
//!
//! ```text
//! listen (sockets) -> worker -> accept (limits, seats) -> entry (PROXY protocol, TLS) -> http, http2
//! ports (of TCP routes) --^         '-> tcp
//! ```

mod accept;
mod aside;
mod entry;
mod limits;
mod listen;
mod options;
mod ports;
mod seats;
mod unheard;
pub(crate) mod worker;

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use router_config::{Listen, Scheme};
use rustls::ServerConfig;
use tokio::sync::{mpsc, watch};

use crate::access_log::{self, AccessLog, Sink, Writer};
use crate::handle::{Fault, Handle};
use crate::http::connection::Ports;
use crate::metrics::{Counters, Snapshot};
use crate::{metrics, open_files, tls};
use aside::Aside;
use limits::Limits;
use listen::Sockets;
pub use options::{Options, Timeouts};
use ports::Keeper;
pub use unheard::unheard;
use worker::{Setup, Shared, Stop};

/// A router that listens. Dropping it closes every connection at once; [`Server::shutdown`] lets requests finish.
#[derive(Debug)]
pub struct Server {
    addresses: Addresses,
    stop: watch::Sender<Stop>,
    threads: Vec<JoinHandle<()>>,
    handle: Handle,
    counters: Vec<Arc<Counters>>,
    aside: Aside,
    access_log: Option<Writer>,
    faults: watch::Receiver<Vec<Fault>>,
}

/// Where a server listens, with the ports that it got.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Addresses {
    /// Plain HTTP.
    pub http: Option<SocketAddr>,
    /// HTTPS.
    pub https: Option<SocketAddr>,
    /// Plain HTTP of the hosts that name the port, in the order of the configuration.
    pub extra_http: Vec<SocketAddr>,
    /// HTTPS of the hosts that name the port, in the order of the configuration.
    pub extra_https: Vec<SocketAddr>,
    /// The admin API.
    pub admin: Option<SocketAddr>,
}

impl Addresses {
    /// All of them, in the order of the fields.
    pub(crate) fn all(&self) -> impl Iterator<Item = &SocketAddr> {
        let Self { http, https, extra_http, extra_https, admin } = self;
        http.iter().chain(https).chain(extra_http).chain(extra_https).chain(admin)
    }

    /// The default ports.
    pub(crate) fn ports(&self) -> Ports {
        let port = |address: Option<SocketAddr>| address.map(|address| address.port());
        Ports { http: port(self.http), https: port(self.https) }
    }
}

/// What TLS is set up with, by the port that hosts are looked up by.
type Certificates = BTreeMap<u16, Arc<ServerConfig>>;

/// Why a server cannot start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// Neither an address for HTTP or HTTPS nor a range for TCP routes was given.
    #[error("there is no address to listen on: give one for `http` or `https`")]
    NoAddress,
    /// One address was given for two things.
    #[error("the address {0} is given twice: HTTP, HTTPS and the admin API need a port of their own each")]
    SharedAddress(SocketAddr),
    /// The range for TCP routes holds no port.
    #[error(
        "the range of ports for TCP routes goes from {first} to {last}: give two ports from 1 to 65535, the smaller one first"
    )]
    Range {
        /// Its first port.
        first: u16,
        /// Its last port.
        last: u16,
    },
    /// Somebody else listens there.
    #[error("the address {0} is in use: stop what listens there, or choose another port")]
    InUse(SocketAddr),
    /// The process may not listen there.
    #[error("listening on {0} is not permitted: choose a port from 1024 on, or grant CAP_NET_BIND_SERVICE")]
    NotPermitted(SocketAddr),
    /// The machine does not have the address.
    #[error(
        "the address {0} is not one of this machine's: correct it, or listen on all with 0.0.0.0 or [::]"
    )]
    NotOurs(SocketAddr),
    /// The system refused for another reason.
    #[error("cannot listen on {address}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// TLS cannot be set up.
    #[error("cannot set up TLS")]
    Tls(#[from] rustls::Error),
    /// The access log cannot be written.
    #[error("the access log {} cannot be opened: correct its name, or make its folder writable", .path.display())]
    AccessLog {
        /// Where.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A worker thread cannot be started.
    #[error("cannot start a worker thread")]
    Worker(#[from] io::Error),
}

impl Server {
    /// Listens, and serves what `handle` holds, now and after each change.
    ///
    /// Port 0 takes a free port, the same one for all workers. When this returns, connections are accepted.
    ///
    /// # Errors
    /// If an address cannot be listened on, or the system gives no thread. Nothing is left open then.
    #[allow(clippy::needless_pass_by_value)] // the workers outlive the caller's options and handle
    pub fn start(listen: &Listen, handle: Handle, options: Options) -> Result<Self, StartError> {
        let workers = options.workers.max(1);
        let Sockets { addresses, by_worker, admin } = listen::open(listen, workers, options.share_ports)?;
        let tls = certificates(&handle, &by_worker)?;
        let (tell, told): (Vec<_>, Vec<_>) = (0..workers).map(|_| mpsc::unbounded_channel()).unzip();
        let mut keeper = Keeper::new(listen, &addresses, options.share_ports, tell)?;
        keeper.serve(&handle.table());
        let faults = keeper.faults();
        let listening = by_worker.iter().map(Vec::len).sum::<usize>() + keeper.held();
        let max_connections = options.max_connections.unwrap_or_else(|| open_files::connections(listening));
        let limits = Limits::new(max_connections, options.max_connections_per_client);
        let shared = Shared {
            handle,
            options: Arc::new(options),
            limits: Arc::new(limits),
            proxy_protocol: listen.proxy_protocol,
        };
        let (stop, stopped) = watch::channel(Stop::No);
        let ports = addresses.ports();
        let (access_log, mut sinks) = open_log(&shared.options, workers)?;
        // One set for each worker, and the last for what runs beside them.
        let counters: Vec<Arc<Counters>> = (0..=workers).map(|_| Arc::default()).collect();
        let handle = shared.handle.clone();
        let beside = aside::Setup {
            handle: handle.clone(),
            admin,
            counters: counters.clone(),
            addresses: addresses.clone(),
            version: shared.options.version.clone(),
            patience: shared.options.timeouts.events,
        };
        let aside = Aside::start(beside)?;
        let threads = Vec::with_capacity(workers);
        let mut server = Self { addresses, stop, threads, handle, counters, aside, access_log, faults };
        let mut keeper = Some(keeper);
        for (number, (listeners, changes)) in by_worker.into_iter().zip(told).enumerate() {
            let setup = Setup {
                listeners,
                ports,
                tls: tls.clone(),
                changes,
                keeper: keeper.take(),
                shared: shared.clone(),
                counters: server.counters[number].clone(),
                access_log: sinks.next(),
                stopped: stopped.clone(),
            };
            server.threads.push(start_worker(number, setup)?);
        }
        Ok(server)
    }

    /// Where it listens.
    #[must_use]
    pub fn addresses(&self) -> &Addresses {
        &self.addresses
    }

    /// What cannot be served where this server listens, whatever else serves the same configuration: TCP routes whose port
    /// is not to be had, in the order of the ports, and hosts on a port that nobody listens on, in the order of their keys.
    /// The ports are tried again, and the faults change as that becomes possible.
    #[must_use]
    pub fn faults(&self) -> watch::Receiver<Vec<Fault>> {
        self.faults.clone()
    }

    /// What was served since the start.
    #[must_use]
    pub fn metrics(&self) -> Snapshot {
        metrics::snapshot(&self.counters, &self.handle)
    }

    /// Stops accepting, closes idle connections, and lets requests finish for at most `grace`. Blocks until every
    /// worker is done, so call it from a thread that may block.
    pub fn shutdown(self, grace: Duration) {
        // Without a receiver every worker is gone already.
        let _ = self.stop.send(Stop::Within(grace));
        for thread in self.threads {
            if thread.join().is_err() {
                tracing::error!("a worker thread panicked");
            }
        }
        // Those who follow drains want to hear of them to the end.
        self.aside.stop();
        self.access_log.into_iter().for_each(Writer::join);
    }
}

/// One setup of TLS for each port that hosts are looked up by.
fn certificates(handle: &Handle, by_worker: &[Vec<listen::Listener>]) -> Result<Certificates, rustls::Error> {
    let listeners = by_worker.first().into_iter().flatten();
    let secure = listeners.filter(|listener| listener.scheme == Scheme::Https);
    secure
        .map(|listener| Ok((listener.lookup_port, tls::config(handle.clone(), listener.lookup_port)?)))
        .collect()
}

/// The access log, if there is one, and the ends of its queues for the workers.
fn open_log(
    options: &Options,
    workers: usize,
) -> Result<(Option<Writer>, impl Iterator<Item = Sink>), StartError> {
    let open = |log: &AccessLog| {
        access_log::open(log, workers).map_err(|source| match &log.file {
            Some(path) => StartError::AccessLog { path: path.clone(), source },
            None => StartError::Worker(source),
        })
    };
    let (writer, sinks) = options.access_log.as_ref().map(open).transpose()?.unzip();
    Ok((writer, sinks.into_iter().flatten()))
}

/// Starts a worker with its runtime made, so that a lack of resources is an error of the start.
fn start_worker(number: usize, setup: Setup) -> io::Result<JoinHandle<()>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
    thread::Builder::new().name(format!("router-{number}")).spawn(move || worker::run(&runtime, setup))
}
