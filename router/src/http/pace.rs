//! How fast a request's body has to come.
//!
//! In come the moments at which the wait for the client begins or ends or brought something, and how much of the body is
//! there; out goes whether that is too little. The rate is averaged over windows of waiting: what an endpoint takes long for
//! is not the client's fault. It needs no timer, because whoever sends nothing at all meets the limit for resting
//! (`exchange/heads.rs`). Hot: without a body there is nothing to do.

use std::time::Duration;

use tokio::time::Instant;

/// The pace of one body.
#[derive(Debug)]
pub(super) struct Pace {
    /// In bytes per second; 0: any.
    least: u32,
    /// Nothing is judged before so much waiting.
    window: Duration,
    /// Since when the client is waited for.
    since: Option<Instant>,
    /// How long it was waited for in this window.
    waited: Duration,
    /// How much was there when the window began, in bytes.
    before: u64,
}

impl Pace {
    pub(super) fn new(least: u32, window: Duration) -> Self {
        Self { least, window, since: None, waited: Duration::ZERO, before: 0 }
    }

    /// Notes whether the client is waited for from now on, and how many bytes there are. Whether those are too few.
    pub(super) fn is_too_slow(&mut self, waits: bool, count: u64) -> bool {
        if self.least == 0 || (!waits && self.since.is_none()) {
            return false;
        }
        self.note(Instant::now(), waits, count)
    }

    /// A body that is whole is late for nothing, so that only one that is still waited for is judged.
    fn note(&mut self, now: Instant, waits: bool, count: u64) -> bool {
        self.waited += self.since.map_or(Duration::ZERO, |since| now - since);
        self.since = waits.then_some(now);
        if !waits || self.waited < self.window {
            return false;
        }
        let came = count - self.before;
        let waited = std::mem::take(&mut self.waited);
        self.before = count;
        u128::from(came) * 1000 < u128::from(self.least) * waited.as_millis()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: u64 = 30;

    /// What becomes of a body of which so many bytes are there after so many seconds of waiting, each time.
    fn judged<const N: usize>(steps: [(u64, u64); N]) -> [bool; N] {
        let (start, mut pace) = (Instant::now(), Pace::new(100, Duration::from_secs(WINDOW)));
        assert!(!pace.note(start, true, 0));
        steps.map(|(seconds, count)| pace.note(start + Duration::from_secs(seconds), true, count))
    }

    #[test]
    fn a_body_is_judged_by_windows_and_not_before_the_first() {
        assert_eq!(judged([(10, 1), (29, 2), (30, 2_999)]), [false, false, true]);
        assert_eq!(judged([(30, 3_000), (59, 3_001), (60, 5_999)]), [false, false, true]);
    }

    #[test]
    fn a_burst_after_a_rest_is_as_good_as_a_steady_stream() {
        assert_eq!(judged([(45, 4_500), (90, 9_000)]), [false, false]);
        assert_eq!(judged([(45, 4_499)]), [true]);
    }

    #[test]
    fn only_the_time_in_which_the_client_is_waited_for_counts() {
        let (start, mut pace) = (Instant::now(), Pace::new(100, Duration::from_secs(WINDOW)));
        let at = |seconds| start + Duration::from_secs(seconds);
        assert!(!pace.note(at(0), true, 0));
        assert!(!pace.note(at(20), false, 10), "the endpoint takes nothing");
        assert!(!pace.note(at(500), true, 10));
        assert!(!pace.note(at(509), true, 10));
        assert!(pace.note(at(510), true, 10), "thirty seconds, in two parts");
    }

    #[test]
    fn a_body_that_is_whole_is_not_judged_any_more() {
        let (start, mut pace) = (Instant::now(), Pace::new(100, Duration::from_secs(WINDOW)));
        assert!(!pace.note(start, true, 0));
        assert!(!pace.note(start + Duration::from_secs(40), false, 5));
    }

    #[test]
    fn without_a_least_rate_every_body_is_fast_enough() {
        let mut pace = Pace::new(0, Duration::ZERO);
        assert!((0..3).all(|_| !pace.is_too_slow(true, 0)));
    }
}
