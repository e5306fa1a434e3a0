//! How long a container that ended waits before it starts again, and how that is said; how long a watch that broke does.

use std::time::Duration;

/// The wait after the second end; the first one has none.
const FIRST: Duration = Duration::from_secs(10);
/// No wait is longer.
const LONGEST: Duration = Duration::from_secs(300);
/// After as long a run, what was before is forgotten.
const FORGIVEN_AFTER: Duration = Duration::from_secs(600);

/// The waits of one container: none, 10 s, 20 s, and so on up to 5 min.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Backoff {
    next: Duration,
}

impl Backoff {
    /// The wait of one that has restarted before: it is not forgiven because the operator was started again.
    pub(crate) fn after_earlier_ends(ended_before: bool) -> Self {
        Self { next: if ended_before { FIRST } else { Duration::ZERO } }
    }

    /// The wait after a start that failed: never none.
    pub(crate) fn after_failed_start(&mut self) -> Duration {
        self.next = self.next.max(FIRST);
        self.after(Duration::ZERO)
    }

    /// The wait after an end that came after a run this long.
    pub(crate) fn after(&mut self, run: Duration) -> Duration {
        if run >= FORGIVEN_AFTER {
            self.next = Duration::ZERO;
        }
        let wait = self.next;
        self.next = if wait.is_zero() { FIRST } else { wait.saturating_mul(2).min(LONGEST) };
        wait
    }
}

/// The waits of a watch between its attempts to reach the API server: 50 ms, doubling up to 2 s.
#[derive(Clone, Debug, Default)]
pub(crate) struct WatchBackoff {
    failures: u32,
}

impl Iterator for WatchBackoff {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        let wait = Duration::from_millis(50 << self.failures.min(6)).min(Duration::from_secs(2));
        self.failures += 1;
        Some(wait)
    }
}

impl kube::runtime::utils::Backoff for WatchBackoff {
    fn reset(&mut self) {
        self.failures = 0;
    }
}

/// A duration as Kubernetes prints it: `10s`, `1m20s`, `5m0s`.
pub(crate) fn in_words(duration: Duration) -> String {
    let seconds = duration.as_secs();
    if seconds < 60 { format!("{seconds}s") } else { format!("{}m{}s", seconds / 60, seconds % 60) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_restart_is_at_once_and_the_waits_then_double_up_to_five_minutes() {
        let mut backoff = Backoff::default();
        let waits: Vec<String> = (0..8).map(|_| in_words(backoff.after(Duration::ZERO))).collect();
        assert_eq!(waits, ["0s", "10s", "20s", "40s", "1m20s", "2m40s", "5m0s", "5m0s"]);
    }

    #[test]
    fn a_start_that_failed_is_not_tried_again_at_once() {
        let mut backoff = Backoff::default();
        assert_eq!(backoff.after_failed_start(), FIRST);
        assert_eq!(backoff.after_failed_start(), FIRST * 2);
    }

    #[test]
    fn ten_minutes_of_running_are_forgiven() {
        let mut backoff = Backoff::default();
        for _ in 0..4 {
            backoff.after(Duration::from_secs(599));
        }
        assert_eq!(backoff.after(FORGIVEN_AFTER), Duration::ZERO);
        assert_eq!(backoff.after(Duration::ZERO), FIRST);
    }
}
