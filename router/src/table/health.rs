//! Whether an endpoint is well: what requests and health checks have found out about it.
//!
//! In come successes and failures, from every worker and from `checks.rs`; out goes whether requests had better go
//! elsewhere. An endpoint that fails requests in a row is ejected for a time that grows each time, until it serves one
//! again. Hot: atomics and no lock; the clock is read only for an endpoint that was ejected.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// What is known of one endpoint.
#[derive(Debug, Default)]
pub(crate) struct Health {
    /// Requests that failed in a row.
    failures: AtomicU32,
    /// Ejections since a request was last served.
    ejections: AtomicU32,
    /// When the last one is over, on the clock of this process; 0: there was none.
    until: AtomicU64,
    /// What the health checks say.
    unwell: AtomicBool,
}

/// An endpoint that fails so many requests in a row is ejected.
pub(crate) const MOST_FAILURES: u32 = 3;

/// How long the first ejection lasts; each further one lasts twice as long as the one before.
const FIRST: Duration = Duration::from_secs(5);

/// The longest ejection.
const LONGEST: Duration = Duration::from_secs(60);

impl Health {
    /// Whether requests had better go elsewhere.
    pub(crate) fn is_suspect(&self) -> bool {
        self.unwell.load(Ordering::Relaxed) || self.is_ejected()
    }

    /// Whether it failed too many requests, a moment ago.
    pub(crate) fn is_ejected(&self) -> bool {
        let until = self.until.load(Ordering::Relaxed);
        until != 0 && now() < until
    }

    /// It failed a request. Whether it is ejected for that, which the last of several failures at once tells.
    pub(crate) fn failed(&self) -> bool {
        let failures = self.failures.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        if failures < MOST_FAILURES {
            return false;
        }
        let until = self.until.load(Ordering::Relaxed);
        let now = now();
        if now < until {
            return false;
        }
        let next = now + millis(duration(self.ejections.load(Ordering::Relaxed)));
        let ejected = self.until.compare_exchange(until, next, Ordering::Relaxed, Ordering::Relaxed).is_ok();
        if ejected {
            self.ejections.fetch_add(1, Ordering::Relaxed);
        }
        ejected
    }

    /// It served a request: nothing is held against it any more, but for what the health checks say.
    pub(crate) fn served(&self) {
        // Read first: the line is shared by all workers as long as nobody writes to it.
        if self.failures.load(Ordering::Relaxed) != 0 {
            self.failures.store(0, Ordering::Relaxed);
            self.ejections.store(0, Ordering::Relaxed);
            self.until.store(0, Ordering::Relaxed);
        }
    }

    /// What the health checks say now. Whether they said something else before.
    pub(crate) fn set_well(&self, well: bool) -> bool {
        self.unwell.swap(!well, Ordering::Relaxed) == well
    }
}

/// How long an ejection lasts after so many others.
fn duration(before: u32) -> Duration {
    FIRST.saturating_mul(2_u32.saturating_pow(before)).min(LONGEST)
}

/// Milliseconds since the first look at this clock, and one: never 0.
fn now() -> u64 {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    millis(START.elapsed()) + 1
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(health: &Health, times: u32) -> u32 {
        (0..times).filter(|_| health.failed()).count() as u32
    }

    #[test]
    fn failures_in_a_row_eject_once_and_a_served_request_forgives() {
        let health = Health::default();
        assert_eq!(failed(&health, MOST_FAILURES - 1), 0);
        health.served();
        assert_eq!(failed(&health, MOST_FAILURES - 1), 0);
        assert!(!health.is_suspect());
        assert_eq!(failed(&health, 5), 1);
        assert!(health.is_suspect());
        health.served();
        assert!(!health.is_suspect());
    }

    #[test]
    fn after_an_ejection_one_failure_is_enough_for_the_next() {
        let health = Health::default();
        assert_eq!(failed(&health, MOST_FAILURES), 1);
        health.until.store(1, Ordering::Relaxed);
        assert!(!health.is_suspect());
        assert!(health.failed());
        assert!(health.is_suspect());
    }

    #[test]
    fn each_ejection_lasts_twice_as_long_up_to_a_minute() {
        let seconds = [0, 1, 2, 3, 4, 40].map(|before| duration(before).as_secs());
        assert_eq!(seconds, [5, 10, 20, 40, 60, 60]);
    }

    #[test]
    fn what_checks_say_stands_until_they_say_something_else() {
        let health = Health::default();
        assert!(!health.set_well(true));
        assert!(health.set_well(false));
        health.served();
        assert!(health.is_suspect());
        assert!(health.set_well(true));
        assert!(!health.is_suspect());
    }
}
