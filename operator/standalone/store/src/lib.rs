//! The embedded Kubernetes API's store: objects with revisions on an ACID file, and watches.
//!
//! Reads never touch the disk: the whole state is an immutable ordered map, published anew by every commit. Writes go
//! to one thread, which commits all that wait in one transaction; a write that was answered is on the disk. The store
//! knows keys and bytes and nothing of Kubernetes' rules.
//!
//! ```text
//! write -> writer (one thread) -> stage (validates, pure) -> disk (redb, one fsync) -> Published { snapshot, window }
//!                                                                                        |              |
//!                                                                          get, list <---+              +---> watch
//! ```

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test may panic"))]

mod backup;
mod database;
mod disk;
mod durable;
mod error;
mod lock;
mod object;
mod published;
mod snapshot;
mod stage;
mod store;
mod watch;
mod window;
mod writer;

pub use backup::{Target, restore};
pub use error::{BackupError, Failure, Gone, OpenError, RestoreError, WriteError};
pub use object::{Key, Object, Revision};
pub use snapshot::Snapshot;
pub use stage::Write;
pub use store::{Limits, Store};
pub use watch::Watch;
pub use window::{Event, EventKind};
