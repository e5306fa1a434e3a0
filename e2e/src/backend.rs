//! An app's process: an address comes in, a server that answers everything goes out. It speaks HTTP/1.1, and HTTP/2 to those
//! who begin with it.
//!
//! The answer is 200 with one line for each fact (`pod=`, `method=`, `host=`, `path=`, then every header as `> name: value`);
//! what is sent to `/echo` comes back as it is, and to `/call` with a status in the trailers, as gRPC has it. `/health` tells
//! whether it is well. It belongs to the async runtime in which it was started.

use std::convert::Infallible;
use std::fmt::Write;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use anyhow::{Context, Result};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};

/// A running HTTP server; its connections break when it is dropped.
#[derive(Debug)]
pub struct Backend {
    address: SocketAddr,
    state: Arc<State>,
    task: AbortHandle,
}

#[derive(Debug)]
struct State {
    name: String,
    requests: AtomicU64,
    unwell: AtomicBool,
    held: watch::Sender<bool>,
    draining: watch::Sender<bool>,
}

impl Backend {
    /// Listens on `address` and answers as `name`.
    ///
    /// # Errors
    /// When it cannot listen there.
    pub async fn start(address: SocketAddr, name: &str) -> Result<Self> {
        let listener = TcpListener::bind(address).await;
        let listener =
            listener.with_context(|| format!("listen on {address}: the suite runs in e2e/netns"))?;
        let address = listener.local_addr()?;
        let state = Arc::new(State {
            name: name.to_owned(),
            requests: AtomicU64::new(0),
            unwell: AtomicBool::new(false),
            held: watch::Sender::new(false),
            draining: watch::Sender::new(false),
        });
        let task = tokio::spawn(accept(listener, state.clone())).abort_handle();
        Ok(Self { address, state, task })
    }

    /// Where it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.address
    }

    /// How many requests it has received.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.state.requests.load(Ordering::Relaxed)
    }

    /// Answers no request until [`release`](Self::release).
    pub fn hold(&self) {
        self.state.held.send_replace(true);
    }

    /// Answers what was held, and everything after it.
    pub fn release(&self) {
        self.state.held.send_replace(false);
    }

    /// Answers `/health` with 200, or with 503, from now on.
    pub fn set_well(&self, well: bool) {
        self.state.unwell.store(!well, Ordering::Relaxed);
    }

    /// Listens no more, and returns once every request that has begun is answered: a well-behaved app on SIGTERM.
    pub async fn drain(&self) {
        self.state.draining.send_replace(true);
        self.state.draining.closed().await;
    }

    /// Listens no more and breaks every connection: an app that crashes.
    pub fn close(&self) {
        self.task.abort();
    }
}

impl Drop for Backend {
    fn drop(&mut self) {
        self.close();
    }
}

async fn accept(listener: TcpListener, state: Arc<State>) {
    let mut draining = state.draining.subscribe();
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            Ok((stream, _)) = listener.accept() => { connections.spawn(serve(stream, state.clone())); }
            _ = draining.changed() => break,
        }
        while connections.try_join_next().is_some() {}
    }
    drop(listener);
    connections.join_all().await;
}

async fn serve(stream: TcpStream, state: Arc<State>) {
    let _ = stream.set_nodelay(true);
    // No method of HTTP/1.1 begins as the preface of HTTP/2 does (RFC 9113 section 3.4).
    let mut start = [0; 3];
    match stream.peek(&mut start).await {
        Ok(_) if start == *b"PRI" => serve_http2(stream, state).await,
        Ok(_) => serve_http1(stream, state).await,
        Err(_) => {}
    }
}

async fn serve_http1(stream: TcpStream, state: Arc<State>) {
    let mut draining = state.draining.subscribe();
    let service = service_fn(|request| answer(request, state.clone()));
    let mut connection =
        std::pin::pin!(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    tokio::select! {
        _ = &mut connection => return,
        _ = draining.wait_for(|draining| *draining) => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}

async fn serve_http2(stream: TcpStream, state: Arc<State>) {
    let mut draining = state.draining.subscribe();
    let service = service_fn(|request| answer(request, state.clone()));
    let server = http2::Builder::new(TokioExecutor::new());
    let mut connection = std::pin::pin!(server.serve_connection(TokioIo::new(stream), service));
    tokio::select! {
        _ = &mut connection => return,
        _ = draining.wait_for(|draining| *draining) => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}

async fn answer(
    request: Request<Incoming>,
    state: Arc<State>,
) -> Result<Response<UnsyncBoxBody<Bytes, hyper::Error>>, Infallible> {
    state.requests.fetch_add(1, Ordering::Relaxed);
    let _ = state.held.subscribe().wait_for(|held| !held).await;
    let is_unwell = request.uri().path() == "/health" && state.unwell.load(Ordering::Relaxed);
    let mut response = Response::new(match request.uri().path() {
        "/echo" => request.into_body().boxed_unsync(),
        "/call" => request.into_body().with_trailers(async { Some(Ok(status())) }).boxed_unsync(),
        _ => Full::from(describe(&request, &state.name)).map_err(|never| match never {}).boxed_unsync(),
    });
    if is_unwell {
        *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    }
    Ok(response)
}

/// That a call went well.
fn status() -> HeaderMap {
    HeaderMap::from_iter([(HeaderName::from_static("grpc-status"), HeaderValue::from_static("0"))])
}

fn describe(request: &Request<Incoming>, name: &str) -> String {
    let host = request.headers().get("host").map_or("", |host| host.to_str().unwrap_or("?"));
    let mut text = format!("pod={name}\nmethod={}\nhost={host}\npath={}\n", request.method(), request.uri());
    for (name, value) in request.headers() {
        let _ = writeln!(text, "> {name}: {}", String::from_utf8_lossy(value.as_bytes()));
    }
    text
}
