//! What readers see: the latest snapshot and the window of events that led to it, replaced together.

use crate::error::Gone;
use crate::object::Revision;
use crate::snapshot::Snapshot;
use crate::store::Limits;
use crate::window::{Event, Window};

/// One value behind one lock, so that whoever is told of an event also reads its object.
#[derive(Debug)]
pub(crate) struct Published {
    pub(crate) snapshot: Snapshot,
    pub(crate) window: Window,
}

impl Published {
    pub(crate) fn new(snapshot: Snapshot, limits: &Limits) -> Published {
        let window = Window::new(snapshot.revision(), limits.events, limits.event_bytes);
        Published { snapshot, window }
    }

    pub(crate) fn publish(&mut self, snapshot: Snapshot, events: Vec<Event>) {
        self.snapshot = snapshot;
        events.into_iter().for_each(|event| self.window.push(event));
    }

    /// The latest snapshot and the events that came after the revision, the last one first.
    pub(crate) fn since(&self, revision: Revision) -> Result<(Snapshot, Vec<Event>), Gone> {
        if revision > self.snapshot.revision() {
            return Err(Gone { oldest: self.window.floor() });
        }
        let events = self.window.after(revision)?.rev().cloned().collect();
        Ok((self.snapshot.clone(), events))
    }
}

/// The state before those events, which are given with the last one first.
pub(crate) fn before(mut snapshot: Snapshot, events: Vec<Event>, revision: Revision) -> Snapshot {
    for event in events {
        match event.previous {
            Some(previous) => snapshot.insert(previous),
            None => snapshot.remove(&event.object.key),
        }
    }
    snapshot.advance(revision);
    snapshot
}
