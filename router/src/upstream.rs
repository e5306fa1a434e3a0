//! Connections to endpoints.
//!
//! In comes a service; out goes a connection to one of its endpoints, kept or new, that counts as in flight until it
//! is dropped. Only a failed dial moves on to another endpoint: nothing was sent then. Each worker has its own, so that
//! nothing here is shared or locked. Hot.

mod balance;
mod dial;
mod pool;

use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpStream;

use crate::metrics::Counters;
use crate::table::{InFlight, Service};
use pool::Pool;

/// One worker's connections to endpoints.
pub(crate) struct Upstream {
    pool: Pool,
    counters: Arc<Counters>,
    dial_timeout: Duration,
}

/// A connection for one request.
pub(crate) struct Lease {
    pub(crate) stream: TcpStream,
    /// Whether it has carried a request before.
    pub(crate) reused: bool,
    in_flight: InFlight,
}

/// What kind of connection is needed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wish {
    /// One that has carried no request before.
    pub(crate) fresh: bool,
    /// How many endpoints may be dialled.
    pub(crate) attempts: usize,
}

impl Upstream {
    pub(crate) fn new(counters: Arc<Counters>, dial_timeout: Duration, idle_timeout: Duration) -> Self {
        Self { pool: Pool::new(idle_timeout), counters, dial_timeout }
    }

    /// A connection to one of the endpoints; `None` if there is none that answers.
    pub(crate) async fn connect(&self, service: &Service, wish: Wish) -> Option<Lease> {
        let mut failed = Vec::new();
        while failed.len() < wish.attempts {
            let place = balance::pick(&service.endpoints, &failed)?;
            let in_flight = InFlight::new(service.endpoints[place].clone());
            if !wish.fresh
                && let Some(stream) = self.pool.take(in_flight.endpoint())
            {
                return Some(Lease { stream, reused: true, in_flight });
            }
            match dial::dial(in_flight.endpoint().address, self.dial_timeout).await {
                Ok(stream) => return Some(Lease { stream, reused: false, in_flight }),
                Err(error) => {
                    tracing::debug!(endpoint = %in_flight.endpoint().address, %error, "cannot connect");
                    self.counters.dial_failures.add_one();
                    failed.push(place);
                }
            }
        }
        None
    }

    /// Keeps a connection that has nothing more to say for a later request. The endpoint may have said for how long.
    pub(crate) fn keep(&self, lease: Lease, idle_seconds: Option<u64>) {
        let Lease { stream, in_flight, .. } = lease;
        self.pool.put(in_flight.endpoint().clone(), stream, idle_seconds.map(Duration::from_secs));
    }

    /// Closes the connections that are of no more use.
    pub(crate) fn sweep(&self) {
        self.pool.sweep();
    }

    /// Closes all idle connections.
    pub(crate) fn close(&self) {
        self.pool.clear();
    }
}
