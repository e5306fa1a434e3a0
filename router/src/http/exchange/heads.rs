//! The first half of an exchange: the request goes out until the final response's head is in.
//!
//! The body is uploaded meanwhile. Interim responses end here (RFC 9110 section 15.2): a 100 is passed on to a client
//! that waits for it, and sent by the router itself if the endpoint takes too long to say either; a 103 is passed on.

use std::future::poll_fn;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use super::super::body::{Broken, Side};
use super::super::buffer::BLOCK;
use super::super::connection::Stream;
use super::super::head::{MAX_HEAD, Progress};
use super::super::request::Version;
use super::super::response::{Response, interim_status};
use super::{Exchange, Failure, Uploaded};
use crate::metrics::Late;

/// How long a client that expects a 100 waits for the endpoint's before it gets the router's.
const CONTINUE: Duration = Duration::from_secs(1);

const CONTINUE_HEAD: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

/// The head of the final response is in the input, and this long.
pub(super) struct Answer {
    pub(super) length: usize,
}

/// What the exchange is waiting for, and so how long.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wait {
    Nothing,
    Continue,
    Client,
    Endpoint,
}

impl<S: Stream> Exchange<'_, S> {
    /// Sends the request until the head of the final response is there.
    pub(super) async fn answer(&mut self) -> Result<Answer, Failure> {
        self.client.head.reset();
        let mut wait = Wait::Nothing;
        poll_fn(|cx| {
            loop {
                if let Poll::Ready(result) = self.poll_answer(cx) {
                    return Poll::Ready(result);
                }
                self.set_deadline(&mut wait)?;
                ready!(self.client.deadline.poll(cx));
                match wait {
                    Wait::Continue => self.let_continue(),
                    Wait::Client => return Poll::Ready(Err(self.late(Late::Body, Failure::ClientSilent))),
                    Wait::Nothing | Wait::Endpoint => {
                        return Poll::Ready(Err(self.late(Late::Endpoint, Failure::EndpointBroken)));
                    }
                }
            }
        })
        .await
    }

    fn poll_answer(&mut self, cx: &mut Context<'_>) -> Poll<Result<Answer, Failure>> {
        loop {
            self.upload(cx)?;
            if self.client.poll_flush(cx).map_err(|_| Failure::ClientGone)?.is_pending() {
                return Poll::Pending;
            }
            let length = ready!(self.poll_head(cx))?;
            let Some(status) = self.interim_status(length) else {
                return Poll::Ready(Ok(Answer { length }));
            };
            self.heard = true;
            match status {
                100 if self.owes_continue => self.let_continue(),
                103 if self.facts.version == Version::V11 => self.pass_hints_on(length)?,
                _ => {}
            }
            self.input.consume(length);
            self.client.head.reset();
        }
    }

    /// Tells the client what it may fetch meanwhile (RFC 8297).
    fn pass_hints_on(&mut self, length: usize) -> Result<(), Failure> {
        let bytes = &self.input.bytes()[..length];
        let hints = Response::parse(&self.client.head, bytes, self.facts.method)
            .map_err(|_| Failure::EndpointBroken)?;
        hints.render_interim(&mut self.client.output);
        Ok(())
    }

    /// Moves the request's body; with none left, notices that the client is gone.
    pub(super) fn upload(&mut self, cx: &mut Context<'_>) -> Result<(), Failure> {
        let client = &mut *self.client;
        if self.uploaded == Uploaded::NotYet {
            match self.upload.poll(cx, &mut client.input, &mut client.stream, &mut self.lease.stream) {
                Poll::Pending => return Ok(()),
                Poll::Ready(Ok(())) => self.uploaded = Uploaded::Whole,
                Poll::Ready(Err(Broken::Sink)) => self.uploaded = Uploaded::Refused,
                Poll::Ready(Err(Broken::Source)) => return Err(Failure::ClientGone),
                Poll::Ready(Err(Broken::Framing)) => {
                    self.uploaded = Uploaded::Refused;
                    return Err(Failure::ClientFraming);
                }
                Poll::Ready(Err(Broken::TooLong)) => {
                    self.uploaded = Uploaded::Refused;
                    return Err(Failure::ClientTooLong);
                }
            }
        }
        // What comes now is the next request. It waits in the buffer, unread: after a switch of protocols it is none.
        while client.input.len() < BLOCK {
            match client.input.poll_fill(cx, &mut client.stream, BLOCK) {
                Poll::Pending => break,
                Poll::Ready(Ok(1..)) => {}
                Poll::Ready(Ok(0) | Err(_)) => return Err(Failure::ClientGone),
            }
        }
        Ok(())
    }

    fn poll_head(&mut self, cx: &mut Context<'_>) -> Poll<Result<usize, Failure>> {
        loop {
            if !self.input.is_empty() {
                match self.client.head.advance(self.input.bytes()) {
                    Ok(Progress::Complete(length)) => return Poll::Ready(Ok(length)),
                    Ok(Progress::Partial) => {}
                    Err(_) => return Poll::Ready(Err(Failure::EndpointBroken)),
                }
            }
            match ready!(self.input.poll_fill(cx, &mut self.lease.stream, MAX_HEAD)) {
                Ok(1..) => {}
                Ok(0) | Err(_) if self.input.is_empty() => return Poll::Ready(Err(Failure::EndpointGone)),
                Ok(0) | Err(_) => return Poll::Ready(Err(Failure::EndpointBroken)),
            }
        }
    }

    /// The status of a response that another one follows.
    fn interim_status(&self, length: usize) -> Option<u16> {
        interim_status(self.client.head.start_line(&self.input.bytes()[..length]))
    }

    /// Tells the client to send its body.
    fn let_continue(&mut self) {
        self.client.output.push(CONTINUE_HEAD);
        self.owes_continue = false;
    }

    /// Says until when to wait, and for whom; or that the body comes too slowly.
    fn set_deadline(&mut self, wait: &mut Wait) -> Result<(), Failure> {
        let now = match (self.uploaded, self.upload.waits_for) {
            _ if self.owes_continue => Wait::Continue,
            (Uploaded::NotYet, Side::Source) => Wait::Client,
            _ => Wait::Endpoint,
        };
        let moved = std::mem::take(&mut self.upload.moved);
        if now == *wait && !moved {
            return Ok(());
        }
        *wait = now;
        if self.pace.is_too_slow(now == Wait::Client, self.upload.count) {
            return Err(self.late(Late::BodyRate, Failure::ClientSlow));
        }
        let forward = &self.order.forward;
        self.client.deadline.set(Some(match now {
            Wait::Continue => CONTINUE,
            Wait::Client => forward.idle_timeout,
            Wait::Nothing | Wait::Endpoint => forward.response_timeout,
        }));
        Ok(())
    }

    fn late(&self, late: Late, failure: Failure) -> Failure {
        self.client.worker.counters.timeout(late);
        failure
    }
}
