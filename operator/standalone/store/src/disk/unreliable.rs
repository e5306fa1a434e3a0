//! A medium for tests that fails when told to, and forgets what was not flushed when the power is cut.
//!
//! Each file has beside its visible content the image that is surely on the platter. A flush moves the one into the
//! other; a flush that fails leaves it open for ever what of the content gets there, as Linux does.

use std::collections::HashSet;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::sync::{Arc, Mutex, MutexGuard};

use redb::StorageBackend;

use crate::database::Medium;

const EIO: i32 = 5;
const ENOSPC: i32 = 28;
const EROFS: i32 = 30;

/// What happens to the file's operations from some point on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Trouble {
    /// Nothing can be written, what is there can be flushed.
    DiskFull,
    /// Nothing can be written.
    ReadOnly,
    /// Writes are taken, but no flush succeeds.
    FlushFails,
    /// Nothing works any more.
    PowerCut,
}

/// A clone is the same medium.
#[derive(Clone, Debug, Default)]
pub(crate) struct Unreliable {
    shared: Arc<Mutex<Shared>>,
}

#[derive(Debug, Default)]
struct Shared {
    /// The trouble, and how many operations it still waits for.
    trouble: Option<(Trouble, u32)>,
    files: Vec<Platter>,
}

#[derive(Debug)]
struct Platter {
    file: Arc<File>,
    image: Vec<u8>,
    pending: Vec<Change>,
    /// What a failed flush left: a later flush does not write it, only another write of the same place does.
    abandoned: Vec<Change>,
}

#[derive(Clone, Debug)]
enum Change {
    Write(u64, Vec<u8>),
    Length(u64),
}

#[derive(Debug)]
pub(crate) struct Backend {
    shared: Arc<Mutex<Shared>>,
    file: Arc<File>,
    number: usize,
}

impl Unreliable {
    /// The trouble begins after so many more operations.
    pub(crate) fn trouble(&self, trouble: Trouble, after: u32) {
        self.lock().trouble = Some((trouble, after));
    }

    pub(crate) fn mend(&self) {
        self.lock().trouble = None;
    }

    /// The machine is on again, the files are what reached the platter: of what was not flushed, any part.
    pub(crate) fn after_power_cut(&self, random: &mut fastrand::Rng) {
        let mut shared = self.lock();
        for platter in shared.files.drain(..) {
            let Platter { file, mut image, pending, abandoned } = platter;
            for change in abandoned.iter().chain(&pending) {
                if random.bool() {
                    apply(change, &mut image, random.bool());
                }
            }
            file.set_len(0).unwrap();
            file.write_all_at(&image, 0).unwrap();
        }
        shared.trouble = None;
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap()
    }
}

impl Medium for Unreliable {
    type Backend = Backend;

    fn backend(&self, file: File) -> Result<Backend, redb::Error> {
        let file = Arc::new(file);
        let mut image = vec![0; usize::try_from(file.metadata().unwrap().len()).unwrap()];
        file.read_exact_at(&mut image, 0).unwrap();
        let mut shared = self.lock();
        shared.files.push(Platter { file: file.clone(), image, pending: Vec::new(), abandoned: Vec::new() });
        Ok(Backend { shared: self.shared.clone(), file, number: shared.files.len() - 1 })
    }
}

impl Shared {
    /// Counts the operation; fails it if the trouble concerns its kind.
    fn operate(&mut self, concerned: &[Trouble]) -> io::Result<()> {
        let Some((trouble, wait)) = &mut self.trouble else { return Ok(()) };
        *wait = wait.saturating_sub(1);
        if *wait > 0 || !(concerned.contains(trouble) || *trouble == Trouble::PowerCut) {
            return Ok(());
        }
        Err(io::Error::from_raw_os_error(match trouble {
            Trouble::DiskFull => ENOSPC,
            Trouble::ReadOnly => EROFS,
            Trouble::FlushFails | Trouble::PowerCut => EIO,
        }))
    }
}

impl StorageBackend for Backend {
    fn len(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.shared.lock().unwrap().operate(&[])?;
        self.file.read_exact_at(out, offset)
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        let mut shared = self.shared.lock().unwrap();
        shared.operate(&[Trouble::DiskFull, Trouble::ReadOnly])?;
        shared.files[self.number].pending.push(Change::Length(length));
        self.file.set_len(length)
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut shared = self.shared.lock().unwrap();
        let failed = shared.operate(&[Trouble::ReadOnly, Trouble::FlushFails]);
        let platter = &mut shared.files[self.number];
        let pending = std::mem::take(&mut platter.pending);
        match failed {
            Ok(()) => platter.flush(&pending),
            Err(_) => platter.abandoned.extend(pending),
        }
        failed
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut shared = self.shared.lock().unwrap();
        shared.operate(&[Trouble::DiskFull, Trouble::ReadOnly])?;
        shared.files[self.number].pending.push(Change::Write(offset, data.to_vec()));
        self.file.write_all_at(data, offset)
    }
}

impl Platter {
    fn flush(&mut self, pending: &[Change]) {
        pending.iter().for_each(|change| apply(change, &mut self.image, true));
        let rewritten: HashSet<u64> = pending.iter().filter_map(Change::offset).collect();
        self.abandoned.retain(|change| change.offset().is_none_or(|offset| !rewritten.contains(&offset)));
    }
}

impl Change {
    fn offset(&self) -> Option<u64> {
        match self {
            Change::Write(offset, _) => Some(*offset),
            Change::Length(_) => None,
        }
    }
}

/// A write that is not whole stops in its middle.
fn apply(change: &Change, image: &mut Vec<u8>, whole: bool) {
    match change {
        Change::Length(length) => image.resize(usize::try_from(*length).unwrap(), 0),
        Change::Write(offset, data) => {
            let data = if whole { &data[..] } else { &data[..data.len() / 2] };
            let start = usize::try_from(*offset).unwrap();
            image.resize(image.len().max(start + data.len()), 0);
            image[start..start + data.len()].copy_from_slice(data);
        }
    }
}
