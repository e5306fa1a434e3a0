//! One worker: accepts, serves, and stops in order.
//!
//! In come listening sockets and the table's handle; nothing comes out but counts. All of a worker's tasks run on its
//! own thread, so that what they share needs no lock. Per connection there is one task. Accepting is hot; stopping is
//! not: idle connections are closed then, the others after their response.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::convert::Infallible;
use std::fs::File;
use std::future::{Future, pending};
use std::io;
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use router_config::Scheme;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::{AbortHandle, JoinSet, LocalSet, spawn_local};
use tokio::time::{Instant, sleep, timeout};
use tokio_rustls::TlsAcceptor;

use super::accept::{accept, reserve};
use super::limits::Limits;
use super::listen::Listener;
use super::ports::{Change, Keeper};
pub(crate) use super::seats::Phase;
use super::seats::Seats;
use super::{Certificates, Options, entry};
use crate::access_log::Sink;
use crate::handle::Handle;
use crate::http::connection::{Door, Ports};
use crate::metrics::Counters;
use crate::tcp;
use crate::upstream::Upstream;

/// What a worker starts with.
pub(super) struct Setup {
    pub(super) listeners: Vec<Listener>,
    /// The default ports.
    pub(super) ports: Ports,
    pub(super) tls: Certificates,
    /// What becomes of the ports of TCP routes.
    pub(super) changes: mpsc::UnboundedReceiver<Change>,
    /// Who sees to them, in one of the workers.
    pub(super) keeper: Option<Keeper>,
    pub(super) shared: Shared,
    pub(super) counters: Arc<Counters>,
    pub(super) access_log: Option<Sink>,
    pub(super) stopped: watch::Receiver<Stop>,
}

/// What all workers share.
#[derive(Clone)]
pub(super) struct Shared {
    pub(super) handle: Handle,
    pub(super) options: Arc<Options>,
    pub(super) limits: Arc<Limits>,
    pub(super) proxy_protocol: bool,
}

/// Whether, and how, to stop.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Stop {
    No,
    /// Requests may take so long to finish.
    Within(Duration),
}

/// What the connections of a worker share.
pub(crate) struct Worker {
    pub(crate) handle: Handle,
    pub(crate) upstream: Upstream,
    pub(crate) counters: Arc<Counters>,
    pub(crate) options: Arc<Options>,
    pub(crate) access_log: Option<Sink>,
    pub(super) limits: Arc<Limits>,
    pub(super) proxy_protocol: bool,
    /// Given up for a moment when there is no other descriptor.
    pub(super) reserve: RefCell<Option<File>>,
    /// Whether every connection is to close after the response it is at.
    pub(crate) draining: Cell<bool>,
    seats: Seats,
    stopping: Notify,
    warned: Cell<Option<Instant>>,
}

/// One connection's place among those of its worker; it is given up when this is dropped.
pub(crate) struct Seat {
    number: usize,
    /// Under what the connection counts for its client.
    client: Cell<Option<IpAddr>>,
    worker: Rc<Worker>,
}

/// How often idle connections to endpoints are looked through.
const SWEEP: Duration = Duration::from_secs(1);

/// How long a connection that has not asked anything yet may still do so when the worker stops.
const LAST_CALL: Duration = Duration::from_secs(1);

/// How often at most the log says that connections cannot be accepted.
const WARNING: Duration = Duration::from_secs(10);

/// Runs until it is told to stop, and then until its connections are closed or their grace is over.
pub(super) fn run(runtime: &Runtime, setup: Setup) {
    let local = LocalSet::new();
    if let Err(error) = local.block_on(runtime, work(setup)) {
        tracing::error!(%error, "a worker cannot use its sockets");
    }
}

async fn work(setup: Setup) -> io::Result<()> {
    let Setup { listeners, ports, tls, changes, keeper, shared, counters, access_log, mut stopped } = setup;
    let handle = shared.handle.clone();
    let worker = Rc::new(Worker::new(shared, counters, access_log));
    let mut accepting = JoinSet::new();
    for listener in listeners {
        open(&mut accepting, &worker, listener, ports, &tls)?;
    }
    let mut background = vec![spawn_local(sweep(worker.clone()))];
    background.extend(keeper.map(|keeper| spawn_local(keeper.follow(handle))));
    let grace = tokio::select! {
        grace = until_stopped(&mut stopped) => grace,
        never = follow(&mut accepting, &worker, changes) => match never {},
    };
    background.iter().for_each(tokio::task::JoinHandle::abort);
    worker.draining.set(true);
    worker.stopping.notify_waiters();
    while accepting.join_next().await.is_some() {}
    worker.leave(grace).await;
    Ok(())
}

async fn until_stopped(stopped: &mut watch::Receiver<Stop>) -> Duration {
    loop {
        // The sender is gone when the server was dropped.
        if stopped.changed().await.is_err() {
            return Duration::ZERO;
        }
        if let Stop::Within(grace) = *stopped.borrow() {
            return grace;
        }
    }
}

