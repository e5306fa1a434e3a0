//! How many client connections there may be, over all workers of a server.
//!
//! In comes a connection; out goes whether it may stay. The total is one atomic number. Connections by address are
//! counted only if they are limited, behind a lock that is taken twice a connection and never on the request path.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The counts and their bounds.
#[derive(Debug)]
pub(crate) struct Limits {
    open: AtomicUsize,
    max: usize,
    per_client: Option<PerClient>,
}

#[derive(Debug)]
struct PerClient {
    max: u32,
    open: Mutex<HashMap<IpAddr, u32>>,
}

impl Limits {
    pub(super) fn new(max: usize, per_client: Option<u32>) -> Self {
        let per_client = per_client.map(|max| PerClient { max, open: Mutex::default() });
        Self { open: AtomicUsize::new(0), max, per_client }
    }

    /// Counts one more connection. Whether it is within the bound.
    pub(super) fn enter(&self) -> bool {
        self.open.fetch_add(1, Ordering::Relaxed) < self.max
    }

    pub(super) fn leave(&self) {
        self.open.fetch_sub(1, Ordering::Relaxed);
    }

    /// Counts one more connection of a client, if it is within its bound. The key to give back when it ends.
    pub(super) fn enter_client(&self, client: IpAddr) -> Result<Option<IpAddr>, TooMany> {
        let Some(limit) = &self.per_client else {
            return Ok(None);
        };
        let key = network(client);
        let mut open = limit.open();
        let count = open.entry(key).or_default();
        if *count >= limit.max {
            return Err(TooMany);
        }
        *count += 1;
        Ok(Some(key))
    }

    pub(super) fn leave_client(&self, key: IpAddr) {
        let Some(limit) = &self.per_client else {
            return;
        };
        let mut open = limit.open();
        if let Some(count) = open.get_mut(&key) {
            *count -= 1;
            if *count == 0 {
                open.remove(&key);
            }
        }
    }
}

/// A client has as many connections as it may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TooMany;

impl PerClient {
    fn open(&self) -> MutexGuard<'_, HashMap<IpAddr, u32>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What one client can have many addresses of: with IPv6 a network of 64 bits.
fn network(client: IpAddr) -> IpAddr {
    match client.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_beyond_the_bound_are_told_until_one_leaves() {
        let limits = Limits::new(2, None);
        assert_eq!([limits.enter(), limits.enter(), limits.enter()], [true, true, false]);
        limits.leave();
        limits.leave();
        assert!(limits.enter());
    }

    #[test]
    fn one_client_does_not_use_up_the_places_of_another() {
        let limits = Limits::new(9, Some(1));
        let client = |text: &str| text.parse().unwrap();
        let key = limits.enter_client(client("10.0.0.1")).unwrap().unwrap();
        assert_eq!(limits.enter_client(client("::ffff:10.0.0.1")), Err(TooMany));
        assert!(limits.enter_client(client("10.0.0.2")).is_ok());
        assert!(limits.enter_client(client("2001:db8::1")).is_ok());
        assert_eq!(limits.enter_client(client("2001:db8::ffff:1")), Err(TooMany));
        assert!(limits.enter_client(client("2001:db8:0:1::1")).is_ok());
        limits.leave_client(key);
        assert!(limits.enter_client(client("10.0.0.1")).is_ok());
    }
}
