//! What goes out on a stream of HTTP/2, from bytes of HTTP/1.1.
//!
//! In come the bytes of a body, framed as its head said; out go DATA frames and trailers. No more is taken than the
//! other side has room for. The last data waits until something is flushed or ends, so that an end needs no frame of
//! its own. A message that did not end when this is dropped resets the stream. Hot: data is copied once.

use std::io;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use h2::{Reason, SendStream};

use super::fields;
use super::inflow::reset;
use crate::http::chunked::{BadChunk, Chunks, Piece};
use crate::http::framing::Framing;

/// A message that goes out, after its head.
pub(crate) struct Outflow {
    stream: SendStream<Bytes>,
    rest: Rest,
    /// Taken, and not sent yet.
    held: Bytes,
    /// What the other side is told if the message does not end.
    broken: Reason,
}

/// What is to come of the message.
enum Rest {
    Done,
    Length(u64),
    /// With how much of the current chunk is to come.
    Chunks(Chunks, usize),
    UntilClose,
}

impl Outflow {
    /// `framing` is that of the bytes to come; `broken` is what the other side is told if they do not come.
    pub(crate) fn new(stream: SendStream<Bytes>, framing: Framing, broken: Reason) -> Self {
        let rest = match framing {
            // Its head has ended the stream.
            Framing::Empty => Rest::Done,
            Framing::Length(length) => Rest::Length(length),
            Framing::Chunked => Rest::Chunks(Chunks::default(), 0),
            Framing::UntilClose => Rest::UntilClose,
        };
        Self { stream, rest, held: Bytes::new(), broken }
    }

    /// Whether the message has ended.
    pub(crate) fn is_over(&self) -> bool {
        matches!(self.rest, Rest::Done)
    }

    /// Takes some of the bytes.
    pub(crate) fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if bytes.is_empty() {
            return Poll::Ready(Ok(0));
        }
        let left = match &mut self.rest {
            Rest::Done => return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
            Rest::UntilClose => u64::MAX,
            Rest::Length(left) => *left,
            Rest::Chunks(chunks, left) => {
                if *left == 0 {
                    match chunks.next(bytes).map_err(|BadChunk| io::ErrorKind::InvalidData)? {
                        Piece::Data { skip: 0, length } => *left = length,
                        Piece::Data { skip, length } => {
                            *left = length;
                            return Poll::Ready(Ok(skip));
                        }
                        Piece::More { skip } => return Poll::Ready(Ok(skip)),
                        Piece::End { skip } => return Poll::Ready(self.end().map(|()| skip)),
                    }
                }
                *left as u64
            }
        };
        let most = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
        let count = ready!(self.poll_take(cx, &bytes[..most]))?;
        match &mut self.rest {
            Rest::Length(left) => {
                *left -= count as u64;
                if *left == 0 {
                    self.end()?;
                }
            }
            Rest::Chunks(_, left) => *left -= count,
            Rest::Done | Rest::UntilClose => {}
        }
        Poll::Ready(Ok(count))
    }

    /// Sends what is held, so that everything taken is on its way.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        if self.held.is_empty() {
            return Ok(());
        }
        self.stream.send_data(std::mem::take(&mut self.held), false).map_err(reset)
    }

    /// Ends a message that has no other end. One that was promised more is not ended by this.
    pub(crate) fn close(&mut self) -> io::Result<()> {
        if let Rest::UntilClose = self.rest { self.end() } else { self.flush() }
    }

    /// Ready when the other side wants no more of this, or is gone.
    pub(crate) fn poll_reset(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.stream.poll_reset(cx).map(|_| ())
    }

    fn end(&mut self) -> io::Result<()> {
        if let Rest::Chunks(chunks, _) = std::mem::replace(&mut self.rest, Rest::Done) {
            let trailers = fields::of_trailers(chunks.trailers())?;
            if !trailers.is_empty() {
                self.flush()?;
                return self.stream.send_trailers(trailers).map_err(reset);
            }
        }
        self.stream.send_data(std::mem::take(&mut self.held), true).map_err(reset)
    }

    /// Holds a copy of as much as there is room for, at least one byte.
    fn poll_take(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.flush()?;
        self.stream.reserve_capacity(bytes.len());
        let room = loop {
            match self.stream.capacity() {
                0 => match ready!(self.stream.poll_capacity(cx)) {
                    Some(Ok(_)) => {}
                    Some(Err(error)) => return Poll::Ready(Err(reset(error))),
                    None => return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into())),
                },
                room => break room.min(bytes.len()),
            }
        };
        self.held = Bytes::copy_from_slice(&bytes[..room]);
        Poll::Ready(Ok(room))
    }
}

impl Drop for Outflow {
    fn drop(&mut self) {
        if !self.is_over() {
            self.stream.send_reset(self.broken);
        }
    }
}
