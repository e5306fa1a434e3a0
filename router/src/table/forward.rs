//! How requests are sent to a service, compiled.
//!
//! In comes a route's rules; out go the same with their service as a slot, and a sentence for each number that is out of
//! range, in whose place the nearest one in range is used.

use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::time::Duration;

use router_config::IpNet;

use super::slots::Slot;

/// Requests go to an endpoint of a service, by these rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Forward {
    /// An empty slot answers 503.
    pub(crate) service: Slot,
    pub(crate) sticky: bool,
    pub(crate) leader: bool,
    /// Whether a connection to an endpoint is used for more than one request.
    pub(crate) keep_alive: bool,
    /// Until the head of the response.
    pub(crate) response_timeout: Duration,
    /// How long a client may rest within a body.
    pub(crate) idle_timeout: Duration,
    /// Of a request's body, in bytes per second; 0: any.
    pub(crate) min_body_rate: u32,
    /// In bytes.
    pub(crate) max_body: Option<u64>,
    clients: Box<[IpNet]>,
}

/// A day is more patience than any client has.
const SECONDS: RangeInclusive<u32> = 1..=86_400;

impl Forward {
    pub(super) fn compile(from: &router_config::Forward, service: Slot, reasons: &mut Vec<String>) -> Self {
        let mut seconds = |name: &str, given: u32| {
            if !SECONDS.contains(&given) {
                reasons.push(format!("`{name}` is {given}: give 1 to 86400 seconds"));
            }
            Duration::from_secs(given.clamp(*SECONDS.start(), *SECONDS.end()).into())
        };
        Self {
            service,
            sticky: from.sticky,
            leader: from.leader,
            keep_alive: from.keep_alive,
            response_timeout: seconds("responseSeconds", from.response_seconds),
            idle_timeout: seconds("idleSeconds", from.idle_seconds),
            min_body_rate: from.min_body_bytes_per_second,
            max_body: from.max_body_bytes,
            clients: from.clients.as_slice().into(),
        }
    }

    /// The networks that clients may come from; none: all.
    pub(crate) fn networks(&self) -> &[IpNet] {
        &self.clients
    }

    /// Whether a client of this address may ask.
    pub(crate) fn admits(&self, client: IpAddr) -> bool {
        admits(&self.clients, client)
    }
}

/// Whether one of the networks has the address, or there are none.
pub(super) fn admits(networks: &[IpNet], client: IpAddr) -> bool {
    networks.is_empty() || networks.iter().any(|network| network.contains(&client.to_canonical()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forward(change: impl FnOnce(&mut router_config::Forward)) -> (Forward, Vec<String>) {
        let mut from = router_config::Forward::to("web");
        change(&mut from);
        let mut reasons = Vec::new();
        (Forward::compile(&from, Slot(0), &mut reasons), reasons)
    }

    #[test]
    fn everybody_may_ask_unless_networks_are_given() {
        let client = |text: &str| text.parse().unwrap();
        assert!(forward(|_| {}).0.admits(client("192.0.2.1")));
        let networks = ["10.0.0.0/8", "2001:db8::/32"].map(|text| text.parse().unwrap());
        let (forward, _) = forward(|from| from.clients = networks.to_vec());
        for inside in ["10.1.2.3", "::ffff:10.1.2.3", "2001:db8::1"] {
            assert!(forward.admits(client(inside)), "{inside}");
        }
        for outside in ["11.1.2.3", "2001:db9::1", "::1"] {
            assert!(!forward.admits(client(outside)), "{outside}");
        }
    }

    #[test]
    fn a_time_out_of_range_is_told_and_the_nearest_one_used() {
        let (forward, reasons) = forward(|from| from.response_seconds = 0);
        assert_eq!(forward.response_timeout, Duration::from_secs(1));
        assert_eq!(reasons, ["`responseSeconds` is 0: give 1 to 86400 seconds"]);
    }
}
