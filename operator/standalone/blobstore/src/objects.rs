//! The objects of one Blobstore: files in a folder, and all their names in memory.
//!
//! Everything here blocks on the disk. A content is staged first, in pieces of any size; then its record takes the place of the former one
//! in one step, which is the moment at which the object changes, for readers as for a process that dies. Writes to one name take turns;
//! readers wait for nobody and keep what they opened.

mod content;
mod error;
mod folder;
mod index;
mod medium;
mod record;
mod recovery;
mod staged;
#[cfg(test)]
mod tests;
mod turns;

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use jiff::Timestamp;

use crate::checksum::Checksum;
use crate::{Directory, Name};
use content::pieces;
use folder::Folder;
use index::Index;
use medium::{Disk, Medium};
use record::Entry;
use turns::Turns;

pub use content::Content;
pub(crate) use content::PIECE;
pub use error::{Error, OpenError};
pub use record::Record;
pub use staged::Staged;

#[cfg(test)]
pub(crate) use medium::unreliable;

/// The objects of one Blobstore.
pub struct Objects {
    folder: Folder,
    index: RwLock<Index>,
    turns: Turns,
}

impl Objects {
    /// Opens a folder, or makes it, and sweeps what a process that died left in it.
    ///
    /// # Errors
    /// [`OpenError`], each says what to do.
    pub fn open(folder: &Path) -> Result<Self, OpenError> {
        Self::open_on(folder, Arc::new(Disk))
    }

    pub(crate) fn open_on(path: &Path, medium: Arc<dyn Medium>) -> Result<Self, OpenError> {
        let folder = Folder::open(path, medium)?;
        let index = recovery::recover(&folder)
            .map_err(|error| OpenError::Folder { folder: path.to_path_buf(), source: error.into() })?;
        Ok(Self { folder, index: RwLock::new(index), turns: Turns::default() })
    }

