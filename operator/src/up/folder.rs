//! A folder of manifests that is watched.

use std::path::{Path, PathBuf};
use std::time::Duration;

use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::watch;
use tokio::time::timeout;

/// An editor saves a file in several steps, and git a folder in many: a change is over when this long nothing more came.
const QUIET: Duration = Duration::from_millis(50);

/// Tells when anything in a folder has changed.
pub(super) struct Folder {
    path: PathBuf,
    changes: watch::Receiver<()>,
    /// Something has changed, and more may come.
    is_changing: bool,
    _watcher: RecommendedWatcher,
}

impl Folder {
    /// Begins to watch a folder with everything below it, or a file.
    pub(super) fn watch(path: &Path) -> Result<Self, notify::Error> {
        let path = path.canonicalize()?;
        let (sender, changes) = watch::channel(());
        let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            // To read a file is an event too, and would have it read again.
            if event.is_ok_and(|event| !event.kind.is_access()) {
                sender.send_replace(());
            }
        })?;
        // A file is replaced as often as it is written: its folder notices both.
        let (watched, mode) = match path.parent() {
            Some(parent) if path.is_file() => (parent, RecursiveMode::NonRecursive),
            _ => (path.as_path(), RecursiveMode::Recursive),
        };
        watcher.watch(watched, mode)?;
        Ok(Self { path, changes, is_changing: false, _watcher: watcher })
    }

    /// The folder, by its full name.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Waits until something has changed, and then nothing more for a moment. Cancel safe.
    pub(super) async fn changed(&mut self) {
        if !self.is_changing && self.changes.changed().await.is_err() {
            return std::future::pending().await;
        }
        self.is_changing = true;
        while let Ok(Ok(())) = timeout(QUIET, self.changes.changed()).await {}
        self.is_changing = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_change_anywhere_below_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("below")).unwrap();
        let mut watched = Folder::watch(folder.path()).unwrap();
        std::fs::write(folder.path().join("below/a.yaml"), "a: 1").unwrap();
        watched.changed().await;
        std::fs::read(folder.path().join("below/a.yaml")).unwrap();
        assert!(timeout(QUIET * 3, watched.changed()).await.is_err(), "reading changes nothing");
        std::fs::remove_file(folder.path().join("below/a.yaml")).unwrap();
        watched.changed().await;
    }

    #[tokio::test]
    async fn a_change_is_not_lost_to_who_stops_waiting_for_it() {
        let folder = tempfile::tempdir().unwrap();
        let mut watched = Folder::watch(folder.path()).unwrap();
        std::fs::write(folder.path().join("a.yaml"), "a: 1").unwrap();
        while !watched.is_changing {
            let _ = timeout(Duration::from_millis(1), watched.changed()).await;
        }
        watched.changed().await;
    }

    #[tokio::test]
    async fn a_file_that_is_replaced_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.yaml");
        std::fs::write(&file, "a: 1").unwrap();
        let mut watched = Folder::watch(&file).unwrap();
        std::fs::write(folder.path().join("new"), "a: 2").unwrap();
        std::fs::rename(folder.path().join("new"), &file).unwrap();
        watched.changed().await;
    }
}
