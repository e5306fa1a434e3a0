//! The disk, as far as it is written to: every change goes through here, so that a test can let each of them fail.

use std::fmt::Debug;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::Path;

#[cfg(test)]
pub(crate) mod unreliable;

/// What is done to files.
pub(crate) trait Medium: Debug + Send + Sync {
    /// An empty file for its owner only; what had the name is gone.
    fn create(&self, path: &Path) -> io::Result<File>;
    fn write(&self, file: &File, offset: u64, data: &[u8]) -> io::Result<()>;
    fn set_length(&self, file: &File, length: u64) -> io::Result<()>;
    /// Waits until the content of the file, or the names in the folder, outlive a power cut.
    fn flush(&self, file: &File) -> io::Result<()>;
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    fn remove(&self, path: &Path) -> io::Result<()>;
}

/// The operating system's.
#[derive(Debug)]
pub(crate) struct Disk;

impl Medium for Disk {
    fn create(&self, path: &Path) -> io::Result<File> {
        OpenOptions::new().read(true).write(true).create(true).truncate(true).mode(0o600).open(path)
    }

    fn write(&self, file: &File, offset: u64, data: &[u8]) -> io::Result<()> {
        file.write_all_at(data, offset)
    }

    fn set_length(&self, file: &File, length: u64) -> io::Result<()> {
        file.set_len(length)
    }

    fn flush(&self, file: &File) -> io::Result<()> {
        file.sync_all()
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }
}
