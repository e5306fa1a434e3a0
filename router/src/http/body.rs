//! Moves a body from one side to the other.
//!
//! In come bytes from a source, framed one way; out go the same data to a sink, framed as that side needs, after a head
//! that was rendered before. At most one block is held: nothing is read while the sink is full. Large data is written
//! from where it was read; small pieces are gathered. Hot: no allocation, no lock.

use std::fmt::Write;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite};

use super::Buffer;
use super::buffer::BLOCK;
use super::chunked::{BadChunk, Chunks, Piece};
use super::framing::Framing;
use super::response::push_field;
use super::trailers;

/// Data up to this size is copied behind what is written before it.
const SMALL: usize = 2 * 1024;

/// A body under way.
#[derive(Debug)]
pub(crate) struct Pump {
    rest: Rest,
    /// Whether the data goes out in chunks.
    chunked: bool,
    /// Whether trailers follow them.
    trailers: bool,
    /// How many more bytes of data may come.
    allowed: u64,
    /// How many bytes of data came.
    pub(crate) count: u64,
    /// Written first.
    out: Buffer,
    /// Then so many bytes of the input.
    direct: usize,
    /// Everything was rendered.
    ended: bool,
    /// Why it last had to wait.
    pub(crate) waits_for: Side,
    /// Whether any byte moved since this was last cleared.
    pub(crate) moved: bool,
}

#[derive(Debug)]
enum Rest {
    Done,
    Length(u64),
    Chunks(Chunks),
    UntilClose,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Source,
    Sink,
}

/// Why a body could not be moved whole.
#[derive(Debug)]
pub(crate) enum Broken {
    /// The source failed, or ended too early.
    Source,
    /// Its framing is not what it has to be.
    Framing,
    /// It is longer than it may be.
    TooLong,
    Sink,
}

impl Pump {
    /// `head` goes out before the body. The input's framing is `framing`; with `chunked` the data is framed in chunks.
    pub(crate) fn new(head: Buffer, framing: Framing, chunked: bool) -> Self {
        let rest = match framing {
            Framing::Empty => Rest::Done,
            Framing::Length(length) => Rest::Length(length),
            Framing::Chunked => Rest::Chunks(Chunks::default()),
            Framing::UntilClose => Rest::UntilClose,
        };
        Self {
            rest,
            chunked,
            trailers: true,
            allowed: u64::MAX,
            count: 0,
            out: head,
            direct: 0,
            ended: false,
            waits_for: Side::Source,
            moved: false,
        }
    }

    /// Drops trailers, because the other side did not ask for them.
    pub(crate) fn without_trailers(mut self) -> Self {
        self.trailers = false;
        self
    }

    /// Breaks as soon as there is more data than so many bytes.
    pub(crate) fn up_to(mut self, bytes: Option<u64>) -> Self {
        self.allowed = bytes.unwrap_or(u64::MAX);
        self
    }

    /// Goes on as far as both sides allow. Ready when everything is with the sink.
    pub(crate) fn poll<R, W>(
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
        loop {
            self.prepare(input)?;
            if !self.out.is_empty() || self.direct > 0 {
                self.waits_for = Side::Sink;
                ready!(self.poll_write(cx, input, sink)).map_err(|_| Broken::Sink)?;
                self.moved = true;
                continue;
            }
            let flushed = Pin::new(&mut *sink).poll_flush(cx).map_err(|_| Broken::Sink)?;
            self.waits_for = if flushed.is_ready() { Side::Source } else { Side::Sink };
            if self.ended {
                return flushed.map(Ok);
            }
            match ready!(input.poll_fill(cx, source, BLOCK)).map_err(|_| Broken::Source)? {
                0 => self.end_of_source()?,
                _ => self.moved = true,
            }
        }
    }

