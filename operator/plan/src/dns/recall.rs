//! The addresses that the records of a zone have lost behind our back: this leader saw records that name them, it has not taken those out, and now they
//! are not listed.
//!
//! Either somebody deleted them, or the list leaves them out. Records that are wanted are put back at once in both cases, because Route 53 refuses to
//! create what is there. What cannot be undone waits: such an address is not released, and its health check stays, until the lists have left it out
//! for [`RECALL`] without a break.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use jiff::{SignedDuration, Timestamp};

/// For how long lists have to leave out what was seen.
const RECALL: SignedDuration = SignedDuration::from_mins(15);

/// The addresses that this leader saw in records, and since when they are not listed, if they are not.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Recall {
    seen: BTreeMap<IpAddr, Option<Timestamp>>,
}

impl Recall {
    /// What is remembered after a look; `published` is nothing if some zone could not be read.
    pub(super) fn after(&self, published: Option<&BTreeSet<IpAddr>>, now: Timestamp) -> Self {
        let Some(published) = published else {
            // What nobody looked at has not been missing.
            return Self { seen: self.seen.keys().map(|address| (*address, None)).collect() };
        };
        let missing = self.seen.iter().filter(|(address, _)| !published.contains(address));
        let missing = missing.map(|(address, since)| (*address, since.unwrap_or(now)));
        let missing = missing.filter(|(_, since)| now.duration_since(*since) < RECALL);
        let listed = published.iter().map(|address| (*address, None));
        Self { seen: listed.chain(missing.map(|(address, since)| (address, Some(since)))).collect() }
    }

    /// Forgets an address that this leader takes out itself.
    pub(super) fn forget(&mut self, address: IpAddr) {
        self.seen.remove(&address);
    }

    /// The addresses that were seen and are not listed.
    pub(super) fn missing(&self) -> BTreeSet<IpAddr> {
        self.seen.iter().filter(|(_, since)| since.is_some()).map(|(address, _)| *address).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minutes(minutes: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_mins(minutes)
    }

    fn addresses() -> BTreeSet<IpAddr> {
        BTreeSet::from([[203, 0, 113, 1].into(), [203, 0, 113, 2].into()])
    }

    fn seen() -> Recall {
        Recall::default().after(Some(&addresses()), minutes(0))
    }

    #[test]
    fn what_is_listed_is_not_missing_and_what_was_never_seen_is_not_either() {
        assert!(seen().missing().is_empty());
        assert!(Recall::default().after(Some(&BTreeSet::new()), minutes(1)).missing().is_empty());
    }

    #[test]
    fn what_lists_leave_out_is_missing_for_a_quarter_of_an_hour() {
        let mut recall = seen();
        for minute in 1..=15 {
            recall = recall.after(Some(&BTreeSet::new()), minutes(minute));
            assert_eq!(recall.missing(), addresses(), "after {minute} minutes");
        }
        assert!(recall.after(Some(&BTreeSet::new()), minutes(16)).missing().is_empty());
    }

    #[test]
    fn a_list_that_fails_in_between_makes_the_time_begin_anew() {
        let recall = seen().after(Some(&BTreeSet::new()), minutes(1)).after(None, minutes(10));
        assert!(recall.missing().is_empty(), "nothing is known");
        let recall = recall.after(Some(&BTreeSet::new()), minutes(14));
        assert_eq!(recall.after(Some(&BTreeSet::new()), minutes(28)).missing(), addresses());
    }

    #[test]
    fn what_this_leader_took_out_itself_is_not_missing() {
        let mut recall = seen();
        recall.forget([203, 0, 113, 1].into());
        let missing = recall.after(Some(&BTreeSet::new()), minutes(1)).missing();
        assert_eq!(missing, BTreeSet::from([[203, 0, 113, 2].into()]));
    }
}
