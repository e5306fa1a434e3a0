//! One request with an endpoint: there and back.
//!
//! In comes a request's rendered head and the service that gets it; out goes what becomes of the client's connection.
//! Both bodies move at once in the client's own task, each with one block at most. Only a request that cannot have been
//! acted upon is sent twice: no body, idempotent, on a kept connection that gave no byte back. Hot: no lock, no log.

mod bodies;
mod heads;

use std::sync::Arc;

use super::body::Pump;
use super::connection::{After, Client, Stream};
use super::framing::Framing;
use super::reply::Reply;
use super::request::{Facts, Refusal, Version};
use super::response::{Delivery, Response};
use super::{Buffer, tunnel};
use crate::table::Service;
use crate::upstream::{Lease, Wish};
use heads::Answer;

/// How many endpoints are dialled for a request. One that asks to switch protocols tries them all, as in Flynn.
const ATTEMPTS: usize = 4;

/// A request that is to be forwarded.
pub(crate) struct Order {
    /// As the endpoint gets it.
    pub(crate) head: Buffer,
    pub(crate) facts: Facts,
    pub(crate) service: Arc<Service>,
}

/// A request under way.
struct Exchange<'a, S> {
    client: &'a mut Client<S>,
    lease: Lease,
    facts: Facts,
    upload: Pump,
    uploaded: Uploaded,
    /// Read from the endpoint, and not used yet.
    input: Buffer,
    /// Whether the client waits for a 100 that nobody has sent.
    owes_continue: bool,
}

/// How far the request's body is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Uploaded {
    NotYet,
    Whole,
    /// The endpoint takes no more of it; it may still answer.
    Refused,
}

/// Why an exchange ends without a whole response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Failure {
    /// The client is gone, or takes nothing more.
    ClientGone,
    /// The client sends its body too slowly.
    ClientSlow,
    /// The client's body is not framed as it has to be.
    ClientFraming,
    /// The endpoint closed the connection before it answered a byte.
    EndpointGone,
    /// The endpoint answered something that is no response, or too late.
    EndpointBroken,
}

/// Forwards a request and its response.
pub(crate) async fn run<S: Stream>(client: &mut Client<S>, mut order: Order) -> After {
    let mut wish = Wish {
        fresh: order.facts.upgrade,
        attempts: if order.facts.upgrade { usize::MAX } else { ATTEMPTS },
    };
    loop {
        let worker = client.worker.clone();
        let Some(lease) = worker.upstream.connect(&order.service, wish).await else {
            let body_read = order.facts.framing == Framing::Empty;
            return client.reply(Reply::Unavailable, order.facts, body_read).await;
        };
        let may_retry = lease.reused && is_repeatable(order.facts);
        let head = if may_retry { copy(&order.head) } else { std::mem::take(&mut order.head) };
        let mut exchange = Exchange::new(client, lease, order.facts, head);
        match exchange.answer().await {
            Ok(answer) => return exchange.deliver(answer).await,
            Err(Failure::EndpointGone) if may_retry => {
                worker.counters.retries.add_one();
                wish.fresh = true;
            }
            Err(failure) => return exchange.fail(failure).await,
        }
    }
}

fn is_repeatable(facts: Facts) -> bool {
    facts.framing == Framing::Empty && facts.method.is_idempotent()
}

fn copy(head: &Buffer) -> Buffer {
    let mut copy = Buffer::default();
    copy.push(head.bytes());
    copy
}

impl<'a, S: Stream> Exchange<'a, S> {
    fn new(client: &'a mut Client<S>, lease: Lease, facts: Facts, head: Buffer) -> Self {
        Self {
            client,
            lease,
            facts,
            upload: Pump::new(head, facts.framing, facts.framing == Framing::Chunked),
            uploaded: Uploaded::NotYet,
            input: Buffer::default(),
            owes_continue: facts.expects_continue,
        }
    }

    /// Sends the response whose head is in the input, and its body.
    async fn deliver(mut self, Answer { length }: Answer) -> After {
        let bytes = &self.input.bytes()[..length];
        let Ok(response) = Response::parse(&self.client.head, bytes, self.facts.method) else {
            return self.fail(Failure::EndpointBroken).await;
        };
        if response.status == 101 && !self.facts.upgrade {
            return self.fail(Failure::EndpointBroken).await;
        }
        self.client.worker.counters.response(response.status);
        if response.status == 101 {
            response.render_switch(&mut self.client.output);
            self.input.consume(length);
            return self.tunnel().await;
        }
        let chunked = match response.framing {
            Framing::Chunked | Framing::UntilClose => self.facts.version == Version::V11,
            Framing::Empty | Framing::Length(_) => false,
        };
        let unbounded = !chunked && matches!(response.framing, Framing::Chunked | Framing::UntilClose);
        let close = !self.facts.keep_alive
            || self.facts.upgrade
            || unbounded
            || self.uploaded != Uploaded::Whole
            || self.client.worker.draining.get();
        response.render(&mut self.client.output, Delivery { version: self.facts.version, close, chunked });
        let (keep, idle_seconds) = (response.keep_alive, response.idle_seconds());
        let download = Pump::new(std::mem::take(&mut self.client.output), response.framing, chunked);
        self.input.consume(length);
        if self.bodies(download).await.is_err() {
            return After::Cut;
        }
        self.leave(keep, idle_seconds, close)
    }

    /// The response is with the client: keeps what can be kept.
    fn leave(self, keep: bool, idle_seconds: Option<u64>, close: bool) -> After {
        let whole = self.uploaded == Uploaded::Whole;
        if keep && whole && self.input.is_empty() && !self.facts.upgrade {
            self.client.worker.upstream.keep(self.lease, idle_seconds);
        }
        match close {
            false => After::Keep,
            true if whole && self.client.input.is_empty() => After::Close,
            true => After::Linger,
        }
    }

    async fn tunnel(mut self) -> After {
        let client = tunnel::End {
            output: std::mem::take(&mut self.client.output),
            stream: &mut self.client.stream,
            input: &mut self.client.input,
        };
        let endpoint =
            tunnel::End { output: Buffer::default(), stream: &mut self.lease.stream, input: &mut self.input };
        tunnel::run(client, endpoint).await;
        After::Cut
    }

    async fn fail(self, failure: Failure) -> After {
        let whole = self.uploaded == Uploaded::Whole;
        let reply = match failure {
            Failure::ClientGone => return After::Cut,
            Failure::EndpointGone | Failure::EndpointBroken => Reply::Unavailable,
            Failure::ClientSlow => Reply::Refused(Refusal { status: 408, reason: "the body took too long" }),
            Failure::ClientFraming => {
                Reply::Refused(Refusal { status: 400, reason: "the chunks of the body are broken" })
            }
        };
        self.client.reply(reply, self.facts, whole).await
    }
}
