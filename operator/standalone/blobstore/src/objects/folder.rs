//! The folder on the disk: which file is what, and in which order they are written.
//!
//! ```text
//! lock                     whoever has it has the folder
//! contents/<random>        a content; it belongs to the record that names it, to an upload under way, or to nobody
//! records/<SHA-256>        the record of the object whose name has this hash, so that any name fits and none leaves the folder
//! records/<SHA-256>.new    a record that is being written
//! ```
//!
//! A content is flushed before a record names it, and a record is flushed before it takes its place.

use std::fmt::Write as _;
use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};

use super::error::OpenError;
use super::medium::Medium;
use super::record::{self, Record};
use crate::Name;

/// What the file of a record ends with that has not taken its place yet.
pub(crate) const UNFINISHED: &str = ".new";

/// A folder that nobody else has, until this is dropped.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    medium: Arc<dyn Medium>,
    _lock: File,
}

impl Folder {
    /// Makes the folder if need be, for its owner only, and locks it.
    pub(crate) fn open(path: &Path, medium: Arc<dyn Medium>) -> Result<Self, OpenError> {
        let failed =
            |error: io::Error| OpenError::Folder { folder: path.to_path_buf(), source: error.into() };
        ["contents", "records"]
            .iter()
            .try_for_each(|below| make_folder(&path.join(below)))
            .map_err(failed)?;
        let lock =
            OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path.join("lock"));
        let lock = lock.map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path: path.to_path_buf(), medium, _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(OpenError::Locked { folder: path.to_path_buf() }),
            Err(TryLockError::Error(error)) => Err(failed(error)),
        }
    }

    pub(crate) fn medium(&self) -> &Arc<dyn Medium> {
        &self.medium
    }

    pub(crate) fn contents(&self) -> PathBuf {
        self.path.join("contents")
    }

    pub(crate) fn records(&self) -> PathBuf {
        self.path.join("records")
    }

    pub(crate) fn content(&self, id: &str) -> PathBuf {
        self.contents().join(id)
    }

    pub(crate) fn record(&self, name: &Name) -> PathBuf {
        let hash = digest(&SHA256, name.as_bytes());
        let hex = hash.as_ref().iter().fold(String::new(), |mut hex, byte| {
            write!(hex, "{byte:02x}").expect("a string takes everything");
            hex
        });
        self.records().join(hex)
    }

    /// Puts a record in its place, whose content is flushed already. When this fails, nothing has changed.
    pub(crate) fn write_record(&self, name: &Name, record: &Record) -> io::Result<()> {
        let path = self.record(name);
        let unfinished = path.with_extension(&UNFINISHED[1..]);
        let written = self.write(&unfinished, &record::encode(name, record)).and_then(|()| {
            self.flush(&self.contents())?;
            self.medium.rename(&unfinished, &path)
        });
        if written.is_err() {
            // Of no use, and space may be short; what cannot be removed is overwritten or swept later.
            let _ = self.medium.remove(&unfinished);
        }
        written
    }

    pub(crate) fn remove_record(&self, name: &Name) -> io::Result<()> {
        self.medium.remove(&self.record(name))
    }

    /// Waits until the records that were put in their places, or removed, outlive a power cut.
    pub(crate) fn flush_records(&self) -> io::Result<()> {
        self.flush(&self.records())
    }

    /// Removes a content that no record on the disk names. What cannot be removed is swept at the next start.
    pub(crate) fn discard(&self, id: &str) {
        if let Err(error) = self.medium.remove(&self.content(id)) {
            tracing::warn!(folder = %self.path.display(), %error, "the content of a former object takes space until the next start");
        }
    }

    fn write(&self, path: &Path, data: &[u8]) -> io::Result<()> {
        let file = self.medium.create(path)?;
        self.medium.write(&file, 0, data)?;
        self.medium.flush(&file)
    }

    fn flush(&self, path: &Path) -> io::Result<()> {
        self.medium.flush(&File::open(path)?)
    }
}

/// Makes a folder with those above it that are missing, each flushed to the one above it before anything is kept there.
fn make_folder(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    let above = path.parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new("."));
    make_folder(above)?;
    DirBuilder::new().mode(0o700).create(path)?;
    File::open(above)?.sync_all()
}
