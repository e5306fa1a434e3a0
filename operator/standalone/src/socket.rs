//! A connection whose client has to read: a write that nobody takes for too long ends it.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

/// A stream with a deadline for every write.
#[derive(Debug)]
pub(crate) struct Socket<T> {
    inner: T,
    limit: Duration,
    deadline: Pin<Box<Sleep>>,
    waits: bool,
}

impl<T> Socket<T> {
    pub(crate) fn new(inner: T, limit: Duration) -> Self {
        Self { inner, limit, deadline: Box::pin(sleep(limit)), waits: false }
    }

    /// Passes an outcome on; one that waits has until the deadline.
    fn within<R>(&mut self, context: &mut Context<'_>, outcome: Poll<io::Result<R>>) -> Poll<io::Result<R>> {
        if outcome.is_ready() {
            self.waits = false;
            return outcome;
        }
        if !self.waits {
            self.waits = true;
            self.deadline.as_mut().reset(Instant::now() + self.limit);
        }
        self.deadline.as_mut().poll(context).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Socket<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(context, buffer)
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Socket<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.inner).poll_write(context, bytes);
        self.within(context, outcome)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let outcome = Pin::new(&mut self.inner).poll_flush(context);
        self.within(context, outcome)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let outcome = Pin::new(&mut self.inner).poll_shutdown(context);
        self.within(context, outcome)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_client_that_does_not_read_is_let_go() {
        let (server, _client) = duplex(4);
        let mut socket = Socket::new(server, Duration::from_secs(30));
        let error = socket.write_all(b"more than four").await.expect_err("nobody reads");
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_reads_slowly_has_the_whole_time_for_every_piece() {
        let (server, mut client) = duplex(4);
        let mut socket = Socket::new(server, Duration::from_secs(30));
        let reader = tokio::spawn(async move {
            let mut read = Vec::new();
            let mut piece = [0; 4];
            while let Ok(count @ 1..) = client.read(&mut piece).await {
                read.extend_from_slice(&piece[..count]);
                sleep(Duration::from_secs(20)).await;
            }
            read
        });
        socket.write_all(b"more than four").await.expect("it reads");
        drop(socket);
        assert_eq!(reader.await.expect("no panic"), b"more than four");
    }
}
