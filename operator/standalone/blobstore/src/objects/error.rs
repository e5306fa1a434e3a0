//! What can go wrong, each with what to do about it.

use std::io;
use std::path::PathBuf;

use crate::Name;

/// Why a folder of objects was not opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has the folder, or this one twice.
    #[error("{} is in use: stop the other process first, or choose another folder", folder.display())]
    Locked {
        /// The folder.
        folder: PathBuf,
    },
    /// The folder cannot be read or written.
    #[error("the objects in {} cannot be used", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// Why.
        source: Error,
    },
}

/// Why something was not done. Every object is as it was, unless it says otherwise.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such object.
    #[error("there is no object {0}")]
    Missing(Name),
    /// There is such an object, and it is not to be replaced.
    #[error("there is an object {0} already: delete it first")]
    Exists(Name),
    /// An append that does not begin where the object ends.
    #[error("the object has {size} bytes: append at that offset")]
    Offset {
        /// The object's size.
        size: u64,
    },
    /// No space is left, or the quota is used up.
    #[error("the disk is full: free some space and try again")]
    NoSpace,
    /// The file system cannot be written.
    #[error("the disk is read-only: make it writable and try again")]
    ReadOnly,
    /// The disk failed. Of a write it is then not certain whether it is there after the next start; it is whole or not there.
    #[error("the disk failed: {0}")]
    Io(io::Error),
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
                Self::NoSpace
            }
            io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied => Self::ReadOnly,
            _ => Self::Io(error),
        }
    }
}
