//! The bytes under a client's connection of HTTP/2, and what they cost.
//!
//! In come the bytes that were read before it was known for HTTP/2, then those of the stream; all are passed on. The
//! frames among them that ask for work and carry nothing (PING, SETTINGS, RST_STREAM and so on) are paid from an
//! allowance, which grows with time and with what the client is answered. `h2` alone would serve them at any rate. Hot:
//! nine bytes of each frame are looked at.

use std::cell::Cell;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

use crate::http::Buffer;

/// A stream of which every frame is counted.
pub(super) struct Wire<S> {
    stream: S,
    /// Read already.
    first: Buffer,
    from_client: Frames,
    to_client: Frames,
    gauge: Rc<Gauge>,
}

/// What a connection has used up, for the one that serves it.
pub(super) struct Gauge {
    allowance: Cell<u64>,
    filled: Cell<Instant>,
    /// When the client last sent anything.
    heard: Cell<Instant>,
    /// Whether nothing more is said to the client.
    closing: Cell<bool>,
}

/// The most that can be saved up: a burst that a browser with many tabs does not reach.
const MOST: u64 = 4_000;

/// What a second adds.
const PER_SECOND: u64 = 400;

/// What a frame of an answer adds: a client may say twice that it has taken it, and measure how long that took.
const PER_ANSWER: u64 = 4;

/// What a cancelled request costs: somebody may have begun to work on it.
const RESET_COST: u64 = 10;

impl<S> Wire<S> {
    pub(super) fn new(stream: S, first: Buffer, gauge: Rc<Gauge>) -> Self {
        let from_client = Frames { skip: PREFACE.len(), ..Frames::default() };
        Self { stream, first, from_client, to_client: Frames::default(), gauge }
    }

    fn count_read(&mut self, bytes: &[u8]) {
        self.gauge.heard.set(Instant::now());
        self.from_client.follow(bytes, |kind| self.gauge.spend(cost(kind)));
    }

    fn count_written(&mut self, bytes: &[u8]) {
        self.to_client.follow(bytes, |kind| {
            if matches!(kind, DATA | HEADERS) {
                self.gauge.add(PER_ANSWER);
            }
        });
    }
}

// Kinds of frames (RFC 9113 section 6).
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const CONTINUATION: u8 = 9;

fn cost(kind: u8) -> u64 {
    match kind {
        // `h2` counts those that carry nothing.
        DATA | HEADERS | CONTINUATION => 0,
        RST_STREAM => RESET_COST,
        _ => 1,
    }
}

impl Gauge {
    pub(super) fn new() -> Self {
        let now = Instant::now();
        Self {
            allowance: Cell::new(MOST),
            filled: Cell::new(now),
            heard: Cell::new(now),
            closing: Cell::new(false),
        }
    }

    /// Whether the client has sent more than it may.
    pub(super) fn is_used_up(&self) -> bool {
        self.allowance.get() == 0
    }

    pub(super) fn heard(&self) -> Instant {
        self.heard.get()
    }

    pub(super) fn is_closing(&self) -> bool {
        self.closing.get()
    }

    fn add(&self, units: u64) {
        // One that is used up stays so.
        if !self.is_used_up() {
            self.allowance.set((self.allowance.get() + units).min(MOST));
        }
    }

    fn spend(&self, units: u64) {
        if units == 0 {
            return;
        }
        let seconds = self.filled.get().elapsed().as_secs();
        if seconds > 0 {
            self.filled.set(Instant::now());
            self.add(seconds.saturating_mul(PER_SECOND));
        }
        self.allowance.set(self.allowance.get().saturating_sub(units));
    }
}

/// Finds the frames in the bytes of one direction (RFC 9113 section 4.1).
#[derive(Default)]
struct Frames {
    /// Of the current frame's header.
    header: [u8; HEADER],
    have: usize,
    /// How many bytes come before the next header.
    skip: usize,
}

const HEADER: usize = 9;

/// What a client says first (RFC 9113 section 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

impl Frames {
    fn follow(&mut self, mut bytes: &[u8], mut found: impl FnMut(u8)) {
        while !bytes.is_empty() {
            let skipped = self.skip.min(bytes.len());
            self.skip -= skipped;
            bytes = &bytes[skipped..];
            let taken = (HEADER - self.have).min(bytes.len());
            self.header[self.have..self.have + taken].copy_from_slice(&bytes[..taken]);
            self.have += taken;
            bytes = &bytes[taken..];
            if self.have == HEADER {
                let [high, middle, low, kind, ..] = self.header;
                self.skip = usize::from(high) << 16 | usize::from(middle) << 8 | usize::from(low);
                self.have = 0;
                found(kind);
            }
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Wire<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.gauge.is_used_up() {
            // Nothing is read that would be worked on; the connection's task, which runs now, ends it.
            return Poll::Pending;
        }
        let before = out.filled().len();
        if this.first.is_empty() {
            ready!(Pin::new(&mut this.stream).poll_read(cx, out))?;
        } else {
            let count = this.first.len().min(out.remaining());
            out.put_slice(&this.first.bytes()[..count]);
            this.first.consume(count);
        }
        this.count_read(&out.filled()[before..]);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Wire<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write(cx, bytes))?;
        self.count_written(&bytes[..written]);
        Poll::Ready(Ok(written))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write_vectored(cx, slices))?;
        let mut left = written;
        for slice in slices {
            let count = left.min(slice.len());
            self.count_written(&slice[..count]);
            left -= count;
        }
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    /// Says that nothing more comes, and reads what the client still sends until it ends too: closing over unread bytes
    /// would reset the connection, and the client might lose the GOAWAY that says why.
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if !this.gauge.closing.get() {
            ready!(Pin::new(&mut this.stream).poll_shutdown(cx))?;
            this.gauge.closing.set(true);
        }
        loop {
            this.first.clear();
            match ready!(this.first.poll_fill(cx, &mut this.stream, usize::MAX)) {
                Ok(1..) => {}
                Ok(0) | Err(_) => return Poll::Ready(Ok(())),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: u8, length: u8) -> Vec<u8> {
        let header = [0, 0, length, kind, 0, 0, 0, 0, 1];
        [&header[..], &vec![0xff; usize::from(length)]].concat()
    }

    #[test]
    fn frames_are_found_however_they_arrive() {
        let frames = [frame(4, 0), frame(1, 200), frame(0, 7), frame(6, 8)].concat();
        let bytes = [PREFACE, &frames].concat();
        for step in 1..bytes.len() {
            let mut follower = Frames { skip: PREFACE.len(), ..Frames::default() };
            let mut kinds = Vec::new();
            bytes.chunks(step).for_each(|part| follower.follow(part, |kind| kinds.push(kind)));
            assert_eq!(kinds, [4, 1, 0, 6], "{step}");
        }
    }

    #[test]
    fn an_allowance_that_is_used_up_stays_so() {
        let gauge = Gauge::new();
        gauge.spend(MOST - 1);
        gauge.add(5);
        gauge.spend(5);
        assert!(!gauge.is_used_up());
        gauge.spend(2);
        gauge.add(MOST);
        assert!(gauge.is_used_up());
    }

    #[test]
    fn what_carries_something_is_free() {
        assert_eq!([DATA, HEADERS, CONTINUATION].map(cost), [0; 3]);
        assert!(cost(RST_STREAM) > cost(6) && cost(6) > 0 && cost(0xff) > 0);
    }
}
