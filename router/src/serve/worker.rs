//! One worker: accepts, shakes hands, serves, and stops in order.
//!
//! In come listening sockets and the table's handle; nothing comes out but counts. All of a worker's tasks run on its
//! own thread, so that what they share needs no lock. Per connection there is one task. Accepting is hot; stopping is
//! not: idle connections are closed then, the others after their response.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::future::Future;
use std::io;
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use router_config::Scheme;
use rustls::ServerConfig;
use tokio::io::Interest;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::{Notify, watch};
use tokio::task::{AbortHandle, LocalSet, spawn_local};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

use super::listen::Listeners;
use super::{Addresses, Options};
use crate::handle::Handle;
use crate::http::connection::{Door, Ports, serve};
use crate::metrics::Counters;
use crate::upstream::Upstream;

/// What a worker starts with.
pub(super) struct Setup {
    pub(super) listeners: Listeners,
    pub(super) addresses: Addresses,
    pub(super) handle: Handle,
    pub(super) tls: Arc<ServerConfig>,
    pub(super) options: Arc<Options>,
    pub(super) counters: Arc<Counters>,
    pub(super) stopped: watch::Receiver<Stop>,
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
    /// Whether every connection is to close after the response it is at.
    pub(crate) draining: Cell<bool>,
    seats: RefCell<HashMap<u64, Taken>>,
    next_seat: Cell<u64>,
    all_left: Notify,
}

/// One connection's place among those of its worker; it is given up when this is dropped.
pub(crate) struct Seat {
    number: u64,
    phase: Rc<Cell<Phase>>,
    worker: Rc<Worker>,
}

/// What a connection is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// It was promised an answer by being accepted, and has not asked yet.
    Fresh,
    Busy,
    /// It had its answer and waits for the next request.
    Idle,
}

struct Taken {
    phase: Rc<Cell<Phase>>,
    task: Option<AbortHandle>,
}

/// How often idle connections to endpoints are looked through.
const SWEEP: Duration = Duration::from_secs(1);

/// How long a connection that has not asked anything yet may still do so when the worker stops.
const LAST_CALL: Duration = Duration::from_secs(1);

/// How long to wait when no connection can be accepted, because file descriptors or memory have run out.
const EXHAUSTED: Duration = Duration::from_millis(50);

/// Runs until it is told to stop, and then until its connections are closed or their grace is over.
pub(super) fn run(runtime: &Runtime, setup: Setup) {
    let local = LocalSet::new();
    if let Err(error) = local.block_on(runtime, work(setup)) {
        tracing::error!(%error, "a worker cannot use its sockets");
    }
}

async fn work(setup: Setup) -> io::Result<()> {
    let Setup { listeners, addresses, handle, tls, options, counters, mut stopped } = setup;
    let ports = Ports {
        http: addresses.http.map(|address| address.port()),
        https: addresses.https.map(|address| address.port()),
    };
    let door = |scheme, port: Option<u16>| {
        let version = options.version.as_str().into();
        Rc::new(Door { scheme, port: port.unwrap_or_default(), ports, version })
    };
    let (plain, secure) = (door(Scheme::Http, ports.http), door(Scheme::Https, ports.https));
    let worker = Rc::new(Worker::new(handle, counters, options.clone()));
    let acceptor = TlsAcceptor::from(tls);
    let mut tasks = Vec::new();
    if let Some(listener) = listeners.http {
        let listener = TcpListener::from_std(listener)?;
        let open = move |stream, peer, seat, worker| serve(stream, peer, plain.clone(), worker, seat);
        tasks.push(spawn_local(accept(listener, worker.clone(), open)));
    }
    if let Some(listener) = listeners.https {
        let listener = TcpListener::from_std(listener)?;
        let open = move |stream, peer, seat, worker| {
            serve_tls(acceptor.clone(), stream, peer, secure.clone(), worker, seat)
        };
        tasks.push(spawn_local(accept(listener, worker.clone(), open)));
    }
    tasks.push(spawn_local(sweep(worker.clone())));
    let grace = until_stopped(&mut stopped).await;
    worker.draining.set(true);
    // What waits to be accepted was promised an answer: it is accepted before the sockets close.
    tokio::task::yield_now().await;
    tasks.iter().for_each(tokio::task::JoinHandle::abort);
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

async fn accept<F, O>(listener: TcpListener, worker: Rc<Worker>, open: O)
where
    F: Future<Output = ()> + 'static,
    O: Fn(TcpStream, IpAddr, Seat, Rc<Worker>) -> F,
{
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                worker.counters.connections.add_one();
                // A connection that is gone already fails on its first read.
                let _ = stream.set_nodelay(true);
                worker.sit(|seat| open(stream, peer.ip(), seat, worker.clone()));
            }
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                sleep(EXHAUSTED).await;
            }
        }
    }
}

