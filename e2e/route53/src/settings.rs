//! How strict, how fast and where the double is.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use jiff::SignedDuration;

use crate::throttle::Rates;

/// The settings of a double. The default is what AWS documents, on free ports of the loopback address.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where the API listens.
    pub listen: SocketAddr,
    /// Where the name server listens, for UDP and TCP.
    pub dns: SocketAddr,
    /// When a change reaches the name server and is told as `INSYNC`.
    pub sync: Sync,
    /// For how long a zone refuses the next change with `PriorRequestNotComplete`.
    pub processing: Duration,
    /// The throttle; none lets every request pass.
    pub rates: Option<Rates>,
    /// Real checks of the addresses; without, tests say who is healthy.
    pub probes: Option<Probes>,
    /// Lets health checks name private and loopback addresses, which AWS refuses.
    pub allow_local_addresses: bool,
    /// The quota of health checks; 200 by default.
    pub max_health_checks: usize,
    /// The quota of zones; 500 by default.
    pub max_zones: usize,
    /// The quota of record sets in a zone, its own NS and SOA among them; 10,000 by default.
    pub max_records: usize,
    /// What the signature of a request must tell.
    pub signatures: Signatures,
}

/// When a change is everywhere.
#[derive(Clone, Copy, Debug)]
pub enum Sync {
    /// By itself after this time.
    After(Duration),
    /// When the test says so.
    OnCommand,
}

/// How addresses are probed. Real checkers do so every 10 or 30 seconds.
#[derive(Clone, Copy, Debug)]
pub struct Probes {
    /// The time between two rounds.
    pub interval: Duration,
    /// The time an address has to answer.
    pub timeout: Duration,
}

/// What the signature of a request must tell. The signature itself is never verified.
#[derive(Clone, Debug, Default)]
pub struct Signatures {
    /// The access keys that exist; any if empty.
    pub access_keys: Vec<String>,
    /// The region that requests are signed for; any if none. AWS wants `us-east-1`.
    pub region: Option<String>,
    /// By how much the service's clock differs from this machine's; none means that nobody looks at times.
    pub clock: Option<SignedDuration>,
}

impl Default for Settings {
    fn default() -> Self {
        let loopback = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Self {
            listen: loopback,
            dns: loopback,
            sync: Sync::After(Duration::from_millis(500)),
            processing: Duration::from_millis(50),
            rates: Some(Rates::default()),
            probes: None,
            allow_local_addresses: false,
            max_health_checks: 200,
            max_zones: 500,
            max_records: 10_000,
            signatures: Signatures::default(),
        }
    }
}

impl Settings {
    /// Every rule of form, but nothing that takes time: changes are in sync at once and nothing is throttled.
    pub fn instant() -> Self {
        Self { sync: Sync::After(Duration::ZERO), processing: Duration::ZERO, rates: None, ..Self::default() }
    }
}
