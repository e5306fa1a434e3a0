//! The server: listens on loopback, and passes what comes on each connection to the service.
//!
//! It speaks HTTP/1.1 in clear text and listens nowhere else, as what it serves does not leave the machine. A connection holds a bounded
//! amount of memory, whatever is on its way on it, and there is a most of them; more wait until one ends.

use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1::Builder;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{sleep, timeout};

use crate::{Access, service};

/// How many connections there are at most.
const CONNECTIONS: usize = 1024;
/// How much of a request or an answer is held for a connection: a head has to fit in.
const BUFFER: usize = 64 * 1024;
/// How long requests may go on that have begun when the server is stopped.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long nothing is accepted after the system refused to, mostly because too many files are open.
const PAUSE: Duration = Duration::from_millis(50);

/// Why a server does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The port is not free.
    #[error("the objects of Blobstores cannot be served on port {port} of loopback: choose another one")]
    Listen {
        /// The port.
        port: u16,
        /// The refusal.
        source: io::Error,
    },
}

/// A server that runs until it is stopped or dropped.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    access: Arc<Access>,
    stopping: watch::Sender<bool>,
    accepting: JoinHandle<()>,
}

impl Server {
    /// Begins to serve, on a port of loopback or, with 0, on any free one. When this returns, clients can connect.
    ///
    /// # Errors
    /// [`StartError`], which says what to do.
    pub async fn start(port: u16) -> Result<Self, StartError> {
        let refused = |source| StartError::Listen { port, source };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(refused)?;
        let address = listener.local_addr().map_err(refused)?;
        let access = Arc::new(Access::default());
        let (stopping, stops) = watch::channel(false);
        let accepting = tokio::spawn(accept(listener, Arc::clone(&access), stops));
        Ok(Self { address, access, stopping, accepting })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Which Blobstores it serves, each behind its keys.
    #[must_use]
    pub fn access(&self) -> &Arc<Access> {
        &self.access
    }

    /// Stops: no new connections, requests are answered, and what takes too long is cut off.
    pub async fn stop(mut self) {
        self.stopping.send_replace(true);
        let _ = (&mut self.accepting).await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, access: Arc<Access>, mut stops: watch::Receiver<bool>) {
    let mut connections = JoinSet::new();
    loop {
        let is_full = connections.len() >= CONNECTIONS;
        tokio::select! {
            () = stopped(&mut stops) => break,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept(), if !is_full => match accepted {
                Ok((stream, _)) => drop(connections.spawn(serve(stream, Arc::clone(&access), stops.clone()))),
                Err(error) => {
                    tracing::warn!(%error, "a connection to a Blobstore could not be accepted");
                    sleep(PAUSE).await;
                }
            },
        }
    }
    drop(listener);
    let _ = timeout(PATIENCE, async { while connections.join_next().await.is_some() {} }).await;
}

async fn serve(stream: TcpStream, access: Arc<Access>, mut stops: watch::Receiver<bool>) {
    let _ = stream.set_nodelay(true);
    let answer = service_fn(|request: Request<Incoming>| async {
        Ok::<_, Infallible>(service::answer(&access, request).await)
    });
    let mut builder = Builder::new();
    builder.timer(TokioTimer::new()).max_buf_size(BUFFER);
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), answer));
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stopped(&mut stops) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection to a Blobstore broke");
    }
}

/// Waits until the server is to stop; one that is dropped ends its connections itself.
async fn stopped(stops: &mut watch::Receiver<bool>) {
    if stops.wait_for(|is_stopping| *is_stopping).await.is_err() {
        std::future::pending::<()>().await;
    }
}