/// Begins to accept on a socket for HTTP.
fn open(
    accepting: &mut JoinSet<()>,
    worker: &Rc<Worker>,
    listener: Listener,
    ports: Ports,
    tls: &Certificates,
) -> io::Result<()> {
    let Listener { socket, scheme, port, lookup_port } = listener;
    let socket = TcpListener::from_std(socket)?;
    let version = worker.options.version.as_str().into();
    let door = Rc::new(Door { scheme, port, lookup_port, ports, version });
    let worker = worker.clone();
    match tls.get(&lookup_port).filter(|_| scheme == Scheme::Https) {
        None => {
            let open =
                move |stream, peer, seat, worker| entry::plain(stream, peer, door.clone(), worker, seat);
            accepting.spawn_local(accept(socket, worker, open));
        }
        Some(tls) => {
            let acceptor = TlsAcceptor::from(tls.clone());
            let open = move |stream, peer, seat, worker| {
                entry::secure(acceptor.clone(), stream, peer, door.clone(), worker, seat)
            };
            accepting.spawn_local(accept(socket, worker, open));
        }
    }
    Ok(())
}

/// Accepts on the ports of TCP routes as they come, until they go.
async fn follow(
    accepting: &mut JoinSet<()>,
    worker: &Rc<Worker>,
    mut changes: mpsc::UnboundedReceiver<Change>,
) -> Infallible {
    let mut by_port: HashMap<u16, AbortHandle> = HashMap::new();
    loop {
        tokio::select! {
            Some(change) = changes.recv() => match change {
                Change::Open(port, socket) => match TcpListener::from_std(socket) {
                    Ok(socket) => {
                        let open = move |stream, peer, seat, worker| tcp::serve(stream, peer, port, worker, seat);
                        by_port.insert(port, accepting.spawn_local(accept(socket, worker.clone(), open)));
                    }
                    Err(error) => tracing::error!(port, %error, "a worker cannot use the port of a TCP route"),
                },
                Change::Close(port) => _ = by_port.remove(&port).inspect(AbortHandle::abort),
            },
            // Takes out those that were closed.
            Some(_) = accepting.join_next() => {}
            else => pending().await,
        }
    }
}

async fn sweep(worker: Rc<Worker>) {
    loop {
        sleep(SWEEP).await;
        worker.upstream.sweep();
    }
}

impl Worker {
    fn new(shared: Shared, counters: Arc<Counters>, access_log: Option<Sink>) -> Self {
        let Shared { handle, options, limits, proxy_protocol } = shared;
        let timeouts = &options.timeouts;
        Self {
            upstream: Upstream::new(counters.clone(), timeouts.dial, timeouts.endpoint_idle),
            handle,
            counters,
            options,
            access_log,
            limits,
            proxy_protocol,
            reserve: RefCell::new(reserve()),
            draining: Cell::new(false),
            seats: Seats::default(),
            stopping: Notify::new(),
            warned: Cell::new(None),
        }
    }

    /// Starts a connection's task, in a seat of its own.
    pub(super) fn sit<F: Future<Output = ()> + 'static>(self: &Rc<Self>, open: impl FnOnce(Rc<Seat>) -> F) {
        let number = self.seats.take();
        self.counters.connections_begun.add_one();
        let seat = Seat { number, client: Cell::new(None), worker: self.clone() };
        let task = spawn_local(open(Rc::new(seat)));
        self.seats.seat(number, task.abort_handle());
    }

    /// Ends a connection that waits for its client, so that another one can be accepted. Whether there was one.
    pub(super) fn make_room(&self) -> bool {
        let evicted = self.seats.evict();
        if evicted {
            self.counters.connections_evicted.add_one();
        }
        evicted
    }

    /// Tells the log, and not each time.
    pub(super) fn warn_of_exhaustion(&self, error: &io::Error) {
        let now = Instant::now();
        if self.warned.get().is_none_or(|warned| now - warned >= WARNING) {
            self.warned.set(Some(now));
            tracing::warn!(%error, "connections cannot be accepted");
        }
    }

    /// Closes idle connections, waits for the others as long as their grace lasts, and closes those that are left.
    async fn leave(&self, grace: Duration) {
        self.seats.abort(|phase| phase == Phase::Idle);
        let last_call = LAST_CALL.min(grace);
        if timeout(last_call, self.seats.until_empty()).await.is_err() {
            self.seats.abort(|phase| phase != Phase::Busy);
            if timeout(grace - last_call, self.seats.until_empty()).await.is_err() {
                self.seats.abort(|_| true);
            }
        }
        self.upstream.close();
    }

    /// Ready once the worker is told to stop.
    pub(crate) async fn until_stopping(&self) {
        let told = self.stopping.notified();
        if !self.draining.get() {
            told.await;
        }
    }
}

impl Seat {
    pub(crate) fn phase(&self) -> Phase {
        self.worker.seats.phase(self.number)
    }

    /// Says what the connection is doing now.
    pub(crate) fn set_phase(&self, phase: Phase) {
        self.worker.seats.set_phase(self.number, phase);
    }

    /// Says whose connection it is. Whether the client may have one more.
    pub(crate) fn claim(&self, client: IpAddr) -> bool {
        let claimed = self.worker.limits.enter_client(client);
        match claimed {
            Ok(key) => self.client.set(key),
            Err(_) => self.worker.counters.connections_shed.add_one(),
        }
        claimed.is_ok()
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let worker = &self.worker;
        worker.counters.connections_ended.add_one();
        worker.seats.leave(self.number);
        worker.limits.leave();
        if let Some(client) = self.client.get() {
            worker.limits.leave_client(client);
        }
    }
}
