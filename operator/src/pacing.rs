//! When those who keep AWS as it is ordered look again: a Cluster's keeper, and each Blobstore's.

use std::time::Duration;

use jiff::Timestamp;
use plan::Refusal;
use plan::aws::{Failure, Fault};
use tokio::sync::watch;

use crate::backoff::delay;

/// How long everything may go unlooked at.
pub(crate) const RESYNC: Duration = Duration::from_secs(60);

/// The time from the beginning of one look to that of the next one, however much happens.
pub(crate) const BREATH: Duration = Duration::from_secs(1);

/// How many passes follow each other at once.
pub(crate) const MOST_PASSES: usize = 10;

/// What a pass came to.
pub(crate) struct Pass {
    /// Whether something was changed.
    pub(crate) changed: bool,
    /// Whether something could not be read or written.
    pub(crate) failed: bool,
    /// How long it is until the plan changes by itself.
    pub(crate) recheck_in: Option<Duration>,
}

/// How many looks in a row could not read or write something.
#[derive(Debug, Default)]
pub(crate) struct Patience(u32);

impl Patience {
    /// How long to wait after the last pass of a look: up to a minute, and after failures in a row 1 s, 2 s, 4 s and so on.
    pub(crate) fn after(&mut self, pass: &Pass) -> Duration {
        if pass.failed {
            self.0 = self.0.saturating_add(1);
            return delay(self.0, fastrand::f64());
        }
        self.0 = 0;
        // Up to a fifth sooner, so that those who began together do not stay together.
        let resync = RESYNC.mul_f64(1.0 - fastrand::f64() / 5.0);
        pass.recheck_in.map_or(resync, |recheck| recheck.min(resync))
    }
}

/// What was told that is no fault, as long as it is so.
#[derive(Debug, Default)]
pub(crate) struct Warned(Vec<Refusal>);

impl Warned {
    /// What is new of what should be known.
    pub(crate) fn news(&mut self, warnings: &[Refusal]) -> Vec<Refusal> {
        let new = warnings.iter().filter(|warning| !self.0.contains(warning)).cloned().collect();
        self.0 = warnings.to_vec();
        new
    }
}

/// How long it is from now until then, none if that is over.
pub(crate) fn until(then: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(then.duration_since(now)).unwrap_or_default()
}

/// Whether there is another order, or none can come any more.
pub(crate) fn is_over<T>(orders: &watch::Receiver<T>) -> bool {
    orders.has_changed().unwrap_or(true)
}

/// Whether the fence kept the call back, so that it was never tried.
pub(crate) fn is_kept_back<T>(result: &Result<T, Failure>) -> bool {
    result.as_ref().is_err_and(|failure| failure.fault == Fault::NotLeader)
}

#[cfg(test)]
mod tests {
    use crds::Reason;

    use super::*;

    fn pass(failed: bool, recheck_in: Option<u64>) -> Pass {
        Pass { changed: false, failed, recheck_in: recheck_in.map(Duration::from_secs) }
    }

    #[test]
    fn what_is_in_sync_is_looked_at_every_minute_or_when_the_plan_says_so() {
        let mut patience = Patience::default();
        let minute = patience.after(&pass(false, None));
        assert!(minute > Duration::from_secs(47) && minute <= RESYNC, "{minute:?}");
        assert_eq!(patience.after(&pass(false, Some(7))), Duration::from_secs(7));
        assert!(patience.after(&pass(false, Some(3600))) <= RESYNC);
    }

    #[test]
    fn failures_in_a_row_are_waited_for_longer_and_longer_whatever_the_plan_says_and_a_success_ends_the_row()
    {
        let mut patience = Patience::default();
        let waits: Vec<Duration> = (0..4).map(|_| patience.after(&pass(true, Some(30)))).collect();
        assert!(waits.windows(2).all(|pair| pair[0] < pair[1]), "{waits:?}");
        patience.after(&pass(false, None));
        assert!(patience.after(&pass(true, None)) <= Duration::from_secs(1));
    }

    #[test]
    fn a_warning_is_told_once_for_as_long_as_it_is_so() {
        let warning = |message: &str| Refusal::new(Reason::NotOwned, message);
        let [first, both, second] = [vec!["first"], vec!["first", "second"], vec!["second"]]
            .map(|messages| messages.into_iter().map(warning).collect::<Vec<_>>());
        let mut warned = Warned::default();
        assert_eq!(warned.news(&first), first);
        assert_eq!(warned.news(&both), second);
        assert!(warned.news(&second).is_empty());
        assert_eq!(warned.news(&first), first);
    }

    #[test]
    fn what_is_over_is_not_waited_for() {
        let now = Timestamp::from_second(1_000).unwrap();
        assert_eq!(until(Timestamp::from_second(1_007).unwrap(), now), Duration::from_secs(7));
        assert_eq!(until(Timestamp::from_second(993).unwrap(), now), Duration::ZERO);
    }
}
