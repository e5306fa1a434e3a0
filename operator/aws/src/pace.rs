//! How fast we call: the token buckets of all calls, in one place, each below what AWS lets an account do, because others call in the same account.
//!
//! | bucket | ours | AWS |
//! |---|---|---|
//! | Route 53, all calls of the account | 5, then 4 a second | 5 a second (API guide), 50 and 10 (newer page) |
//! | `CreateHealthCheck` | 40, then 1 in 2 s | 50, then 1 in 2 s |
//! | `GetHealthCheckStatus` | 4, then 1 a second | the same |
//! | EC2, calls that read | 20, then 10 a second | 100 and 20, unfiltered lists 50 and 10 |
//! | EC2, calls that write | 5, then 5 a second | 50 and 5 |
//! | S3, calls about buckets that read | 20, then 10 a second | nothing published; thousands a second for objects |
//! | S3, calls about buckets that write | 5, then 5 a second | nothing published |
//! | IAM, calls that read | 20, then 10 a second | nothing published: buckets for each account that nobody can have enlarged |
//! | IAM, calls that write | 5, then 2 a second | nothing published |
//!
//! Where AWS publishes nothing, ours are what a person at the console might come to (S3 User Guide, "Optimizing Amazon S3 performance"; AWS Security Blog, "How to
//! monitor and query IAM resources at scale", part 2).
//!
//! A call takes its token at once, also one that is not there yet, and then waits until it would be: so turns are in the order of the calls, and a
//! crowd does not wake up together. After AWS itself says that there are too many calls, the buckets of that call stay empty for a second.

use std::sync::Mutex;
use std::time::{Duration, Instant};

/// For how long a bucket gives nothing after AWS has refused a call for the rate.
const PENALTY: Duration = Duration::from_secs(1);

/// How many lanes there are.
const LANES: usize = 9;

/// What a bucket is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lane {
    /// All calls to Route 53.
    Route53,
    /// `CreateHealthCheck`, beside the account's.
    CreateHealthCheck,
    /// `GetHealthCheckStatus`, beside the account's.
    HealthCheckStatus,
    /// What reads in EC2.
    Ec2Read,
    /// What writes in EC2.
    Ec2Write,
    /// What reads in S3.
    S3Read,
    /// What writes in S3.
    S3Write,
    /// What reads in IAM.
    IamRead,
    /// What writes in IAM.
    IamWrite,
}

/// The buckets.
#[derive(Debug)]
pub(crate) struct Pace {
    buckets: Mutex<[Bucket; LANES]>,
}

/// How many calls at once, and how many a second then.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rate {
    pub(crate) burst: f64,
    pub(crate) per_second: f64,
}

#[derive(Debug)]
struct Bucket {
    rate: Rate,
    /// Below zero: how many calls wait.
    tokens: f64,
    at: Instant,
}

impl Lane {
    const ALL: [Self; LANES] = [
        Self::Route53,
        Self::CreateHealthCheck,
        Self::HealthCheckStatus,
        Self::Ec2Read,
        Self::Ec2Write,
        Self::S3Read,
        Self::S3Write,
        Self::IamRead,
        Self::IamWrite,
    ];

    /// The rate of the table above.
    pub(crate) fn rate(self) -> Rate {
        let (burst, per_second) = match self {
            Self::Route53 => (5.0, 4.0),
            Self::CreateHealthCheck => (40.0, 0.5),
            Self::HealthCheckStatus => (4.0, 1.0),
            Self::Ec2Read | Self::S3Read | Self::IamRead => (20.0, 10.0),
            Self::Ec2Write | Self::S3Write => (5.0, 5.0),
            Self::IamWrite => (5.0, 2.0),
        };
        Rate { burst, per_second }
    }
}

impl Pace {
    /// Full buckets.
    pub(crate) fn new(rate: impl Fn(Lane) -> Rate) -> Self {
        let now = Instant::now();
        Self { buckets: Mutex::new(Lane::ALL.map(|lane| Bucket::full(rate(lane), now))) }
    }

    /// Waits for a turn in all of these lanes, and tells for how long.
    pub(crate) async fn turn(&self, lanes: &[Lane]) -> Duration {
        let now = Instant::now();
        let wait = self.each(lanes, |bucket| bucket.take(now)).max().unwrap_or_default();
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
        wait
    }

    /// AWS has refused a call for its rate.
    pub(crate) fn refused(&self, lanes: &[Lane]) {
        let now = Instant::now();
        self.each(lanes, |bucket| bucket.drain(now)).for_each(drop);
    }

    fn each<T>(&self, lanes: &[Lane], act: impl Fn(&mut Bucket) -> T) -> impl Iterator<Item = T> {
        let mut buckets = self.buckets.lock().expect("no holder of the lock panics");
        let done: Vec<T> = lanes.iter().map(|lane| act(&mut buckets[*lane as usize])).collect();
        done.into_iter()
    }
}

impl Bucket {
    fn full(rate: Rate, at: Instant) -> Self {
        Self { rate, tokens: rate.burst, at }
    }

    fn take(&mut self, now: Instant) -> Duration {
        self.refill(now);
        self.tokens -= 1.0;
        Duration::from_secs_f64((-self.tokens).max(0.0) / self.rate.per_second)
    }

    fn drain(&mut self, now: Instant) {
        self.refill(now);
        self.tokens = self.tokens.min(-self.rate.per_second * PENALTY.as_secs_f64());
    }

    fn refill(&mut self, now: Instant) {
        let fresh = now.saturating_duration_since(self.at).as_secs_f64() * self.rate.per_second;
        self.tokens = (self.tokens + fresh).min(self.rate.burst);
        self.at = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate { burst: 2.0, per_second: 4.0 };

    fn waits(bucket: &mut Bucket, at: Instant, calls: usize) -> Vec<u128> {
        (0..calls).map(|_| bucket.take(at).as_millis()).collect()
    }

    #[test]
    fn each_lane_has_a_bucket_of_its_own() {
        let places: Vec<_> = Lane::ALL.iter().map(|lane| *lane as usize).collect();
        assert_eq!(places, (0..LANES).collect::<Vec<_>>());
    }

    #[test]
    fn a_burst_passes_at_once_and_what_follows_at_the_rate() {
        let now = Instant::now();
        let mut bucket = Bucket::full(RATE, now);
        assert_eq!(waits(&mut bucket, now, 4), [0, 0, 250, 500]);
        assert_eq!(
            waits(&mut bucket, now + Duration::from_secs(1), 2),
            [0, 0],
            "the two that waited had their turn"
        );
        assert_eq!(
            waits(&mut bucket, now + Duration::from_secs(60), 3),
            [0, 0, 250],
            "a bucket is never more than full"
        );
    }

    #[test]
    fn a_bucket_stays_empty_for_a_second_after_a_refusal_however_many_there_were() {
        let now = Instant::now();
        let mut bucket = Bucket::full(RATE, now);
        bucket.drain(now);
        bucket.drain(now);
        assert_eq!(waits(&mut bucket, now, 1), [1250]);
    }

    #[tokio::test]
    async fn a_call_waits_for_the_slowest_of_its_lanes_and_leaves_the_others_alone() {
        let slow = |lane| match lane {
            Lane::HealthCheckStatus => Rate { burst: 0.0, per_second: 50.0 },
            _ => Lane::rate(lane),
        };
        let pace = Pace::new(slow);
        assert!(!pace.turn(&[Lane::Route53, Lane::HealthCheckStatus]).await.is_zero());
        assert!(pace.turn(&[Lane::Route53]).await.is_zero());
    }
}
