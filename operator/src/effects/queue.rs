//! What waits to be written: one value per key, the newest.
//!
//! | a value comes in, and its key is | then                                                               |
//! |----------------------------------|--------------------------------------------------------------------|
//! | unknown                          | it waits for its turn                                              |
//! | waiting                          | it takes the place of the older one                                |
//! | being written, with another value| it waits until that is over                                        |
//! | being written, with this value   | it is looked at a second later: the plan had not seen the write yet|
//! | delayed, with this value         | nothing: it is looked at when the wait is over                     |
//! | delayed, with another value      | it waits for its turn, because it may be what mends it             |
//!
//! A key is delayed after a failure. When the wait is over the plan is asked again, because the world may have changed. It
//! does no IO and knows no clock; `writer.rs` drives it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use tokio::time::Instant;

use crate::backoff::delay;

/// How long the watch may take to show what was written.
const UNTIL_SEEN: Duration = Duration::from_secs(1);

/// Values that wait, by key.
#[derive(Debug)]
pub(crate) struct Queue<K, V> {
    entries: BTreeMap<K, Entry<V>>,
    /// The keys whose turn comes, in order.
    turns: VecDeque<K>,
    /// The keys that are delayed, by the end of the wait.
    delays: BTreeSet<(Instant, K)>,
}

#[derive(Debug)]
struct Entry<V> {
    state: State<V>,
    failures: u32,
}

#[derive(Debug)]
enum State<V> {
    /// Its key is in `turns`.
    Waiting(V),
    /// Being written; with the value that came in meanwhile.
    Busy(Option<V>),
    /// Its key is in `delays`.
    Delayed(V, Instant),
    /// There is nothing to write; it is only remembered how often it failed.
    Idle,
}

impl<K, V> Default for Queue<K, V> {
    fn default() -> Self {
        Self { entries: BTreeMap::new(), turns: VecDeque::new(), delays: BTreeSet::new() }
    }
}

impl<K: Ord + Clone, V: PartialEq> Queue<K, V> {
    /// Takes in a value.
    pub(crate) fn push(&mut self, key: K, value: V) {
        let entry = self.entries.entry(key.clone()).or_insert(Entry { state: State::Idle, failures: 0 });
        match &mut entry.state {
            State::Waiting(older) => *older = value,
            State::Busy(next) => *next = Some(value),
            State::Delayed(failed, _) if *failed == value => {}
            State::Delayed(_, until) => {
                self.delays.remove(&(*until, key.clone()));
                entry.state = State::Waiting(value);
                self.turns.push_back(key);
            }
            State::Idle => {
                entry.state = State::Waiting(value);
                self.turns.push_back(key);
            }
        }
    }

    /// The next value to write; its key is busy until [`done`](Self::done) or [`failed`](Self::failed).
    pub(crate) fn next(&mut self) -> Option<(K, V)> {
        let key = self.turns.pop_front()?;
        let entry = self.entries.get_mut(&key)?;
        match std::mem::replace(&mut entry.state, State::Busy(None)) {
            State::Waiting(value) => Some((key, value)),
            State::Busy(_) | State::Delayed(..) | State::Idle => unreachable!("a key in `turns` is waiting"),
        }
    }

    /// The write of this key went well.
    pub(crate) fn done(&mut self, key: K, value: V, now: Instant) {
        match self.entries.remove(&key).map(|entry| entry.state) {
            Some(State::Busy(Some(next))) if next == value => {
                self.delays.insert((now + UNTIL_SEEN, key.clone()));
                let state = State::Delayed(value, now + UNTIL_SEEN);
                self.entries.insert(key, Entry { state, failures: 0 });
            }
            Some(State::Busy(Some(next))) => self.push(key, next),
            _ => {}
        }
    }

