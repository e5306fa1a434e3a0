//! An endpoint that speaks HTTP/2 as gRPC does: streams of messages, and a status in the trailers.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use h2::server::{self, SendResponse};
use h2::{Reason, RecvStream};
use http::{HeaderMap, Request, Response};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, mpsc, oneshot};

use super::client::runtime;
use crate::site::loopback;

/// It runs until it is dropped.
pub(super) struct GrpcServer {
    pub(super) address: SocketAddr,
    log: Arc<Log>,
    stop: Arc<Notify>,
}

#[derive(Default)]
pub(super) struct Log {
    connections: AtomicUsize,
    open: AtomicUsize,
    requests: std::sync::Mutex<Vec<HeaderMap>>,
    resets: std::sync::Mutex<Vec<Option<Reason>>>,
}

impl GrpcServer {
    pub(super) fn start() -> Self {
        let (log, stop) = (Arc::new(Log::default()), Arc::new(Notify::new()));
        let listener = std::net::TcpListener::bind(loopback(0)).unwrap();
        let address = listener.local_addr().unwrap();
        listener.set_nonblocking(true).unwrap();
        let (for_log, for_stop) = (log.clone(), stop.clone());
        thread::spawn(move || {
            let runtime = runtime();
            runtime.block_on(async move {
                let listener = TcpListener::from_std(listener).unwrap();
                loop {
                    tokio::select! {
                        accepted = listener.accept() => {
                            for_log.connections.fetch_add(1, Ordering::SeqCst);
                            tokio::spawn(serve(accepted.unwrap().0, for_log.clone()));
                        }
                        () = for_stop.notified() => return,
                    }
                }
            });
            runtime.shutdown_timeout(Duration::ZERO);
        });
        Self { address, log, stop }
    }

    pub(super) fn connections(&self) -> usize {
        self.log.connections.load(Ordering::SeqCst)
    }

    /// How many connections are open.
    pub(super) fn open(&self) -> usize {
        self.log.open.load(Ordering::SeqCst)
    }

    /// How many calls came.
    pub(super) fn calls(&self) -> usize {
        self.log.requests.lock().unwrap().len()
    }

    /// The headers of the last request.
    pub(super) fn last(&self) -> HeaderMap {
        self.log.requests.lock().unwrap().last().unwrap().clone()
    }

    /// The reasons that calls were reset with.
    pub(super) fn resets(&self) -> Vec<Option<Reason>> {
        self.log.resets.lock().unwrap().clone()
    }
}

impl Drop for GrpcServer {
    fn drop(&mut self) {
        self.stop.notify_one();
    }
}

/// Asks a connection to end.
struct Leave {
    abruptly: bool,
    /// Dropped when it does.
    _done: oneshot::Sender<()>,
}

async fn serve(stream: TcpStream, log: Arc<Log>) {
    log.open.fetch_add(1, Ordering::SeqCst);
    let mut connection = server::handshake(stream).await.unwrap();
    let (leave, mut leaving) = mpsc::unbounded_channel();
    loop {
        tokio::select! {
            accepted = connection.accept() => {
                let Some(Ok((request, respond))) = accepted else { break };
                log.requests.lock().unwrap().push(request.headers().clone());
                tokio::spawn(answer(request, respond, log.clone(), leave.clone()));
            }
            Some(Leave { abruptly, _done }) = leaving.recv() => {
                if abruptly {
                    break;
                }
                connection.graceful_shutdown();
            }
        }
    }
    log.open.fetch_sub(1, Ordering::SeqCst);
}

async fn answer(
    request: Request<RecvStream>,
    mut respond: SendResponse<Bytes>,
    log: Arc<Log>,
    leave: mpsc::UnboundedSender<Leave>,
) {
    let response = Response::builder().header("content-type", "application/grpc");
    let path = request.uri().path().to_owned();
    let mut body = request.into_body();
    match path.as_str() {
        // Everything at once, and a status after it.
        "/test.Echo/Unary" => {
            let mut message = Vec::new();
            while let Some(Ok(data)) = body.data().await {
                body.flow_control().release_capacity(data.len()).unwrap();
                message.extend_from_slice(&data);
            }
            let metadata = body.trailers().await.unwrap();
            let mut stream = respond.send_response(response.body(()).unwrap(), false).unwrap();
            stream.send_data(message.into(), false).unwrap();
            stream.send_trailers(status("0", metadata)).unwrap();
        }
        // Each message as it comes.
        "/test.Echo/Stream" => {
            let mut stream = respond.send_response(response.body(()).unwrap(), false).unwrap();
            loop {
                match body.data().await {
                    Some(Ok(data)) => {
                        body.flow_control().release_capacity(data.len()).unwrap();
                        stream.send_data(data, false).unwrap();
                    }
                    Some(Err(error)) => {
                        log.resets.lock().unwrap().push(error.reason());
                        return;
                    }
                    None => break,
                }
            }
            stream.send_trailers(status("0", None)).unwrap();
        }
        "/test.Echo/Leave" | "/test.Echo/Die" => {
            let (_done, done) = oneshot::channel();
            leave.send(Leave { abruptly: path.ends_with("Die"), _done }).unwrap();
            // The GOAWAY, or the end, comes first.
            let _ = done.await;
            let _ = respond.send_response(response.header("grpc-status", "0").body(()).unwrap(), true);
        }
        "/test.Echo/Fail" => {
            let mut stream = respond.send_response(response.body(()).unwrap(), false).unwrap();
            stream.send_data(Bytes::from_static(b"half"), false).unwrap();
            // The client has the half when it says something.
            body.data().await.unwrap().unwrap();
            stream.send_reset(Reason::INTERNAL_ERROR);
        }
        "/hints" => {
            let hints = Response::builder().status(103).header("link", "</a.css>").body(()).unwrap();
            respond.send_informational(hints).unwrap();
            respond.send_response(Response::new(()), true).unwrap();
        }
        // No message, only a status: the head is all there is.
        _ => {
            let response = response.header("grpc-status", "12").header("grpc-message", "no such method");
            respond.send_response(response.body(()).unwrap(), true).unwrap();
        }
    }
}

fn status(code: &'static str, metadata: Option<HeaderMap>) -> HeaderMap {
    let mut trailers = metadata.unwrap_or_default();
    trailers.insert("grpc-status", code.parse().unwrap());
    trailers
}
