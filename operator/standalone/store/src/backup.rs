//! Backups: a store's file of its own, which any release of the same format or a later one can restore.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::database::{self, Files};
use crate::disk;
use crate::durable;
use crate::error::{Failure, OpenError, RestoreError};
use crate::lock::FolderLock;
use crate::object::Revision;
use crate::snapshot::Snapshot;

/// How far a restored store's revisions jump: further than the one that was lost can have come since the backup, so
/// that a client of that one does not take what is new for what it knows.
const JUMP: Revision = 1_000_000_000;

/// What a backup may be restored into.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Target {
    /// A folder without a store only.
    Vacant,
    /// Any folder that is not in use; its store is replaced once the backup was found whole.
    Any,
}

/// Makes the backup's file a data folder's store, at revisions that the store it was taken of never had.
///
/// # Errors
///
/// The backup is damaged, or the folder in use or occupied. The folder's store is as it was then.
pub fn restore(file: &Path, folder: &Path, target: Target) -> Result<(), RestoreError> {
    let mut backup =
        File::open(file).map_err(|source| RestoreError::Unreadable { file: file.to_path_buf(), source })?;
    let _lock = FolderLock::acquire(folder)?;
    disk::refuse_newer(folder)?;
    if target == Target::Vacant && disk::file(folder).exists() {
        return Err(RestoreError::Occupied { folder: folder.to_path_buf() });
    }
    let copy = disk::next_file(folder);
    let restored = copy_checked(&mut backup, file, &copy).and_then(|()| {
        Ok(durable::rename(&copy, &disk::file(folder)).map_err(|error| OpenError::io(folder, error))?)
    });
    if restored.is_err() {
        // What is wrong was said already; a rest is overwritten by the next file that is made.
        let _ = fs::remove_file(&copy);
    }
    restored
}

/// Writes the snapshot beside the file, then over it.
pub(crate) fn write(snapshot: &Snapshot, file: &Path) -> Result<(), Failure> {
    let next = unique(file);
    let written = write_flushed(snapshot, &next)
        .and_then(|()| durable::rename(&next, file).map_err(redb::Error::Io))
        .map_err(|error| Failure::from(&error));
    if written.is_err() {
        // The failure is what matters.
        let _ = fs::remove_file(&next);
    }
    written
}

fn write_flushed(snapshot: &Snapshot, file: &Path) -> Result<(), redb::Error> {
    database::create(&Files, file, snapshot)?.close()?;
    durable::flush(file).map_err(redb::Error::Io)
}

/// The backup itself is only read, so that it stays what it is whatever happens.
fn copy_checked(backup: &mut File, file: &Path, copy: &Path) -> Result<(), RestoreError> {
    let failed = |error| OpenError::io(copy, error);
    let mut target = durable::create_file(copy).map_err(failed)?;
    io::copy(backup, &mut target).map_err(failed)?;
    drop(target);
    check(copy).map_err(|error| RestoreError::of_copy(error, file))?;
    Ok(durable::flush(copy).map_err(failed)?)
}

fn check(copy: &Path) -> Result<(), OpenError> {
    let failed = |error| OpenError::database(copy, error);
    let database = database::open(&Files, copy).map_err(failed)?;
    let revision = database::load(&database, copy)?.revision();
    database::advance(&database, revision + JUMP).map_err(failed)?;
    database.close().map_err(|error| failed(error.into()))
}

/// A name beside the file that no other backup uses.
fn unique(file: &Path) -> PathBuf {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let mut name = file.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}-{number}.new", std::process::id()));
    file.with_file_name(name)
}
