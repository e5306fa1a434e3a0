//! What a row of answers means, and when the next one is asked for. Pure: times are arguments.

use std::time::Duration;

use super::{Kind, Probe};

/// Until the first success, a container is asked at least this often for as long as [`EAGER_FOR`].
const EAGER: [(Duration, Duration); 3] = [
    (Duration::from_secs(1), Duration::from_millis(20)),
    (Duration::from_secs(5), Duration::from_millis(100)),
    (EAGER_FOR, Duration::from_millis(500)),
];
/// After this, a container that never succeeded is asked as often as its period says.
const EAGER_FOR: Duration = Duration::from_secs(30);

/// How long to wait before asking again.
pub(super) fn pause(kind: Kind, period: Duration, elapsed: Duration, succeeded: bool) -> Duration {
    if succeeded || kind == Kind::Liveness {
        return period;
    }
    let eager = EAGER.iter().find(|(until, _)| elapsed < *until).map(|(_, pause)| *pause);
    eager.map_or(period, |pause| pause.min(period))
}

/// The answers of one probe so far.
#[derive(Debug)]
pub(super) struct Tally {
    success_threshold: u32,
    failure_threshold: u32,
    period: Duration,
    /// When the next bad answer before the first success counts.
    counts_from: Duration,
    succeeded: bool,
    last: Option<bool>,
    row: u32,
}

/// What an answer changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// Whether the answer counts at all.
    pub(super) counts: bool,
    /// Success or failure, if this answer completes a row. It is said again with each further answer of the row.
    pub(super) verdict: Option<bool>,
}

impl Tally {
    pub(super) fn new(kind: Kind, probe: &Probe) -> Self {
        Self {
            success_threshold: probe.success_threshold,
            failure_threshold: probe.failure_threshold,
            period: probe.period,
            counts_from: if kind == Kind::Liveness { Duration::ZERO } else { probe.period },
            succeeded: false,
            last: None,
            row: 0,
        }
    }

    pub(super) fn has_succeeded(&self) -> bool {
        self.succeeded
    }

    /// Takes the answer that came this long after the first question.
    pub(super) fn take(&mut self, elapsed: Duration, good: bool) -> Found {
        if !good && !self.succeeded {
            if elapsed < self.counts_from {
                return Found { counts: false, verdict: None };
            }
            self.counts_from = elapsed + self.period.mul_f64(0.9);
        }
        self.succeeded |= good;
        self.row = if self.last == Some(good) { self.row.saturating_add(1) } else { 1 };
        self.last = Some(good);
        let threshold = if good { self.success_threshold } else { self.failure_threshold };
        Found { counts: true, verdict: (self.row >= threshold).then_some(good) }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Action;
    use super::*;

    const PERIOD: Duration = Duration::from_secs(3);

    fn tally(kind: Kind, success: u32, failure: u32) -> Tally {
        Tally::new(
            kind,
            &Probe {
                action: Action::Exec(Vec::new()),
                initial_delay: Duration::ZERO,
                period: PERIOD,
                timeout: PERIOD,
                success_threshold: success,
                failure_threshold: failure,
                grace: None,
            },
        )
    }

    fn verdicts(tally: &mut Tally, answers: &str) -> String {
        let mut elapsed = PERIOD;
        let mut verdict = |answer| {
            elapsed += PERIOD;
            match tally.take(elapsed, answer == '+').verdict {
                Some(true) => 'S',
                Some(false) => 'F',
                None => '.',
            }
        };
        answers.chars().map(&mut verdict).collect()
    }

    #[test]
    fn thresholds_count_answers_in_a_row() {
        assert_eq!(verdicts(&mut tally(Kind::Readiness, 1, 3), "+--+---+"), "S..S..FS");
        assert_eq!(verdicts(&mut tally(Kind::Readiness, 2, 1), "+-+++-"), ".F.SSF");
    }

    #[test]
    fn before_the_first_success_bad_answers_count_once_a_period() {
        let mut tally = tally(Kind::Readiness, 1, 3);
        let counted =
            |tally: &mut Tally, seconds: f64| tally.take(Duration::from_secs_f64(seconds), false).counts;
        let at = [0.0, 0.02, 2.9, 3.0, 3.1, 5.9, 6.1, 6.2];
        assert_eq!(
            at.map(|at| counted(&mut tally, at)),
            [false, false, false, true, false, true, false, false]
        );
    }

    #[test]
    fn after_it_each_one_counts() {
        let mut tally = tally(Kind::Readiness, 1, 3);
        assert!(tally.take(Duration::ZERO, true).counts);
        assert!(tally.take(Duration::from_millis(1), false).counts);
    }

    #[test]
    fn a_container_is_asked_eagerly_until_it_succeeds() {
        let pause = |seconds, succeeded| {
            pause(Kind::Readiness, PERIOD, Duration::from_secs(seconds), succeeded).as_millis()
        };
        assert_eq!([0, 1, 4, 5, 29, 30].map(|at| pause(at, false)), [20, 100, 100, 500, 500, 3000]);
        assert_eq!(pause(0, true), 3000);
    }

    #[test]
    fn liveness_is_asked_as_often_as_it_says() {
        assert_eq!(pause(Kind::Liveness, PERIOD, Duration::ZERO, false), PERIOD);
        assert_eq!(verdicts(&mut tally(Kind::Liveness, 1, 2), "--"), ".F");
    }
}
