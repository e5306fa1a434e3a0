//! What can go wrong, each with what to do about it.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::object::{Object, Revision};

/// Why a store was not opened. Nothing was changed in the folder, but for an empty one that may have been begun.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another store has the folder.
    #[error("{} is in use by {}: stop it first, or choose another folder", folder.display(), holder(*pid))]
    Locked {
        /// The data folder.
        folder: PathBuf,
        /// The process that has it, unless it was just starting.
        pid: Option<u32>,
    },
    /// A later release wrote the folder.
    #[error(
        "{} was written by a newer release (format {found}, this one knows {supported}): use that release, or \
         restore a backup of this one into another folder", path.display()
    )]
    Newer {
        /// The folder or the backup.
        path: PathBuf,
        /// The format found.
        found: u64,
        /// The newest format that this release can read.
        supported: u64,
    },
    /// The file's content is not what was written to it.
    #[error(
        "{} is damaged ({detail}): move it away and restore the latest backup", file.display()
    )]
    Damaged {
        /// The file.
        file: PathBuf,
        /// What was found.
        detail: String,
    },
    /// The folder cannot be written.
    #[error("{} cannot be written: make it writable by this user, or choose another folder", path.display())]
    ReadOnly {
        /// The folder or file.
        path: PathBuf,
    },
    /// The disk is full.
    #[error("the disk that holds {} is full: free some space, or choose another folder", path.display())]
    NoSpace {
        /// The folder or file.
        path: PathBuf,
    },
    /// The operating system refused something else.
    #[error("cannot use {}; mend this or choose another folder", path.display())]
    Io {
        /// The folder or file.
        path: PathBuf,
        /// The refusal.
        source: io::Error,
    },
}

/// Why a write did not happen.
#[derive(Clone, Debug, thiserror::Error)]
pub enum WriteError {
    /// To be created, and there already.
    #[error("{} already exists", .0.key)]
    Exists(Arc<Object>),
    /// The object was written since the revision that the caller read.
    #[error("{} was changed at revision {}, after it was read", .0.key, .0.revision)]
    Conflict(Arc<Object>),
    /// To be updated or deleted, and not there.
    #[error("the object does not exist")]
    Missing,
    /// All objects together would be larger than the limit.
    #[error(
        "the store is full: its objects may take {limit} bytes together; delete some, or raise the limit"
    )]
    Full {
        /// The limit, in bytes.
        limit: usize,
    },
    /// The disk refused the write. It is not visible, and is undone once the disk works again.
    #[error("the write was not stored")]
    Storage(#[source] Failure),
}

/// Why the disk refused.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Failure {
    /// No space is left, or the quota is used up.
    #[error("the disk is full: free some space and try again")]
    NoSpace,
    /// The file system cannot be written.
    #[error("the disk is read-only: make it writable and try again")]
    ReadOnly,
    /// Anything else.
    #[error("the disk failed: {0}; see the log of the system, then try again")]
    Io(String),
    /// The store's writer has ended.
    #[error("the store is closed: restart the process")]
    Closed,
}

/// Too old: what happened since that revision is no longer known, so that the reader has to list again.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the revision is no longer known; the oldest is {oldest}")]
pub struct Gone {
    /// The oldest revision that a watch can start after, or a list be of.
    pub oldest: Revision,
}

/// Why a backup was not written. No file of its name was made or changed.
#[derive(Debug, thiserror::Error)]
#[error("cannot write the backup {}", file.display())]
pub struct BackupError {
    /// The backup.
    pub file: PathBuf,
    /// Why.
    pub source: Failure,
}

/// Why a backup was not restored. The folder's store, if it has one, is as it was.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// There is a store already.
    #[error("{} has a store already: choose an empty folder, or say that it is to be replaced", folder.display())]
    Occupied {
        /// The data folder.
        folder: PathBuf,
    },
    /// The backup cannot be read.
    #[error("cannot read the backup {}", file.display())]
    Unreadable {
        /// The backup.
        file: PathBuf,
        /// The refusal.
        source: io::Error,
    },
    /// The backup is not what was written.
    #[error("the backup {} is damaged ({detail}): restore an older one", file.display())]
    Damaged {
        /// The backup.
        file: PathBuf,
        /// What was found.
        detail: String,
    },
    /// The folder is in use or cannot be written, or it or the backup is of a newer release.
    #[error(transparent)]
    Folder(#[from] OpenError),
}

impl OpenError {
    pub(crate) fn io(path: &Path, source: io::Error) -> OpenError {
        let path = path.to_path_buf();
        match Failure::from(&source) {
            Failure::NoSpace => OpenError::NoSpace { path },
            Failure::ReadOnly => OpenError::ReadOnly { path },
            _ => OpenError::Io { path, source },
        }
    }

    pub(crate) fn database(file: &Path, error: redb::Error) -> OpenError {
        match error {
            redb::Error::Io(source) if !is_content(&source) => OpenError::io(file, source),
            redb::Error::DatabaseAlreadyOpen | redb::Error::LockProtocolMismatch => {
                OpenError::Locked { folder: file.parent().unwrap_or(file).to_path_buf(), pid: None }
            }
            other => OpenError::Damaged { file: file.to_path_buf(), detail: other.to_string() },
        }
    }
}

impl RestoreError {
    /// What is wrong with the content of the copy is wrong with the backup; the rest is about the folder.
    pub(crate) fn of_copy(error: OpenError, backup: &Path) -> RestoreError {
        let file = backup.to_path_buf();
        match error {
            OpenError::Damaged { detail, .. } => RestoreError::Damaged { file, detail },
            OpenError::Newer { found, supported, .. } => {
                OpenError::Newer { path: file, found, supported }.into()
            }
            other => other.into(),
        }
    }
}

impl From<&io::Error> for Failure {
    fn from(error: &io::Error) -> Failure {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
                Failure::NoSpace
            }
            io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied => Failure::ReadOnly,
            _ => Failure::Io(error.to_string()),
        }
    }
}

impl From<&redb::Error> for Failure {
    fn from(error: &redb::Error) -> Failure {
        match error {
            redb::Error::Io(error) => Failure::from(error),
            other => Failure::Io(other.to_string()),
        }
    }
}

/// Whether an error of a read is the content's fault: a file that is cut short, or is no database at all.
fn is_content(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidData)
}

fn holder(pid: Option<u32>) -> String {
    pid.map_or_else(|| "another process".to_owned(), |pid| format!("process {pid}"))
}
