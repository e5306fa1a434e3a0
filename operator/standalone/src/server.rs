//! The server: listens, does TLS, and passes what comes on each connection to the API.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures::future::BoxFuture;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use schema::Catalog;
use store::Store;
use thiserror::Error;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tracing::{debug, warn};

use crate::Limits;
use crate::access::Users;
use crate::answer::Body;
use crate::api::{Api, Caller};
use crate::audit::Audit;
use crate::discovery::Discovery;
use crate::first_objects::{self, FirstObjectsError};
use crate::identity::Identity;
use crate::logs::Logs;
use crate::metrics::Metrics;
use crate::socket::Socket;

/// What a server needs.
#[derive(Debug)]
pub struct Options {
    /// Where it listens; port 0 is any free one.
    pub listen: SocketAddr,
    /// The kinds that it serves.
    pub catalog: Arc<Catalog>,
    /// Its certificate.
    pub identity: Identity,
    /// Who may come.
    pub users: Arc<Users>,
    /// Where every request is written down, if it is.
    pub audit: Option<PathBuf>,
    /// How much one client may ask.
    pub limits: Limits,
}

/// Why a server does not start.
#[derive(Debug, Error)]
pub enum StartError {
    /// The address is not free or not ours.
    #[error("cannot listen on {address}: choose another address or port")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The refusal.
        source: io::Error,
    },
    /// The audit log cannot be written.
    #[error("cannot write the audit log {}", file.display())]
    Audit {
        /// The file.
        file: PathBuf,
        /// The refusal.
        source: io::Error,
    },
    /// The objects that are always there could not be stored.
    #[error(transparent)]
    FirstObjects(#[from] FirstObjectsError),
}

/// A server that runs until it is stopped or dropped.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    api: Arc<Api>,
    stopping: watch::Sender<bool>,
    accepting: JoinHandle<()>,
    following: JoinHandle<()>,
}

/// The API for the program itself: the admin's rights, no socket, no TLS.
#[derive(Debug, Clone)]
pub struct InProcess(Arc<Api>);

impl Server {
    /// Begins to serve. When this returns, clients can connect.
    ///
    /// # Errors
    /// [`StartError`], each says what to do.
    pub async fn start(options: Options, store: Store, logs: Arc<dyn Logs>) -> Result<Self, StartError> {
        let Options { listen, catalog, identity, users, audit, limits } = options;
        let audit = audit
            .map(|file| Audit::open(&file).map_err(|source| StartError::Audit { file, source }))
            .transpose()?;
        let refused = |source| StartError::Listen { address: listen, source };
        let listener = TcpListener::bind(listen).await.map_err(refused)?;
        let address = listener.local_addr().map_err(refused)?;
        first_objects::store(&catalog, &store).await?;
        let (stopping, stops) = watch::channel(false);
        let api = Arc::new(Api {
            discovery: Discovery::new(Arc::clone(&catalog), address.to_string()),
            streams: Arc::new(Semaphore::new(limits.streams)),
            metrics: Metrics::default(),
            audit,
            stopping: stops,
            catalog,
            store,
            users: Arc::clone(&users),
            logs,
            limits,
        });
        let accepting = tokio::spawn(accept(Arc::clone(&api), listener, TlsAcceptor::from(identity.tls)));
        let following = tokio::spawn(async move { users.follow().await });
        Ok(Self { address, api, stopping, accepting, following })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The API for the program itself.
    #[must_use]
    pub fn in_process(&self) -> InProcess {
        InProcess(Arc::clone(&self.api))
    }

    /// Stops: no new connections, watches end, requests are answered, and what takes too long is cut off.
    pub async fn stop(mut self) {
        self.stopping.send_replace(true);
        let _ = (&mut self.accepting).await;
        self.following.abort();
        if let Some(audit) = self.api.audit.clone() {
            let _ = tokio::task::spawn_blocking(move || audit.close()).await;
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stopping.send_replace(true);
        self.accepting.abort();
        self.following.abort();
    }
}

impl InProcess {
    /// Answers a request.
    pub async fn call<B>(&self, request: Request<B>) -> Response<Body>
    where
        B: hyper::body::Body<Data = Bytes> + Send,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        self.0.answer(Caller::Inside, request).await
    }
}

/// As a kube client wants it.
impl<B> tower_service::Service<Request<B>> for InProcess
where
    B: hyper::body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let inside = self.clone();
        Box::pin(async move { Ok(InProcess::call(&inside, request).await) })
    }
}

async fn accept(api: Arc<Api>, listener: TcpListener, tls: TlsAcceptor) {
    let mut connections = JoinSet::new();
    loop {
        let is_full = connections.len() >= api.limits.connections;
        tokio::select! {
            () = api.stopped() => break,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept(), if !is_full => match accepted {
                Ok((stream, peer)) => drop(connections.spawn(connection(Arc::clone(&api), stream, peer, tls.clone()))),
                Err(error) => {
                    warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                }
            },
        }
    }
    drop(listener);
    let ended =
        timeout(api.limits.stop_timeout, async { while connections.join_next().await.is_some() {} }).await;
    if ended.is_err() {
        debug!(connections = connections.len(), "connections that did not end are cut off");
    }
}

async fn connection(api: Arc<Api>, stream: TcpStream, peer: SocketAddr, tls: TlsAcceptor) {
    let _ = stream.set_nodelay(true);
    match timeout(api.limits.head_timeout, handshake(stream, tls)).await {
        Ok(Ok(stream)) => serve(api, stream, peer).await,
        Ok(Err(error)) => debug!(%error, "no handshake"),
        Err(_) => debug!("no handshake in time"),
    }
}

/// Who speaks HTTP to the TLS port is told so.
async fn handshake(mut stream: TcpStream, tls: TlsAcceptor) -> io::Result<TlsStream<TcpStream>> {
    const HANDSHAKE: u8 = 22;
    let mut first = [0];
    let read = stream.peek(&mut first).await?;
    if read == 1 && first[0] != HANDSHAKE {
        stream
            .write_all(b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n")
            .await?;
        stream.shutdown().await?;
        return Err(io::Error::other("not TLS"));
    }
    tls.accept(stream).await
}

async fn serve(api: Arc<Api>, stream: TlsStream<TcpStream>, peer: SocketAddr) {
    let is_h2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
    let io = TokioIo::new(Socket::new(stream, api.limits.write_timeout));
    let builder = builder(&api.limits);
    let builder = if is_h2 { builder.http2_only() } else { builder.http1_only() };
    let serving = Arc::clone(&api);
    let service = service_fn(move |request: Request<Incoming>| {
        let api = Arc::clone(&serving);
        async move { Ok::<_, Infallible>(api.answer(Caller::Remote(peer), request).await) }
    });
    let mut connection = pin!(builder.serve_connection(io, service));
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = api.stopped() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        debug!(error, "a connection broke");
    }
}

fn builder(limits: &Limits) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head_timeout)
        .max_buf_size(limits.head_bytes.max(8192));
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_header_list_size(u32::try_from(limits.head_bytes).unwrap_or(u32::MAX))
        .max_concurrent_streams(250)
        .keep_alive_interval(std::time::Duration::from_secs(30))
        .keep_alive_timeout(limits.write_timeout);
    builder
}
