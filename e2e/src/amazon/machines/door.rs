//! One open port of a machine: connections come in, and lead to a server, or get an answer here.

use std::convert::Infallible;
use std::net::SocketAddr;

use anyhow::Result;
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::Health;

/// What health checks ask for.
const STATUS: &str = "/.well-known/status";

/// An open port. It closes, and its connections break, soon after it is dropped.
#[derive(Debug)]
pub(super) struct Door {
    /// The instance whose port it is.
    pub(super) instance: String,
    task: JoinSet<()>,
}

impl Door {
    /// Opens a port of an instance.
    pub(super) async fn open(
        at: SocketAddr,
        target: Option<SocketAddr>,
        instance: String,
        health: watch::Receiver<Health>,
    ) -> Result<Self> {
        let listener = TcpListener::bind(at).await?;
        let mut task = JoinSet::new();
        task.spawn(accept(listener, target, health));
        Ok(Self { instance, task })
    }

    /// Closes it, and waits until it is closed: another may open in its place.
    pub(super) async fn close(mut self) {
        self.task.shutdown().await;
    }
}

async fn accept(listener: TcpListener, target: Option<SocketAddr>, health: watch::Receiver<Health>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        connections.spawn(serve(stream, target, health.clone()));
        while connections.try_join_next().is_some() {}
    }
}

async fn serve(mut stream: TcpStream, target: Option<SocketAddr>, health: watch::Receiver<Health>) {
    let is_sick = *health.borrow() == Health::Sick;
    if let (Some(target), false) = (target, is_sick) {
        if let Ok(mut server) = TcpStream::connect(target).await {
            let _ = copy_bidirectional(&mut stream, &mut server).await;
        }
        return;
    }
    let service = service_fn(|request| answer(request, &health));
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

async fn answer(
    request: Request<Incoming>,
    health: &watch::Receiver<Health>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = match (*health.borrow(), request.uri().path()) {
        (Health::Sick, _) => StatusCode::SERVICE_UNAVAILABLE,
        (_, STATUS) => StatusCode::OK,
        _ => StatusCode::NOT_FOUND,
    };
    Ok(response)
}
