//! The table that requests are served by: compiled, immutable, published whole.
//!
//! In comes what a request or a TLS hello names; out goes the host, its certificate, and the service of an action.
//! A new table is made by `compile.rs` from the one before it and shares everything that did not change: hosts live in
//! shards, services and certificates in chunks of numbered slots, so that an edit copies one shard or chunk whatever
//! the number of hosts. A lookup is on the hot path: it must not lock, allocate or log.

pub(crate) mod compile;
pub(crate) mod endpoint;
mod hosts;
mod names;
pub(crate) mod paths;
pub(crate) mod pattern;
mod redirect;
mod slots;

use std::sync::Arc;

use rustls::sign::CertifiedKey;

pub(crate) use endpoint::{Endpoint, InFlight, Service};
pub(crate) use redirect::Redirect;
pub(crate) use slots::Slot;

use hosts::Hosts;
use paths::Paths;
use slots::Slots;

/// Everything that is served, at one point in time.
#[derive(Clone, Default)]
pub(crate) struct Table {
    /// Counts the tables published before this one.
    pub(crate) generation: u64,
    hosts: Hosts,
    services: Slots<Service>,
    certificates: Slots<CertifiedKey>,
    default_certificate: Option<Slot>,
}

/// One host name, or the names under one, and everything served there.
pub(crate) struct Host {
    /// As it is written in the configuration.
    pub(crate) name: Arc<str>,
    certificate: Option<Slot>,
    pub(crate) https_redirect: bool,
    pub(crate) paths: Paths,
}

/// What happens with a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Action {
    /// To an endpoint of the service in this slot. An empty slot answers 503.
    Forward(Slot),
    Redirect(Box<Redirect>),
    /// 503; the reason is for people who read the table.
    Refuse(Box<str>),
}

impl Table {
    /// The host that serves `name` (no port, any case): itself, else the closest wildcard, else the one for all names.
    pub(crate) fn host(&self, name: &[u8]) -> Option<&Host> {
        self.hosts.find(name)
    }

    /// The service in a slot; `None` if the configuration has none of that name.
    pub(crate) fn service(&self, slot: Slot) -> Option<&Arc<Service>> {
        self.services.get(slot)
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
