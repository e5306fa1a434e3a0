//! What is known of one request when it is over.
//!
//! In come facts as they turn up, from wherever a request is answered; out they go to the counters, to people who debug
//! and, if there is one, to the access log. Hot: a few stores, and one look at the clock; what only the access log wants
//! is gathered only for it.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::time::Instant;

use super::decide::{Door, Peer};
use crate::access_log::{Detail, Entry};
use crate::metrics::{By, Spoken};
use crate::serve::worker::Worker;

/// One request and its answer.
#[derive(Debug)]
pub(crate) struct Record {
    /// When its head was there.
    began: Instant,
    /// Of the final response; 0 as long as there is none.
    pub(crate) status: u16,
    pub(crate) by: By,
    /// Why the router answers itself.
    pub(crate) why: Option<&'static str>,
    /// Where it was sent to last.
    pub(crate) endpoint: Option<SocketAddr>,
    /// How long the endpoint's head took. Only for the access log.
    to_head: Option<Duration>,
    /// How many bytes of a body, or of a tunnel, came from the client.
    pub(crate) received: u64,
    /// How many went to it.
    pub(crate) sent: u64,
    /// What only the access log wants to know.
    pub(crate) detail: Option<Box<Detail>>,
}

impl Record {
    pub(crate) fn begin() -> Self {
        Self {
            began: Instant::now(),
            status: 0,
            by: By::Router,
            why: None,
            endpoint: None,
            to_head: None,
            received: 0,
            sent: 0,
            detail: None,
        }
    }

    /// The endpoint's final head is there.
    pub(crate) fn has_head(&mut self) {
        self.by = By::Endpoint;
        if self.detail.is_some() {
            self.to_head = Some(self.began.elapsed());
        }
    }

    /// The request is over, or given up.
    pub(crate) fn end(&mut self, worker: &Worker, door: &Door, peer: &Peer) {
        let took = self.began.elapsed();
        let spoken = match (self.status, peer.http2) {
            (101, _) => Spoken::Upgrade,
            (_, true) => Spoken::Http2,
            (_, false) => Spoken::Http1,
        };
        worker.counters.request(spoken, took, self.received, self.sent);
        if let (Some(detail), Some(log)) = (self.detail.take(), &worker.access_log) {
            log.push(self.entry(*detail, took, door, peer), &worker.counters);
        }
        let Self { status, endpoint, received, sent, .. } = self;
        tracing::debug!(status, ?endpoint, received, sent, time = ?took, "request");
    }

    fn entry(&self, detail: Detail, took: Duration, door: &Door, peer: &Peer) -> Entry {
        Entry {
            client: peer.address.to_canonical(),
            scheme: door.scheme,
            http2: peer.http2,
            status: self.status,
            by: self.by,
            why: self.why,
            endpoint: self.endpoint,
            took,
            to_head: self.to_head,
            received: self.received,
            sent: self.sent,
            detail,
        }
    }
}
