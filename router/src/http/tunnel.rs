//! Bytes both ways after a connection has switched protocols (RFC 9110 section 7.8).
//!
//! In come two streams and what was read from them already; nothing comes out but the end. An end on one side is
//! passed on as such, and the tunnel is over when both sides have ended or one has failed. There is no idle limit.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite};

use super::Buffer;
use super::body::{Broken, Pump};
use super::framing::Framing;

/// One side of a tunnel.
pub(crate) struct End<'a, S> {
    pub(crate) stream: &'a mut S,
    /// Read from the stream already.
    pub(crate) input: &'a mut Buffer,
    /// To be written to the stream first.
    pub(crate) output: Buffer,
}

/// Runs until both directions are over. Gives the numbers of bytes that came from the one and from the other.
pub(crate) async fn run<A, B>(one: End<'_, A>, other: End<'_, B>) -> (u64, u64)
where
    A: AsyncRead + AsyncWrite + Unpin,
    B: AsyncRead + AsyncWrite + Unpin,
{
    let mut there = Direction::new(other.output);
    let mut back = Direction::new(one.output);
    poll_fn(|cx| {
        let first = there.poll(cx, one.input, one.stream, other.stream);
        let second = back.poll(cx, other.input, other.stream, one.stream);
        match (first, second) {
            (Poll::Ready(Err(_)), _)
            | (_, Poll::Ready(Err(_)))
            | (Poll::Ready(Ok(())), Poll::Ready(Ok(()))) => Poll::Ready(()),
            _ => Poll::Pending,
        }
    })
    .await;
    (there.pump.count, back.pump.count)
}

struct Direction {
    pump: Pump,
    state: State,
}

enum State {
    Moving,
    Closing,
    Closed,
}

impl Direction {
    fn new(first: Buffer) -> Self {
        Self { pump: Pump::new(first, Framing::UntilClose, false), state: State::Moving }
    }

    fn poll<R, W>(
        &mut self,
        cx: &mut Context<'_>,
        input: &mut Buffer,
        source: &mut R,
        sink: &mut W,
    ) -> Poll<Result<(), Broken>>
    where
        R: AsyncRead + Unpin,
        W: AsyncWrite + Unpin,
    {
        if let State::Moving = self.state {
            ready!(self.pump.poll(cx, input, source, sink))?;
            self.state = State::Closing;
        }
        if let State::Closing = self.state {
            ready!(Pin::new(sink).poll_shutdown(cx)).map_err(|_| Broken::Sink)?;
            self.state = State::Closed;
        }
        Poll::Ready(Ok(()))
    }
}
