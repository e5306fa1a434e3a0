//! Counters of what was served.
//!
//! Each worker counts for itself, so that counting on the hot path is an addition on a cache line of its own; reading
//! adds the workers up. Nothing here is labelled by host: the number of series does not grow with the routes.

use std::sync::atomic::{AtomicU64, Ordering};

/// The counters of one worker.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(crate) struct Counters {
    pub(crate) connections: Counter,
    pub(crate) refused_handshakes: Counter,
    pub(crate) dial_failures: Counter,
    pub(crate) retries: Counter,
    responses: [Counter; 5],
}

/// A number that only grows, written by one thread.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

/// The counters of all workers of a [`Server`](crate::Server), since its start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// Client connections accepted.
    pub connections: u64,
    /// TLS handshakes that did not succeed, unknown names among them.
    pub refused_handshakes: u64,
    /// Connections to endpoints that could not be made.
    pub dial_failures: u64,
    /// Requests sent once more because a kept connection had gone.
    pub retries: u64,
    /// Final responses by the first digit of their status: `responses[0]` counts 1xx (switched protocols), `[4]` 5xx.
    pub responses: [u64; 5],
}

impl Counter {
    pub(crate) fn add_one(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn value(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Counters {
    pub(crate) fn response(&self, status: u16) {
        if let Some(class) = self.responses.get(usize::from(status / 100).wrapping_sub(1)) {
            class.add_one();
        }
    }
}

impl Snapshot {
    /// Adds what one worker counted.
    pub(crate) fn add(&mut self, counters: &Counters) {
        let Counters { connections, refused_handshakes, dial_failures, retries, responses } = counters;
        self.connections += connections.value();
        self.refused_handshakes += refused_handshakes.value();
        self.dial_failures += dial_failures.value();
        self.retries += retries.value();
        for (sum, class) in self.responses.iter_mut().zip(responses) {
            *sum += class.value();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snapshot_is_the_sum_of_the_workers() {
        let workers = [Counters::default(), Counters::default()];
        workers[0].response(200);
        workers[1].response(204);
        workers[1].response(503);
        workers[1].response(999);
        workers[0].connections.add_one();
        let mut snapshot = Snapshot::default();
        workers.iter().for_each(|counters| snapshot.add(counters));
        assert_eq!(snapshot.responses, [0, 2, 0, 0, 1]);
        assert_eq!(snapshot.connections, 1);
    }
}
