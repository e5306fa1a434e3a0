//! What is declared: a Cluster with `spec.aws`, and the nodes that it selects.

use std::collections::BTreeSet;
use std::net::Ipv6Addr;

use crds::{ClusterSpec, SecurityGroups};
use jiff::Timestamp;
use serde::Serialize;

use super::{InstanceId, Owner, RecordName, ZoneId};

/// What AWS should be made to be.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Order {
    /// The Cluster.
    pub owner: Owner,
    /// Its `metadata.generation`.
    pub generation: i64,
    /// Its spec.
    pub spec: ClusterSpec,
    /// The nodes, by name.
    pub nodes: Vec<NodeFacts>,
    /// The names of all records that the Cluster's status lists, with their zones: the only trace of a domain that has left the spec, or its zone, since.
    /// [`former_names`](super::former_names) tells which of them have to be read.
    pub former: Vec<(RecordName, ZoneId)>,
    /// The ports that TCP Routes have, if the nodes' firewall is declared.
    pub tcp_ports: BTreeSet<u16>,
    /// Whether the Cluster's status tells of security groups: the only trace of those that have left the spec since.
    pub had_security_groups: bool,
    /// The value of the annotation that asks for a look at AWS at once.
    pub resync: Option<String>,
    /// Since when it is being deleted.
    pub deleted_at: Option<Timestamp>,
    /// Whether it has the finalizer that makes the API wait until what was made in AWS is undone.
    pub has_finalizer: bool,
}

impl Order {
    /// The nodes' firewall as it is declared, if it is.
    #[must_use]
    pub fn security_groups(&self) -> Option<&SecurityGroups> {
        self.spec.aws.as_ref()?.security_groups.as_ref()
    }

    /// Whether security groups are read: they are declared, or were and may be there still.
    #[must_use]
    pub fn has_firewall(&self) -> bool {
        self.spec.aws.is_some() && (self.had_security_groups || self.security_groups().is_some())
    }
}

/// What Kubernetes says of a node; of a listed instance, that it is there and ready.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NodeFacts {
    /// The Node's name, or the instance's id.
    pub name: String,
    /// The instance, if `spec.providerID` names one.
    pub instance: Option<InstanceId>,
    /// Whether its kubelet reports that it is ready; since when it does or does not.
    pub ready: bool,
    /// Since when `ready` is as it is.
    pub ready_since: Option<Timestamp>,
    /// Whether it is cordoned (`spec.unschedulable`), or being deleted.
    pub leaving: bool,
    /// Its IPv6 addresses, of which those that are global unicast are public.
    pub ipv6: Vec<Ipv6Addr>,
}
