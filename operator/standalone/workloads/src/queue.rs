//! The objects that a controller has to look at: each once at a time, soon, and again later if that failed.
//!
//! Added while it waits, a key is looked at once; added while it is looked at, it is looked at again afterwards. A
//! failure brings it back after a wait that doubles. Nothing here runs while there is nothing to do.

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::convert::Infallible;
use std::fmt::Display;
use std::hash::Hash;
use std::pin::pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use crate::refusal;

/// The wait after a first failure, and the longest.
const FIRST_WAIT: Duration = Duration::from_millis(20);
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// How many keys of a queue are looked at together.
const AT_ONCE: usize = 16;

/// When to look again although nothing changed.
pub(crate) type Again = Option<Duration>;

/// What a controller has to look at.
#[derive(Debug)]
pub(crate) struct Queue<T> {
    state: Mutex<State<T>>,
    news: Notify,
}

#[derive(Debug)]
struct State<T> {
    ready: VecDeque<T>,
    /// Those in `ready`.
    queued: HashSet<T>,
    busy: HashSet<T>,
    /// Those of `busy` that were added meanwhile.
    again: HashSet<T>,
    later: BTreeSet<(Instant, T)>,
    due: HashMap<T, Instant>,
    failures: HashMap<T, u32>,
}

impl<T> Default for Queue<T> {
    fn default() -> Self {
        let state = State {
            ready: VecDeque::new(),
            queued: HashSet::new(),
            busy: HashSet::new(),
            again: HashSet::new(),
            later: BTreeSet::new(),
            due: HashMap::new(),
            failures: HashMap::new(),
        };
        Self { state: Mutex::new(state), news: Notify::new() }
    }
}

impl<T: Clone + Eq + Hash + Ord + Display> Queue<T> {
    /// Has `key` looked at as soon as possible.
    pub(crate) fn add(&self, key: T) {
        self.state().add(key);
        self.news.notify_one();
    }

    /// Has `key` looked at after `wait`, or before if that was said already.
    pub(crate) fn add_after(&self, key: T, wait: Duration) {
        self.state().add_at(key, Instant::now() + wait);
        self.news.notify_one();
    }

    /// Has `handle` look at each key, several at once.
    pub(crate) async fn serve<F>(&self, handle: impl Fn(T) -> F) -> Infallible
    where
        F: Future<Output = kube::Result<Again>>,
    {
        let mut busy = FuturesUnordered::new();
        loop {
            tokio::select! {
                key = self.next(), if busy.len() < AT_ONCE => {
                    let looked = handle(key.clone());
                    busy.push(async move { (key, looked.await) });
                }
                Some((key, outcome)) = busy.next(), if !busy.is_empty() => self.done(key, outcome),
            }
        }
    }

    /// The next key to look at; it is busy until [`done`](Self::done).
    async fn next(&self) -> T {
        loop {
            let mut news = pin!(self.news.notified());
            news.as_mut().enable();
            let due = {
                let mut state = self.state();
                state.fall_due(Instant::now());
                if let Some(key) = state.take() {
                    return key;
                }
                state.later.first().map(|(due, _)| *due)
            };
            match due {
                Some(due) => {
                    tokio::select! { () = news => {}, () = sleep_until(due) => {} }
                }
                None => news.await,
            }
        }
    }

    fn done(&self, key: T, outcome: kube::Result<Again>) {
        let mut state = self.state();
        state.busy.remove(&key);
        match outcome {
            Ok(again) => {
                state.failures.remove(&key);
                if let Some(wait) = again {
                    state.add_at(key.clone(), Instant::now() + wait);
                }
            }
            Err(error) => {
                let failures = state.failures.entry(key.clone()).or_default();
                *failures += 1;
                let wait = delay(*failures, fastrand::f64());
                refusal::log(&key, &error, *failures);
                state.add_at(key.clone(), Instant::now() + wait);
            }
        }
        if state.again.remove(&key) {
            state.add(key);
        }
        drop(state);
        self.news.notify_one();
    }

    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: Clone + Eq + Hash + Ord> State<T> {
    fn add(&mut self, key: T) {
        if self.busy.contains(&key) {
            self.again.insert(key);
        } else if self.queued.insert(key.clone()) {
            self.ready.push_back(key);
        }
    }

    fn add_at(&mut self, key: T, due: Instant) {
        if let Some(&known) = self.due.get(&key) {
            if known <= due {
                return;
            }
            self.later.remove(&(known, key.clone()));
        }
        self.due.insert(key.clone(), due);
        self.later.insert((due, key));
    }

    fn fall_due(&mut self, now: Instant) {
        while self.later.first().is_some_and(|(due, _)| *due <= now) {
            if let Some((_, key)) = self.later.pop_first() {
                self.due.remove(&key);
                self.add(key);
            }
        }
    }

    fn take(&mut self) -> Option<T> {
        let key = self.ready.pop_front()?;
        self.queued.remove(&key);
        self.busy.insert(key.clone());
        Some(key)
    }
}

/// The wait after that many failures in a row, shortened by up to a half. `jitter` is at least 0 and below 1.
fn delay(failures: u32, jitter: f64) -> Duration {
    let full = FIRST_WAIT.saturating_mul(1 << failures.saturating_sub(1).min(16)).min(LONGEST_WAIT);
    full.mul_f64(1.0 - jitter / 2.0)
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    fn next(queue: &Queue<&'static str>) -> Option<&'static str> {
        queue.next().now_or_never()
    }

    #[tokio::test]
    async fn a_key_that_is_added_twice_is_looked_at_once() {
        let queue = Queue::default();
        queue.add("a");
        queue.add("a");
        assert_eq!(next(&queue), Some("a"));
        assert_eq!(next(&queue), None);
    }

    #[tokio::test]
    async fn a_key_that_is_added_while_busy_is_looked_at_again_and_never_at_the_same_time() {
        let queue = Queue::default();
        queue.add("a");
        assert_eq!(next(&queue), Some("a"));
        queue.add("a");
        assert_eq!(next(&queue), None);
        queue.done("a", Ok(None));
        assert_eq!(next(&queue), Some("a"));
        queue.done("a", Ok(None));
        assert_eq!(next(&queue), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_failure_brings_the_key_back_after_a_wait() {
        let queue = Queue::default();
        queue.add("a");
        assert_eq!(next(&queue), Some("a"));
        queue.done("a", Err(kube::Error::LinesCodecMaxLineLengthExceeded));
        assert_eq!(next(&queue), None);
        assert_eq!(queue.next().await, "a");
    }

    #[tokio::test(start_paused = true)]
    async fn of_two_times_the_sooner_counts() {
        let queue = Queue::default();
        let start = Instant::now();
        queue.add_after("a", Duration::from_secs(9));
        queue.add_after("a", Duration::from_secs(3));
        queue.add_after("a", Duration::from_secs(6));
        assert_eq!(queue.next().await, "a");
        assert_eq!((Instant::now() - start).as_secs(), 3);
        queue.done("a", Ok(None));
        assert_eq!(queue.state().later.len(), 0);
    }

    #[test]
    fn waits_double_up_to_a_minute() {
        let waits: Vec<_> = [1, 2, 3, 12, 13, u32::MAX].iter().map(|n| delay(*n, 0.0).as_millis()).collect();
        assert_eq!(waits, [20, 40, 80, 40_960, 60_000, 60_000]);
    }
}
