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

/// How long a reader may take nothing while its queue is full.
const PATIENCE: Duration = Duration::from_secs(10);

/// After so much silence the reader is told that the stream still is there.
const HEARTBEAT: Duration = Duration::from_secs(30);

/// Begins a stream. `slow` is told when its reader is to be cut off; `place` is held as long as it lasts.
pub(super) fn start(
    handle: &Handle,
    hub: &Hub,
    kinds: BTreeSet<Kind>,
    slow: Arc<Notify>,
    place: OwnedSemaphorePermit,
) -> Events {
    // Before the table is read, so that nothing falls between; and both before the answer begins.
    let news = hub.listen();
    let (known, up) = events::known(handle);
    let (queue, body) = mpsc::channel(QUEUE);
    tokio::spawn(async move {
        if send(&up, 0, &kinds, &queue).await {
            feed(known, news, &kinds, &queue, HEARTBEAT).await;
        }
        // A reader who has left does not hear it.
        slow.notify_one();
        drop(place);
    });
    Events(body)
}

/// Sends what is newer than a table, until the reader has gone or is to go.
async fn feed(
    known: u64,
    mut news: broadcast::Receiver<Telling>,
    kinds: &BTreeSet<Kind>,
    queue: &mpsc::Sender<Bytes>,
    heartbeat: Duration,
) {
    loop {
        let telling = tokio::select! {
            telling = news.recv() => telling,
            () = queue.closed() => return,
            () = sleep(heartbeat) => {
                if !push(queue, Bytes::from_static(b":\n")).await {
                    return;
                }
                continue;
            }
        };
        match telling.as_deref() {
            Ok([]) | Err(_) => return,
            Ok(events) => {
                if !send(events, known, kinds, queue).await {
                    return;
                }
            }
        }
    }
}

/// Sends those that were asked for and are newer than a table. Whether the reader takes them.
async fn send(events: &[Told], known: u64, kinds: &BTreeSet<Kind>, queue: &mpsc::Sender<Bytes>) -> bool {
    for told in events {
        if told.generation <= known || !kinds.contains(&told.kind) {
            continue;
        }
        if !push(queue, format!("data: {}\n\n", told.json).into()).await {
            return false;
        }
    }
    true
}

async fn push(queue: &mpsc::Sender<Bytes>, bytes: Bytes) -> bool {
    matches!(timeout(PATIENCE, queue.send(bytes)).await, Ok(Ok(())))
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

    #[test]
    fn a_silent_stream_says_that_it_is_there_without_an_empty_line() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let (queue, mut body) = mpsc::channel(1);
            let (hub, kinds) = (Hub::new(), BTreeSet::new());
            let feeding = feed(0, hub.listen(), &kinds, &queue, Duration::from_millis(1));
            tokio::select! {
                () = feeding => panic!("the reader is there"),
                bytes = body.recv() => assert_eq!(bytes.as_deref(), Some(&b":\n"[..])),
            }
        });
    }

    #[test]
    fn a_stream_that_could_not_be_told_everything_ends() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let (queue, _body) = mpsc::channel(1);
            let (hub, kinds) = (Hub::new(), BTreeSet::new());
            let news = hub.listen();
            hub.cut();
            feed(0, news, &kinds, &queue, HEARTBEAT).await;
        });
    }
}
