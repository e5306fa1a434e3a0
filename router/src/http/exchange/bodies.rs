//! The second half of an exchange: the response goes out while the rest of the request may still come in.
//!
//! An endpoint may be silent for as long as it likes (server-sent events); a client that takes nothing of what there is
//! may not. The upload never holds up the response.

use std::future::poll_fn;
use std::task::Poll;

use super::super::body::{Broken, Pump, Side};
use super::super::connection::Stream;
use super::{Exchange, Failure};
use crate::metrics::Late;

impl<S: Stream> Exchange<'_, S> {
    /// Moves both bodies until the response's is with the client.
    pub(super) async fn bodies(&mut self, mut download: Pump) -> Result<(), Failure> {
        let mut limited = None;
        let moved = poll_fn(|cx| {
            // A body that comes late or broken is not worth the response's end; one that would go on and on is, and so is
            // a client that has gone.
            if let Err(failure @ (Failure::ClientGone | Failure::ClientTooLong)) = self.upload(cx) {
                return Poll::Ready(Err(failure));
            }
            let client = &mut *self.client;
            match download.poll(cx, &mut self.input, &mut self.lease.stream, &mut client.stream) {
                Poll::Ready(Ok(())) => return Poll::Ready(Ok(())),
                Poll::Ready(Err(Broken::Sink)) => return Poll::Ready(Err(Failure::ClientGone)),
                Poll::Ready(Err(_)) => return Poll::Ready(Err(Failure::EndpointBroken)),
                Poll::Pending => {}
            }
            let limit = (download.waits_for == Side::Sink).then_some(self.order.forward.idle_timeout);
            let moved = std::mem::take(&mut download.moved);
            if limited != Some(limit) || moved {
                limited = Some(limit);
                client.deadline.set(limit);
            }
            client.deadline.poll(cx).map(|()| {
                client.worker.counters.timeout(Late::Reader);
                Err(Failure::ClientGone)
            })
        })
        .await;
        self.client.record.received = self.upload.count;
        self.client.record.sent = download.count;
        moved
    }
}
