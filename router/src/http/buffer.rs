//! Bytes between a socket and whoever reads or writes them.
//!
//! A [`Buffer`] borrows a block from a pool of its thread when the first byte comes and gives it back when the last
//! one is gone, so that an idle connection holds none. Hot: blocks are reused, never cleared, and never shared between
//! threads; a buffer grows past one block only up to the limit that its caller names.

use std::cell::RefCell;
use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, ReadBuf};

/// The size of a pooled block, in bytes.
pub(crate) const BLOCK: usize = 16 * 1024;

/// How many unused blocks a thread keeps: 8 MiB.
const KEPT_BLOCKS: usize = 512;

thread_local! {
    static BLOCKS: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
}

/// Bytes that were read or are to be written, in order.
#[derive(Debug, Default)]
pub(crate) struct Buffer {
    block: Vec<u8>,
    start: usize,
    end: usize,
}

impl Buffer {
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.block[self.start..self.end]
    }

    pub(crate) fn len(&self) -> usize {
        self.end - self.start
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// Drops the first `count` bytes. An empty buffer gives its block back.
    pub(crate) fn consume(&mut self, count: usize) {
        self.start = (self.start + count).min(self.end);
        if self.is_empty() {
            self.release();
        }
    }

    pub(crate) fn clear(&mut self) {
        self.consume(self.len());
    }

    /// Adds bytes at the end, and grows as needed.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.reserve(bytes.len());
        self.block[self.end..self.end + bytes.len()].copy_from_slice(bytes);
        self.end += bytes.len();
    }

    /// Whether `count` more bytes fit without growing past one block.
    pub(crate) fn has_room(&self, count: usize) -> bool {
        self.len() + count <= BLOCK
    }

    /// Reads once. Ready with 0 at the end of the stream, and when the buffer holds `limit` bytes already.
    pub(crate) fn poll_fill<R>(
        &mut self,
        cx: &mut Context<'_>,
        source: &mut R,
        limit: usize,
    ) -> Poll<io::Result<usize>>
    where
        R: AsyncRead + Unpin + ?Sized,
    {
        if self.len() >= limit {
            return Poll::Ready(Ok(0));
        }
        self.reserve(1);
        let mut space = ReadBuf::new(&mut self.block[self.end..]);
        let read = Pin::new(source).poll_read(cx, &mut space);
        let count = space.filled().len();
        if self.is_empty() && count == 0 {
            self.release();
        }
        ready!(read)?;
        self.end += count;
        Poll::Ready(Ok(count))
    }

    /// Makes room for `count` bytes after the end: takes a block, moves the bytes to the front, or grows.
    fn reserve(&mut self, count: usize) {
        if self.block.is_empty() {
            self.block = take_block();
        }
        if self.block.len() - self.end >= count {
            return;
        }
        self.block.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        let needed = self.end + count;
        if self.block.len() < needed {
            self.block.resize(needed.next_multiple_of(BLOCK), 0);
        }
    }

    fn release(&mut self) {
        self.start = 0;
        self.end = 0;
        give_block(std::mem::take(&mut self.block));
    }
}

/// So that numbers and addresses are written without a string in between.
impl fmt::Write for Buffer {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.push(text.as_bytes());
        Ok(())
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        self.release();
    }
}

fn take_block() -> Vec<u8> {
    BLOCKS.with_borrow_mut(Vec::pop).unwrap_or_else(|| vec![0; BLOCK])
}

fn give_block(block: Vec<u8>) {
    if block.len() != BLOCK {
        return;
    }
    // At the end of a thread its pool may be gone before its last buffer.
    let _ = BLOCKS.try_with(|blocks| {
        let mut blocks = blocks.borrow_mut();
        if blocks.len() < KEPT_BLOCKS {
            blocks.push(block);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_out_in_the_order_they_went_in() {
        let mut buffer = Buffer::default();
        buffer.push(b"hello ");
        buffer.push(b"world");
        buffer.consume(6);
        assert_eq!(buffer.bytes(), b"world");
    }

    #[test]
    fn an_empty_buffer_holds_no_block() {
        let mut buffer = Buffer::default();
        buffer.push(b"x");
        assert_eq!(buffer.block.len(), BLOCK);
        buffer.consume(1);
        assert!(buffer.block.is_empty());
    }

    #[test]
    fn a_full_buffer_moves_its_bytes_before_it_grows() {
        let mut buffer = Buffer::default();
        buffer.push(&[b'a'; BLOCK]);
        buffer.consume(BLOCK - 1);
        buffer.push(b"bc");
        assert_eq!((buffer.bytes(), buffer.block.len()), (&b"abc"[..], BLOCK));
        buffer.push(&[b'd'; BLOCK]);
        assert_eq!((buffer.len(), buffer.block.len()), (BLOCK + 3, 2 * BLOCK));
    }

    #[test]
    fn reading_stops_at_the_limit_and_an_empty_read_keeps_no_block() {
        let mut cx = Context::from_waker(std::task::Waker::noop());
        let mut buffer = Buffer::default();
        let mut empty: &[u8] = b"";
        assert!(matches!(buffer.poll_fill(&mut cx, &mut empty, 4), Poll::Ready(Ok(0))));
        assert!(buffer.block.is_empty());
        let mut source: &[u8] = b"abcdef";
        assert!(matches!(buffer.poll_fill(&mut cx, &mut source, 4), Poll::Ready(Ok(6))));
        assert!(matches!(buffer.poll_fill(&mut cx, &mut source, 4), Poll::Ready(Ok(0))));
    }
}
