//! The one thread that writes: all writes that wait are one transaction, and answered when it is on the disk.

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot, watch};

use crate::database::Medium;
use crate::disk::Disk;
use crate::error::WriteError;
use crate::lock::FolderLock;
use crate::object::{Object, Revision};
use crate::published::Published;
use crate::stage::{Stage, Write};

/// More writes than that are not put in one transaction, so that the first of them does not wait for ever.
const LARGEST_BATCH: usize = 256;

/// A write that waits for its answer.
pub(crate) struct Request {
    pub(crate) write: Write,
    pub(crate) answer: oneshot::Sender<Answer>,
}

pub(crate) type Answer = Result<Arc<Object>, WriteError>;

pub(crate) struct Writer<M> {
    pub(crate) disk: Disk<M>,
    pub(crate) published: watch::Sender<Published>,
    /// The last revision given out, never again even if its write failed.
    pub(crate) last: Revision,
    pub(crate) total_bytes: usize,
    /// Held until the disk is closed, as fields are dropped in their order.
    pub(crate) _lock: FolderLock,
}

impl<M: Medium> Writer<M> {
    /// Writes until no one is left who could ask for it.
    pub(crate) fn run(mut self, mut requests: mpsc::Receiver<Request>) {
        let mut batch = Vec::new();
        while requests.blocking_recv_many(&mut batch, LARGEST_BATCH) > 0 {
            self.commit(batch.drain(..));
        }
    }

    /// Refusals wait for the commit too: one that is due to another write of the batch holds only if that was stored.
    fn commit(&mut self, batch: impl Iterator<Item = Request>) {
        let current = self.published.borrow().snapshot.clone();
        let mut stage = Stage::new(current.clone(), self.last, self.total_bytes);
        let answers: Vec<_> = batch.map(|request| (request.answer, stage.apply(request.write))).collect();
        self.last = stage.last;
        let stored = match &stage.events[..] {
            [] => Ok(()),
            events => self.disk.commit(&current, events),
        };
        if stored.is_ok() && !stage.events.is_empty() {
            self.published.send_modify(|published| published.publish(stage.snapshot, stage.events));
        }
        for (sender, answer) in answers {
            let answer = stored.clone().map_err(WriteError::Storage).and(answer);
            // Whoever asked may have gone; the write stands.
            let _ = sender.send(answer);
        }
    }
}
