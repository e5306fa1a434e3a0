//! One worker's HTTP/2 connections to endpoints that speak it, without TLS and without asking first (prior knowledge).
//!
//! In comes a new TCP connection, or the wish to use one that is there; out goes a [`Call`], one request on it. A
//! connection serves many calls at once, and is left alone as soon as the endpoint says that it takes no more (GOAWAY):
//! calls under way go on. Hot: one hash, no lock of ours.

mod call;

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use foldhash::fast::RandomState;
use h2::client::{self, SendRequest};
use tokio::net::TcpStream;
use tokio::task::spawn_local;
use tokio::time::Instant;

use crate::http::head::MAX_HEAD;
use crate::http2::inflow::reset;
use crate::table::Endpoint;
pub(crate) use call::{Call, is_sendable};

/// The most calls at once on one connection; endpoints may allow fewer.
const MAX_CALLS: usize = 100;

/// How much of one response may be on its way while the client takes none, in bytes, and of all on a connection.
const WINDOW: u32 = 256 * 1024;
const CONNECTION_WINDOW: u32 = 4 * 1024 * 1024;

/// How much of one request may wait for the endpoint, in bytes.
const SEND_BUFFER: usize = 32 * 1024;

pub(super) struct Connections {
    kept: RefCell<HashMap<SocketAddr, Vec<Kept>, RandomState>>,
    /// How long a connection is kept without a call.
    timeout: Duration,
}

struct Kept {
    endpoint: Arc<Endpoint>,
    requests: SendRequest<Bytes>,
    calls: Rc<Calls>,
}

/// The calls on one connection.
struct Calls {
    count: Cell<usize>,
    /// When the last one ended.
    ended: Cell<Instant>,
}

/// One of the calls; it is over when this is dropped.
struct Ongoing(Rc<Calls>);

impl Connections {
    pub(super) fn new(timeout: Duration) -> Self {
        Self { kept: RefCell::default(), timeout }
    }

    /// A call on a connection that is there and has room.
    pub(super) fn call(&self, endpoint: &Arc<Endpoint>) -> Option<Call> {
        let mut all = self.kept.borrow_mut();
        let kept = all.get_mut(&endpoint.address)?;
        kept.retain_mut(|kept| kept.is_for(endpoint) && kept.is_open());
        kept.iter().find(|kept| kept.has_room()).map(Kept::call)
    }

    /// A call on a new connection, which others use too if it is to be kept.
    ///
    /// # Errors
    /// If the endpoint closes it at once.
    pub(super) async fn open(
        &self,
        endpoint: Arc<Endpoint>,
        stream: TcpStream,
        keep: bool,
    ) -> io::Result<Call> {
        let mut builder = client::Builder::new();
        builder
            .enable_push(false)
            .initial_window_size(WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_send_buffer_size(SEND_BUFFER)
            .max_header_list_size(MAX_HEAD as u32);
        let (requests, connection) = builder.handshake(stream).await.map_err(reset)?;
        let address = endpoint.address;
        spawn_local(async move {
            if let Err(error) = connection.await {
                tracing::debug!(endpoint = %address, %error, "an HTTP/2 connection ended");
            }
        });
        let calls = Rc::new(Calls { count: Cell::new(0), ended: Cell::new(Instant::now()) });
        let kept = Kept { endpoint, requests, calls };
        let call = kept.call();
        if keep {
            self.kept.borrow_mut().entry(address).or_default().push(kept);
        }
        Ok(call)
    }

    /// Lets go of connections that are of no more use. They close when their last call is over.
    pub(super) fn sweep(&self) {
        self.kept.borrow_mut().retain(|_, kept| {
            kept.retain_mut(|kept| {
                kept.is_open() && !kept.endpoint.is_retired() && !kept.is_idle(self.timeout)
            });
            !kept.is_empty()
        });
    }

    pub(super) fn clear(&self) {
        self.kept.borrow_mut().clear();
    }
}

impl Kept {
    fn is_for(&self, endpoint: &Arc<Endpoint>) -> bool {
        Arc::ptr_eq(&self.endpoint, endpoint) && !endpoint.is_retired()
    }

    /// Whether the endpoint still takes calls on it.
    fn is_open(&mut self) -> bool {
        let ready = self.requests.poll_ready(&mut Context::from_waker(Waker::noop()));
        !matches!(ready, Poll::Ready(Err(_)))
    }

    fn has_room(&self) -> bool {
        self.calls.count.get() < MAX_CALLS.min(self.requests.current_max_send_streams())
    }

    fn is_idle(&self, timeout: Duration) -> bool {
        self.calls.count.get() == 0 && self.calls.ended.get().elapsed() >= timeout
    }

    fn call(&self) -> Call {
        self.calls.count.set(self.calls.count.get() + 1);
        Call::new(self.requests.clone(), Ongoing(self.calls.clone()))
    }
}

impl Drop for Ongoing {
    fn drop(&mut self) {
        self.0.count.set(self.0.count.get() - 1);
        self.0.ended.set(Instant::now());
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;
    use tokio::task::LocalSet;
    use tokio::time::timeout;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(10);

    #[test]
    fn who_waits_for_the_response_to_what_cannot_be_sent_hears_of_it() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        LocalSet::new().block_on(&runtime, async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            let stream = TcpStream::connect(address).await.unwrap();
            let endpoint = Arc::new(Endpoint::new(address));
            let call = Connections::new(PATIENCE).open(endpoint, stream, false).await.unwrap();
            let (mut response, mut request) = tokio::io::split(call);
            let waiting = spawn_local(async move { response.read_u8().await });
            tokio::task::yield_now().await;
            request.write_all(b"GET /< HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap_err();
            timeout(PATIENCE, waiting).await.unwrap().unwrap().unwrap_err();
        });
    }
}
