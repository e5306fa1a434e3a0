//! The lock of a data folder, which says who has it.
//!
//! The kernel lets it go with the process, however that ends; the file stays, and its content means nothing then.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use crate::durable;
use crate::error::OpenError;

const NAME: &str = "lock";

/// A folder that no other store has, until this is dropped.
#[derive(Debug)]
pub(crate) struct FolderLock {
    _file: File,
}

impl FolderLock {
    /// Makes the folder if need be, for its owner only, and locks it.
    pub(crate) fn acquire(folder: &Path) -> Result<FolderLock, OpenError> {
        let failed = |error| OpenError::io(folder, error);
        durable::create_folder(folder).map_err(failed)?;
        let mut file = open(&folder.join(NAME)).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(OpenError::Locked { folder: folder.to_path_buf(), pid: holder(&mut file) });
            }
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        sign(&mut file).map_err(failed)?;
        Ok(FolderLock { _file: file })
    }
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)
}

fn sign(file: &mut File) -> io::Result<()> {
    file.set_len(0)?;
    writeln!(file, "{}", std::process::id())
}

/// Who has signed it, unless they are just about to.
fn holder(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_in_use_names_its_process_and_is_free_afterwards() {
        let folder = tempfile::tempdir().unwrap();
        let lock = FolderLock::acquire(folder.path()).unwrap();
        let refused = FolderLock::acquire(folder.path()).unwrap_err();
        assert!(matches!(refused, OpenError::Locked { pid: Some(pid), .. } if pid == std::process::id()));
        drop(lock);
        FolderLock::acquire(folder.path()).unwrap();
    }

    #[test]
    fn what_a_dead_process_left_in_the_file_locks_nothing() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(NAME), "4294967295 and more\n").unwrap();
        FolderLock::acquire(folder.path()).unwrap();
        let signed = std::fs::read_to_string(folder.path().join(NAME)).unwrap();
        assert_eq!(signed, format!("{}\n", std::process::id()));
    }
}
