//! Damping: an address that left DNS comes back only after it has been fine for a while, and the longer the more often it left of late.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use jiff::{SignedDuration, Timestamp};

/// For how long a departure is remembered.
const MEMORY: SignedDuration = SignedDuration::from_mins(30);

/// The wait of an address that never left; it doubles with each departure.
const UNIT: SignedDuration = SignedDuration::from_secs(30);

/// The longest wait.
const LONGEST: SignedDuration = SignedDuration::from_mins(10);

/// Departures from the zones of several domains that are one.
const TOGETHER: SignedDuration = SignedDuration::from_secs(30);

/// Who left when, and who is fine since when.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Damping {
    left: BTreeMap<IpAddr, Vec<Timestamp>>,
    fine_since: BTreeMap<IpAddr, Timestamp>,
}

impl Damping {
    /// Takes note that an address was taken out of DNS.
    pub(super) fn leave(&mut self, address: IpAddr, now: Timestamp) {
        let times = self.left.entry(address).or_default();
        if times.last().is_none_or(|last| now.duration_since(*last) >= TOGETHER) {
            times.push(now);
        }
    }

    /// Takes note of the addresses that are fine now, and forgets what is long ago.
    pub(super) fn fine(&mut self, addresses: BTreeSet<IpAddr>, now: Timestamp) {
        self.fine_since.retain(|address, _| addresses.contains(address));
        for address in addresses {
            self.fine_since.entry(address).or_insert(now);
        }
        self.left.retain(|_, times| {
            times.retain(|time| now.duration_since(*time) < MEMORY);
            !times.is_empty()
        });
    }

    /// Until when a fine address has to wait, and why; `answers_since` is when its probes began to go well.
    pub(super) fn until(
        &self,
        address: IpAddr,
        answers_since: Timestamp,
        now: Timestamp,
    ) -> Option<(Timestamp, String)> {
        let times = self.left.get(&address)?.len();
        let doublings = u32::try_from(times).unwrap_or(u32::MAX).min(5);
        let wait = (UNIT * 2_i32.pow(doublings)).min(LONGEST);
        let since = self.fine_since.get(&address).copied().unwrap_or(now).max(answers_since);
        let often = if times == 1 { "once".to_owned() } else { format!("{times} times") };
        let why = format!(
            "{address} left DNS {often} within half an hour: it comes back when it has been fine for {} s",
            wait.as_secs()
        );
        Some((since + wait, why)).filter(|(until, _)| *until > now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_secs(seconds)
    }

    fn waits(departures: &[i64], now: i64) -> Option<i64> {
        let address = "203.0.113.1".parse().unwrap();
        let mut damping = Damping::default();
        departures.iter().for_each(|at| damping.leave(address, seconds(*at)));
        damping.fine(BTreeSet::from([address]), seconds(now));
        let until = damping.until(address, seconds(now), seconds(now));
        until.map(|(until, _)| until.duration_since(seconds(now)).as_secs())
    }

    #[test]
    fn an_address_that_never_left_does_not_wait() {
        assert_eq!(waits(&[], 100), None);
    }

    #[test]
    fn the_wait_doubles_with_each_departure_up_to_ten_minutes() {
        let departures = [0, 100, 200, 300, 400, 500, 600];
        let after = |count: usize| waits(&departures[..count], 700);
        assert_eq!([1, 2, 3, 4, 5, 7].map(after), [60, 120, 240, 480, 600, 600].map(Some));
    }

    #[test]
    fn leaving_several_domains_at_once_is_one_departure_and_one_of_long_ago_is_none() {
        assert_eq!(waits(&[0, 1, 2], 10), Some(60));
        assert_eq!(waits(&[0], 1800), None);
    }
}
