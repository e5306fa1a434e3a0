//! Keeps a log of bounded size: a full file gets a number, the next one is begun, the oldest goes.
//!
//! `0.log` is the file that is written; `0.log.1` was full first, `0.log.2` second. The numbers only grow, so that a
//! reader knows which file comes next, also if it was away while two became full.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// A file that is larger gets no more records.
pub(super) const LARGEST: u64 = 10 * 1024 * 1024;
/// As many files are kept, the one that is written included.
const FILES: u64 = 5;

/// Gives the file its number, and removes what is too old.
pub(super) fn rotate(current: &Path) -> io::Result<()> {
    let number = current_number(current);
    fs::rename(current, numbered(current, number))?;
    for old in full(current).into_iter().filter(|old| old + FILES <= number + 1) {
        fs::remove_file(numbered(current, old))?;
    }
    Ok(())
}

/// The number that the file that is written will get.
pub(super) fn current_number(current: &Path) -> u64 {
    full(current).last().map_or(1, |last| last + 1)
}

/// The numbers of the full files, oldest first.
pub(super) fn full(current: &Path) -> Vec<u64> {
    let (Some(folder), Some(name)) = (current.parent(), current.file_name().and_then(|name| name.to_str()))
    else {
        return Vec::new();
    };
    let names = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.file_name());
    let number = |file: &str| file.strip_prefix(name)?.strip_prefix('.')?.parse().ok();
    let mut numbers: Vec<u64> = names.filter_map(|file| number(file.to_str()?)).collect();
    numbers.sort_unstable();
    numbers
}

/// A full file's path.
pub(super) fn numbered(current: &Path, number: u64) -> PathBuf {
    let mut path = current.as_os_str().to_owned();
    path.push(format!(".{number}"));
    path.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_files_are_kept_and_numbers_only_grow() {
        let folder = tempfile::tempdir().unwrap();
        let current = folder.path().join("0.log");
        for full in 1..=9_u64 {
            assert_eq!(current_number(&current), full);
            fs::write(&current, full.to_string()).unwrap();
            rotate(&current).unwrap();
        }
        fs::write(&current, "10").unwrap();
        assert_eq!(full(&current), [6, 7, 8, 9]);
        assert_eq!(fs::read_to_string(numbered(&current, 6)).unwrap(), "6");
    }
}
