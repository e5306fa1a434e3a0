//! How often a node may write its report: a token bucket.
//!
//! In come the times of writes; out goes the earliest time of the next. After a quiet time the first write is free to go at
//! once, and a few more follow closely, because one edit often reaches a node as several events. Who goes on writing is held
//! to one write each [`PERIOD`], so that N nodes cost the API N writes a second at most, whatever happens.

use std::time::Duration;

use tokio::time::Instant;

/// One write is earned in this time.
pub(super) const PERIOD: Duration = Duration::from_secs(1);
/// So many writes are saved up in quiet times.
pub(super) const BURST: u32 = 3;
/// Saved-up writes keep this distance, so that events which come together share one.
pub(super) const GAP: Duration = Duration::from_millis(100);

/// The writes that are saved up.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Allowance {
    /// When every write is saved up again; none before the first write.
    full: Option<Instant>,
}

impl Allowance {
    /// The earliest time of the next write, after the last one that was counted.
    pub(super) fn next(&self, last: Instant) -> Instant {
        let spent = self.full.map_or(Duration::ZERO, |full| full.saturating_duration_since(last));
        let missing = spent.saturating_sub(PERIOD * (BURST - 1));
        last + missing.max(GAP)
    }

    /// Counts a write.
    pub(super) fn spend(&mut self, now: Instant) {
        self.full = Some(self.full.map_or(now, |full| full.max(now)) + PERIOD);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The times, from `begin` on, of writes that are each made as early as they may.
    fn eager(allowance: &mut Allowance, begin: Instant, count: usize) -> Vec<Duration> {
        let mut now = begin;
        let mut write = || {
            allowance.spend(now);
            let written = now;
            now = allowance.next(now);
            written - begin
        };
        (0..count).map(|_| write()).collect()
    }

    #[test]
    fn a_burst_goes_at_once_and_what_follows_once_a_second() {
        let (mut allowance, begin) = (Allowance::default(), Instant::now());
        assert_eq!(
            eager(&mut allowance, begin, 6),
            [0, 100, 200, 1000, 2000, 3000].map(Duration::from_millis)
        );
        let later = begin + Duration::from_secs(60);
        assert_eq!(eager(&mut allowance, later, 4), [0, 100, 200, 1000].map(Duration::from_millis));
    }

    #[test]
    fn no_span_of_time_has_more_writes_than_its_seconds_and_the_burst() {
        let (mut allowance, begin) = (Allowance::default(), Instant::now());
        let mut times = eager(&mut allowance, begin, 50);
        let pause = times[49] + Duration::from_millis(2500);
        times.extend(eager(&mut allowance, begin + pause, 50).into_iter().map(|time| time + pause));
        for (first, from) in times.iter().enumerate() {
            for (count, to) in (1..).zip(&times[first..]) {
                let most = (*to - *from).as_secs() + u64::from(BURST);
                assert!(count <= most, "{count} writes from {from:?} to {to:?}");
            }
        }
    }
}
