//! The address for probes and scrapers: `/healthz`, `/readyz` and `/metrics`.
//!
//! In come plain HTTP/1.1 requests from the node or the monitoring; out go three answers. Nothing else is served here, and
//! nothing of the traffic's path depends on it.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::CONTENT_TYPE;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use prometheus_client::registry::Registry;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;

use crate::metrics;

/// A client that takes longer for its head is no probe.
const HEAD_TIMEOUT: Duration = Duration::from_secs(5);

const TEXT: &str = "text/plain; charset=utf-8";
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What the probes are told.
#[derive(Clone)]
pub(crate) struct Health {
    ready: watch::Receiver<bool>,
    registry: Arc<Registry>,
}

/// Opens the listener. `shared` lets a second process of the same user open it too, which a node needs: while it is
/// replaced, the old and the new one run side by side on the node's own network.
pub(crate) fn listen(address: SocketAddr, shared: bool) -> std::io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_reuseaddr(true)?;
    if shared && address.port() != 0 {
        socket.set_reuseport(true)?;
    }
    socket.bind(address)?;
    socket.listen(64)
}

impl Health {
    /// Tells `ready` and what is registered.
    pub(crate) fn new(ready: watch::Receiver<bool>, registry: Registry) -> Self {
        Self { ready, registry: Arc::new(registry) }
    }

    /// Serves until it is dropped.
    pub(crate) async fn serve(self, listener: TcpListener) {
        loop {
            match listener.accept().await {
                Ok((stream, _)) => drop(tokio::spawn(self.clone().connection(stream))),
                // Out of file descriptors, most likely: it passes, and a tight loop would not help.
                Err(error) => {
                    tracing::warn!(%error, "a probe's connection was not accepted");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
    }

    async fn connection(self, stream: TcpStream) {
        let service = service_fn(|request: Request<Incoming>| {
            let answer = self.answer(request.method(), request.uri().path());
            async { Ok::<_, Infallible>(answer) }
        });
        let mut server = http1::Builder::new();
        server.timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT);
        if let Err(error) = server.serve_connection(TokioIo::new(stream), service).await {
            tracing::debug!(%error, "a probe's connection broke");
        }
    }

    fn answer(&self, method: &Method, path: &str) -> Response<Full<Bytes>> {
        if method != Method::GET && method != Method::HEAD {
            return response(StatusCode::METHOD_NOT_ALLOWED, TEXT, "only GET is answered here\n".into());
        }
        match path {
            "/healthz" | "/livez" => response(StatusCode::OK, TEXT, "ok\n".into()),
            "/readyz" if *self.ready.borrow() => response(StatusCode::OK, TEXT, "ready\n".into()),
            "/readyz" => response(StatusCode::SERVICE_UNAVAILABLE, TEXT, "not ready\n".into()),
            "/metrics" => response(StatusCode::OK, OPEN_METRICS, metrics::encode(&self.registry)),
            _ => response(StatusCode::NOT_FOUND, TEXT, "there are /healthz, /readyz and /metrics\n".into()),
        }
    }
}

fn response(status: StatusCode, content_type: &'static str, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, hyper::header::HeaderValue::from_static(content_type));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readiness_follows_its_source_and_liveness_does_not() {
        let (ready, receiver) = watch::channel(false);
        let health = Health::new(receiver, metrics::registry());
        let status = |path| health.answer(&Method::GET, path).status().as_u16();
        assert_eq!((status("/readyz"), status("/healthz")), (503, 200));
        ready.send(true).unwrap();
        assert_eq!((status("/readyz"), status("/livez")), (200, 200));
        assert_eq!((status("/metrics"), status("/")), (200, 404));
        assert_eq!(health.answer(&Method::POST, "/readyz").status(), 405);
    }

    #[tokio::test]
    async fn a_port_that_is_in_use_is_refused_unless_both_share_it() {
        let first = listen("127.0.0.1:0".parse().unwrap(), false).unwrap();
        let address = first.local_addr().unwrap();
        assert!(listen(address, false).is_err());
        assert!(listen(address, true).is_err());
    }
}
