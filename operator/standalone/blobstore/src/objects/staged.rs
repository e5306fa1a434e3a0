//! A content that is on its way: written piece by piece to a file of its own, which no record names yet.

use std::fmt;
use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;

use uuid::Uuid;

use super::error::Error;
use super::folder::Folder;
use super::medium::Medium;
use crate::checksum::Checksum;

/// A content that is on its way. Dropped before it became an object's, its file is removed.
pub struct Staged {
    id: String,
    path: PathBuf,
    file: File,
    medium: Arc<dyn Medium>,
    checksum: Checksum,
    size: u64,
    is_kept: bool,
}

impl Staged {
    pub(crate) fn begin(folder: &Folder) -> Result<Self, Error> {
        let id = Uuid::new_v4().simple().to_string();
        let path = folder.content(&id);
        let medium = Arc::clone(folder.medium());
        let file = medium.create(&path)?;
        Ok(Self { id, path, file, medium, checksum: Checksum::new(), size: 0, is_kept: false })
    }

    /// Adds a piece at the end.
    ///
    /// # Errors
    /// When the disk does not take it; what was staged is then of no use.
    pub fn write(&mut self, piece: &[u8]) -> Result<(), Error> {
        self.medium.write(&self.file, self.size, piece)?;
        self.checksum.update(piece);
        self.size += piece.len() as u64;
        Ok(())
    }

    /// How many bytes there are so far.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    pub(crate) fn file(&self) -> &File {
        &self.file
    }

    pub(crate) fn checksum(&self) -> &Checksum {
        &self.checksum
    }

    /// Waits until the content outlives a power cut.
    pub(crate) fn flush(&self) -> Result<(), Error> {
        Ok(self.medium.flush(&self.file)?)
    }

    /// A record names the file now.
    pub(crate) fn keep(mut self) {
        self.is_kept = true;
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        if !self.is_kept {
            // What cannot be removed is swept at the next start.
            let _ = self.medium.remove(&self.path);
        }
    }
}

impl fmt::Debug for Staged {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.debug_struct("Staged").field("path", &self.path).field("size", &self.size).finish_non_exhaustive()
    }
}
