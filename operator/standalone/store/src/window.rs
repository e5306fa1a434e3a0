//! The window of the latest events, from which watches read and older states are told.
//!
//! One window serves all watches: each has a place in it and no copy. It is bounded in events and in bytes, the oldest
//! go first, and who has not read them by then has to list again.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::error::Gone;
use crate::object::{Object, Revision};

/// What a write did to an object.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EventKind {
    /// It was created.
    Added,
    /// It was updated.
    Modified,
    /// It was deleted.
    Deleted,
}

/// One write, as a watch tells it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Event {
    /// What the write did.
    pub kind: EventKind,
    /// The state that it made, or the last one before it was deleted, at the revision of this write.
    pub object: Arc<Object>,
    /// The state before, by which a selector knows what leaves it or comes into it.
    pub previous: Option<Arc<Object>>,
    /// The revision of the write.
    pub revision: Revision,
}

#[derive(Debug)]
pub(crate) struct Window {
    events: VecDeque<Event>,
    /// Every event after this revision is here.
    floor: Revision,
    bytes: usize,
    most_events: usize,
    most_bytes: usize,
}

impl Event {
    fn size(&self) -> usize {
        self.object.size() + self.previous.as_ref().map_or(0, |previous| previous.size())
    }
}

impl Window {
    pub(crate) fn new(floor: Revision, most_events: usize, most_bytes: usize) -> Window {
        Window { events: VecDeque::new(), floor, bytes: 0, most_events, most_bytes }
    }

    pub(crate) fn floor(&self) -> Revision {
        self.floor
    }

    pub(crate) fn push(&mut self, event: Event) {
        self.bytes += event.size();
        self.events.push_back(event);
        while self.events.len() > self.most_events || self.bytes > self.most_bytes {
            let Some(oldest) = self.events.pop_front() else { break };
            self.bytes -= oldest.size();
            self.floor = oldest.revision;
        }
    }

    /// The events after a revision, in their order.
    pub(crate) fn after(&self, revision: Revision) -> Result<impl DoubleEndedIterator<Item = &Event>, Gone> {
        if revision < self.floor {
            return Err(Gone { oldest: self.floor });
        }
        let start = self.events.partition_point(|event| event.revision <= revision);
        Ok(self.events.range(start..))
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::object::Key;

    fn event(revision: Revision, length: usize) -> Event {
        let json = Bytes::from(vec![b'x'; length]);
        let object = Arc::new(Object { key: Key::new("/pods", "a", "p"), revision, json });
        Event { kind: EventKind::Added, object, previous: None, revision }
    }

    fn revisions(window: &Window, after: Revision) -> Result<Vec<Revision>, Gone> {
        Ok(window.after(after)?.map(|event| event.revision).collect())
    }

    #[test]
    fn events_after_a_revision_come_in_order_even_if_revisions_were_left_out() {
        let mut window = Window::new(4, 10, 10_000);
        [5, 6, 9].into_iter().for_each(|revision| window.push(event(revision, 1)));
        assert_eq!(revisions(&window, 4), Ok(vec![5, 6, 9]));
        assert_eq!(revisions(&window, 7), Ok(vec![9]));
        assert_eq!(revisions(&window, 9), Ok(vec![]));
    }

    #[test]
    fn a_revision_before_the_window_is_gone() {
        let mut window = Window::new(4, 2, 10_000);
        assert_eq!(revisions(&window, 3), Err(Gone { oldest: 4 }));
        [5, 6, 7].into_iter().for_each(|revision| window.push(event(revision, 1)));
        assert_eq!(revisions(&window, 4), Err(Gone { oldest: 5 }));
        assert_eq!(revisions(&window, 5), Ok(vec![6, 7]));
    }

    #[test]
    fn a_few_large_events_fill_the_window_as_many_small_ones_do() {
        let mut window = Window::new(1, 1000, 10_000);
        (2..10).for_each(|revision| window.push(event(revision, 4000)));
        assert_eq!(revisions(&window, 7), Ok(vec![8, 9]));
        assert!(revisions(&window, 6).is_err());
    }

    #[test]
    fn an_event_larger_than_the_window_leaves_it_empty() {
        let mut window = Window::new(1, 10, 1000);
        window.push(event(2, 4000));
        assert_eq!(revisions(&window, 2), Ok(vec![]));
        assert_eq!(revisions(&window, 1), Err(Gone { oldest: 2 }));
    }
}
