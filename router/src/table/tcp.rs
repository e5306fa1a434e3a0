//! TCP routes, compiled.

use std::net::IpAddr;

use router_config::IpNet;

use super::forward::admits;
use super::slots::Slot;

/// Connections go to an endpoint of a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TcpRoute {
    /// With an empty slot connections are closed.
    pub(crate) service: Slot,
    pub(crate) leader: bool,
    clients: Box<[IpNet]>,
}

impl TcpRoute {
    pub(super) fn compile(from: &router_config::TcpRoute, service: Slot) -> Self {
        Self { service, leader: from.leader, clients: from.clients.as_slice().into() }
    }

    /// Whether a client of this address may connect.
    pub(crate) fn admits(&self, client: IpAddr) -> bool {
        admits(&self.clients, client)
    }
}
