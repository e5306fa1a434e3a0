//! How many requests a second the account may send.
//!
//! From <https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/throttling-api-requests.html> (the page that
//! replaced "five requests per second"): token buckets, one for the account (50 tokens, 10 more a second) and one for
//! each action (50 and 10 as well, but those in [`Rates::default`]). A request takes one token from both; if either
//! has none, the answer is HTTP 400 `Throttling`, "Rate exceeded". The limit of that page on the throughput of changes
//! is not played.

use std::collections::HashMap;
use std::time::Instant;

use crate::action::Action;

/// The size of a bucket and how fast it fills.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate {
    /// How many requests can come at once.
    pub burst: f64,
    /// How many can come each second for long.
    pub per_second: f64,
}

/// The buckets of an account.
#[derive(Clone, Debug)]
pub struct Rates {
    /// All requests together.
    pub account: Rate,
    /// Those of one action, unless it is in `actions`.
    pub action: Rate,
    /// Actions with a bucket of another size.
    pub actions: HashMap<Action, Rate>,
}

impl Default for Rates {
    fn default() -> Self {
        let rate = |burst, per_second| Rate { burst, per_second };
        let actions = HashMap::from([
            (Action::CreateHealthCheck, rate(50.0, 0.5)),
            (Action::CreateHostedZone, rate(40.0, 2.0)),
            (Action::DeleteHealthCheck, rate(15.0, 3.0)),
            (Action::DeleteHostedZone, rate(40.0, 5.0)),
            (Action::GetHealthCheckStatus, rate(4.0, 1.0)),
        ]);
        Self { account: rate(50.0, 10.0), action: rate(50.0, 10.0), actions }
    }
}

/// The buckets with what is left in them.
pub struct Throttle {
    rates: Rates,
    account: Bucket,
    actions: HashMap<Action, Bucket>,
}

impl Throttle {
    /// Buckets that are full now.
    pub fn new(rates: Rates, now: Instant) -> Self {
        Self { account: Bucket::full(rates.account, now), actions: HashMap::new(), rates }
    }

    /// Whether a request may pass now; if so it is counted.
    pub fn admits(&mut self, action: Action, now: Instant) -> bool {
        let rate = self.rates.actions.get(&action).copied().unwrap_or(self.rates.action);
        let own = self.actions.entry(action).or_insert_with(|| Bucket::full(rate, now));
        own.refill(now);
        self.account.refill(now);
        let admitted = own.tokens >= 1.0 && self.account.tokens >= 1.0;
        if admitted {
            own.tokens -= 1.0;
            self.account.tokens -= 1.0;
        }
        admitted
    }
}

struct Bucket {
    rate: Rate,
    tokens: f64,
    filled: Instant,
}

impl Bucket {
    fn full(rate: Rate, now: Instant) -> Self {
        Self { rate, tokens: rate.burst, filled: now }
    }

    fn refill(&mut self, now: Instant) {
        let gained = now.saturating_duration_since(self.filled).as_secs_f64() * self.rate.per_second;
        self.tokens = (self.tokens + gained).min(self.rate.burst);
        self.filled = self.filled.max(now);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn admitted(throttle: &mut Throttle, action: Action, now: Instant) -> usize {
        (0..100).filter(|_| throttle.admits(action, now)).count()
    }

    #[test]
    fn an_action_with_a_small_bucket_leaves_the_account_its_tokens() {
        let now = Instant::now();
        let mut throttle = Throttle::new(Rates::default(), now);
        assert_eq!(admitted(&mut throttle, Action::GetHealthCheckStatus, now), 4);
        assert_eq!(admitted(&mut throttle, Action::ListHostedZones, now), 46);
        assert_eq!(admitted(&mut throttle, Action::GetChange, now), 0);
    }

    #[test]
    fn a_bucket_fills_at_its_rate_and_not_over_its_size() {
        let start = Instant::now();
        let mut throttle = Throttle::new(Rates::default(), start);
        assert_eq!(admitted(&mut throttle, Action::GetHealthCheckStatus, start), 4);
        let later = start + Duration::from_secs(2);
        assert_eq!(admitted(&mut throttle, Action::GetHealthCheckStatus, later), 2);
        assert_eq!(admitted(&mut throttle, Action::GetHealthCheckStatus, later + Duration::from_secs(60)), 4);
    }
}
