//! The endpoints of services, and how many requests each is serving.
//!
//! In come addresses from the configuration; out go [`Endpoint`]s that live on from table to table as long as any
//! service lists their address, so that their count is never lost by an edit. The count is read and written on the hot
//! path, by every worker: it has a cache line of its own.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use router_config::{HealthCheck, Instance, Protocol};

use super::health::Health;

/// The endpoints that a request to one service can go to.
#[derive(Debug, Default)]
pub(crate) struct Service {
    /// As it is called in the configuration.
    pub(crate) name: Box<str>,
    pub(crate) endpoints: Box<[Arc<Endpoint>]>,
    /// The place of the leader among them.
    leader: Option<usize>,
    pub(crate) protocol: Protocol,
    /// The most requests that one endpoint gets at once.
    pub(crate) max_in_flight: Option<usize>,
    /// How its endpoints are asked whether they are well.
    pub(crate) health: Option<HealthCheck>,
    /// Whose its endpoints are, if their coming and going is told.
    pub(crate) told: Option<BTreeMap<SocketAddr, Instance>>,
}

impl Service {
    /// The one that gets what only a leader may.
    pub(crate) fn leader(&self) -> Option<SocketAddr> {
        self.leader.map(|place| self.endpoints[place].address)
    }

    /// The endpoints that a request may go to.
    pub(crate) fn candidates(&self, leader_only: bool) -> &[Arc<Endpoint>] {
        match (leader_only, self.leader) {
            (false, _) => &self.endpoints,
            (true, Some(place)) => &self.endpoints[place..=place],
            (true, None) => &[],
        }
    }
}

/// One address that serves requests.
#[derive(Debug)]
pub(crate) struct Endpoint {
    pub(crate) address: SocketAddr,
    pub(crate) health: Health,
    retired: AtomicBool,
    in_flight: OwnCacheLine,
}

#[derive(Debug, Default)]
#[repr(align(128))]
struct OwnCacheLine(AtomicUsize);

impl Endpoint {
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self {
            address,
            health: Health::default(),
            retired: AtomicBool::new(false),
            in_flight: OwnCacheLine::default(),
        }
    }

    /// The number of requests that it is serving now, over all workers.
    pub(crate) fn in_flight(&self) -> usize {
        self.in_flight.0.load(Ordering::Relaxed)
    }

    /// Whether a request had better go to another one: it is not well, or on its way out.
    pub(crate) fn is_suspect(&self) -> bool {
        self.health.is_suspect() || self.is_retired()
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

    /// `None` if the endpoint has so many requests already.
    pub(crate) fn within(limit: Option<usize>, endpoint: Arc<Endpoint>) -> Option<Self> {
        let counted = Self::new(endpoint);
        // Counted first, so that two workers cannot both take the last place.
        limit.is_none_or(|limit| counted.endpoint.in_flight() <= limit).then_some(counted)
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
    /// A service with the endpoints for addresses, which one more service lists from now on.
    pub(crate) fn acquire(
        &mut self,
        name: &str,
        from: &router_config::Service,
        addresses: &BTreeSet<SocketAddr>,
    ) -> Service {
        let endpoints = addresses.iter().map(|address| {
            let held = self
                .held
                .entry(*address)
                .or_insert_with(|| Held { endpoint: Arc::new(Endpoint::new(*address)), services: 0 });
            held.services += 1;
            held.endpoint.clone()
        });
        Service {
            name: name.into(),
            endpoints: endpoints.collect(),
            leader: from.leader.and_then(|leader| addresses.iter().position(|address| *address == leader)),
            protocol: from.protocol,
            max_in_flight: from.max_in_flight.map(|limit| limit as usize),
            health: from.health.clone().filter(|check| wrong_check(check).is_none()),
            told: from.drain_events.then(|| from.instances.clone()),
        }
    }

    /// The endpoint of an address that some service lists.
    pub(crate) fn held(&self, address: SocketAddr) -> Option<&Arc<Endpoint>> {
        self.held.get(&address).map(|held| &held.endpoint)
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

/// What is wrong with a health check that cannot be asked.
pub(crate) fn wrong_check(check: &HealthCheck) -> Option<String> {
    let unfit = |text: &str| text.bytes().any(|byte| !byte.is_ascii_graphic());
    let is_wrong =
        !check.path.starts_with('/') || unfit(&check.path) || check.host.as_deref().is_some_and(unfit);
    is_wrong.then(|| {
        "the endpoints are not asked whether they are well: the path of the check must start with a slash, and neither it nor \
         the host may hold spaces or control characters"
            .to_owned()
    })
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

    fn acquire(endpoints: &mut Endpoints, addresses: &BTreeSet<SocketAddr>) -> Service {
        endpoints.acquire("web", &router_config::Service::default(), addresses)
    }

    #[test]
    fn only_the_leader_is_a_candidate_where_only_it_may_be() {
        let leader = Some(SocketAddr::from(([10, 0, 0, 1], 2)));
        let from = router_config::Service { leader, ..router_config::Service::default() };
        let service = Endpoints::default().acquire("web", &from, &addresses(&[1, 2, 3]));
        assert_eq!(service.candidates(false).len(), 3);
        let [only] = service.candidates(true) else { panic!("one leader") };
        assert_eq!(Some(only.address), leader);
        let gone = Endpoints::default().acquire("web", &from, &addresses(&[1]));
        assert!(gone.candidates(true).is_empty());
    }

    #[test]
    fn an_endpoint_keeps_its_count_as_long_as_any_service_lists_it() {
        let mut endpoints = Endpoints::default();
        let first = acquire(&mut endpoints, &addresses(&[1, 2]));
        let _request = InFlight::new(first.endpoints[0].clone());
        let second = acquire(&mut endpoints, &addresses(&[1]));
        endpoints.release(&first);
        assert_eq!(second.endpoints[0].in_flight(), 1);
        assert!(!second.endpoints[0].is_retired());
        assert!(first.endpoints[1].is_retired());
    }

    #[test]
    fn an_endpoint_that_left_and_came_back_is_a_new_one() {
        let mut endpoints = Endpoints::default();
        let before = acquire(&mut endpoints, &addresses(&[1]));
        endpoints.release(&before);
        let after = acquire(&mut endpoints, &addresses(&[1]));
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
    fn an_endpoint_takes_no_more_requests_than_it_may_have() {
        let endpoint = Arc::new(Endpoint::new(SocketAddr::from(([10, 0, 0, 1], 1))));
        let requests = [(); 3].map(|()| InFlight::within(Some(2), endpoint.clone()));
        assert_eq!(requests.each_ref().map(Option::is_some), [true, true, false]);
        assert_eq!(endpoint.in_flight(), 2);
        drop(requests);
        assert!(InFlight::within(Some(0), endpoint.clone()).is_none());
        assert!(InFlight::within(None, endpoint).is_some());
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
