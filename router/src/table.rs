//! The table that requests are served by: compiled, immutable, published whole.
//!
//! In comes what a request or a TLS hello names; out goes the host, its certificate, and the service of an action.
//! A new table is made by `compile.rs` from the one before it and shares everything that did not change: hosts live in
//! shards, services and certificates in chunks of numbered slots, so that an edit copies one shard or chunk whatever
//! the number of hosts. A lookup is on the hot path: it must not lock, allocate or log.

pub(crate) mod compile;
pub(crate) mod endpoint;
mod forward;
pub(crate) mod health;
mod hosts;
mod names;
pub(crate) mod paths;
pub(crate) mod pattern;
mod redirect;
mod slots;
mod tcp;

use std::collections::BTreeMap;
use std::sync::Arc;

use router_config::{CookieKey, Hsts};
use rustls::sign::CertifiedKey;

pub(crate) use endpoint::{Endpoint, InFlight, Service, usable};
pub(crate) use forward::Forward;
pub(crate) use redirect::Redirect;
pub(crate) use slots::Slot;
pub(crate) use tcp::TcpRoute;

use hosts::Hosts;
use paths::Paths;
use slots::Slots;

/// Everything that is served, at one point in time.
#[derive(Clone, Default)]
pub(crate) struct Table {
    /// Counts the tables published before this one.
    pub(crate) generation: u64,
    hosts: Hosts,
    /// Hosts that are served on one of the extra ports only.
    hosts_by_port: BTreeMap<u16, Hosts>,
    pub(crate) tcp: Arc<BTreeMap<u16, TcpRoute>>,
    pub(crate) cookie_key: Option<CookieKey>,
    /// The HTML of a 503.
    pub(crate) unavailable_page: Option<Arc<str>>,
    services: Slots<Service>,
    certificates: Slots<CertifiedKey>,
    default_certificate: Option<Slot>,
}

/// One host name, or the names under one, and everything served there.
#[derive(Debug)]
pub(crate) struct Host {
    /// As it is written in the configuration, but for the port.
    pub(crate) name: Arc<str>,
    certificate: Option<Slot>,
    pub(crate) https_redirect: bool,
    pub(crate) hsts: Option<Hsts>,
    pub(crate) paths: Paths,
}

/// What happens with a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Action {
    /// To an endpoint of a service.
    Forward(Arc<Forward>),
    Redirect(Box<Redirect>),
    /// The router's own status.
    Status,
    /// 503; the reason is for people who read the table.
    Refuse(Box<str>),
}

/// Stands for the ports that hosts without a port of their own are served on.
pub(crate) const DEFAULT_PORTS: u16 = 0;

impl Table {
    /// The host that serves `name` (no port, any case): itself, else the closest wildcard, else the one for all names.
    /// `port` is that of an extra listener, or [`DEFAULT_PORTS`].
    pub(crate) fn host(&self, name: &[u8], port: u16) -> Option<&Host> {
        match port {
            DEFAULT_PORTS => self.hosts.find(name),
            extra => self.hosts_by_port.get(&extra)?.find(name),
        }
    }

    /// The service in a slot; `None` if the configuration has none of that name.
    pub(crate) fn service(&self, slot: Slot) -> Option<&Arc<Service>> {
        self.services.get(slot)
    }

    /// Every service, in no order.
    pub(crate) fn services(&self) -> impl Iterator<Item = &Arc<Service>> {
        self.services.all()
    }

    /// Every host with the port that it is served on, in no order.
    pub(crate) fn hosts(&self) -> impl Iterator<Item = (u16, &Host)> {
        self.hosts.all().map(|host| (DEFAULT_PORTS, host)).chain(self.hosts_with_a_port())
    }

    /// Those that name a port, in the order of the ports.
    pub(crate) fn hosts_with_a_port(&self) -> impl Iterator<Item = (u16, &Host)> {
        self.hosts_by_port.iter().flat_map(|(port, hosts)| hosts.all().map(|host| (*port, host)))
    }

    /// The ports that hosts name, in order.
    pub(crate) fn ports(&self) -> impl Iterator<Item = u16> {
        self.hosts_by_port.keys().copied()
    }

    /// The certificate for a host: its own, else (if it has none, or a bad one) the default.
    pub(crate) fn certificate_of(&self, host: &Host) -> Option<&Arc<CertifiedKey>> {
        host.certificate.and_then(|slot| self.certificates.get(slot)).or_else(|| self.default_certificate())
    }

    /// The certificate for a client that names no host.
    pub(crate) fn default_certificate(&self) -> Option<&Arc<CertifiedKey>> {
        self.default_certificate.and_then(|slot| self.certificates.get(slot))
    }
}
