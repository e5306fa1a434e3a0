//! Which endpoint gets a request: the one that its session names, else the less busy of two that are drawn at random.
//!
//! In come the endpoints of a service; out goes one after the other, each counted as serving the request, until one
//! can be reached. Those that cannot are passed over, and so are those that have as many requests as they may. Those
//! that are not well come last, so that they are asked when no other is left: a service is never without endpoints
//! because of its health. Hot: two draws, two reads; nothing is allocated unless an endpoint is no good.

use std::net::SocketAddr;
use std::sync::Arc;

use crate::table::{Endpoint, InFlight};

/// The choice for one request.
pub(super) struct Choice<'a> {
    endpoints: &'a [Arc<Endpoint>],
    /// The one of the client's session.
    first: Option<SocketAddr>,
    limit: Option<usize>,
    /// By the places of the endpoints. Empty as long as all are open.
    marks: Vec<Mark>,
    /// How many of the endpoints are open.
    left: usize,
    /// Whether those that are not well have been looked for.
    sorted: bool,
    /// Where the last one is.
    last: Option<usize>,
    is_busy: bool,
}

/// What was found out about an endpoint for this request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark {
    /// It may be chosen.
    Open,
    /// It is not well: it may be chosen when no other is left.
    Aside,
    /// It was chosen, in vain.
    Tried,
}

impl<'a> Choice<'a> {
    pub(super) fn new(
        endpoints: &'a [Arc<Endpoint>],
        first: Option<SocketAddr>,
        limit: Option<usize>,
    ) -> Self {
        let left = endpoints.len();
        Self { endpoints, first, limit, marks: Vec::new(), left, sorted: false, last: None, is_busy: false }
    }

    /// Whether there would have been one more with fewer requests in flight.
    pub(super) fn is_busy(&self) -> bool {
        self.is_busy
    }

    /// An endpoint that was not chosen before.
    pub(super) fn next(&mut self) -> Option<InFlight> {
        if let Some(last) = self.last.take() {
            self.mark(last, Mark::Tried);
            self.left -= 1;
        }
        if let Some(first) = self.first.take()
            && let Some(place) = self.endpoints.iter().position(|endpoint| endpoint.address == first)
            && self.is_fit(place)
            && let Some(in_flight) = self.take(place)
        {
            return Some(in_flight);
        }
        let place = self.draw_fit()?;
        if let Some(in_flight) = self.take(place) {
            return Some(in_flight);
        }
        self.set_suspects_aside();
        // The one with the fewest requests; only if it is full all are.
        while let Some(place) = self.least_busy() {
            if let Some(in_flight) = self.take(place) {
                return Some(in_flight);
            }
        }
        self.is_busy = true;
        None
    }

    fn take(&mut self, place: usize) -> Option<InFlight> {
        let in_flight = InFlight::within(self.limit, self.endpoints[place].clone())?;
        self.last = Some(place);
        Some(in_flight)
    }

    fn mark(&mut self, place: usize, mark: Mark) {
        self.marks.resize(self.endpoints.len(), Mark::Open);
        self.marks[place] = mark;
    }

    /// Whether no better endpoint is left than this one.
    fn is_fit(&mut self, place: usize) -> bool {
        if self.endpoints[place].is_suspect() {
            self.set_suspects_aside();
        }
        self.marks.get(place).is_none_or(|mark| *mark == Mark::Open)
    }

    fn draw_fit(&mut self) -> Option<usize> {
        if self.left == 0 {
            self.take_suspects_back();
        }
        let place = self.draw()?;
        if self.is_fit(place) { Some(place) } else { self.draw() }
    }

    /// Leaves those that are not well for later, unless that would leave none. Once for each request.
    fn set_suspects_aside(&mut self) {
        if std::mem::replace(&mut self.sorted, true) {
            return;
        }
        let (suspects, well): (Vec<_>, Vec<_>) =
            self.places().partition(|place| self.endpoints[*place].is_suspect());
        if !well.is_empty() {
            self.left = well.len();
            suspects.into_iter().for_each(|place| self.mark(place, Mark::Aside));
        }
    }

    fn take_suspects_back(&mut self) {
        for mark in self.marks.iter_mut().filter(|mark| **mark == Mark::Aside) {
            *mark = Mark::Open;
            self.left += 1;
        }
    }

    /// Of two endpoints with equal counts the first drawn is taken.
    fn draw(&self) -> Option<usize> {
        match self.left {
            0 => None,
            1 => self.place(0),
            left => {
                let first = fastrand::usize(..left);
                let second = (first + fastrand::usize(1..left)) % left;
                let (first, second) = (self.place(first)?, self.place(second)?);
                let less = self.endpoints[second].in_flight() < self.endpoints[first].in_flight();
                Some(if less { second } else { first })
            }
        }
    }

    /// The place of the `nth` endpoint that is open.
    fn place(&self, nth: usize) -> Option<usize> {
        if self.marks.is_empty() { Some(nth) } else { self.places().nth(nth) }
    }

    /// Those that are open.
    fn places(&self) -> impl Iterator<Item = usize> {
        let is_open = |place: usize| self.marks.get(place).is_none_or(|mark| *mark == Mark::Open);
        (0..self.endpoints.len()).filter(move |place| is_open(*place))
    }

