//! What comes in on a stream of HTTP/2, as bytes of HTTP/1.1.
//!
//! In come a rendered head and the DATA frames and trailers after it; out go bytes, framed as the head says. The other
//! side may send more as its bytes are taken from here, so that one window is held at most. Hot: data is copied once.

use std::fmt::Write;
use std::io;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use h2::RecvStream;
use tokio::io::ReadBuf;

use super::fields;
use crate::http::Buffer;

/// How a body is written in HTTP/1.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// As it is: its length is in the head, or it is no body but a tunnel.
    Verbatim,
    /// In chunks, with trailers after them.
    Chunks,
}

/// A message that comes in.
pub(crate) struct Inflow {
    stream: RecvStream,
    form: Form,
    /// Read first: the head, then what frames the data.
    text: Buffer,
    /// Read next: what is left of a DATA frame.
    data: Bytes,
    /// Nothing comes any more from the stream.
    ended: bool,
}

impl Inflow {
    pub(crate) fn new(stream: RecvStream, form: Form, head: Buffer) -> Self {
        Self { stream, form, text: head, data: Bytes::new(), ended: false }
    }

    /// Whether everything was read.
    pub(crate) fn is_over(&self) -> bool {
        self.ended && self.text.is_empty() && self.data.is_empty()
    }

    /// Reads as much as there is. Ready with nothing when everything was read.
    pub(crate) fn poll_read(&mut self, cx: &mut Context<'_>, out: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        loop {
            let before = out.filled().len();
            self.give(out)?;
            if out.filled().len() > before || out.remaining() == 0 || self.ended {
                return Poll::Ready(Ok(()));
            }
            ready!(self.poll_next(cx))?;
        }
    }

    fn give(&mut self, out: &mut ReadBuf<'_>) -> io::Result<()> {
        let count = self.text.len().min(out.remaining());
        out.put_slice(&self.text.bytes()[..count]);
        self.text.consume(count);
        let count = self.data.len().min(out.remaining());
        if count > 0 {
            out.put_slice(&self.data[..count]);
            self.data.advance(count);
            self.stream.flow_control().release_capacity(count).map_err(reset)?;
            if self.data.is_empty() && self.form == Form::Chunks {
                self.text.push(b"\r\n");
            }
        }
        Ok(())
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match ready!(self.stream.poll_data(cx)) {
            Some(Ok(data)) => self.take(data),
            Some(Err(error)) => return Poll::Ready(Err(reset(error))),
            None => {
                let trailers = ready!(self.stream.poll_trailers(cx)).map_err(reset)?;
                self.ended = true;
                if self.form == Form::Chunks {
                    self.text.push(b"0\r\n");
                    fields::push_all(&mut self.text, &trailers.unwrap_or_default(), &[]);
                    self.text.push(b"\r\n");
                }
            }
        }
        Poll::Ready(Ok(()))
    }

    fn take(&mut self, data: Bytes) {
        if self.form == Form::Chunks && !data.is_empty() {
            // Cannot fail: a buffer takes every byte.
            let _ = write!(self.text, "{:x}\r\n", data.len());
        }
        self.data = data;
    }
}

/// A stream that the other side reset, or whose connection is gone.
pub(crate) fn reset(error: h2::Error) -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionReset, error)
}
