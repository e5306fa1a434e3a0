//! One request with an endpoint: there and back.
//!
//! In comes a request's rendered head and the service that gets it; out goes what becomes of the client's connection.
//! Both bodies move at once in the client's own task, each with one block at most. Only a request that cannot have been
//! acted upon is sent twice: no body, idempotent, on a kept connection that gave no byte back. Hot: no lock, no log.

mod bodies;
mod heads;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use router_config::{Hsts, Protocol};

use super::body::Pump;
use super::connection::{After, Client, Stream};
use super::decide::BODY_TOO_LONG;
use super::framing::Framing;
use super::pace::Pace;
use super::reply::Reply;
use super::request::{Facts, Refusal, Version};
use super::response::{Delivery, Response};
use super::sticky::Session;
use super::{Buffer, tunnel};
use crate::metrics::By;
use crate::table::{Forward, Service};
use crate::upstream::{Lease, NoLease, Wish};
use heads::Answer;

/// How many endpoints are dialled for a request. One that asks to switch protocols tries them all, as in Flynn.
const ATTEMPTS: usize = 4;

/// A request that is to be forwarded.
pub(crate) struct Order {
    /// As the endpoint gets it.
    pub(crate) head: Buffer,
    pub(crate) facts: Facts,
    pub(crate) forward: Arc<Forward>,
    pub(crate) service: Arc<Service>,
    /// Of a sticky route.
    pub(crate) session: Option<Session>,
    /// What the host declares, if the client came over HTTPS.
    pub(crate) hsts: Option<Hsts>,
}

/// A request under way.
struct Exchange<'a, S> {
    client: &'a mut Client<S>,
    order: &'a Order,
    lease: Lease,
    facts: Facts,
    upload: Pump,
    uploaded: Uploaded,
    /// How fast the body has to come.
    pace: Pace,
    /// Read from the endpoint, and not used yet.
    input: Buffer,
    /// Whether the client waits for a 100 that nobody has sent.
    owes_continue: bool,
    /// Whether the endpoint has said anything yet.
    heard: bool,
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
    /// The client rests within its body for too long.
    ClientSilent,
    /// The client's body comes more slowly than its route asks for.
    ClientSlow,
    /// The client's body is not framed as it has to be.
    ClientFraming,
    /// The client's body is longer than its route takes.
    ClientTooLong,
    /// The endpoint closed the connection before it answered a byte.
    EndpointGone,
    /// The endpoint answered something that is no response, or too late.
    EndpointBroken,
}

/// Forwards a request and its response.
pub(crate) async fn run<S: Stream>(client: &mut Client<S>, mut order: Order) -> After {
    let mut wish = order.wish();
    loop {
        let worker = client.worker.clone();
        let candidates = order.service.candidates(order.forward.leader);
        let lease = match worker.upstream.connect(candidates, wish).await {
            Ok(lease) => lease,
            Err(reason) => {
                let body_read = order.facts.framing == Framing::Empty;
                return client.reply_unavailable(&order, reason, body_read).await;
            }
        };
        client.record.endpoint = Some(lease.address());
        let may_retry = lease.reused && is_repeatable(order.facts);
        let head = if may_retry { copy(&order.head) } else { std::mem::take(&mut order.head) };
        let mut exchange = Exchange::new(client, &order, lease, head);
        match exchange.answer().await {
            Ok(answer) => return exchange.deliver(answer).await,
            Err(Failure::EndpointGone) if may_retry && !exchange.heard => {
                worker.counters.retries.add_one();
                wish.fresh = true;
            }
            Err(failure) => return exchange.fail(failure).await,
        }
    }
}

impl Order {
    fn wish(&self) -> Wish {
        let Self { facts, forward, service, session, .. } = self;
        Wish {
            fresh: facts.upgrade || !forward.keep_alive,
            protocol: service.protocol,
            attempts: if facts.upgrade { usize::MAX } else { ATTEMPTS },
            patience: forward.response_timeout,
            endpoint: session.as_ref().and_then(Session::endpoint),
            max_in_flight: service.max_in_flight,
        }
    }