    /// How many objects there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.index().len()
    }

    /// What is in a directory, one level deep and in the order of bytes. The name of a directory ends with a slash.
    #[must_use]
    pub fn list(&self, directory: &Directory) -> Vec<Vec<u8>> {
        self.index().list(directory)
    }

    /// Opens an object's content; nothing if there is no such object.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn read(&self, name: &Name) -> Result<Option<Content>, Error> {
        loop {
            let Some(record) = self.record(name) else { return Ok(None) };
            match File::open(self.folder.content(&record.content)) {
                Ok(file) => return Ok(Some(Content::new(record, file))),
                // Replaced or deleted in this moment: look again.
                Err(error)
                    if error.kind() == io::ErrorKind::NotFound
                        && self.record(name).as_ref() != Some(&record) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Begins a content, to be written in pieces and then put or appended.
    ///
    /// # Errors
    /// When the disk does not take it.
    pub fn stage(&self) -> Result<Staged, Error> {
        Staged::begin(&self.folder)
    }

    /// Makes the staged content an object, in the place of the one that has the name.
    ///
    /// # Errors
    /// When the disk does not take it.
    pub fn put(&self, name: &Name, media_type: Option<String>, staged: Staged) -> Result<(), Error> {
        staged.flush()?;
        let _turn = self.turns.take(name);
        let now = Timestamp::now();
        let record = Record {
            content: staged.id().to_owned(),
            media_type,
            size: staged.size(),
            sha512: staged.checksum().text(),
            created: now,
            updated: now,
        };
        self.folder.write_record(name, &record)?;
        staged.keep();
        self.publish(name, record, None)
    }

    /// Adds the staged content to the end of an object, which has to be at the offset.
    ///
    /// # Errors
    /// [`Error::Missing`], [`Error::Offset`], or when the disk does not take it.
    pub fn append(&self, name: &Name, offset: u64, staged: &Staged) -> Result<(), Error> {
        let _turn = self.turns.take(name);
        let Some(Entry { record, checksum }) = self.index().get(name).cloned() else {
            return Err(Error::Missing(name.clone()));
        };
        if record.size != offset {
            return Err(Error::Offset { size: record.size });
        }
        let path = self.folder.content(&record.content);
        let file = OpenOptions::new().read(true).write(true).open(path)?;
        let mut checksum = match checksum {
            Some(checksum) => checksum,
            None => checksum_of(&file, record.size)?,
        };
        let extended = self.extend(name, &file, &record, staged, &mut checksum);
        if extended.is_err() {
            // Readers do not look beyond the record's size, and the next append begins there.
            let _ = self.folder.medium().set_length(&file, record.size);
        }
        self.publish(name, extended?, Some(checksum))
    }

    /// Copies an object to a name that no object has.
    ///
    /// # Errors
    /// [`Error::Missing`], [`Error::Exists`], or when the disk does not take it.
    pub fn copy(&self, from: &Name, to: &Name) -> Result<(), Error> {
        let source = self.read(from)?.ok_or_else(|| Error::Missing(from.clone()))?;
        if self.record(to).is_some() {
            return Err(Error::Exists(to.clone()));
        }
        let mut staged = self.stage()?;
        for piece in source.pieces() {
            staged.write(&piece?.1)?;
        }
        staged.flush()?;
        let _turn = self.turns.take(to);
        // Somebody may have been faster.
        if self.record(to).is_some() {
            return Err(Error::Exists(to.clone()));
        }
        let now = Timestamp::now();
        let content = staged.id().to_owned();
        let record = Record { content, created: now, updated: now, ..source.record().clone() };
        self.folder.write_record(to, &record)?;
        staged.keep();
        self.publish(to, record, None)
    }

    /// Deletes the object and everything below its name. To find nothing is no error.
    ///
    /// # Errors
    /// When the disk fails; what was deleted so far stays deleted.
    pub fn delete(&self, name: &Name) -> Result<(), Error> {
        let names = self.index().subtree(name);
        let mut deleted = Vec::with_capacity(names.len());
        for name in &names {
            let _turn = self.turns.take(name);
            let Some(record) = self.record(name) else { continue };
            self.folder.remove_record(name)?;
            self.index_mut().remove(name);
            deleted.push(record);
        }
        if !deleted.is_empty() {
            self.folder.flush_records()?;
        }
        deleted.iter().for_each(|record| self.folder.discard(&record.content));
        Ok(())
    }

    /// Writes something that is of no use, to see whether the disk takes it.
    ///
    /// # Errors
    /// When it does not.
    pub fn check(&self) -> Result<(), Error> {
        let mut staged = self.stage()?;
        staged.write(b"?")?;
        staged.flush()
    }

    /// Shows an object whose record is in its place, while the name's turn is ours.
    fn publish(&self, name: &Name, record: Record, checksum: Option<Checksum>) -> Result<(), Error> {
        let record = Arc::new(record);
        let entry = Entry { record: Arc::clone(&record), checksum };
        let former = self.index_mut().insert(name.clone(), entry);
        // Until this is done a power cut brings the former record back, so that its content has to be there.
        self.folder.flush_records()?;
        if let Some(former) = former.filter(|former| former.record.content != record.content) {
            self.folder.discard(&former.record.content);
        }
        Ok(())
    }

    /// Adds to the file of a content, and puts the record in its place that says so.
    fn extend(
        &self,
        name: &Name,
        file: &File,
        record: &Record,
        staged: &Staged,
        checksum: &mut Checksum,
    ) -> Result<Record, Error> {
        let medium = self.folder.medium();
        medium.set_length(file, record.size)?;
        for piece in pieces(staged.file(), staged.size()) {
            let (position, piece) = piece?;
            medium.write(file, record.size + position, &piece)?;
            checksum.update(&piece);
        }
        medium.flush(file)?;
        let extended = Record {
            size: record.size + staged.size(),
            sha512: checksum.text(),
            updated: Timestamp::now(),
            ..record.clone()
        };
        self.folder.write_record(name, &extended)?;
        Ok(extended)
    }

    fn record(&self, name: &Name) -> Option<Arc<Record>> {
        self.index().get(name).map(|entry| Arc::clone(&entry.record))
    }

    fn index(&self) -> RwLockReadGuard<'_, Index> {
        self.index.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn index_mut(&self) -> RwLockWriteGuard<'_, Index> {
        self.index.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Objects {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.debug_struct("Objects")
            .field("folder", &self.folder)
            .field("count", &self.count())
            .finish_non_exhaustive()
    }
}

/// The checksum of the beginning of a file.
fn checksum_of(file: &File, size: u64) -> io::Result<Checksum> {
    let mut checksum = Checksum::new();
    for piece in pieces(file, size) {
        checksum.update(&piece?.1);
    }
    Ok(checksum)
}
