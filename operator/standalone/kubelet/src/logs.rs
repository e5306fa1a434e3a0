//! What containers print: files in the CRI format, `<folder>/<namespace>_<pod>_<uid>/<container>/<n>.log`, mode 0600.
//!
//! `logs/write.rs` makes records of what is printed, `logs/rotate.rs` keeps the files of bounded size and number,
//! `logs/read.rs` reads records back and follows. A reader that follows is woken by the writer; without one, a write costs
//! nothing more than the write.

pub(crate) mod read;
mod rotate;
mod select;
mod write;

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

pub use select::LogOptions;
pub(crate) use write::{Writer, copy};

/// The folder of all logs, and which of them are being written.
#[derive(Clone, Debug)]
pub struct LogStore {
    folder: PathBuf,
    written: Arc<Mutex<HashMap<PathBuf, watch::Receiver<()>>>>,
}

impl LogStore {
    /// Uses this folder.
    pub fn open(folder: PathBuf) -> io::Result<Self> {
        private_folder(&folder)?;
        Ok(Self { folder, written: Arc::default() })
    }

    /// The folder of a container's logs.
    #[must_use]
    pub fn container(&self, namespace: &str, pod: &str, uid: &str, container: &str) -> PathBuf {
        self.folder.join(format!("{namespace}_{pod}_{uid}")).join(container)
    }

    /// Removes what every container of a Pod has printed.
    pub(crate) fn remove(&self, namespace: &str, pod: &str, uid: &str) {
        remove_folder(&self.folder.join(format!("{namespace}_{pod}_{uid}")));
    }

    /// Removes what Pods have printed that are not among these.
    pub(crate) fn keep_only(&self, uids: &std::collections::HashSet<String>) {
        let entries = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        for folder in entries.map(|entry| entry.path()) {
            let name = folder.file_name().and_then(|name| name.to_str());
            let uid = name.and_then(|name| name.rsplit_once('_')).map(|(_, uid)| uid);
            if uid.is_some_and(|uid| !uids.contains(uid)) {
                remove_folder(&folder);
            }
        }
    }

    /// Tells a reader that follows when there is more to read of this file; the channel ends with the writer. Nothing if
    /// nobody writes it.
    fn follow(&self, file: &Path) -> Option<watch::Receiver<()>> {
        self.lock().get(file).cloned()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<PathBuf, watch::Receiver<()>>> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn private_folder(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

fn remove_folder(folder: &Path) {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            tracing::warn!(%error, folder = %folder.display(), "cannot remove a log");
        }
        _ => {}
    }
}