    /// The write of this key failed: it waits, unless another value has come in meanwhile. Returns the wait.
    pub(crate) fn failed(&mut self, key: &K, value: V, now: Instant, jitter: f64) -> Duration {
        let Some(entry) = self.entries.get_mut(key) else { return Duration::ZERO };
        entry.failures = entry.failures.saturating_add(1);
        let wait = delay(entry.failures, jitter);
        match std::mem::replace(&mut entry.state, State::Idle) {
            State::Busy(Some(next)) if next != value => {
                entry.state = State::Waiting(next);
                self.turns.push_back(key.clone());
            }
            _ => {
                entry.state = State::Delayed(value, now + wait);
                self.delays.insert((now + wait, key.clone()));
            }
        }
        wait
    }

    /// Takes out the next key whose wait is over. Nothing of it is left to write.
    pub(crate) fn due(&mut self, now: Instant) -> Option<K> {
        self.delays.first().filter(|(until, _)| *until <= now)?;
        let (_, key) = self.delays.pop_first()?;
        match self.entries.get_mut(&key) {
            // It is remembered how often it failed.
            Some(entry) if entry.failures > 0 => entry.state = State::Idle,
            _ => drop(self.entries.remove(&key)),
        }
        Some(key)
    }

    /// When the next wait is over.
    pub(crate) fn wake_at(&self) -> Option<Instant> {
        self.delays.first().map(|(until, _)| *until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_newer_value_replaces_one_that_waits() {
        let mut queue = Queue::default();
        queue.push("a", 1);
        queue.push("b", 1);
        queue.push("a", 2);
        assert_eq!(queue.next(), Some(("a", 2)));
        assert_eq!(queue.next(), Some(("b", 1)));
        assert_eq!(queue.next(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_value_waits_until_the_older_one_is_written() {
        let mut queue = Queue::default();
        queue.push("a", 1);
        assert_eq!(queue.next(), Some(("a", 1)));
        queue.push("a", 2);
        queue.push("a", 3);
        assert_eq!(queue.next(), None);
        queue.done("a", 1, Instant::now());
        assert_eq!(queue.next(), Some(("a", 3)));
        queue.done("a", 3, Instant::now());
        assert_eq!(queue.next(), None);
        assert!(queue.entries.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn a_failure_is_waited_out_and_the_next_one_longer() {
        let mut queue = Queue::default();
        queue.push("a", 1);
        for seconds in [1, 2, 4] {
            let (key, value) = queue.next().unwrap();
            let wait = queue.failed(&key, value, Instant::now(), 0.0);
            assert_eq!(wait, Duration::from_secs(seconds));
            assert_eq!(queue.due(Instant::now()), None);
            tokio::time::sleep_until(queue.wake_at().unwrap()).await;
            assert_eq!(queue.due(Instant::now()), Some("a"));
            queue.push("a", 1);
        }
        assert_eq!(queue.next(), Some(("a", 1)));
    }

    #[tokio::test(start_paused = true)]
    async fn the_value_that_failed_stays_in_its_wait_and_another_one_leaves_it() {
        let mut queue = Queue::default();
        queue.push("a", 1);
        queue.next();
        queue.failed(&"a", 1, Instant::now(), 0.0);
        queue.push("a", 1);
        assert_eq!(queue.next(), None);
        queue.push("a", 2);
        assert_eq!(queue.next(), Some(("a", 2)));
        assert_eq!(queue.wake_at(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_value_that_came_in_while_it_was_written_is_looked_at_later() {
        let mut queue = Queue::default();
        queue.push("a", 1);
        queue.next();
        queue.push("a", 1);
        queue.done("a", 1, Instant::now());
        assert_eq!(queue.next(), None);
        assert_eq!(queue.wake_at(), Some(Instant::now() + UNTIL_SEEN));
        tokio::time::advance(UNTIL_SEEN).await;
        assert_eq!(queue.due(Instant::now()), Some("a"));
        assert!(queue.entries.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn a_value_that_came_in_while_an_older_one_failed_is_written_at_once() {
        let mut queue = Queue::default();
        queue.push("a", 1);
        queue.next();
        queue.push("a", 2);
        queue.failed(&"a", 1, Instant::now(), 0.0);
        assert_eq!(queue.next(), Some(("a", 2)));
    }
}