    /// Turns input into what is to be written.
    fn prepare(&mut self, input: &mut Buffer) -> Result<(), Broken> {
        while self.direct == 0 && !self.ended && self.out.has_room(SMALL + 32) {
            match self.rest.next(input.bytes()).map_err(|BadChunk| Broken::Framing)? {
                Piece::Data { skip, length } => {
                    self.allowed = self.allowed.checked_sub(length as u64).ok_or(Broken::TooLong)?;
                    self.count += length as u64;
                    input.consume(skip);
                    self.data(input, length);
                }
                Piece::More { skip } => {
                    input.consume(skip);
                    break;
                }
                Piece::End { skip } => {
                    input.consume(skip);
                    self.end();
                }
            }
        }
        Ok(())
    }

    fn data(&mut self, input: &mut Buffer, length: usize) {
        if self.chunked {
            // Cannot fail: a buffer takes every byte.
            let _ = write!(self.out, "{length:x}\r\n");
        }
        if length > SMALL {
            self.direct = length;
            return;
        }
        self.out.push(&input.bytes()[..length]);
        input.consume(length);
        self.end_chunk();
    }

    fn end_chunk(&mut self) {
        if self.chunked {
            self.out.push(b"\r\n");
        }
    }

    fn end(&mut self) {
        self.ended = true;
        let rest = std::mem::replace(&mut self.rest, Rest::Done);
        if !self.chunked {
            return;
        }
        self.out.push(b"0\r\n");
        if let Rest::Chunks(chunks) = rest
            && self.trailers
        {
            for (name, value) in chunks.trailers().filter(|(name, _)| trailers::may_follow(name)) {
                push_field(&mut self.out, name, value);
            }
        }
        self.out.push(b"\r\n");
    }

    fn end_of_source(&mut self) -> Result<(), Broken> {
        match self.rest {
            Rest::UntilClose => {
                self.end();
                Ok(())
            }
            Rest::Done | Rest::Length(_) | Rest::Chunks(_) => Err(Broken::Source),
        }
    }

