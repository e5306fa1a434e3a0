//! What the writes that wait would make of the latest snapshot: the rules of a write, without the disk.

use std::sync::Arc;

use bytes::Bytes;

use crate::error::WriteError;
use crate::object::{Key, Object, Revision};
use crate::snapshot::Snapshot;
use crate::window::{Event, EventKind};

/// A write of one object.
#[derive(Clone, Debug)]
pub enum Write {
    /// Stores an object that is not there.
    Create {
        /// Which object.
        key: Key,
        /// Its state.
        json: Bytes,
    },
    /// Replaces an object that is as the caller read it.
    Update {
        /// Which object.
        key: Key,
        /// Its state.
        json: Bytes,
        /// The revision that the caller read.
        expected: Revision,
    },
    /// Removes an object that is as the caller read it.
    Delete {
        /// Which object.
        key: Key,
        /// Its last state, for those who watch.
        json: Bytes,
        /// The revision that the caller read.
        expected: Revision,
    },
}

/// A snapshot to come. Writes are judged in their order, each on what those before it made.
#[derive(Debug)]
pub(crate) struct Stage {
    pub(crate) snapshot: Snapshot,
    pub(crate) events: Vec<Event>,
    /// The last revision given out, which may be one of a batch that failed.
    pub(crate) last: Revision,
    limit: usize,
}

impl Stage {
    pub(crate) fn new(snapshot: Snapshot, last: Revision, limit: usize) -> Stage {
        Stage { snapshot, events: Vec::new(), last, limit }
    }

    /// Takes the write in, unless it breaks a rule.
    pub(crate) fn apply(&mut self, write: Write) -> Result<Arc<Object>, WriteError> {
        let (kind, key, json, expected) = write.into_parts();
        let previous = self.current(&key, expected)?;
        let object = Arc::new(Object { key, revision: self.last + 1, json });
        match kind {
            EventKind::Deleted => self.snapshot.remove(&object.key),
            EventKind::Added | EventKind::Modified => self.insert(&object, previous.as_deref())?,
        }
        self.last = object.revision;
        self.snapshot.advance(self.last);
        self.events.push(Event { kind, object: object.clone(), previous, revision: self.last });
        Ok(object)
    }

    /// The object to be written as it is now, if that is as expected.
    fn current(&self, key: &Key, expected: Option<Revision>) -> Result<Option<Arc<Object>>, WriteError> {
        match (self.snapshot.get(key).cloned(), expected) {
            (None, None) => Ok(None),
            (None, Some(_)) => Err(WriteError::Missing),
            (Some(current), None) => Err(WriteError::Exists(current)),
            (Some(current), Some(expected)) if current.revision != expected => {
                Err(WriteError::Conflict(current))
            }
            (Some(current), Some(_)) => Ok(Some(current)),
        }
    }

    /// A full store still takes what does not make it larger.
    fn insert(&mut self, object: &Arc<Object>, previous: Option<&Object>) -> Result<(), WriteError> {
        let growth = object.size().saturating_sub(previous.map_or(0, Object::size));
        if growth > 0 && self.snapshot.bytes() + growth > self.limit {
            return Err(WriteError::Full { limit: self.limit });
        }
        self.snapshot.insert(object.clone());
        Ok(())
    }
}

impl Write {
    fn into_parts(self) -> (EventKind, Key, Bytes, Option<Revision>) {
        match self {
            Write::Create { key, json } => (EventKind::Added, key, json, None),
            Write::Update { key, json, expected } => (EventKind::Modified, key, json, Some(expected)),
            Write::Delete { key, json, expected } => (EventKind::Deleted, key, json, Some(expected)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> Key {
        Key::new("/pods", "a", "p")
    }

    fn create(length: usize) -> Write {
        Write::Create { key: key(), json: vec![b'x'; length].into() }
    }

    fn update(expected: Revision, length: usize) -> Write {
        Write::Update { key: key(), json: vec![b'x'; length].into(), expected }
    }

    fn delete(expected: Revision) -> Write {
        Write::Delete { key: key(), json: Bytes::new(), expected }
    }

    fn stage(writes: impl IntoIterator<Item = Write>) -> Stage {
        let mut stage = Stage::new(Snapshot::empty(1), 1, 10_000);
        writes.into_iter().for_each(|write| drop(stage.apply(write).unwrap()));
        stage
    }

    #[test]
    fn an_object_is_created_once() {
        let mut stage = stage([create(1)]);
        assert!(matches!(stage.apply(create(2)), Err(WriteError::Exists(current)) if current.revision == 2));
        assert_eq!(stage.last, 2);
    }

    #[test]
    fn a_write_of_what_was_read_before_another_write_is_a_conflict() {
        let mut stage = stage([create(1), update(2, 1)]);
        assert!(
            matches!(stage.apply(update(2, 1)), Err(WriteError::Conflict(current)) if current.revision == 3)
        );
        assert!(matches!(stage.apply(delete(2)), Err(WriteError::Conflict(_))));
        assert!(stage.apply(delete(3)).is_ok());
    }

    #[test]
    fn what_is_not_there_is_not_updated_or_deleted() {
        let mut stage = stage([]);
        assert!(matches!(stage.apply(update(2, 1)), Err(WriteError::Missing)));
        assert!(matches!(stage.apply(delete(2)), Err(WriteError::Missing)));
    }

    #[test]
    fn events_carry_the_state_before_and_revisions_rise_by_one() {
        let stage = stage([create(1), update(2, 2), delete(3), create(3)]);
        let told: Vec<_> = stage
            .events
            .iter()
            .map(|event| {
                (event.revision, event.kind, event.previous.as_ref().map(|previous| previous.revision))
            })
            .collect();
        let (added, modified, deleted) = (EventKind::Added, EventKind::Modified, EventKind::Deleted);
        assert_eq!(told, [(2, added, None), (3, modified, Some(2)), (4, deleted, Some(3)), (5, added, None)]);
        assert_eq!(stage.snapshot.revision(), 5);
    }

    #[test]
    fn a_full_store_takes_what_does_not_make_it_larger() {
        let mut stage = stage([create(9_000)]);
        let other = Write::Create { key: Key::new("/pods", "a", "q"), json: vec![0; 1_000].into() };
        assert!(matches!(stage.apply(other), Err(WriteError::Full { limit: 10_000 })));
        assert!(matches!(stage.apply(update(2, 10_000)), Err(WriteError::Full { .. })));
        assert!(stage.apply(update(2, 9_000)).is_ok());
        assert!(stage.apply(delete(3)).is_ok());
    }
}
