//! One client's connection: requests in, responses out, one after the other, in one task.
//!
//! In comes a stream, plain or TLS; nothing comes out but its end. A request is read, checked and decided here; the
//! router's own answers are written here, the others in `exchange.rs`. While a connection is idle it holds no buffer.
//! Hot: the table is loaded once per request and not held while waiting; no lock, no log.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use router_config::Scheme;
use tokio::io::{AsyncRead, AsyncWrite};

use super::Buffer;
use super::buffer::BLOCK;
use super::deadline::Deadline;
use super::decide::{Decision, Verdict, decide};
pub(crate) use super::decide::{Door, Peer, Ports};
use super::exchange;
use super::forward::{Origin, render};
use super::framing::Framing;
use super::head::{Head, MAX_HEAD, Progress};
use super::record::Record;
use super::reply::{Manner, Reply, Unavailable};
use super::request::{Facts, Method, Refusal, Request, Version};
use super::sticky::Session;
use crate::metrics::Late;
use crate::serve::worker::{Phase, Seat, Worker};
use crate::upstream::NoLease;

/// What a client's connection runs over.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Unpin {}

impl<S: AsyncRead + AsyncWrite + Unpin> Stream for S {}

/// A client's connection and everything that outlives one request on it.
pub(crate) struct Client<S> {
    pub(crate) stream: S,
    /// Read, and not used yet: the rest of a head or body, or the next request.
    pub(crate) input: Buffer,
    /// To be written.
    pub(crate) output: Buffer,
    /// The head that is being read, of the request and then of the response.
    pub(crate) head: Head,
    pub(crate) deadline: Deadline,
    pub(crate) worker: Rc<Worker>,
    /// Of the request that is being served.
    pub(super) record: Record,
    seat: Rc<Seat>,
    door: Rc<Door>,
    peer: Peer,
}

/// What becomes of the connection after a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum After {
    Keep,
    /// Everything was said and read.
    Close,
    /// The client may still be sending: it has to see the answer before the connection goes.
    Linger,
    /// The client must notice that the response is not whole, or is gone already.
    Cut,
}

/// How long the client may go on sending what nobody reads.
const LINGER: Duration = Duration::from_secs(2);

/// A connection that turned out to be one of HTTP/2, without TLS, and what was read of it.
pub(crate) struct Preface<S> {
    pub(crate) stream: S,
    pub(crate) input: Buffer,
}

/// Serves a connection until it ends, or until it is known to be one of HTTP/2.
pub(crate) async fn serve<S: Stream>(
    stream: S,
    peer: Peer,
    door: Rc<Door>,
    worker: Rc<Worker>,
    seat: Rc<Seat>,
) -> Option<Preface<S>> {
    let deadline = Deadline::after(worker.options.timeouts.header);
    let mut client = Client {
        stream,
        input: Buffer::default(),
        output: Buffer::default(),
        head: Head::default(),
        deadline,
        worker,
        record: Record::begin(),
        seat,
        door,
        peer,
    };
    let mut is_first = true;
    while let Some(length) = client.read_head().await {
        if std::mem::take(&mut is_first) && client.speaks_http2() {
            return Some(Preface { stream: client.stream, input: client.input });
        }
        client.record = Record::begin();
        let after = client.answer(length).await;
        client.end_record();
        match after {
            After::Keep => client.await_next(),
            After::Close => {
                client.close().await;
                break;
            }
            After::Linger => {
                client.linger().await;
                break;
            }
            After::Cut => break,
        }
    }
    None
}

/// What one wait for the client brought.
enum Filled {
    Some,
    End,
    Late,
}

/// What a request asks for, when its head has left the buffer.
enum Step {
    /// The answer is in the output; the request was refused, and the connection is out of step.
    Refused,
    /// The answer is in the output.
    Replied {
        facts: Facts,
        close: bool,
    },
    Forward(exchange::Order),
}

impl<S: Stream> Client<S> {
    /// Whether the client begins as one that knows that HTTP/2 is spoken here (RFC 9113 section 3.3).
    fn speaks_http2(&self) -> bool {
        self.door.scheme == Scheme::Http && self.input.bytes().starts_with(b"PRI * HTTP/2.0\r\n\r\n")
    }

