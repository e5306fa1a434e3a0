//! Which endpoint gets a request: the less busy of two that are drawn at random.
//!
//! In come the endpoints and those that could not be reached; out goes the place of one. Hot: two draws, two reads.

use std::sync::Arc;

use crate::table::Endpoint;

/// The place of an endpoint that has not failed. Of two with equal counts the first drawn is taken.
pub(super) fn pick(endpoints: &[Arc<Endpoint>], failed: &[usize]) -> Option<usize> {
    let left = endpoints.len() - failed.len();
    match left {
        0 => None,
        1 => place(0, failed),
        _ => {
            let first = fastrand::usize(..left);
            let second = (first + fastrand::usize(1..left)) % left;
            let (first, second) = (place(first, failed)?, place(second, failed)?);
            let less = endpoints[second].in_flight() < endpoints[first].in_flight();
            Some(if less { second } else { first })
        }
    }
}

/// The place of the `nth` endpoint that has not failed.
fn place(nth: usize, failed: &[usize]) -> Option<usize> {
    if failed.is_empty() {
        return Some(nth);
    }
    (0..).filter(|place| !failed.contains(place)).nth(nth)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::InFlight;
    use std::collections::BTreeSet;
    use std::net::SocketAddr;

    fn endpoints(count: u16) -> Vec<Arc<Endpoint>> {
        (1..=count).map(|port| Arc::new(Endpoint::new(SocketAddr::from(([10, 0, 0, 1], port))))).collect()
    }

    #[test]
    fn an_endpoint_that_failed_is_not_picked_again() {
        let endpoints = endpoints(4);
        for _ in 0..100 {
            assert!([Some(1), Some(3)].contains(&pick(&endpoints, &[2, 0])));
        }
        assert_eq!(pick(&endpoints, &[3, 0, 1]), Some(2));
        assert_eq!(pick(&endpoints, &[3, 0, 1, 2]), None);
        assert_eq!(pick(&[], &[]), None);
    }

    #[test]
    fn the_busier_of_two_is_never_picked() {
        let endpoints = endpoints(2);
        let _requests: Vec<_> = (0..10).map(|_| InFlight::new(endpoints[0].clone())).collect();
        for _ in 0..100 {
            assert_eq!(pick(&endpoints, &[]), Some(1));
        }
    }

    #[test]
    fn all_endpoints_get_their_turn() {
        let endpoints = endpoints(3);
        let picked: BTreeSet<_> = (0..200).filter_map(|_| pick(&endpoints, &[])).collect();
        assert_eq!(picked.len(), 3);
    }
}
