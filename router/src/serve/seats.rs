//! The places of a worker's connections: what each is doing, and which one goes when there are too many.
//!
//! In comes a connection's task; out goes its place, which it gives up by dropping its [`Seat`](super::worker::Seat).
//! When room is needed, a connection that waits for its client has to go. It is found by the clock algorithm: a hand
//! goes round the places, spares those that were active since it last came by, and looks at a few at a time, so that
//! the cost of an attack does not grow with the number of connections.

use std::cell::{Cell, RefCell};

use tokio::sync::Notify;
use tokio::task::AbortHandle;

/// What a connection is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// It was promised an answer by being accepted, and has not asked yet.
    Fresh,
    Busy,
    /// It had its answer and waits for the next request.
    Idle,
}

/// All places of one worker.
#[derive(Default)]
pub(super) struct Seats {
    places: RefCell<Vec<Place>>,
    free: RefCell<Vec<usize>>,
    hand: Cell<usize>,
    emptied: Notify,
}

/// One place; without a task nobody sits there, or somebody who was told to leave.
struct Place {
    task: Option<AbortHandle>,
    phase: Phase,
    /// Whether the connection was active since the hand last came by.
    spared: bool,
}

/// How many places the hand passes at most to find one connection that can go.
const STEPS: usize = 64;

impl Seats {
    /// Takes a place. Its task is told by [`Seats::seat`].
    pub(super) fn take(&self) -> usize {
        let mut places = self.places.borrow_mut();
        let place = Place { task: None, phase: Phase::Fresh, spared: true };
        match self.free.borrow_mut().pop() {
            Some(number) => {
                places[number] = place;
                number
            }
            None => {
                places.push(place);
                places.len() - 1
            }
        }
    }

    pub(super) fn seat(&self, number: usize, task: AbortHandle) {
        self.places.borrow_mut()[number].task = Some(task);
    }

    /// Gives a place up.
    pub(super) fn leave(&self, number: usize) {
        self.places.borrow_mut()[number].task = None;
        self.free.borrow_mut().push(number);
        if self.is_empty() {
            self.emptied.notify_one();
        }
    }

    pub(super) fn phase(&self, number: usize) -> Phase {
        self.places.borrow()[number].phase
    }

    pub(super) fn set_phase(&self, number: usize, phase: Phase) {
        let place = &mut self.places.borrow_mut()[number];
        place.phase = phase;
        place.spared = true;
    }

    /// Ends one connection that waits for its client, preferably for long. Whether there was one.
    pub(super) fn evict(&self) -> bool {
        let mut places = self.places.borrow_mut();
        let count = places.len();
        for _ in 0..STEPS.min(2 * count) {
            let number = self.hand.get() % count;
            self.hand.set(number + 1);
            let place = &mut places[number];
            if place.task.is_none() || place.phase == Phase::Busy {
                continue;
            }
            if !std::mem::take(&mut place.spared)
                && let Some(task) = place.task.take()
            {
                task.abort();
                return true;
            }
        }
        false
    }

    /// Ends the connections of these phases.
    pub(super) fn abort(&self, which: impl Fn(Phase) -> bool) {
        let places = self.places.borrow();
        let chosen = places.iter().filter(|place| which(place.phase));
        chosen.filter_map(|place| place.task.as_ref()).for_each(AbortHandle::abort);
    }

    /// Ready once nobody is left.
    pub(super) async fn until_empty(&self) {
        while !self.is_empty() {
            self.emptied.notified().await;
        }
    }

    fn is_empty(&self) -> bool {
        self.free.borrow().len() == self.places.borrow().len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::pending;
    use tokio::task::{LocalSet, spawn_local};

    /// Runs with seats that were taken by connections in these phases.
    fn seated(phases: &[Phase], test: impl AsyncFnOnce(&Seats)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        LocalSet::new().block_on(&runtime, async {
            let seats = Seats::default();
            for phase in phases {
                let number = seats.take();
                seats.seat(number, spawn_local(pending::<()>()).abort_handle());
                seats.set_phase(number, *phase);
            }
            test(&seats).await;
        });
    }

    fn sitting(seats: &Seats) -> Vec<usize> {
        let places = seats.places.borrow();
        (0..places.len()).filter(|number| places[*number].task.is_some()).collect()
    }

    #[test]
    fn the_connection_that_waits_longest_goes_first() {
        seated(&[Phase::Idle, Phase::Busy, Phase::Fresh, Phase::Idle], async |seats| {
            assert!(seats.evict());
            assert_eq!(sitting(seats), [1, 2, 3]);
            seats.set_phase(2, Phase::Idle);
            assert!(seats.evict());
            assert_eq!(sitting(seats), [1, 2]);
            assert!(seats.evict());
            assert!(!seats.evict());
            assert_eq!(sitting(seats), [1]);
        });
    }

    #[test]
    fn without_connections_nobody_goes() {
        seated(&[], async |seats| assert!(!seats.evict()));
    }

    #[test]
    fn a_place_is_taken_again_when_it_was_given_up() {
        seated(&[Phase::Busy, Phase::Busy], async |seats| {
            seats.leave(0);
            assert_eq!(seats.take(), 0);
            seats.leave(1);
            seats.leave(0);
            seats.until_empty().await;
        });
    }
}
