//! One client's connection of HTTP/2: its streams, its limits, its end.
//!
//! In comes a connection; each request on it becomes a task that serves it as a connection of HTTP/1.1. Here is what
//! belongs to the whole: the flood, the silent client, the idle one, and GOAWAY when the worker stops. All streams sit
//! in the connection's seat, so that a worker that stops waits for them.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use h2::server::{self, SendResponse};
use h2::{Ping, PingPong, Reason, RecvStream};
use tokio::task::spawn_local;
use tokio::time::{Instant, timeout};

use super::request::Malformed;
use super::stream::Exchange;
use super::wire::{Gauge, Wire};
use crate::http::Buffer;
use crate::http::connection::{self as http1, Door, Peer, Stream};
use crate::http::deadline::Deadline;
use crate::serve::worker::{Phase, Seat, Worker};

/// Who is at the other end, and who serves them.
pub(crate) struct Visit {
    pub(crate) peer: Peer,
    pub(crate) door: Rc<Door>,
    pub(crate) worker: Rc<Worker>,
    pub(crate) seat: Rc<Seat>,
}

/// How long a client may go on sending, or stay without a request, when the connection is about to end.
const LINGER: Duration = Duration::from_secs(2);

/// Serves a connection until it ends. `first` was read from it already.
pub(crate) async fn serve<S: Stream>(stream: S, first: Buffer, visit: Visit) {
    let worker = visit.worker.clone();
    let gauge = Rc::new(Gauge::new());
    let handshake = worker.options.http2.builder().handshake(Wire::new(stream, first, gauge.clone()));
    let Ok(Ok(mut frames)) = timeout(worker.options.timeouts.header, handshake).await else {
        return;
    };
    let mut connection = Connection {
        ping: frames.ping_pong(),
        frames,
        gauge,
        deadline: Deadline::after(worker.options.timeouts.idle),
        idle_since: None,
        asked: None,
        left: None,
        refused: false,
        visit,
    };
    let mut stopping = pin!(worker.until_stopping());
    poll_fn(|cx| connection.poll(cx, stopping.as_mut())).await;
}

struct Connection<S> {
    frames: server::Connection<Wire<S>, Bytes>,
    ping: Option<PingPong>,
    gauge: Rc<Gauge>,
    visit: Visit,
    deadline: Deadline,
    /// Since when there has been no request.
    idle_since: Option<Instant>,
    /// When the client was last heard before it was asked whether it is still there.
    asked: Option<Instant>,
    /// When the client was told to make no more requests.
    left: Option<Instant>,
    /// Whether it was told to calm down.
    refused: bool,
}

/// What the connection waits for, beside frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wait {
    /// The end, whatever the client does.
    End,
    /// A request.
    Request,
    /// Any sign of life, before the client is asked for one.
    Sound,
    /// A sign of life, after that.
    Answer,
}

impl<S: Stream> Connection<S> {
    /// Ready when the connection has ended, or has to.
    fn poll(&mut self, cx: &mut Context<'_>, mut stopping: Pin<&mut impl Future<Output = ()>>) -> Poll<()> {
        loop {
            match self.frames.poll_accept(cx) {
                Poll::Ready(Some(Ok((request, respond)))) => self.begin(request, respond),
                Poll::Ready(Some(Err(error))) => {
                    self.count(&error);
                    return Poll::Ready(());
                }
                Poll::Ready(None) => return Poll::Ready(()),
                Poll::Pending if self.gauge.is_used_up() && !self.refused => {
                    self.refused = true;
                    self.visit.worker.counters.http2_floods.add_one();
                    self.frames.abrupt_shutdown(Reason::ENHANCE_YOUR_CALM);
                }
                Poll::Pending if self.left.is_none() && stopping.as_mut().poll(cx).is_ready() => self.leave(),
                Poll::Pending => match self.poll_wait(cx) {
                    Poll::Ready(Wait::End | Wait::Answer) => return Poll::Ready(()),
                    Poll::Ready(Wait::Request) => self.leave(),
                    Poll::Ready(Wait::Sound) => self.ask(),
                    Poll::Pending => return Poll::Pending,
                },
            }
        }
    }

    fn begin(&mut self, request: http::Request<RecvStream>, respond: SendResponse<Bytes>) {
        let Visit { peer, door, worker, seat } = &self.visit;
        seat.set_phase(Phase::Busy);
        match Exchange::new(request, respond) {
            Ok(exchange) => {
                spawn_local(http1::serve(exchange, peer.clone(), door.clone(), worker.clone(), seat.clone()));
            }
            Err(Malformed) => worker.counters.http2_malformed.add_one(),
        }
    }

    /// Counts a connection that was ended because of what the client sent.
    fn count(&self, error: &h2::Error) {
        let counters = &self.visit.worker.counters;
        match error.reason() {
            Some(Reason::ENHANCE_YOUR_CALM) if error.is_library() => counters.http2_floods.add_one(),
            Some(_) if error.is_library() => counters.http2_malformed.add_one(),
            _ => {}
        }
    }

    /// Says that the connection waits for its client, so that it may be closed if others need the room.
    fn rest(&self) {
        let seat = &self.visit.seat;
        if self.left.is_none() && seat.phase() == Phase::Busy {
            seat.set_phase(Phase::Idle);
        }
    }

    /// Tells the client to make no more requests here; those that it has made are answered.
    fn leave(&mut self) {
        self.visit.seat.set_phase(Phase::Busy);
        self.left = Some(Instant::now());
        self.frames.graceful_shutdown();
    }

    fn ask(&mut self) {
        self.asked = Some(self.gauge.heard());
        if let Some(ping) = &mut self.ping {
            // Fails if the last one is not answered yet, and then that is what is waited for.
            let _ = ping.send_ping(Ping::opaque());
        }
    }

    /// Ready with what it waited for in vain.
    fn poll_wait(&mut self, cx: &mut Context<'_>) -> Poll<Wait> {
        if let Some(ping) = &mut self.ping {
            // The answer itself is a frame like any other; the next question needs it taken.
            let _ = ping.poll_pong(cx);
        }
        let now = Instant::now();
        if self.frames.has_streams() {
            self.idle_since = None;
        } else {
            self.idle_since.get_or_insert(now);
            self.rest();
        }
        let (at, wait) = self.next_wait();
        self.deadline.set(Some(at.saturating_duration_since(now)));
        self.deadline.poll(cx).map(|()| wait)
    }

    fn next_wait(&self) -> (Instant, Wait) {
        let Worker { options, .. } = &*self.visit.worker;
        let heard = self.gauge.heard();
        let silent = match self.asked {
            Some(asked) if asked == heard => (heard + 2 * options.http2.keep_alive, Wait::Answer),
            _ => (heard + options.http2.keep_alive, Wait::Sound),
        };
        let is_ending = self.refused || self.gauge.is_closing();
        match self.idle_since {
            _ if is_ending => (heard + LINGER, Wait::End),
            Some(since) if let Some(left) = self.left => (since.max(left) + LINGER, Wait::End),
            Some(since) if since + options.timeouts.idle < silent.0 => {
                (since + options.timeouts.idle, Wait::Request)
            }
            _ => silent,
        }
    }
}
