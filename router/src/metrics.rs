//! Counters of what was served.
//!
//! Each worker counts for itself, so that counting on the hot path is an addition on a cache line of its own; reading
//! adds the workers up. Nothing here is labelled by host: the number of series does not grow with the routes
//! (`metrics/series.rs` gives them their names).

pub(crate) mod series;

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::handle::Handle;

/// The counters of one worker, or of what runs beside the workers.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(crate) struct Counters {
    pub(crate) connections: Counter,
    pub(crate) connections_shed: Counter,
    pub(crate) connections_evicted: Counter,
    pub(crate) connections_begun: Counter,
    pub(crate) connections_ended: Counter,
    pub(crate) refused_proxy_headers: Counter,
    handshakes: [Counter; Handshake::ALL.len()],
    pub(crate) dial_failures: Counter,
    pub(crate) retries: Counter,
    timeouts: [Counter; Late::ALL.len()],
    pub(crate) ejections: Counter,
    pub(crate) checks_passed: Counter,
    pub(crate) checks_failed: Counter,
    requests: [Counter; Spoken::ALL.len()],
    responses: [[Counter; 5]; By::ALL.len()],
    durations: [Counter; BOUNDS.len() + 1],
    microseconds: Counter,
    received: Counter,
    sent: Counter,
    pub(crate) http2_malformed: Counter,
    pub(crate) http2_floods: Counter,
    pub(crate) drains_begun: Counter,
    pub(crate) drains_ended: Counter,
    pub(crate) log_dropped: Counter,
}

/// A number that only grows, written by one thread.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

/// What came of a TLS handshake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Handshake {
    Done,
    /// The client named a host that nobody serves, or none where there is no default certificate.
    UnknownName,
    /// There is no version or cipher that both sides speak.
    Incompatible,
    /// The client does not speak TLS.
    NotTls,
    Late,
    /// The client went, or sent what makes no sense.
    Broken,
}

/// What was spoken with a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Spoken {
    Http1,
    Http2,
    /// Another protocol, after a request asked for it.
    Upgrade,
    Tcp,
}

/// Who answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum By {
    Endpoint,
    Router,
}

/// Who took too long, so that a request was ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Late {
    /// A client with its head.
    Head,
    /// A client that rested within its body.
    Body,
    /// A client whose body came too slowly.
    BodyRate,
    /// A client that took nothing of its response.
    Reader,
    /// An endpoint with the head of its response.
    Endpoint,
}

/// The upper ends of the buckets for durations, but for the last one, which has none.
pub(crate) const BOUNDS: [Duration; 7] = [
    Duration::from_millis(1),
    Duration::from_millis(5),
    Duration::from_millis(25),
    Duration::from_millis(100),
    Duration::from_millis(500),
    Duration::from_millis(2500),
    Duration::from_secs(10),
];

/// The counters of all workers of a [`Server`](crate::Server), since its start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Snapshot {
    /// Client connections accepted.
    pub connections: u64,
    /// Client connections that are open now.
    pub connections_open: u64,
    /// Client connections closed at once, because there were too many or no file descriptor was left.
    pub connections_shed: u64,
    /// Client connections closed while they waited for their client, to make room for others.
    pub connections_evicted: u64,
    /// Connections whose PROXY protocol header was broken or did not come in time.
    pub refused_proxy_headers: u64,
    /// TLS handshakes that succeeded.
    pub handshakes: u64,
    /// TLS handshakes that did not succeed, unknown names among them.
    pub refused_handshakes: u64,
    /// Connections to endpoints that could not be made.
    pub dial_failures: u64,
    /// Requests sent once more because a kept connection had gone.
    pub retries: u64,
    /// Endpoints that got no requests for a time, because they had failed several in a row.
    pub ejections: u64,
    /// Final responses by the first digit of their status: `responses[0]` counts 1xx (switched protocols), `[4]` 5xx.
    pub responses: [u64; 5],
    /// Endpoints in the table.
    pub endpoints: u64,
    /// Endpoints in the table that get no requests, as long as others are well.
    pub endpoints_unhealthy: u64,
    /// Requests that are not in the access log, because it could not be written fast enough.
    pub log_dropped: u64,
    by_outcome: [u64; Handshake::ALL.len()],
    timeouts: [u64; Late::ALL.len()],
    checks: [u64; 2],
    requests: [u64; Spoken::ALL.len()],
    responses_by: [[u64; 5]; By::ALL.len()],
    durations: [u64; BOUNDS.len() + 1],
    microseconds: u64,
    received: u64,
    sent: u64,
    http2_resets: [u64; 2],
    drained: u64,
    draining: u64,
    begun: u64,
    ended: u64,
    drains_begun: u64,
}

impl Handshake {
    pub(crate) const ALL: [Self; 6] =
        [Self::Done, Self::UnknownName, Self::Incompatible, Self::NotTls, Self::Late, Self::Broken];
}

impl Spoken {
    pub(crate) const ALL: [Self; 4] = [Self::Http1, Self::Http2, Self::Upgrade, Self::Tcp];
}

impl By {
    pub(crate) const ALL: [Self; 2] = [Self::Endpoint, Self::Router];
}

impl Late {
    pub(crate) const ALL: [Self; 5] = [Self::Head, Self::Body, Self::BodyRate, Self::Reader, Self::Endpoint];
}

impl Counter {
    pub(crate) fn add_one(&self) {
        self.add(1);
    }

    /// Not one operation, which would cost several times as much: there is one thread that writes.
    fn add(&self, count: u64) {
        self.0.store(self.value().wrapping_add(count), Ordering::Relaxed);
    }