    /// The length of the next head in the input; `None` when there is none.
    async fn read_head(&mut self) -> Option<usize> {
        loop {
            if !self.input.is_empty() {
                match self.head.advance(self.input.bytes()) {
                    Ok(Progress::Complete(length)) => return Some(length),
                    Ok(Progress::Partial) => {}
                    Err(fault) => return self.refuse(fault.into()).await,
                }
            }
            let was_idle = self.input.is_empty();
            if self.seat.phase() == Phase::Idle && self.worker.draining.get() {
                return None;
            }
            match self.fill().await {
                Filled::Some if was_idle => {
                    self.seat.set_phase(Phase::Busy);
                    self.deadline.set(Some(self.worker.options.timeouts.header));
                }
                Filled::Some => {}
                Filled::Late if !was_idle => {
                    self.worker.counters.timeout(Late::Head);
                    return self.refuse(Refusal { status: 408, reason: "the headers took too long" }).await;
                }
                Filled::End | Filled::Late => return None,
            }
        }
    }

    async fn fill(&mut self) -> Filled {
        poll_fn(|cx| match self.input.poll_fill(cx, &mut self.stream, MAX_HEAD) {
            Poll::Ready(Ok(1..)) => Poll::Ready(Filled::Some),
            Poll::Ready(Ok(0) | Err(_)) => Poll::Ready(Filled::End),
            Poll::Pending => self.deadline.poll(cx).map(|()| Filled::Late),
        })
        .await
    }

    /// Makes ready for the next request, which may be in the input already.
    fn await_next(&mut self) {
        let timeouts = &self.worker.options.timeouts;
        if self.input.is_empty() {
            self.head.release();
            self.seat.set_phase(Phase::Idle);
            self.deadline.set(Some(timeouts.idle));
        } else {
            self.head.reset();
            self.deadline.set(Some(timeouts.header));
        }
    }

    async fn answer(&mut self, length: usize) -> After {
        match self.step(length) {
            Step::Refused => self.finish(After::Linger).await,
            Step::Replied { facts, close } => {
                let after = self.after_reply(facts, close);
                self.finish(after).await
            }
            Step::Forward(order) => exchange::run(self, order).await,
        }
    }

    /// Decides about the request whose head is in the input, and takes the head out.
    fn step(&mut self, length: usize) -> Step {
        let worker = self.worker.clone();
        let table = worker.handle.table();
        let bytes = &self.input.bytes()[..length];
        let request = match Request::parse(&self.head, bytes) {
            Ok(request) => request,
            Err(refusal) => {
                let to_head = self.head.start_line(bytes).starts_with(b"HEAD ");
                self.record.detail = worker.access_log.as_ref().and_then(|log| log.detail(None, None));
                self.push_refusal(refusal, to_head);
                return Step::Refused;
            }
        };
        let facts = request.facts();
        let Verdict { decision, host, hsts } = decide(&request, &table, &self.door, &self.peer);
        if let Some(log) = &worker.access_log {
            self.record.detail = log.detail(Some(&request), host.map(|host| &host.name));
        }
        let step = match decision {
            Decision::Forward(forward, service) => {
                let mut head = Buffer::default();
                let Door { scheme, port, .. } = *self.door;
                let origin = Origin { peer: self.peer.address, scheme, port };
                render(&request, origin, forward.keep_alive, &mut head);
                if let Some(detail) = &mut self.record.detail {
                    detail.forwarded(head.bytes());
                }
                let session = forward.sticky.then(|| Session::of(&request, table.cookie_key.as_ref()));
                let (forward, service) = (forward.clone(), service.clone());
                Step::Forward(exchange::Order { head, facts, forward, service, session, hsts })
            }
            Decision::Reply(reply) => {
                let close = !facts.keep_alive
                    || worker.draining.get()
                    || !is_buffered(facts.framing, self.input.len() - length)
                    || matches!(facts.method, Method::Connect | Method::Trace);
                let to_head = facts.method == Method::Head;
                let manner = Manner { version: facts.version, close, to_head, hsts };
                self.record.sent = reply.render(&mut self.output, manner) as u64;
                self.record.why = reply.why();
                self.answered(reply.status());
                Step::Replied { facts, close }
            }
        };
        self.input.consume(length);
        step
    }

    fn after_reply(&mut self, facts: Facts, close: bool) -> After {
        match facts.framing {
            framing if !is_buffered(framing, self.input.len()) => return After::Linger,
            Framing::Length(length) => self.input.consume(usize::try_from(length).unwrap_or(usize::MAX)),
            Framing::Empty | Framing::Chunked | Framing::UntilClose => {}
        }
        match close {
            true if self.input.is_empty() => After::Close,
            true => After::Linger,
            false => After::Keep,
        }
    }