    /// One that is not full.
    fn least_busy(&self) -> Option<usize> {
        let limit = self.limit?;
        let counted = self.places().map(|place| (self.endpoints[place].in_flight(), place));
        counted.min().filter(|(count, _)| *count < limit).map(|(_, place)| place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::health::MOST_FAILURES;
    use proptest::collection::vec;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn endpoints(count: u16) -> Vec<Arc<Endpoint>> {
        (1..=count).map(|port| Arc::new(Endpoint::new(address(port)))).collect()
    }

    fn address(port: u16) -> SocketAddr {
        SocketAddr::from(([10, 0, 0, 1], port))
    }

    /// The port of the one that is chosen.
    fn port(choice: &mut Choice<'_>) -> Option<u16> {
        choice.next().map(|in_flight| in_flight.endpoint().address.port())
    }

    fn chosen(endpoints: &[Arc<Endpoint>], first: Option<u16>, limit: Option<usize>) -> Option<u16> {
        port(&mut Choice::new(endpoints, first.map(address), limit))
    }

    #[test]
    fn an_endpoint_is_chosen_once_and_all_are() {
        let endpoints = endpoints(9);
        for first in [None, Some(4), Some(10)] {
            let mut choice = Choice::new(&endpoints, first.map(address), None);
            let ports: Vec<_> = std::iter::from_fn(|| port(&mut choice)).collect();
            assert_eq!(ports.iter().collect::<BTreeSet<_>>().len(), 9, "{ports:?}");
            assert!(first != Some(4) || ports[0] == 4, "{ports:?}");
            assert!(!choice.is_busy());
        }
        assert_eq!(chosen(&[], None, None), None);
    }

    #[test]
    fn the_busier_of_two_is_never_chosen() {
        let endpoints = endpoints(2);
        let _requests: Vec<_> = (0..10).map(|_| InFlight::new(endpoints[0].clone())).collect();
        for _ in 0..100 {
            assert_eq!(chosen(&endpoints, None, None), Some(2));
        }
    }

    #[test]
    fn the_endpoint_of_the_session_is_chosen_first_however_busy_it_is() {
        let endpoints = endpoints(3);
        let _requests: Vec<_> = (0..10).map(|_| InFlight::new(endpoints[0].clone())).collect();
        for _ in 0..100 {
            assert_eq!(chosen(&endpoints, Some(1), None), Some(1));
        }
    }

    #[test]
    fn a_full_endpoint_is_chosen_by_nobody_and_all_others_are_tried_before_that_is_told() {
        let endpoints = endpoints(20);
        let mut requests: Vec<_> = endpoints[1..].iter().cloned().map(InFlight::new).collect();
        for _ in 0..100 {
            assert_eq!(chosen(&endpoints, None, Some(1)), Some(1));
            assert_eq!(chosen(&endpoints, Some(7), Some(1)), Some(1));
        }
        requests.push(InFlight::new(endpoints[0].clone()));
        let mut choice = Choice::new(&endpoints, None, Some(1));
        assert_eq!((port(&mut choice), choice.is_busy()), (None, true));
    }

    #[test]
    fn all_endpoints_get_their_turn() {
        let endpoints = endpoints(3);
        let picked: BTreeSet<_> = (0..200).filter_map(|_| chosen(&endpoints, None, None)).collect();
        assert_eq!(picked.len(), 3);
    }

    fn eject(endpoint: &Endpoint) {
        (0..MOST_FAILURES).for_each(|_| _ = endpoint.health.failed());
    }

    #[test]
    fn the_session_of_an_ejected_endpoint_moves_on() {
        let endpoints = endpoints(3);
        eject(&endpoints[0]);
        for _ in 0..100 {
            assert_ne!(chosen(&endpoints, Some(1), None), Some(1));
        }
        endpoints.iter().for_each(|endpoint| eject(endpoint));
        assert_eq!(chosen(&endpoints, Some(1), None), Some(1));
    }

    #[test]
    fn an_ejected_endpoint_is_no_place_for_what_is_too_much_for_the_others() {
        let endpoints = endpoints(2);
        eject(&endpoints[0]);
        let _request = InFlight::new(endpoints[1].clone());
        let mut choice = Choice::new(&endpoints, None, Some(1));
        assert_eq!((port(&mut choice), choice.is_busy()), (None, true));
    }

    proptest! {
        #[test]
        fn ejection_never_ejects_all_and_those_that_are_well_come_first(
            suspects in vec(any::<bool>(), 1..9),
            session in prop::option::of(1_u16..10),
        ) {
            let endpoints = endpoints(suspects.len() as u16);
            let ejected = || endpoints.iter().zip(&suspects).filter(|(_, suspect)| **suspect);
            ejected().for_each(|(endpoint, _)| eject(endpoint));
            let mut choice = Choice::new(&endpoints, session.map(address), None);
            let ports: Vec<_> = std::iter::from_fn(|| port(&mut choice)).collect();
            prop_assert_eq!(ports.iter().collect::<BTreeSet<_>>().len(), endpoints.len(), "{:?}", ports);
            prop_assert_eq!(ports.len(), endpoints.len());
            let order = ports.iter().map(|port| suspects[usize::from(*port) - 1]);
            prop_assert!(order.clone().is_sorted(), "{:?} of {:?}", ports, suspects);
        }
    }
}
