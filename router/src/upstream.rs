//! Connections to endpoints.
//!
//! In come the endpoints of a service; out goes a connection to one of its endpoints, kept or new, that counts as in flight until it
//! is dropped. Only a failed dial moves on to another endpoint: nothing was sent then. Each worker has its own, so that
//! nothing here is shared or locked. Hot.

mod balance;
mod dial;
mod h2;
mod link;
mod pool;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use router_config::Protocol;
use rustix::io::Errno;
use tokio::time::Instant;

use crate::metrics::Counters;
use crate::table::{Endpoint, InFlight};
use balance::Choice;
pub(crate) use h2::is_sendable;
use link::Link;
use pool::Pool;

/// One worker's connections to endpoints.
pub(crate) struct Upstream {
    pool: Pool,
    http2: h2::Connections,
    counters: Arc<Counters>,
    dial_timeout: Duration,
}

/// A connection for one request.
pub(crate) struct Lease {
    pub(crate) stream: Link,
    /// Whether it has carried a request before.
    pub(crate) reused: bool,
    in_flight: InFlight,
}

/// What kind of connection is needed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wish {
    /// One that has carried no request before.
    pub(crate) fresh: bool,
    /// What the endpoints speak.
    pub(crate) protocol: Protocol,
    /// How many endpoints may be dialled.
    pub(crate) attempts: usize,
    /// How long dialling may take, over all of them.
    pub(crate) patience: Duration,
    /// The endpoint that is tried first, if it is there.
    pub(crate) endpoint: Option<SocketAddr>,
    /// The most requests that one endpoint gets at once.
    pub(crate) max_in_flight: Option<usize>,
}

/// Why there is no connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoLease {
    /// There is no endpoint, or none that could be reached.
    Unreachable,
    /// All that could be reached have as many requests as they may.
    Busy,
}

impl NoLease {
    /// For those who run the router.
    pub(crate) fn why(self) -> &'static str {
        match self {
            Self::Unreachable => "there is no endpoint that can be reached",
            Self::Busy => "every endpoint has as many requests as it may have",
        }
    }
}

impl Lease {
    /// Where it leads.
    pub(crate) fn address(&self) -> SocketAddr {
        self.in_flight.endpoint().address
    }

    /// The endpoint has begun to answer.
    pub(crate) fn served(&self) {
        self.in_flight.endpoint().health.served();
    }
}

impl Upstream {
    pub(crate) fn new(counters: Arc<Counters>, dial_timeout: Duration, idle_timeout: Duration) -> Self {
        let http2 = h2::Connections::new(idle_timeout);
        Self { pool: Pool::new(idle_timeout), http2, counters, dial_timeout }
    }

    /// A connection to one of the endpoints.
    ///
    /// # Errors
    /// If there is none that answers and has room.
    pub(crate) async fn connect(&self, endpoints: &[Arc<Endpoint>], wish: Wish) -> Result<Lease, NoLease> {
        let mut choice = Choice::new(endpoints, wish.endpoint, wish.max_in_flight);
        let mut started = None;
        let mut attempts = 0;
        while attempts < wish.attempts
            && let Some(in_flight) = choice.next()
        {
            if !wish.fresh
                && let Some(stream) = self.kept(in_flight.endpoint(), wish.protocol)
            {
                return Ok(Lease { stream, reused: true, in_flight });
            }
            let started = *started.get_or_insert_with(Instant::now);
            match self.open(in_flight.endpoint(), wish).await {
                Ok(stream) => return Ok(Lease { stream, reused: false, in_flight }),
                Err(error) => {
                    self.unreachable(in_flight.endpoint(), &error);
                    attempts += 1;
                }
            }
            if started.elapsed() >= wish.patience {
                break;
            }
        }
        Err(if choice.is_busy() { NoLease::Busy } else { NoLease::Unreachable })
    }

    /// One that has carried a request before.
    fn kept(&self, endpoint: &Arc<Endpoint>, protocol: Protocol) -> Option<Link> {
        match protocol {
            Protocol::Http1 => self.pool.take(endpoint).map(Link::Tcp),
            Protocol::H2c => self.http2.call(endpoint).map(|call| Link::Http2(Box::new(call))),
        }
    }

    async fn open(&self, endpoint: &Arc<Endpoint>, wish: Wish) -> io::Result<Link> {
        let stream = dial::dial(endpoint.address, self.dial_timeout).await?;
        match wish.protocol {
            Protocol::Http1 => Ok(Link::Tcp(stream)),
            Protocol::H2c => {
                let call = self.http2.open(endpoint.clone(), stream, !wish.fresh).await?;
                Ok(Link::Http2(Box::new(call)))
            }
        }
    }

    /// A new connection to one endpoint, for bytes that are not requests; `None` if it does not answer.
    pub(crate) async fn dial(&self, endpoint: Arc<Endpoint>) -> Option<Lease> {
        let in_flight = InFlight::new(endpoint);
        let address = in_flight.endpoint().address;
        match dial::dial(address, self.dial_timeout).await {
            Ok(stream) => {
                in_flight.endpoint().health.served();
                Some(Lease { stream: Link::Tcp(stream), reused: false, in_flight })
            }
            Err(error) => {
                self.unreachable(in_flight.endpoint(), &error);
                None
            }
        }
    }

    /// The endpoint took a request and gave no response.
    pub(crate) fn failed(&self, lease: &Lease) {
        self.blame(lease.in_flight.endpoint());
    }

    fn unreachable(&self, endpoint: &Endpoint, error: &io::Error) {
        tracing::debug!(endpoint = %endpoint.address, %error, "cannot connect");
        self.counters.dial_failures.add_one();
        if !is_our_own(error) {
            self.blame(endpoint);
        }
    }

    fn blame(&self, endpoint: &Endpoint) {
        if endpoint.health.failed() {
            tracing::debug!(endpoint = %endpoint.address, "ejected");
            self.counters.ejections.add_one();
        }
    }

    /// Keeps a connection that has nothing more to say for a later request. The endpoint may have said for how long.
    pub(crate) fn keep(&self, lease: Lease, idle_seconds: Option<u64>) {
        // A call leaves its connection by ending.
        if let Lease { stream: Link::Tcp(stream), in_flight, .. } = lease {
            self.pool.put(in_flight.endpoint().clone(), stream, idle_seconds.map(Duration::from_secs));
        }
    }

    /// Closes the connections that are of no more use.
    pub(crate) fn sweep(&self) {
        self.pool.sweep();
        self.http2.sweep();
    }

    /// Closes all idle connections.
    pub(crate) fn close(&self) {
        self.pool.clear();
        self.http2.clear();
    }
}

/// Whether it is this machine that has run out of something, so that the endpoint is not to blame.
pub(crate) fn is_our_own(error: &io::Error) -> bool {
    let errno = Errno::from_io_error(error);
    matches!(errno, Some(Errno::MFILE | Errno::NFILE | Errno::NOBUFS | Errno::NOMEM | Errno::ADDRNOTAVAIL))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_this_machine_lacks_is_not_held_against_the_endpoint() {
        let upstream = Upstream::new(Arc::default(), Duration::from_secs(1), Duration::from_secs(1));
        let endpoint = Endpoint::new(([10, 0, 0, 1], 80).into());
        let fail = |errno: Errno| (0..9).for_each(|_| upstream.unreachable(&endpoint, &errno.into()));
        fail(Errno::MFILE);
        assert!(!endpoint.is_suspect());
        fail(Errno::CONNREFUSED);
        assert!(endpoint.is_suspect());
    }
}
