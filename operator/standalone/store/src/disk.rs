//! The store's file: a redb database, which is never read after it was opened.
//!
//! The memory is the truth and the file its durable copy. After a failure nobody can say what of the batch reached the
//! disk, nor (when it was the flush that failed) whether older pages that the kernel holds for clean did. So the file is
//! not used again: before the next write, a new one is made from the memory, flushed, and put in its place.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use redb::Database;

use crate::database::{self, FORMAT, Medium};
use crate::durable;
use crate::error::{Failure, OpenError};
use crate::object::Revision;
use crate::snapshot::Snapshot;
use crate::window::Event;

#[cfg(test)]
pub(crate) mod unreliable;

/// What an empty store is at; lists of an empty store say it, and 0 has a meaning of its own in the Kubernetes API.
const FIRST: Revision = 1;
/// A disk that failed is not tried again sooner, as each try may write the whole store.
const RETRY: Duration = Duration::from_millis(if cfg!(test) { 1 } else { 250 });

pub(crate) struct Disk<M> {
    folder: PathBuf,
    medium: M,
    state: State,
}

enum State {
    Working(Database),
    Broken { failure: Failure, since: Instant },
}

impl<M: Medium> Disk<M> {
    /// Opens the folder's file, or makes it, and reads it whole.
    pub(crate) fn open(folder: &Path, medium: M) -> Result<(Disk<M>, Snapshot), OpenError> {
        refuse_newer(folder)?;
        let file = file(folder);
        // What a process that died while it made a file left; one that stays is overwritten by the next.
        let _ = fs::remove_file(next_file(folder));
        if !file.exists() {
            replace(&medium, folder, &Snapshot::empty(FIRST))
                .map_err(|error| OpenError::database(&file, error))?;
        }
        let database = database::open(&medium, &file).map_err(|error| OpenError::database(&file, error))?;
        let snapshot = database::load(&database, &file)?;
        Ok((Disk { folder: folder.to_path_buf(), medium, state: State::Working(database) }, snapshot))
    }

    /// Makes the events durable, which lead from the current state to that of the revision: all of them or none.
    pub(crate) fn commit(&mut self, current: &Snapshot, events: &[Event]) -> Result<(), Failure> {
        let database = self.working(current)?;
        database::write(database, events).map_err(|error| self.fail(&error))
    }

    /// The database, made anew from the memory if the last one failed.
    fn working(&mut self, current: &Snapshot) -> Result<&Database, Failure> {
        if let State::Broken { failure, since } = &self.state {
            if since.elapsed() < RETRY {
                return Err(failure.clone());
            }
            let database = replace(&self.medium, &self.folder, current).map_err(|error| self.fail(&error))?;
            tracing::info!(folder = %self.folder.display(), "the disk takes writes again");
            self.state = State::Working(database);
        }
        match &self.state {
            State::Working(database) => Ok(database),
            State::Broken { failure, .. } => Err(failure.clone()),
        }
    }

    fn fail(&mut self, error: &redb::Error) -> Failure {
        let failure = Failure::from(error);
        tracing::error!(folder = %self.folder.display(), %error, "a write was not stored: {failure}");
        self.state = State::Broken { failure: failure.clone(), since: Instant::now() };
        failure
    }
}

/// The store's file in a data folder.
pub(crate) fn file(folder: &Path) -> PathBuf {
    folder.join(format!("objects.v{FORMAT}.redb"))
}

/// Where the next file is made, before it takes the place of the last one.
pub(crate) fn next_file(folder: &Path) -> PathBuf {
    folder.join("objects.new")
}

/// A folder that a newer release wrote is not touched, not even to look into its file.
pub(crate) fn refuse_newer(folder: &Path) -> Result<(), OpenError> {
    let failed = |error| OpenError::io(folder, error);
    for entry in fs::read_dir(folder).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name();
        let format = name
            .to_str()
            .and_then(|name| name.strip_prefix("objects.v")?.strip_suffix(".redb")?.parse().ok());
        if let Some(found) = format.filter(|found| *found > FORMAT) {
            return Err(OpenError::Newer { path: folder.to_path_buf(), found, supported: FORMAT });
        }
    }
    Ok(())
}

/// Puts a file that holds the snapshot in the place of the folder's.
fn replace<M: Medium>(medium: &M, folder: &Path, snapshot: &Snapshot) -> Result<Database, redb::Error> {
    let next = next_file(folder);
    let made = database::create(medium, &next, snapshot).and_then(|database| {
        durable::rename(&next, &file(folder)).map_err(redb::Error::Io).map(|()| database)
    });
    if made.is_err() {
        // Half a file is of no use and takes space that is short. One that cannot be removed is overwritten later.
        let _ = fs::remove_file(&next);
    }
    made
}
