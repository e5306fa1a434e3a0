//! What AWS answers, in our words, and what the operator's own probes find.
//!
//! Each part is a [`Read`] of its own: a list that failed is a failure and never an empty list, and what depends on it stays as it is.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crds::DnsHealthCheckProtocol;
use jiff::Timestamp;
use serde::Serialize;

use super::network::NetworkObserved;
use super::{
    AllocationId, AssociationId, ChangeId, Failure, HealthCheckId, InstanceId, InterfaceId, RecordName,
    ZoneId,
};

/// A part of what is observed, or why it is not known.
pub type Read<T> = Result<T, Failure>;

/// Everything that a plan reads of AWS. What the [`Order`](super::Order) does not need is not read, and left at its default.
#[derive(Debug, Clone)]
pub struct Observed {
    /// Every Elastic IP of the region, ours or not.
    pub addresses: Read<Vec<ElasticIp>>,
    /// The instances that nodes or addresses of ours name. One that is missing does not exist.
    pub instances: Read<BTreeMap<InstanceId, Instance>>,
    /// Every hosted zone of the account.
    pub zones: Read<Vec<Zone>>,
    /// The record sets at each domain's apex and wildcard, by the domain, in the zone that [`zone_of`](super::zone_of) finds, as far as they are
    /// [`believed`](super::believed). A domain without a zone is missing.
    pub records: BTreeMap<RecordName, Read<Vec<RecordSet>>>,
    /// The record sets at the names that [`former_names`](super::former_names) finds, by zone, as far as they are believed.
    pub former: BTreeMap<ZoneId, Read<Vec<RecordSet>>>,
    /// Those of [`History::changes_on_their_way`](super::History::changes_on_their_way) that every name server of Route 53 has by now.
    pub in_sync: BTreeSet<ChangeId>,
    /// The health checks whose references are ours.
    pub checks: Read<Vec<HealthCheck>>,
    /// What Route 53's checkers last said. A check that was not asked about yet is missing.
    pub health: BTreeMap<HealthCheckId, Health>,
    /// What the operator's own probes of the nodes' public addresses find. An address that was not probed yet is missing.
    pub probes: BTreeMap<IpAddr, Probe>,
    /// The nodes' interfaces and security groups.
    pub network: NetworkObserved,
}

impl Default for Observed {
    fn default() -> Self {
        Self {
            addresses: Ok(Vec::new()),
            instances: Ok(BTreeMap::new()),
            zones: Ok(Vec::new()),
            records: BTreeMap::new(),
            former: BTreeMap::new(),
            in_sync: BTreeSet::new(),
            checks: Ok(Vec::new()),
            health: BTreeMap::new(),
            probes: BTreeMap::new(),
            network: NetworkObserved::default(),
        }
    }
}

/// An Elastic IP.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ElasticIp {
    /// Its id.
    pub id: AllocationId,
    /// The public address.
    pub address: Ipv4Addr,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// What it is associated with.
    pub association: Option<Association>,
}

/// With what an Elastic IP is associated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Association {
    /// Its id.
    pub id: AssociationId,
    /// The instance, unless the interface is attached to none.
    pub instance: Option<InstanceId>,
    /// The interface.
    pub interface: Option<InterfaceId>,
}

/// An EC2 instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Instance {
    /// Its id.
    pub id: InstanceId,
    /// Whether it runs.
    pub state: InstanceState,
    /// Its availability zone.
    pub zone: String,
    /// Its public IPv4 address: an Elastic IP, or one that it loses when it is stopped.
    pub public_address: Option<Ipv4Addr>,
    /// Its interfaces, by device index.
    pub interfaces: BTreeMap<i32, Interface>,
}

/// An interface of an instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Interface {
    /// Its id.
    pub id: InterfaceId,
    /// Its IPv6 addresses.
    pub ipv6: Vec<Ipv6Addr>,
    /// The ids of its security groups.
    pub groups: Vec<String>,
}

