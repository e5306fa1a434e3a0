//! The endpoints of services, and how many requests each is serving.
//!
//! In come addresses from the configuration; out go [`Endpoint`]s that live on from table to table as long as any
//! service lists their address, so that their count is never lost by an edit. The count is read and written on the hot
//! path, by every worker: it has a cache line of its own.

use std::collections::{BTreeSet, HashMap};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// The endpoints that a request to one service can go to.
#[derive(Debug, Default)]
pub(crate) struct Service {
    pub(crate) endpoints: Box<[Arc<Endpoint>]>,
}

/// One address that serves requests.
#[derive(Debug)]
pub(crate) struct Endpoint {
    pub(crate) address: SocketAddr,
    retired: AtomicBool,
    in_flight: OwnCacheLine,
}

#[derive(Debug, Default)]
#[repr(align(128))]
struct OwnCacheLine(AtomicUsize);

impl Endpoint {
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self { address, retired: AtomicBool::new(false), in_flight: OwnCacheLine::default() }
    }

    /// The number of requests that it is serving now, over all workers.
    pub(crate) fn in_flight(&self) -> usize {
        self.in_flight.0.load(Ordering::Relaxed)
    }

    /// Whether no service lists it any more: its idle connections are of no use.
    pub(crate) fn is_retired(&self) -> bool {
        self.retired.load(Ordering::Relaxed)
    }
}

/// One request in flight to an endpoint; it counts until this is dropped.
#[derive(Debug)]
pub(crate) struct InFlight {
    endpoint: Arc<Endpoint>,
}

impl InFlight {
    pub(crate) fn new(endpoint: Arc<Endpoint>) -> Self {
        endpoint.in_flight.0.fetch_add(1, Ordering::Relaxed);
        Self { endpoint }
    }

    pub(crate) fn endpoint(&self) -> &Arc<Endpoint> {
        &self.endpoint
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.endpoint.in_flight.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The writer's list of endpoints that are in use.
#[derive(Default)]
pub(crate) struct Endpoints {
    held: HashMap<SocketAddr, Held>,
}

struct Held {
    endpoint: Arc<Endpoint>,
    services: usize,
}

impl Endpoints {
    /// The endpoints for addresses, which one more service lists from now on.
    pub(crate) fn acquire(&mut self, addresses: &BTreeSet<SocketAddr>) -> Service {
        let endpoints = addresses.iter().map(|address| {
            let held = self
                .held
                .entry(*address)
                .or_insert_with(|| Held { endpoint: Arc::new(Endpoint::new(*address)), services: 0 });
            held.services += 1;
            held.endpoint.clone()
        });
        Service { endpoints: endpoints.collect() }
    }

    /// One service less lists these addresses.
    pub(crate) fn release(&mut self, service: &Service) {
        for endpoint in &service.endpoints {
            let Some(held) = self.held.get_mut(&endpoint.address) else {
                continue;
            };
            held.services -= 1;
            if held.services == 0 {
                held.endpoint.retired.store(true, Ordering::Relaxed);
                self.held.remove(&endpoint.address);
            }
        }
    }
}

/// The addresses that can be served, and a sentence for each that cannot.
pub(crate) fn usable(addresses: &[SocketAddr]) -> (BTreeSet<SocketAddr>, Vec<String>) {
    let (good, bad): (BTreeSet<_>, BTreeSet<_>) = addresses.iter().partition(|address| {
        address.port() != 0 && !address.ip().is_unspecified() && !address.ip().is_multicast()
    });
    let reasons = bad.iter().map(|address| {
        format!("nothing can be sent to the endpoint {address}: give the address and port that it listens on")
    });
    (good, reasons.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(ports: &[u16]) -> BTreeSet<SocketAddr> {
        ports.iter().map(|port| SocketAddr::from(([10, 0, 0, 1], *port))).collect()
    }

    #[test]
    fn an_endpoint_keeps_its_count_as_long_as_any_service_lists_it() {
        let mut endpoints = Endpoints::default();
        let first = endpoints.acquire(&addresses(&[1, 2]));
        let _request = InFlight::new(first.endpoints[0].clone());
        let second = endpoints.acquire(&addresses(&[1]));
        endpoints.release(&first);
        assert_eq!(second.endpoints[0].in_flight(), 1);
        assert!(!second.endpoints[0].is_retired());
        assert!(first.endpoints[1].is_retired());
    }

    #[test]
    fn an_endpoint_that_left_and_came_back_is_a_new_one() {
        let mut endpoints = Endpoints::default();
        let before = endpoints.acquire(&addresses(&[1]));
        endpoints.release(&before);
        let after = endpoints.acquire(&addresses(&[1]));
        assert!(before.endpoints[0].is_retired());
        assert!(!Arc::ptr_eq(&before.endpoints[0], &after.endpoints[0]));
    }

    #[test]
    fn a_request_counts_until_it_is_dropped() {
        let endpoint = Arc::new(Endpoint::new(SocketAddr::from(([10, 0, 0, 1], 1))));
        let requests = [InFlight::new(endpoint.clone()), InFlight::new(endpoint.clone())];
        assert_eq!(endpoint.in_flight(), 2);
        drop(requests);
        assert_eq!(endpoint.in_flight(), 0);
    }

    #[test]
    fn an_address_without_a_port_or_host_is_left_out_with_a_reason() {
        let given =
            ["10.0.0.1:80", "10.0.0.1:0", "0.0.0.0:80", "10.0.0.1:80"].map(|text| text.parse().unwrap());
        let (good, reasons) = usable(&given);
        assert_eq!(good.len(), 1);
        assert_eq!(reasons.len(), 2);
    }
}