    fn poll_write<W>(
        &mut self,
        cx: &mut Context<'_>,
        input: &mut Buffer,
        sink: &mut W,
    ) -> Poll<io::Result<()>>
    where
        W: AsyncWrite + Unpin,
    {
        let sink = Pin::new(sink);
        let written = if self.direct == 0 {
            ready!(sink.poll_write(cx, self.out.bytes()))?
        } else {
            let slices = [IoSlice::new(self.out.bytes()), IoSlice::new(&input.bytes()[..self.direct])];
            let first = usize::from(self.out.is_empty());
            ready!(sink.poll_write_vectored(cx, &slices[first..]))?
        };
        if written == 0 {
            return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
        }
        let from_out = written.min(self.out.len());
        self.out.consume(from_out);
        let from_input = written - from_out;
        if from_input > 0 {
            input.consume(from_input);
            self.direct -= from_input;
            if self.direct == 0 {
                self.end_chunk();
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl Rest {
    #[allow(clippy::cast_possible_truncation)] // the smaller of the two fits
    fn next(&mut self, bytes: &[u8]) -> Result<Piece, BadChunk> {
        match self {
            Self::Done | Self::Length(0) => Ok(Piece::End { skip: 0 }),
            _ if bytes.is_empty() => Ok(Piece::More { skip: 0 }),
            Self::Length(rest) => {
                let length = (*rest).min(bytes.len() as u64);
                *rest -= length;
                Ok(Piece::Data { skip: 0, length: length as usize })
            }
            Self::Chunks(chunks) => chunks.next(bytes),
            Self::UntilClose => Ok(Piece::Data { skip: 0, length: bytes.len() }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What comes out for `input`, which arrives all at once.
    fn moved(framing: Framing, chunked: bool, input: &[u8]) -> Result<Vec<u8>, Broken> {
        let mut head = Buffer::default();
        head.push(b"HEAD ");
        let (mut pump, mut buffer, mut source, mut sink) =
            (Pump::new(head, framing, chunked), Buffer::default(), input, Vec::new());
        let mut cx = Context::from_waker(std::task::Waker::noop());
        match pump.poll(&mut cx, &mut buffer, &mut source, &mut sink) {
            Poll::Ready(result) => result.map(|()| sink),
            Poll::Pending => panic!("nothing has to wait"),
        }
    }

    #[test]
    fn a_body_of_any_framing_comes_out_in_any_framing() {
        let large = "x".repeat(100_000);
        for data in ["abc", &large] {
            let chunks = format!("{:x}\r\n{data}\r\n0\r\n\r\n", data.len());
            let inputs = [
                (Framing::Length(data.len() as u64), data),
                (Framing::UntilClose, data),
                (Framing::Chunked, chunks.as_str()),
            ];
            for (framing, input) in inputs {
                let plain = moved(framing, false, input.as_bytes()).unwrap();
                assert_eq!(plain, format!("HEAD {data}").as_bytes());
                let chunked = moved(framing, true, input.as_bytes()).unwrap();
                let again = moved(Framing::Chunked, false, &chunked[5..]).unwrap();
                assert_eq!(again, plain);
            }
        }
        assert_eq!(moved(Framing::Empty, false, b"rest").unwrap(), b"HEAD ");
    }

    #[test]
    fn small_chunks_are_gathered() {
        let chunks = b"1\r\na\r\n1\r\nb\r\n0\r\n\r\n";
        assert_eq!(moved(Framing::Chunked, true, chunks).unwrap(), b"HEAD 1\r\na\r\n1\r\nb\r\n0\r\n\r\n");
    }

    #[test]
    fn trailers_follow_a_body_in_chunks_unless_they_would_change_its_meaning() {
        let input = b"1\r\na\r\n0\r\nGrpc-Status: 0\r\nContent-Length: 5\r\nHost: x\r\n\r\n";
        let expected = b"HEAD 1\r\na\r\n0\r\nGrpc-Status: 0\r\n\r\n";
        assert_eq!(moved(Framing::Chunked, true, input).unwrap(), expected);
        assert_eq!(moved(Framing::Chunked, false, input).unwrap(), b"HEAD a");
        let mut pump = Pump::new(Buffer::default(), Framing::Chunked, true).without_trailers();
        let (mut buffer, mut source, mut sink) = (Buffer::default(), &input[..], Vec::new());
        let mut cx = Context::from_waker(std::task::Waker::noop());
        assert!(pump.poll(&mut cx, &mut buffer, &mut source, &mut sink).is_ready());
        assert_eq!(sink, b"1\r\na\r\n0\r\n\r\n");
    }

    #[test]
    fn a_body_that_is_longer_than_it_may_be_breaks_off() {
        let chunks = b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
        let limited = |limit| {
            let mut pump = Pump::new(Buffer::default(), Framing::Chunked, false).up_to(Some(limit));
            let (mut buffer, mut source, mut sink) = (Buffer::default(), &chunks[..], Vec::new());
            let mut cx = Context::from_waker(std::task::Waker::noop());
            pump.poll(&mut cx, &mut buffer, &mut source, &mut sink)
        };
        assert!(matches!(limited(5), Poll::Ready(Ok(()))));
        assert!(matches!(limited(4), Poll::Ready(Err(Broken::TooLong))));
        assert!(matches!(limited(0), Poll::Ready(Err(Broken::TooLong))));
    }

    #[test]
    fn a_source_that_ends_too_early_is_told_from_one_that_breaks_the_framing() {
        assert!(matches!(moved(Framing::Length(4), false, b"abc"), Err(Broken::Source)));
        assert!(matches!(moved(Framing::Chunked, false, b"3\r\nab"), Err(Broken::Source)));
        assert!(matches!(moved(Framing::Chunked, false, b"zz\r\n"), Err(Broken::Framing)));
    }
}