    /// Answers 503 to a request that was forwarded in vain.
    pub(super) async fn reply_unavailable(
        &mut self,
        order: &exchange::Order,
        reason: NoLease,
        body_read: bool,
    ) -> After {
        let page = self.worker.handle.table().unavailable_page.clone();
        let unavailable = Unavailable { page: page.as_deref(), is_busy: reason == NoLease::Busy };
        self.record.why.get_or_insert(reason.why());
        self.reply(Reply::Unavailable(unavailable), order, body_read).await
    }

    /// Answers a request that was forwarded in vain. `body_read` says whether nothing of it is left.
    pub(super) async fn reply(
        &mut self,
        reply: Reply<'_>,
        order: &exchange::Order,
        body_read: bool,
    ) -> After {
        let facts = order.facts;
        let close = !facts.keep_alive || !body_read || self.worker.draining.get();
        let to_head = facts.method == Method::Head;
        let manner = Manner { version: facts.version, close, to_head, hsts: order.hsts };
        self.record.sent = reply.render(&mut self.output, manner) as u64;
        self.record.why = self.record.why.or(reply.why());
        self.answered(reply.status());
        let after = match (close, body_read) {
            (false, _) => After::Keep,
            (true, true) => After::Close,
            (true, false) => After::Linger,
        };
        self.finish(after).await
    }

    /// Answers a head that cannot be read, and ends the connection.
    async fn refuse(&mut self, refusal: Refusal) -> Option<usize> {
        self.record = Record::begin();
        self.record.detail = self.worker.access_log.as_ref().and_then(|log| log.detail(None, None));
        self.push_refusal(refusal, false);
        let after = self.finish(After::Linger).await;
        self.end_record();
        if after == After::Linger {
            self.linger().await;
        }
        None
    }

    fn push_refusal(&mut self, refusal: Refusal, to_head: bool) {
        let manner = Manner { version: Version::V11, close: true, to_head, hsts: None };
        self.record.sent = Reply::Refused(refusal).render(&mut self.output, manner) as u64;
        self.record.why = Some(refusal.reason);
        self.answered(refusal.status);
    }

    /// The head of the final response is about to go out.
    pub(super) fn answered(&mut self, status: u16) {
        self.record.status = status;
        self.worker.counters.response(status, self.record.by);
    }

    /// The request is over, or given up.
    fn end_record(&mut self) {
        self.record.end(&self.worker, &self.door, &self.peer);
    }

    /// Writes the output. What becomes of the connection is `after`, unless the client is gone.
    async fn finish(&mut self, after: After) -> After {
        self.deadline.set(Some(self.worker.options.timeouts.reply));
        let written = poll_fn(|cx| match self.poll_flush(cx) {
            Poll::Ready(result) => Poll::Ready(result),
            Poll::Pending => self.deadline.poll(cx).map(|()| Err(io::ErrorKind::TimedOut.into())),
        });
        match written.await {
            Ok(()) => after,
            Err(error) => {
                if error.kind() == io::ErrorKind::TimedOut {
                    self.worker.counters.timeout(Late::Reader);
                }
                After::Cut
            }
        }
    }

    /// Writes the output as far as the client takes it.
    pub(super) fn poll_flush(&mut self, cx: &mut std::task::Context<'_>) -> Poll<io::Result<()>> {
        while !self.output.is_empty() {
            match std::task::ready!(Pin::new(&mut self.stream).poll_write(cx, self.output.bytes()))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                written => self.output.consume(written),
            }
        }
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    /// Says that nothing more comes.
    async fn close(&mut self) {
        self.deadline.set(Some(LINGER));
        poll_fn(|cx| match Pin::new(&mut self.stream).poll_shutdown(cx) {
            Poll::Ready(_) => Poll::Ready(()),
            Poll::Pending => self.deadline.poll(cx),
        })
        .await;
    }

    /// Says that nothing more comes, and reads what the client still sends: closing over unread bytes would reset the
    /// connection, and the client might lose the answer (RFC 9112 section 9.6).
    async fn linger(&mut self) {
        self.close().await;
        self.deadline.set(Some(LINGER));
        poll_fn(|cx| {
            loop {
                self.input.clear();
                match self.input.poll_fill(cx, &mut self.stream, BLOCK) {
                    Poll::Ready(Ok(1..)) => {}
                    Poll::Ready(Ok(0) | Err(_)) => return Poll::Ready(()),
                    Poll::Pending => return self.deadline.poll(cx),
                }
            }
        })
        .await;
    }
}

/// Whether a body is here as a whole, so that skipping it costs nothing.
fn is_buffered(framing: Framing, buffered: usize) -> bool {
    match framing {
        Framing::Empty => true,
        Framing::Length(length) => length <= buffered as u64,
        Framing::Chunked | Framing::UntilClose => false,
    }
}
