//! How long to wait before another attempt: exponential, with jitter, bounded.
//!
//! The same curve serves the retried writes of an object and the watches that lost their server.

use std::time::Duration;

/// The first wait.
const FIRST: Duration = Duration::from_secs(1);
/// No wait is longer.
const LONGEST: Duration = Duration::from_secs(60);
/// A watch is worth trying sooner: every node of a small cluster at once is no load for an API server.
const LONGEST_OF_A_WATCH: Duration = Duration::from_secs(10);

/// The wait after the given number of failures in a row: 1 s, 2 s, 4 s, and so on up to 60 s, each shortened by up to a
/// half so that those who failed together do not come back together. `jitter` is at least 0 and below 1.
pub(crate) fn delay(failures: u32, jitter: f64) -> Duration {
    let doublings = failures.saturating_sub(1).min(16);
    let full = FIRST.saturating_mul(1 << doublings).min(LONGEST);
    full.mul_f64(1.0 - jitter / 2.0)
}

/// The waits of a watch between its attempts to reach the API server.
#[derive(Debug, Default)]
pub(crate) struct WatchBackoff {
    failures: u32,
}

impl Iterator for WatchBackoff {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        self.failures = self.failures.saturating_add(1);
        Some(delay(self.failures, fastrand::f64()).min(LONGEST_OF_A_WATCH))
    }
}

impl kube::runtime::utils::Backoff for WatchBackoff {
    fn reset(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_doubles_up_to_a_minute() {
        let waits: Vec<u64> = (1..9).map(|failures| delay(failures, 0.0).as_secs()).collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(delay(u32::MAX, 0.0), LONGEST);
    }

    #[test]
    fn jitter_shortens_a_wait_by_less_than_half() {
        assert_eq!(delay(2, 0.5), Duration::from_millis(1500));
        assert!(delay(1, 0.999) > Duration::from_millis(500));
    }

    #[test]
    fn a_watch_waits_ten_seconds_at_most_and_starts_over_after_success() {
        let mut waits = WatchBackoff::default();
        assert!(waits.by_ref().take(20).all(|wait| wait <= LONGEST_OF_A_WATCH));
        kube::runtime::utils::Backoff::reset(&mut waits);
        assert!(waits.next().is_some_and(|wait| wait <= FIRST));
    }
}
