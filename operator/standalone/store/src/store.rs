//! The handle that everybody has: reads from memory, writes to the writer, watches, older states.

use std::path::Path;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use tokio::sync::{mpsc, oneshot, watch};

use crate::backup;
use crate::database::{Files, Medium};
use crate::disk::Disk;
use crate::error::{BackupError, Failure, Gone, OpenError, WriteError};
use crate::lock::FolderLock;
use crate::object::{Key, Object, Revision};
use crate::published::{self, Published};
use crate::snapshot::Snapshot;
use crate::stage::Write;
use crate::watch::Watch;
use crate::writer::{Request, Writer};

#[cfg(test)]
mod failure_tests;
#[cfg(test)]
mod tests;

/// Writes beyond that wait to be queued.
const QUEUE: usize = 1024;

/// How much the store takes.
#[derive(Clone, Debug)]
pub struct Limits {
    /// All objects together, in bytes of memory.
    pub total_bytes: usize,
    /// Events that a watch can go back.
    pub events: usize,
    /// The same in bytes, counting the states before and after; whichever is reached first.
    pub event_bytes: usize,
}

/// The objects of one data folder; cheap to clone. The folder is let go when the last clone is dropped.
#[derive(Clone, Debug)]
pub struct Store {
    open: Arc<Open>,
}

#[derive(Debug)]
struct Open {
    published: watch::Receiver<Published>,
    /// There until it is dropped.
    requests: Option<mpsc::Sender<Request>>,
    writer: Option<JoinHandle<()>>,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { total_bytes: 1 << 30, events: 10_000, event_bytes: 16 << 20 }
    }
}

impl Store {
    /// Opens the store of a data folder, or begins one.
    ///
    /// # Errors
    ///
    /// See [`OpenError`]: each says what to do.
    pub fn open(folder: &Path) -> Result<Store, OpenError> {
        Store::open_with(folder, &Limits::default())
    }

    /// Opens with other limits.
    ///
    /// # Errors
    ///
    /// As [`Store::open`].
    pub fn open_with(folder: &Path, limits: &Limits) -> Result<Store, OpenError> {
        Store::open_on(folder, limits, Files)
    }

    pub(crate) fn open_on(folder: &Path, limits: &Limits, medium: impl Medium) -> Result<Store, OpenError> {
        let lock = FolderLock::acquire(folder)?;
        let (disk, snapshot) = Disk::open(folder, medium)?;
        let last = snapshot.revision();
        let (sender, published) = watch::channel(Published::new(snapshot, limits));
        let (requests, queue) = mpsc::channel(QUEUE);
        let writer = Writer { disk, published: sender, last, total_bytes: limits.total_bytes, _lock: lock };
        let thread = thread::Builder::new()
            .name("store".to_owned())
            .spawn(move || writer.run(queue))
            .map_err(|error| OpenError::io(folder, error))?;
        Ok(Store { open: Arc::new(Open { published, requests: Some(requests), writer: Some(thread) }) })
    }

    /// The last write that is durable and visible.
    pub fn revision(&self) -> Revision {
        self.open.published.borrow().snapshot.revision()
    }

    /// The object of that key as it is now.
    pub fn get(&self, key: &Key) -> Option<Arc<Object>> {
        self.open.published.borrow().snapshot.get(key).cloned()
    }

    /// All objects as they are now.
    pub fn snapshot(&self) -> Snapshot {
        self.open.published.borrow().snapshot.clone()
    }

    /// All objects as they were at a revision, for the pages of a list and for lists of an exact revision.
    ///
    /// # Errors
    ///
    /// The events since then are no longer known, or it is in the future.
    pub fn snapshot_at(&self, revision: Revision) -> Result<Snapshot, Gone> {
        let (latest, events) = self.open.published.borrow().since(revision)?;
        Ok(published::before(latest, events, revision))
    }

    /// Writes one object. When this returns, the write is durable and visible; when it is dropped before, the write may
    /// happen or not.
    ///
    /// # Errors
    ///
    /// The write did not happen; see [`WriteError`]. After a [`WriteError::Storage`] it shows only if the process ends
    /// before the disk has taken another write.
    pub async fn write(&self, write: Write) -> Result<Arc<Object>, WriteError> {
        let (answer, answered) = oneshot::channel();
        let closed = || WriteError::Storage(Failure::Closed);
        let requests = self.open.requests.as_ref().ok_or_else(closed)?;
        requests.send(Request { write, answer }).await.map_err(|_| closed())?;
        answered.await.map_err(|_| closed())?
    }

    /// Watches a resource, in one namespace or in all, from after a revision on. From a revision in the future it waits
    /// for that to pass.
    ///
    /// # Errors
    ///
    /// The events since then are no longer known: list, and watch from there.
    pub fn watch(
        &self,
        resource: Arc<str>,
        namespace: Option<Arc<str>>,
        after: Revision,
    ) -> Result<Watch, Gone> {
        Watch::new(self.open.published.clone(), resource, namespace, after)
    }

    /// Writes a consistent copy of the store as it is now into a file, which replaces one of that name once it is whole.
    ///
    /// # Errors
    ///
    /// The file cannot be written.
    pub async fn backup(&self, file: &Path) -> Result<(), BackupError> {
        let (snapshot, target) = (self.snapshot(), file.to_path_buf());
        let written = tokio::task::spawn_blocking(move || backup::write(&snapshot, &target)).await;
        written
            .unwrap_or(Err(Failure::Closed))
            .map_err(|source| BackupError { file: file.to_path_buf(), source })
    }
}

impl Drop for Open {
    /// Waits for the writer, which closes the file and then lets the folder go.
    fn drop(&mut self) {
        drop(self.requests.take());
        if let Some(writer) = self.writer.take() {
            // One that panicked has said so.
            let _ = writer.join();
        }
    }
}
