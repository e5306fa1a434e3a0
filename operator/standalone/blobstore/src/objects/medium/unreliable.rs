//! A disk for tests: it is full when told to, or loses its power, and forgets then what was not flushed.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard};

use super::{Disk, Medium};

const EIO: i32 = 5;
const ENOSPC: i32 = 28;

/// What happens from some operation on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Trouble {
    /// Nothing more can be written.
    Full,
    /// Nothing works any more.
    Dead,
}

/// The disk.
#[derive(Debug, Default)]
pub(crate) struct Unreliable(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// The trouble, and how many operations work before it.
    trouble: Option<(Trouble, usize)>,
    /// The files whose content was not flushed, with the length that was, by their inodes.
    lengths: BTreeMap<u64, (File, u64)>,
    /// The names that were changed in a folder since it was flushed, with what they had.
    names: Vec<(PathBuf, Option<Vec<u8>>)>,
}

impl Unreliable {
    pub(crate) fn trouble(&self, trouble: Trouble, after: usize) {
        self.state().trouble = Some((trouble, after));
    }

    pub(crate) fn mend(&self) {
        self.state().trouble = None;
    }

    /// Whether the trouble has come.
    pub(crate) fn is_in_trouble(&self) -> bool {
        matches!(self.state().trouble, Some((_, 0)))
    }

    /// The power is gone: names are again what they were at the last flush, and of contents only what was flushed is whole.
    pub(crate) fn lose_what_was_not_flushed(&self) {
        let mut state = self.state();
        for (file, flushed) in std::mem::take(&mut state.lengths).into_values() {
            let length = file.metadata().unwrap().len();
            file.set_len(flushed.min(length) + length.saturating_sub(flushed) / 2).unwrap();
        }
        while let Some((path, former)) = state.names.pop() {
            match former {
                Some(former) => fs::write(path, former).unwrap(),
                None => drop(fs::remove_file(path)),
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    fn operate(&self, concerned: &[Trouble]) -> io::Result<MutexGuard<'_, State>> {
        let mut state = self.state();
        match &mut state.trouble {
            Some((trouble, 0)) if concerned.contains(trouble) => {
                Err(io::Error::from_raw_os_error(if *trouble == Trouble::Full { ENOSPC } else { EIO }))
            }
            Some((_, left)) => {
                *left = left.saturating_sub(1);
                Ok(state)
            }
            None => Ok(state),
        }
    }
}

impl State {
    fn note_name(&mut self, path: &Path) {
        self.names.push((path.to_path_buf(), fs::read(path).ok()));
    }

    fn note_length(&mut self, file: &File, flushed: u64) {
        let inode = file.metadata().unwrap().ino();
        self.lengths.entry(inode).or_insert_with(|| (file.try_clone().unwrap(), flushed));
    }
}

impl Medium for Unreliable {
    fn create(&self, path: &Path) -> io::Result<File> {
        let mut state = self.operate(&[Trouble::Full, Trouble::Dead])?;
        state.note_name(path);
        let file = Disk.create(path)?;
        state.note_length(&file, 0);
        Ok(file)
    }

    fn write(&self, file: &File, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut state = self.operate(&[Trouble::Full, Trouble::Dead])?;
        state.note_length(file, file.metadata()?.len());
        Disk.write(file, offset, data)
    }

    fn set_length(&self, file: &File, length: u64) -> io::Result<()> {
        let _state = self.operate(&[Trouble::Dead])?;
        Disk.set_length(file, length)
    }

    fn flush(&self, file: &File) -> io::Result<()> {
        let mut state = self.operate(&[Trouble::Dead])?;
        let metadata = file.metadata()?;
        match metadata.is_dir() {
            true => state.names.retain(|(path, _)| inode(path.parent().unwrap()) != metadata.ino()),
            false => drop(state.lengths.remove(&metadata.ino())),
        }
        Ok(())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.operate(&[Trouble::Dead])?;
        state.note_name(from);
        state.note_name(to);
        Disk.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut state = self.operate(&[Trouble::Dead])?;
        state.note_name(path);
        Disk.remove(path)
    }
}

fn inode(path: &Path) -> u64 {
    fs::metadata(path).unwrap().ino()
}
