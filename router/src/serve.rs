//! Serves: opens the sockets, starts the workers, stops them.
//!
//! In comes where to listen and a [`Handle`]; out goes a [`Server`] that knows its addresses. Each worker is a thread
//! with its own runtime, its own listening sockets (`SO_REUSEPORT`: the kernel spreads the connections) and its own
//! connections to endpoints; they share the table and nothing else.

mod listen;
mod options;
pub(crate) mod worker;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use router_config::Listen;
use tokio::sync::watch;

use crate::handle::Handle;
use crate::metrics::{Counters, Snapshot};
use crate::tls;
pub use options::{Options, Timeouts};
use worker::{Setup, Stop};

/// A router that listens. Dropping it closes every connection at once; [`Server::shutdown`] lets requests finish.
#[derive(Debug)]
pub struct Server {
    addresses: Addresses,
    stop: watch::Sender<Stop>,
    threads: Vec<JoinHandle<()>>,
    counters: Vec<Arc<Counters>>,
}

/// Where a server listens, with the ports that it got.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Addresses {
    /// Plain HTTP.
    pub http: Option<SocketAddr>,
    /// HTTPS.
    pub https: Option<SocketAddr>,
}

/// Why a server cannot start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// Neither an address for HTTP nor one for HTTPS was given.
    #[error("there is no address to listen on: give one for `http` or `https`")]
    NoAddress,
    /// One address was given for both.
    #[error("HTTP and HTTPS cannot share the address {0}: give each a port of its own")]
    SharedAddress(SocketAddr),
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
        let sockets = listen::open(listen, workers, options.share_ports)?;
        let addresses = sockets.addresses;
        let (stop, stopped) = watch::channel(Stop::No);
        let tls = tls::config(handle.clone())?;
        let options = Arc::new(options);
        let mut server = Self { addresses, stop, threads: Vec::new(), counters: Vec::new() };
        for (number, listeners) in sockets.by_worker.into_iter().enumerate() {
            let counters = Arc::new(Counters::default());
            let setup = Setup {
                listeners,
                addresses,
                handle: handle.clone(),
                tls: tls.clone(),
                options: options.clone(),
                counters: counters.clone(),
                stopped: stopped.clone(),
            };
            server.counters.push(counters);
            server.threads.push(start_worker(number, setup)?);
        }
        Ok(server)
    }

    /// Where it listens.
    #[must_use]
    pub fn addresses(&self) -> Addresses {
        self.addresses
    }

    /// What was served since the start.
    #[must_use]
    pub fn metrics(&self) -> Snapshot {
        let mut snapshot = Snapshot::default();
        self.counters.iter().for_each(|counters| snapshot.add(counters));
        snapshot
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
    }
}

/// Starts a worker with its runtime made, so that a lack of resources is an error of the start.
fn start_worker(number: usize, setup: Setup) -> io::Result<JoinHandle<()>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
    thread::Builder::new().name(format!("router-{number}")).spawn(move || worker::run(&runtime, setup))
}