async fn serve_tls(
    acceptor: TlsAcceptor,
    stream: TcpStream,
    peer: IpAddr,
    door: Rc<Door>,
    worker: Rc<Worker>,
    seat: Seat,
) {
    let handshake = async {
        let mut first = [0];
        stream.peek(&mut first).await?;
        if first[0].is_ascii_uppercase() {
            refuse_plain(&stream).await?;
            return Err(io::ErrorKind::InvalidData.into());
        }
        acceptor.accept(stream).await
    };
    match timeout(worker.options.timeouts.handshake, handshake).await {
        Ok(Ok(stream)) => serve(stream, peer, door, worker, seat).await,
        Ok(Err(_)) | Err(_) => worker.counters.refused_handshakes.add_one(),
    }
}

/// Tells a client that speaks plain HTTP on the TLS port so.
async fn refuse_plain(stream: &TcpStream) -> io::Result<()> {
    const ANSWER: &[u8] =
        b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n";
    // Read what there is, so that closing does not reset the connection under the answer.
    let _ = stream.try_read(&mut [0; 4096]);
    stream.async_io(Interest::WRITABLE, || stream.try_write(ANSWER)).await?;
    Ok(())
}

async fn sweep(worker: Rc<Worker>) {
    loop {
        sleep(SWEEP).await;
        worker.upstream.sweep();
    }
}

impl Worker {
    fn new(handle: Handle, counters: Arc<Counters>, options: Arc<Options>) -> Self {
        let timeouts = &options.timeouts;
        Self {
            upstream: Upstream::new(counters.clone(), timeouts.dial, timeouts.endpoint_idle),
            handle,
            counters,
            options,
            draining: Cell::new(false),
            seats: RefCell::default(),
            next_seat: Cell::new(0),
            all_left: Notify::new(),
        }
    }

    /// Starts a connection's task, in a seat of its own.
    fn sit<F: Future<Output = ()> + 'static>(self: &Rc<Self>, open: impl FnOnce(Seat) -> F) {
        let number = self.next_seat.get();
        self.next_seat.set(number + 1);
        let phase = Rc::new(Cell::new(Phase::Fresh));
        let seat = Seat { number, phase: phase.clone(), worker: self.clone() };
        self.seats.borrow_mut().insert(number, Taken { phase, task: None });
        let task = spawn_local(open(seat)).abort_handle();
        if let Some(taken) = self.seats.borrow_mut().get_mut(&number) {
            taken.task = Some(task);
        }
    }

    /// Closes idle connections, waits for the others as long as their grace lasts, and closes those that are left.
    async fn leave(&self, grace: Duration) {
        self.abort(|phase| phase == Phase::Idle);
        let last_call = LAST_CALL.min(grace);
        if timeout(last_call, self.until_empty()).await.is_err() {
            self.abort(|phase| phase != Phase::Busy);
            if timeout(grace - last_call, self.until_empty()).await.is_err() {
                self.abort(|_| true);
            }
        }
        self.upstream.close();
    }

    async fn until_empty(&self) {
        while !self.seats.borrow().is_empty() {
            self.all_left.notified().await;
        }
    }

    fn abort(&self, which: impl Fn(Phase) -> bool) {
        let seats = self.seats.borrow();
        let chosen = seats.values().filter(|taken| which(taken.phase.get()));
        chosen.filter_map(|taken| taken.task.as_ref()).for_each(AbortHandle::abort);
    }
}

impl Seat {
    pub(crate) fn phase(&self) -> Phase {
        self.phase.get()
    }

    /// Says what the connection is doing now.
    pub(crate) fn set_phase(&self, phase: Phase) {
        self.phase.set(phase);
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut seats = self.worker.seats.borrow_mut();
        seats.remove(&self.number);
        if seats.is_empty() {
            self.worker.all_left.notify_one();
        }
    }
}
