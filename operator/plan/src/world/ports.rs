//! Which Route is about which TCP port: the one that it declares, else the one that it was given.
//!
//! The memory of what was given is `status.tcp.port`; until that shows it, [`Ports`] itself remembers.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use crds::{RESERVED_PORTS, Route};

use super::multimap::MultiMap;
use crate::ObjectKey;

/// The TCP Routes by port.
#[derive(Debug, Default)]
pub(crate) struct Ports {
    pub(crate) by_port: MultiMap<u16, ObjectKey>,
    of_route: BTreeMap<ObjectKey, u16>,
    given: BTreeMap<ObjectKey, Given>,
    /// Routes for which there was no free port.
    pub(crate) waiting: BTreeSet<ObjectKey>,
}

/// A port that the status of its Route does not show yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Given {
    /// None for a Route that lost its port and gets another.
    port: Option<u16>,
    /// What the status shows as long as nobody has written it anew.
    instead_of: Option<u16>,
}

impl Ports {
    /// The port that a Route is about.
    pub(crate) fn of(&self, key: &ObjectKey) -> Option<u16> {
        self.of_route.get(key).copied()
    }

    /// Takes in a Route as it is now, and tells the ports that it was and is about.
    pub(crate) fn set(&mut self, key: &ObjectKey, route: Option<&Route>) -> (Option<u16>, Option<u16>) {
        let tcp = route.and_then(|route| route.spec.tcp.as_ref());
        let stays = tcp.is_some_and(|tcp| tcp.port.is_none());
        let is_shown = self.given.get(key).is_some_and(|given| given.instead_of != route.and_then(shown));
        if !stays || is_shown {
            self.given.remove(key);
        }
        if !stays {
            self.waiting.remove(key);
        }
        let given = || match self.given.get(key) {
            Some(given) => given.port,
            None => route.and_then(shown),
        };
        let port = tcp.and_then(|tcp| tcp.port.or_else(given));
        (self.move_to(key, port), port)
    }

    /// Gives a Route the first free port of a range.
    pub(crate) fn give(&mut self, key: &ObjectKey, route: &Route, range: RangeInclusive<u16>) -> Option<u16> {
        let is_free = |port: &u16| !self.by_port.contains(port) && !RESERVED_PORTS.contains(port);
        let Some(port) = range.into_iter().find(is_free) else {
            self.waiting.insert(key.clone());
            return None;
        };
        self.given.insert(key.clone(), Given { port: Some(port), instead_of: shown(route) });
        self.move_to(key, Some(port));
        Some(port)
    }

    /// Takes the port away from a Route that gets another.
    pub(crate) fn take(&mut self, key: &ObjectKey, route: &Route) {
        self.given.insert(key.clone(), Given { port: None, instead_of: shown(route) });
        self.move_to(key, None);
    }

    fn move_to(&mut self, key: &ObjectKey, port: Option<u16>) -> Option<u16> {
        let before = match port {
            Some(port) => self.of_route.insert(key.clone(), port),
            None => self.of_route.remove(key),
        };
        if let Some(before) = before {
            self.by_port.remove(&before, key);
        }
        if let Some(port) = port {
            self.by_port.insert(port, key.clone());
            self.waiting.remove(key);
        }
        before
    }
}

/// The port that the status of a Route shows.
fn shown(route: &Route) -> Option<u16> {
    Some(route.status.as_ref()?.tcp.as_ref()?.port)
}