    /// A call of gRPC has none: it may wait for its caller's next message before it answers the first.
    fn pace(&self, window: Duration) -> Pace {
        let is_call = self.facts.is_grpc && self.service.protocol == Protocol::H2c;
        let rate = if is_call { 0 } else { self.forward.min_body_rate };
        Pace::new(rate, window)
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
    fn new(client: &'a mut Client<S>, order: &'a Order, lease: Lease, head: Buffer) -> Self {
        let facts = order.facts;
        let upload = Pump::new(head, facts.framing, facts.framing == Framing::Chunked);
        Self {
            order,
            lease,
            facts,
            upload: upload.up_to(order.forward.max_body),
            uploaded: Uploaded::NotYet,
            pace: order.pace(client.worker.options.timeouts.body_rate),
            client,
            input: Buffer::default(),
            owes_continue: facts.expects_continue,
            heard: false,
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
        self.lease.served();
        self.client.record.has_head();
        if response.status == 101 {
            let session = self.session();
            response.render_switch(&mut self.client.output, session);
            self.client.answered(101);
            self.input.consume(length);
            return self.tunnel().await;
        }
        let delivery = self.delivery(&response);
        response.render(&mut self.client.output, delivery);
        let (keep, idle_seconds) = (response.keep_alive, response.idle_seconds());
        let (status, framing) = (response.status, response.framing);
        self.client.answered(status);
        let mut download = Pump::new(std::mem::take(&mut self.client.output), framing, delivery.chunked);
        if !delivery.trailers {
            download = download.without_trailers();
        }
        self.input.consume(length);
        if self.bodies(download).await.is_err() {
            return After::Cut;
        }
        self.leave(keep, idle_seconds, delivery.close)
    }

    fn delivery(&self, response: &Response<'_>) -> Delivery<'a> {
        let has_no_length = matches!(response.framing, Framing::Chunked | Framing::UntilClose);
        let chunked = has_no_length && self.facts.version == Version::V11;
        let close = !self.facts.keep_alive
            || self.facts.upgrade
            || (has_no_length && !chunked)
            || self.uploaded != Uploaded::Whole
            || self.client.worker.draining.get();
        Delivery {
            version: self.facts.version,
            close,
            chunked,
            trailers: chunked && response.framing == Framing::Chunked && self.facts.takes_trailers,
            hsts: self.order.hsts,
            session: self.session(),
        }
    }

    /// The client's session, and where it is now.
    fn session(&self) -> Option<(&'a Session, SocketAddr)> {
        self.order.session.as_ref().map(|session| (session, self.lease.address()))
    }

    /// The response is with the client: keeps what can be kept.
    fn leave(self, keep: bool, idle_seconds: Option<u64>, close: bool) -> After {
        let whole = self.uploaded == Uploaded::Whole;
        if keep && whole && self.input.is_empty() && !self.facts.upgrade && self.order.forward.keep_alive {
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
        (self.client.record.received, self.client.record.sent) = tunnel::run(client, endpoint).await;
        After::Cut
    }

    async fn fail(self, failure: Failure) -> After {
        self.client.record.received = self.upload.count;
        let whole = self.uploaded == Uploaded::Whole;
        let refusal = match failure {
            Failure::ClientGone => return After::Cut,
            Failure::EndpointGone | Failure::EndpointBroken => {
                self.client.record.by = By::Router;
                self.client.record.why = Some(match failure {
                    Failure::EndpointGone => "the endpoint closed the connection without a response",
                    _ => "the endpoint gave no response in time, or one that is none",
                });
                // One that closes a kept connection may just have lost patience with it.
                if failure != Failure::EndpointGone || !self.lease.reused {
                    self.client.worker.upstream.failed(&self.lease);
                }
                return self.client.reply_unavailable(self.order, NoLease::Unreachable, whole).await;
            }
            Failure::ClientSilent => Refusal { status: 408, reason: "the body took too long" },
            Failure::ClientSlow => Refusal { status: 408, reason: "the body came too slowly" },
            Failure::ClientFraming => Refusal { status: 400, reason: "the chunks of the body are broken" },
            Failure::ClientTooLong => BODY_TOO_LONG,
        };
        self.client.reply(Reply::Refused(refusal), self.order, whole).await
    }
}