    fn value(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Counters {
    /// A final response is about to go out.
    pub(crate) fn response(&self, status: u16, by: By) {
        if let Some(class) = self.responses[by as usize].get(usize::from(status / 100).wrapping_sub(1)) {
            class.add_one();
        }
    }

    pub(crate) fn handshake(&self, outcome: Handshake) {
        self.handshakes[outcome as usize].add_one();
    }

    /// A request is ended because somebody took too long.
    pub(crate) fn timeout(&self, late: Late) {
        self.timeouts[late as usize].add_one();
    }

    /// A request, or a connection of TCP, is over.
    pub(crate) fn request(&self, spoken: Spoken, took: Duration, received: u64, sent: u64) {
        self.requests[spoken as usize].add_one();
        self.received.add(received);
        self.sent.add(sent);
        // What was asked to last is no measure of how fast anybody answers.
        if matches!(spoken, Spoken::Http1 | Spoken::Http2) {
            let bucket = BOUNDS.iter().position(|bound| took <= *bound).unwrap_or(BOUNDS.len());
            self.durations[bucket].add_one();
            self.microseconds.add(took.as_micros() as u64);
        }
    }
}

/// What all of them have counted, and how the endpoints of the table are.
pub(crate) fn snapshot(counters: &[Arc<Counters>], handle: &Handle) -> Snapshot {
    let mut snapshot = Snapshot::default();
    counters.iter().for_each(|counters| snapshot.add(counters));
    let table = handle.table();
    let mut seen = HashSet::new();
    let endpoints = table.services().flat_map(|service| &service.endpoints);
    for endpoint in endpoints.filter(|endpoint| seen.insert(endpoint.address)) {
        snapshot.endpoints += 1;
        snapshot.endpoints_unhealthy += u64::from(endpoint.health.is_suspect());
    }
    snapshot
}

impl Snapshot {
    /// Adds what one worker counted.
    pub(crate) fn add(&mut self, counters: &Counters) {
        let Counters {
            connections,
            connections_shed,
            connections_evicted,
            connections_begun,
            connections_ended,
            refused_proxy_headers,
            handshakes,
            dial_failures,
            retries,
            timeouts,
            ejections,
            checks_passed,
            checks_failed,
            requests,
            responses,
            durations,
            microseconds,
            received,
            sent,
            http2_malformed,
            http2_floods,
            drains_begun,
            drains_ended,
            log_dropped,
        } = counters;
        self.connections += connections.value();
        self.connections_shed += connections_shed.value();
        self.connections_evicted += connections_evicted.value();
        // The ends first: what ends in between has begun.
        self.ended += connections_ended.value();
        self.begun += connections_begun.value();
        self.connections_open = self.begun.saturating_sub(self.ended);
        self.refused_proxy_headers += refused_proxy_headers.value();
        add_all(&mut self.by_outcome, handshakes);
        self.handshakes = self.by_outcome[Handshake::Done as usize];
        self.refused_handshakes = self.by_outcome.iter().sum::<u64>() - self.handshakes;
        self.dial_failures += dial_failures.value();
        self.retries += retries.value();
        add_all(&mut self.timeouts, timeouts);
        self.ejections += ejections.value();
        self.checks[0] += checks_passed.value();
        self.checks[1] += checks_failed.value();
        add_all(&mut self.requests, requests);
        for (sums, counted) in self.responses_by.iter_mut().zip(responses) {
            add_all(sums, counted);
            add_all(&mut self.responses, counted);
        }
        add_all(&mut self.durations, durations);
        self.microseconds += microseconds.value();
        self.received += received.value();
        self.sent += sent.value();
        self.http2_resets[0] += http2_malformed.value();
        self.http2_resets[1] += http2_floods.value();
        self.drained += drains_ended.value();
        self.drains_begun += drains_begun.value();
        self.draining = self.drains_begun.saturating_sub(self.drained);
        self.log_dropped += log_dropped.value();
    }
}

fn add_all(sums: &mut [u64], counters: &[Counter]) {
    for (sum, counter) in sums.iter_mut().zip(counters) {
        *sum += counter.value();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snapshot_is_the_sum_of_the_workers() {
        let workers = [Counters::default(), Counters::default()];
        workers[0].response(200, By::Endpoint);
        workers[1].response(204, By::Endpoint);
        workers[1].response(503, By::Router);
        workers[1].response(999, By::Endpoint);
        workers[0].connections.add_one();
        workers[1].connections_begun.add_one();
        workers[0].handshake(Handshake::Done);
        workers[1].handshake(Handshake::Late);
        let mut snapshot = Snapshot::default();
        workers.iter().for_each(|counters| snapshot.add(counters));
        assert_eq!(snapshot.responses, [0, 2, 0, 0, 1]);
        assert_eq!(snapshot.responses_by, [[0, 2, 0, 0, 0], [0, 0, 0, 0, 1]]);
        assert_eq!((snapshot.connections, snapshot.connections_open), (1, 1));
        assert_eq!((snapshot.handshakes, snapshot.refused_handshakes), (1, 1));
    }

    #[test]
    fn a_duration_is_in_the_bucket_that_just_holds_it_and_a_tunnels_in_none() {
        let counters = Counters::default();
        for milliseconds in [1, 2, 60_000] {
            counters.request(Spoken::Http1, Duration::from_millis(milliseconds), 1, 2);
        }
        counters.request(Spoken::Upgrade, Duration::from_secs(1), 1, 2);
        let mut snapshot = Snapshot::default();
        snapshot.add(&counters);
        assert_eq!(snapshot.durations, [1, 1, 0, 0, 0, 0, 0, 1]);
        assert_eq!((snapshot.received, snapshot.sent), (4, 8));
        assert_eq!(snapshot.requests, [3, 0, 1, 0]);
    }
}
