//! The thread beside the workers: health checks, the tracking of endpoints that leave, the admin API.
//!
//! In comes what they need; nothing comes out but their effects. It has a runtime of its own, so that whatever it does
//! takes no turn from a worker's connections. It ends when it is told to, or when its [`Aside`] is dropped.

use std::future::pending;
use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::sync::{Semaphore, broadcast, oneshot};

use super::Addresses;
use crate::admin::{self, Admin};
use crate::checks;
use crate::events::{self, Batch, Hub};
use crate::handle::Handle;
use crate::metrics::Counters;

/// What it starts with.
pub(super) struct Setup {
    pub(super) handle: Handle,
    pub(super) admin: Option<TcpListener>,
    /// Those of the workers, and at the end its own.
    pub(super) counters: Vec<Arc<Counters>>,
    pub(super) addresses: Addresses,
    pub(super) version: String,
    /// How long a reader of events may take nothing.
    pub(super) patience: Duration,
}

/// The running thread.
#[derive(Debug)]
pub(super) struct Aside {
    /// Dropped, it ends.
    stop: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

impl Aside {
    pub(super) fn start(setup: Setup) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
        let (stop, stopped) = oneshot::channel();
        // From here on nothing is missed.
        let news = setup.handle.news();
        let run = move || {
            runtime.block_on(async {
                tokio::select! {
                    _ = stopped => {}
                    () = run(setup, news) => {}
                }
            });
        };
        let thread = thread::Builder::new().name("router-aside".into()).spawn(run)?;
        Ok(Self { stop, thread })
    }

    /// Ends it, and waits for that.
    pub(super) fn stop(self) {
        drop(self.stop);
        if self.thread.join().is_err() {
            tracing::error!("the thread beside the workers panicked");
        }
    }
}

async fn run(setup: Setup, news: broadcast::Receiver<Arc<Batch>>) {
    let Setup { handle, admin, counters, addresses, version, patience } = setup;
    let own = counters.last().cloned().unwrap_or_default();
    let hub = Hub::new();
    let told = Admin {
        handle: handle.clone(),
        counters,
        hub: hub.clone(),
        addresses,
        version,
        streams: Arc::new(Semaphore::new(admin::STREAMS)),
        patience,
    };
    let serving = async {
        match admin.map(tokio::net::TcpListener::from_std) {
            Some(Ok(listener)) => admin::serve(listener, Arc::new(told)).await,
            Some(Err(error)) => tracing::error!(%error, "the socket of the admin API cannot be used"),
            None => {}
        }
        pending::<()>().await;
    };
    tokio::join!(serving, events::follow(news, hub, own.clone()), checks::follow(handle, own));
}
