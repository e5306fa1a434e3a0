//! The users that there are now.
//!
//! `follow` reads the file again when it changes; a file that became wrong changes nothing and is told of once.
//! A user who is the same as before keeps his [`User`], so a long answer (a watch, a log) ends when
//! [`Users::is_current`] says that its user is not the one that began it.

use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use jiff::Timestamp;
use schema::Catalog;
use tokio::sync::watch;
use tracing::{info, warn};

use super::file::{self, Entry};
use super::token::Digest;
use super::{Role, Token, User, UsersError};

/// How often the users file is looked at.
const PERIOD: Duration = Duration::from_millis(500);

/// A file that was written so many seconds ago may have been written again since without looking different.
const TICK: i64 = 2;

/// The admin's name.
const ADMIN: &str = "admin";

/// Who may come.
#[derive(Debug)]
pub struct Users {
    catalog: Arc<Catalog>,
    admin: Known,
    file: Option<PathBuf>,
    others: RwLock<Others>,
    changes: watch::Sender<()>,
}

#[derive(Debug, Clone)]
struct Known {
    digest: Digest,
    user: Arc<User>,
}

/// The users of the file, and the state of the file that they are from.
#[derive(Debug)]
struct Others {
    known: Vec<Known>,
    stamp: Option<Stamp>,
}

/// What changes with a file's content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    inode: u64,
    size: u64,
    modified: (i64, i64),
    mode: u32,
}

impl Users {
    /// The admin, and the users of the file if there is one.
    ///
    /// # Errors
    /// The file cannot be read or is wrong.
    pub fn new(catalog: Arc<Catalog>, admin: &Token, file: Option<PathBuf>) -> Result<Self, UsersError> {
        let user = Arc::new(User::new(ADMIN, Role::All, &catalog));
        let admin = Known { digest: Digest::of(admin.expose()), user };
        let others = RwLock::new(Others { known: Vec::new(), stamp: None });
        let users = Self { catalog, admin, file, others, changes: watch::Sender::new(()) };
        users.refresh()?;
        Ok(users)
    }

    /// The admin, as whom the program itself acts.
    pub(crate) fn admin(&self) -> Arc<User> {
        Arc::clone(&self.admin.user)
    }

    /// Whose token this is. Every user is compared, whoever it is.
    pub(crate) fn authenticate(&self, token: &str) -> Option<Arc<User>> {
        let digest = Digest::of(token);
        let others = self.others.read().unwrap_or_else(PoisonError::into_inner);
        let mut found = None;
        for known in std::iter::once(&self.admin).chain(&others.known) {
            if known.digest.is(&digest) {
                found = Some(Arc::clone(&known.user));
            }
        }
        found
    }

    /// Whether this user still has the rights with which he came.
    pub(crate) fn is_current(&self, user: &Arc<User>) -> bool {
        let others = self.others.read().unwrap_or_else(PoisonError::into_inner);
        std::iter::once(&self.admin).chain(&others.known).any(|known| Arc::ptr_eq(&known.user, user))
    }

    /// Tells when users changed.
    pub(crate) fn changes(&self) -> watch::Receiver<()> {
        self.changes.subscribe()
    }

    /// Reads the file again if it changed; says whether the users did.
    ///
    /// # Errors
    /// The file cannot be read or is wrong. The users stay who they were.
    pub(crate) fn refresh(&self) -> Result<bool, UsersError> {
        let Some(path) = &self.file else { return Ok(false) };
        let stamp = Stamp::of(path);
        if stamp.is_some() && stamp == self.stamp() {
            return Ok(false);
        }
        let entries = file::read(path, ADMIN)?;
        let mut others = self.others.write().unwrap_or_else(PoisonError::into_inner);
        let known = entries.into_iter().map(|entry| self.known(entry, &others.known)).collect::<Vec<_>>();
        let is_same = known.len() == others.known.len()
            && known.iter().zip(&others.known).all(|(new, old)| Arc::ptr_eq(&new.user, &old.user));
        *others = Others { known, stamp: stamp.filter(Stamp::is_settled) };
        drop(others);
        if !is_same {
            self.changes.send_replace(());
        }
        Ok(!is_same)
    }

    /// Reads the file again whenever it changes, for ever.
    pub(crate) async fn follow(&self) {
        let Some(path) = &self.file else { return std::future::pending().await };
        let mut period = tokio::time::interval(PERIOD);
        let mut told = None;
        loop {
            period.tick().await;
            match self.refresh() {
                Ok(false) => {}
                Ok(true) => info!(file = %path.display(), "read the users file again"),
                Err(error) => {
                    let message = chain(&error);
                    if told.as_ref() != Some(&message) {
                        warn!(error = message, "the users stay as they were");
                    }
                    told = Some(message);
                    continue;
                }
            }
            told = None;
        }
    }

    fn stamp(&self) -> Option<Stamp> {
        self.others.read().unwrap_or_else(PoisonError::into_inner).stamp
    }

    /// The user of an entry: the one that is there if nothing about him changed.
    fn known(&self, entry: Entry, before: &[Known]) -> Known {
        let same = before.iter().find(|known| {
            known.digest == entry.digest
                && known.user.name() == entry.name
                && *known.user.role() == entry.role
        });
        same.cloned().unwrap_or_else(|| Known {
            digest: entry.digest,
            user: Arc::new(User::new(entry.name, entry.role, &self.catalog)),
        })
    }
}

impl Stamp {
    /// Whether a later write is sure to change it. A clock's tick can hold two writes, and file systems have coarse ones.
    fn is_settled(&self) -> bool {
        let modified = Timestamp::new(self.modified.0, 0).unwrap_or(Timestamp::MAX);
        Timestamp::now().as_second() > modified.as_second() + TICK
    }

    fn of(path: &Path) -> Option<Self> {
        match std::fs::metadata(path) {
            Ok(metadata) => Some(Self {
                inode: metadata.ino(),
                size: metadata.size(),
                modified: (metadata.mtime(), metadata.mtime_nsec()),
                mode: metadata.mode(),
            }),
            Err(error) => {
                if error.kind() != ErrorKind::NotFound {
                    tracing::debug!(%error, "the users file cannot be looked at");
                }
                None
            }
        }
    }
}

fn chain(error: &UsersError) -> String {
    match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}
