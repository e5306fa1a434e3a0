//! One stream of server-sent events, framed as by Flynn's router.
//!
//! In come the events of `events.rs`; out go those that were asked for, each as a line of data and an empty one, and a
//! comment after half a minute of silence. What waits for a slow reader is bounded: who is too far behind is cut off, and
//! learns by asking again what is there.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame};
use tokio::sync::{Notify, OwnedSemaphorePermit, broadcast, mpsc};
use tokio::time::{sleep, timeout};

use crate::events::{self, Hub, Kind, Telling, Told};
use crate::handle::Handle;

/// The body of such an answer.
pub(crate) struct Events(mpsc::Receiver<Bytes>);

/// How many events may wait for the reader.
const QUEUE: usize = 64;

/// After so much silence the reader is told that the stream still is there.
const HEARTBEAT: Duration = Duration::from_secs(30);

/// Who asks for a stream.
pub(super) struct Request {
    /// What is asked for.
    pub(super) kinds: BTreeSet<Kind>,
    /// How long its reader may take nothing while the queue is full.
    pub(super) patience: Duration,
    /// Is told when the reader is to be cut off.
    pub(super) slow: Arc<Notify>,
    /// Held as long as the stream lasts.
    pub(super) place: OwnedSemaphorePermit,
}

/// What is sent to one reader.
struct Queue {
    events: mpsc::Sender<Bytes>,
    kinds: BTreeSet<Kind>,
    patience: Duration,
}

/// Begins a stream.
pub(super) fn start(handle: &Handle, hub: &Hub, request: Request) -> Events {
    // Before the table is read, so that nothing falls between; and both before the answer begins.
    let news = hub.listen();
    let (known, up) = events::known(handle);
    let (events, body) = mpsc::channel(QUEUE);
    let Request { kinds, patience, slow, place } = request;
    let queue = Queue { events, kinds, patience };
    tokio::spawn(async move {
        if queue.send(&up, 0).await {
            queue.feed(known, news, HEARTBEAT).await;
        }
        // A reader who has left does not hear it.
        slow.notify_one();
        drop(place);
    });
    Events(body)
}

impl Queue {
    /// Sends what is newer than a table, until the reader has gone or is to go.
    async fn feed(&self, known: u64, mut news: broadcast::Receiver<Telling>, heartbeat: Duration) {
        loop {
            let telling = tokio::select! {
                telling = news.recv() => telling,
                () = self.events.closed() => return,
                () = sleep(heartbeat) => {
                    if !self.push(Bytes::from_static(b":\n")).await {
                        return;
                    }
                    continue;
                }
            };
            match telling.as_deref() {
                Ok([]) | Err(_) => return,
                Ok(events) => {
                    if !self.send(events, known).await {
                        return;
                    }
                }
            }
        }
    }

    /// Sends those that were asked for and are newer than a table. Whether the reader takes them.
    async fn send(&self, events: &[Told], known: u64) -> bool {
        for told in events {
            if told.generation <= known || !self.kinds.contains(&told.kind) {
                continue;
            }
            if !self.push(format!("data: {}\n\n", told.json).into()).await {
                return false;
            }
        }
        true
    }

    async fn push(&self, bytes: Bytes) -> bool {
        matches!(timeout(self.patience, self.events.send(bytes)).await, Ok(Ok(())))
    }
}

impl Body for Events {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.poll_recv(cx).map(|bytes| bytes.map(|bytes| Ok(Frame::data(bytes))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue(size: usize) -> (Queue, mpsc::Receiver<Bytes>) {
        let (events, body) = mpsc::channel(size);
        (Queue { events, kinds: BTreeSet::new(), patience: Duration::from_secs(10) }, body)
    }

    fn run<F: Future>(future: F) -> F::Output {
        tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(future)
    }

    #[test]
    fn a_silent_stream_says_that_it_is_there_without_an_empty_line() {
        run(async {
            let (hub, (queue, mut body)) = (Hub::new(), queue(1));
            tokio::select! {
                () = queue.feed(0, hub.listen(), Duration::from_millis(1)) => panic!("the reader is there"),
                bytes = body.recv() => assert_eq!(bytes.as_deref(), Some(&b":\n"[..])),
            }
        });
    }

    #[test]
    fn a_stream_that_could_not_be_told_everything_ends() {
        run(async {
            let (hub, (queue, _body)) = (Hub::new(), queue(1));
            let news = hub.listen();
            hub.cut();
            queue.feed(0, news, HEARTBEAT).await;
        });
    }
}
