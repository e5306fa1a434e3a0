//! The body of an object: read piece by piece as the client takes it.

use std::io;
use std::ops::Range;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::task::{JoinHandle, spawn_blocking};

use crate::Content;
use crate::objects::PIECE;

/// A part of an object on its way to a client, of which one piece is in memory: the next is read when there is room for it.
pub(crate) struct Stream {
    content: Content,
    left: Range<u64>,
    reading: Option<JoinHandle<io::Result<Bytes>>>,
}

impl Stream {
    /// The bytes at these positions, which the object has.
    pub(crate) fn new(content: Content, positions: Range<u64>) -> Self {
        Self { content, left: positions, reading: None }
    }

    fn read(&self) -> JoinHandle<io::Result<Bytes>> {
        let (content, position) = (self.content.clone(), self.left.start);
        let most = usize::try_from(self.left.end - position).map_or(PIECE, |left| left.min(PIECE));
        spawn_blocking(move || content.read(position, most))
    }
}

impl Body for Stream {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let stream = self.get_mut();
        if stream.left.is_empty() {
            return Poll::Ready(None);
        }
        let mut reading = stream.reading.take().unwrap_or_else(|| stream.read());
        let Poll::Ready(read) = Pin::new(&mut reading).poll(cx) else {
            stream.reading = Some(reading);
            return Poll::Pending;
        };
        Poll::Ready(Some(read.map_err(io::Error::other).flatten().map(|piece| {
            stream.left.start += piece.len() as u64;
            Frame::data(piece)
        })))
    }

    fn is_end_stream(&self) -> bool {
        self.left.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left.end - self.left.start)
    }
}
