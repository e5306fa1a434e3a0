//! One worker's idle connections to endpoints.
//!
//! In come connections whose response is complete; out goes the one that was used last, if it is still open and silent.
//! A connection is never used for another endpoint than the one it was made for, even one with the same address that
//! came later. Hot: one hash, and one system call that asks whether the endpoint has closed.

use std::cell::RefCell;
use std::collections::HashMap;
use std::io;
use std::mem::MaybeUninit;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use foldhash::fast::RandomState;
use socket2::SockRef;
use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::table::Endpoint;

/// The most idle connections to one endpoint.
const MAX_IDLE: usize = 128;

/// How long before the endpoint's own limit a connection is given up, so that both do not happen at once.
const MARGIN: Duration = Duration::from_secs(1);

pub(super) struct Pool {
    idle: RefCell<HashMap<SocketAddr, Vec<Idle>, RandomState>>,
    timeout: Duration,
}

struct Idle {
    stream: TcpStream,
    endpoint: Arc<Endpoint>,
    until: Instant,
}

impl Pool {
    pub(super) fn new(timeout: Duration) -> Self {
        Self { idle: RefCell::default(), timeout }
    }

    pub(super) fn take(&self, endpoint: &Arc<Endpoint>) -> Option<TcpStream> {
        let mut pools = self.idle.borrow_mut();
        let pool = pools.get_mut(&endpoint.address)?;
        while let Some(idle) = pool.pop() {
            if idle.is_for(endpoint) && is_silent(&idle.stream) {
                return Some(idle.stream);
            }
        }
        None
    }

    pub(super) fn put(&self, endpoint: Arc<Endpoint>, stream: TcpStream, limit: Option<Duration>) {
        let time = limit.map_or(self.timeout, |limit| limit.saturating_sub(MARGIN).min(self.timeout));
        if endpoint.is_retired() || time.is_zero() {
            return;
        }
        let idle = Idle { until: Instant::now() + time, stream, endpoint };
        let mut pools = self.idle.borrow_mut();
        let pool = pools.entry(idle.endpoint.address).or_default();
        if pool.len() < MAX_IDLE {
            pool.push(idle);
        }
    }

    pub(super) fn sweep(&self) {
        let mut pools = self.idle.borrow_mut();
        pools.retain(|_, pool| {
            pool.retain(|idle| idle.is_for(&idle.endpoint) && is_silent(&idle.stream));
            !pool.is_empty()
        });
    }

    pub(super) fn clear(&self) {
        self.idle.borrow_mut().clear();
    }
}

impl Idle {
    fn is_for(&self, endpoint: &Arc<Endpoint>) -> bool {
        Arc::ptr_eq(&self.endpoint, endpoint) && !endpoint.is_retired() && Instant::now() < self.until
    }
}

/// Whether the endpoint has neither closed the connection nor sent anything that nobody asked for. The kernel is asked,
/// because the runtime may not have seen an event yet that has happened.
fn is_silent(stream: &TcpStream) -> bool {
    let mut byte = [MaybeUninit::uninit()];
    let peeked = SockRef::from(stream).peek(&mut byte);
    peeked.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::net::TcpListener;

    const LONG: Duration = Duration::from_secs(60);

    fn run<F: Future>(future: F) -> F::Output {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(future)
    }

    async fn pair() -> (Arc<Endpoint>, TcpStream, std::net::TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let stream = TcpStream::connect(address).await.unwrap();
        (Arc::new(Endpoint::new(address)), stream, listener.accept().unwrap().0)
    }

    /// Until the kernel has delivered what the other side did.
    fn wait_for_event(stream: &TcpStream) {
        let end = Instant::now() + Duration::from_secs(10);
        while is_silent(stream) {
            assert!(Instant::now() < end, "nothing arrived");
            std::thread::yield_now();
        }
    }

    #[test]
    fn a_silent_connection_is_used_again_once() {
        run(async {
            let (endpoint, stream, _other) = pair().await;
            let pool = Pool::new(LONG);
            pool.put(endpoint.clone(), stream, None);
            pool.sweep();
            assert!(pool.take(&endpoint).is_some());
            assert!(pool.take(&endpoint).is_none());
        });
    }

    #[test]
    fn a_connection_that_closed_or_spoke_is_not_used() {
        run(async {
            let pool = Pool::new(LONG);
            let (endpoint, stream, other) = pair().await;
            drop(other);
            wait_for_event(&stream);
            pool.put(endpoint.clone(), stream, None);
            assert!(pool.take(&endpoint).is_none());

            let (endpoint, stream, mut other) = pair().await;
            other.write_all(b"HTTP/1.1 408 Request Timeout\r\n\r\n").unwrap();
            wait_for_event(&stream);
            pool.put(endpoint.clone(), stream, None);
            assert!(pool.take(&endpoint).is_none());
        });
    }

    #[test]
    fn a_connection_is_not_used_for_a_later_endpoint_of_the_same_address() {
        run(async {
            let (endpoint, stream, _other) = pair().await;
            let pool = Pool::new(LONG);
            pool.put(endpoint.clone(), stream, None);
            assert!(pool.take(&Arc::new(Endpoint::new(endpoint.address))).is_none());
        });
    }

    #[test]
    fn a_connection_is_given_up_before_its_endpoint_does() {
        run(async {
            let (endpoint, stream, _other) = pair().await;
            let pool = Pool::new(LONG);
            pool.put(endpoint.clone(), stream, Some(Duration::from_secs(1)));
            assert!(pool.take(&endpoint).is_none());
        });
    }
}