/// Where an instance is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum InstanceState {
    /// It starts.
    Pending,
    /// It runs.
    Running,
    /// It is being stopped.
    Stopping,
    /// It is stopped, and may be started again.
    Stopped,
    /// It is being terminated.
    ShuttingDown,
    /// It is gone for good.
    Terminated,
}

/// A hosted zone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Zone {
    /// Its id.
    pub id: ZoneId,
    /// Its name.
    pub name: RecordName,
    /// Whether only networks of its own see it.
    pub private: bool,
}

/// A record set: one name, type and identifier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RecordSet {
    /// The name.
    pub name: RecordName,
    /// The type.
    #[serde(rename = "type")]
    pub type_: RecordType,
    /// How it stands beside others of its name and type.
    pub routing: Routing,
    /// How long resolvers may keep it, in seconds; nothing for an alias.
    pub ttl_seconds: Option<u32>,
    /// The values, as Route 53 writes them.
    pub values: Vec<String>,
    /// The health check that takes it out of answers.
    pub health_check: Option<HealthCheckId>,
    /// Where an alias leads: its zone, its name, and whether it evaluates the target's health.
    pub alias: Option<(ZoneId, RecordName, bool)>,
    /// Whether it has more than is told here, so that no deletion can name it exactly: always with [`Routing::Other`], and with a traffic policy.
    pub unmodelled: bool,
}

/// The type of a record.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum RecordType {
    /// An IPv4 address.
    #[serde(rename = "A")]
    A,
    /// An IPv6 address.
    #[serde(rename = "AAAA")]
    Aaaa,
    /// Another name.
    #[serde(rename = "CNAME")]
    Cname,
    /// Anything else, as Route 53 writes it.
    #[serde(untagged)]
    Other(String),
}

/// The routing policy of a record set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub enum Routing {
    /// The only one of its name and type.
    Simple,
    /// One of several that are answered together, up to eight that are healthy.
    Multivalue {
        /// Which one.
        identifier: String,
    },
    /// One of several, chosen by weight.
    Weighted {
        /// Which one.
        identifier: String,
        /// Its weight, 0 to 255.
        weight: i64,
    },
    /// A policy that the operator never makes: failover, geolocation, latency and the like.
    Other {
        /// Which one.
        identifier: String,
    },
}

/// What a health check asks.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct HealthCheckConfig {
    /// The address that is asked.
    pub address: IpAddr,
    /// How. Cannot be changed.
    pub protocol: DnsHealthCheckProtocol,
    /// The port.
    pub port: u16,
    /// The path; nothing with TCP.
    pub path: Option<String>,
    /// The seconds between two requests, 10 or 30. Cannot be changed.
    pub interval_seconds: u8,
    /// After how many answers in a row a checker changes its mind, 1 to 10.
    pub failure_threshold: u8,
}

/// A Route 53 health check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HealthCheck {
    /// Its id.
    pub id: HealthCheckId,
    /// The reference that it was created with.
    pub reference: String,
    /// Counts its changes; a change names the version that it is about.
    pub version: i64,
    /// What it asks; nothing if it is of a kind that the operator never makes, or somebody has changed it to be one (disabled, inverted, with a search string).
    pub config: Option<HealthCheckConfig>,
}

/// What Route 53's checkers say of a health check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Health {
    /// How many checkers find it healthy. Route 53 takes it as healthy if more than 18 % do.
    pub healthy: u32,
    /// How many there are.
    pub of: u32,
}

impl fmt::Display for RecordType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::A => "A",
            Self::Aaaa => "AAAA",
            Self::Cname => "CNAME",
            Self::Other(type_) => type_,
        })
    }
}

impl Health {
    /// What Route 53 makes of it.
    #[must_use]
    pub fn is_healthy(self) -> bool {
        u64::from(self.healthy) * 100 > u64::from(self.of) * 18
    }
}

/// What the operator's own probes of an address find.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Probe {
    /// Whether the last one went well.
    pub ok: bool,
    /// Since when every one went as the last.
    pub since: Timestamp,
    /// How many in a row went as the last.
    pub in_row: u32,
    /// What the last one came to, such as `503` or `connection refused`.
    pub said: String,
}
