//! An app's process: an address comes in, an HTTP/1.1 server that answers everything goes out.
//!
//! The answer is 200 with one line for each fact (`pod=`, `method=`, `host=`, `path=`, then every header as `> name: value`);
//! what is sent to `/echo` comes back as it is. It belongs to the async runtime in which it was started.

use std::convert::Infallible;
use std::fmt::Write;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, Result};
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{Either, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
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
    let mut draining = state.draining.subscribe();
    let _ = stream.set_nodelay(true);
    let service = service_fn(|request| answer(request, &state));
    let mut connection =
        std::pin::pin!(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    tokio::select! {
        _ = &mut connection => return,
        _ = draining.wait_for(|draining| *draining) => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}

async fn answer(
    request: Request<Incoming>,
    state: &State,
) -> Result<Response<Either<Full<Bytes>, Incoming>>, Infallible> {
    state.requests.fetch_add(1, Ordering::Relaxed);
    let _ = state.held.subscribe().wait_for(|held| !held).await;
    let body = if request.uri().path() == "/echo" {
        Either::Right(request.into_body())
    } else {
        Either::Left(Full::new(describe(&request, &state.name).into()))
    };
    Ok(Response::new(body))
}

fn describe(request: &Request<Incoming>, name: &str) -> String {
    let host = request.headers().get("host").map_or("", |host| host.to_str().unwrap_or("?"));
    let mut text = format!("pod={name}\nmethod={}\nhost={host}\npath={}\n", request.method(), request.uri());
    for (name, value) in request.headers() {
        let _ = writeln!(text, "> {name}: {}", String::from_utf8_lossy(value.as_bytes()));
    }
    text
}
