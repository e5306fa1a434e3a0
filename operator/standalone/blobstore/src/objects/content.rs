//! The content of an object, for reading.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

use bytes::Bytes;

use super::record::Record;

/// How much is read from the disk at once.
pub(crate) const PIECE: usize = 64 * 1024;

/// The content of an object as it was when it was opened: what is written or deleted meanwhile does not change it.
#[derive(Debug, Clone)]
pub struct Content {
    record: Arc<Record>,
    file: Arc<File>,
}

impl Content {
    pub(crate) fn new(record: Arc<Record>, file: File) -> Self {
        Self { record, file: Arc::new(file) }
    }

    /// What is known of the object.
    #[must_use]
    pub fn record(&self) -> &Record {
        &self.record
    }

    /// At most so many bytes from a position on; none at the end.
    ///
    /// # Errors
    /// When the disk fails, or the file has become shorter than the object.
    pub fn read(&self, position: u64, most: usize) -> io::Result<Bytes> {
        // What is beyond the object's size is a later append.
        read(&self.file, self.record.size, position, most)
    }

    pub(crate) fn pieces(&self) -> impl Iterator<Item = io::Result<(u64, Bytes)>> {
        pieces(&self.file, self.record.size)
    }
}

/// The beginning of a file, each piece with its position.
pub(crate) fn pieces(file: &File, size: u64) -> impl Iterator<Item = io::Result<(u64, Bytes)>> {
    let positions = (0..size).step_by(PIECE);
    positions.map(move |position| Ok((position, read(file, size, position, PIECE)?)))
}

fn read(file: &File, size: u64, position: u64, most: usize) -> io::Result<Bytes> {
    let left = size.saturating_sub(position);
    let mut piece = vec![0; usize::try_from(left).map_or(most, |left| left.min(most))];
    file.read_exact_at(&mut piece, position)?;
    Ok(piece.into())
}
