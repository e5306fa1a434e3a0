//! The calls that write, as values: what a plan asks for, what `mode: Plan` shows, and what the effects make.

use std::fmt;

use serde::Serialize;

use super::history::Attempted;
use super::network::NetworkCall;
use super::{
    AllocationId, AssociationId, ChangeId, ElasticIp, Failure, HealthCheck, HealthCheckConfig, HealthCheckId,
    InstanceId, InterfaceId, RecordSet, Routing, ZoneId,
};

/// One call to AWS that writes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub enum Call {
    /// Allocates an Elastic IP and tags it, in one.
    AllocateAddress {
        /// For which node, for people.
        node: String,
    },
    /// Associates an Elastic IP, and takes none from another (`AllowReassociation=false`).
    AssociateAddress {
        /// The address.
        address: AllocationId,
        /// The instance, for people.
        instance: InstanceId,
        /// The interface.
        interface: InterfaceId,
    },
    /// Takes an Elastic IP of ours from an instance.
    DisassociateAddress {
        /// The address, for people.
        address: AllocationId,
        /// The association.
        association: AssociationId,
    },
    /// Gives an Elastic IP of ours back.
    ReleaseAddress {
        /// The address.
        address: AllocationId,
    },
    /// Creates a health check.
    CreateHealthCheck {
        /// Its mark.
        reference: String,
        /// What it asks.
        config: HealthCheckConfig,
    },
    /// Changes what of a health check can be changed.
    UpdateHealthCheck {
        /// Which.
        id: HealthCheckId,
        /// The version that is changed; another one is a conflict.
        version: i64,
        /// What it should ask.
        config: HealthCheckConfig,
    },
    /// Deletes a health check of ours that no record uses any more.
    DeleteHealthCheck {
        /// Which.
        id: HealthCheckId,
    },
    /// Changes records of one zone, all or none: at most 1,000 of them, with 32,000 characters of values.
    ChangeRecords {
        /// The zone.
        zone: ZoneId,
        /// The changes, in their order.
        changes: Vec<RecordChange>,
    },
    /// Changes something of the nodes' firewall.
    Network(NetworkCall),
}

/// One change of a batch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RecordChange {
    /// What to do.
    pub action: RecordAction,
    /// The whole set; a deletion names every value exactly.
    pub set: RecordSet,
}

/// What to do with a record set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum RecordAction {
    /// Takes it away.
    Delete,
    /// Adds it; it must not exist.
    Create,
    /// Adds it, or puts it in the place of the one with its name, type and identifier.
    Upsert,
}

/// What a call brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Done {
    /// An Elastic IP.
    Allocated(ElasticIp),
    /// A health check; also the one that was there with this reference and configuration.
    CheckCreated(HealthCheck),
    /// A change of records that is on its way.
    Changed(ChangeId),
    /// Nothing to remember.
    Nothing,
}

/// A call that was made, and what it came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome<C = Call, D = Done> {
    /// The call.
    pub call: C,
    /// What it came to.
    pub result: Result<D, Failure>,
}

impl Call {
    /// What IAM calls it.
    #[must_use]
    pub fn action(&self) -> &'static str {
        match self {
            Self::AllocateAddress { .. } => "ec2:AllocateAddress",
            Self::AssociateAddress { .. } => "ec2:AssociateAddress",
            Self::DisassociateAddress { .. } => "ec2:DisassociateAddress",
            Self::ReleaseAddress { .. } => "ec2:ReleaseAddress",
            Self::CreateHealthCheck { .. } => "route53:CreateHealthCheck",
            Self::UpdateHealthCheck { .. } => "route53:UpdateHealthCheck",
            Self::DeleteHealthCheck { .. } => "route53:DeleteHealthCheck",
            Self::ChangeRecords { .. } => "route53:ChangeResourceRecordSets",
            Self::Network(call) => call.action(),
        }
    }

    /// What has to be as this call leaves it before the next one about the same is made; nothing if no other call needs this one.
    #[must_use]
    pub fn place(&self) -> Option<&str> {
        match self {
            Self::Network(call) => Some(call.place()),
            _ => None,
        }
    }
}

impl Attempted for Call {
    fn subject(&self) -> String {
        match self {
            Self::CreateHealthCheck { config, reference: _ } => format!("{} {config}", self.action()),
            Self::UpdateHealthCheck { id, .. } => format!("{} {id}", self.action()),
            Self::Network(call) => call.subject(),
            _ => self.to_string(),
        }
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Self::Network(call) = self {
            return call.fmt(f);
        }
        write!(f, "{}", self.action())?;
        match self {
            Self::Network(_) => Ok(()),
            Self::AllocateAddress { node } => write!(f, " for {node}"),
            Self::AssociateAddress { address, instance, interface } => {
                write!(f, " {address} with {instance} {interface}")
            }
            Self::DisassociateAddress { address, association } => write!(f, " {address} {association}"),
            Self::ReleaseAddress { address } => write!(f, " {address}"),
            Self::CreateHealthCheck { reference: _, config } => write!(f, " {config}"),
            Self::UpdateHealthCheck { id, version: _, config } => write!(f, " {id} {config}"),
            Self::DeleteHealthCheck { id } => write!(f, " {id}"),
            Self::ChangeRecords { zone, changes } => {
                write!(f, " {zone}")?;
                changes.iter().try_for_each(|change| write!(f, ", {change}"))
            }
        }
    }
}

impl fmt::Display for HealthCheckConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?} port {}", self.address, self.protocol, self.port)?;
        self.path.iter().try_for_each(|path| write!(f, " {path}"))?;
        write!(f, " every {} s, {} times", self.interval_seconds, self.failure_threshold)
    }
}

impl fmt::Display for RecordChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { action, set } = self;
        write!(f, "{action:?} {} {} {}", set.name, set.type_, set.values.join(" "))?;
        set.alias.iter().try_for_each(|(_, target, _)| write!(f, "alias of {target}"))?;
        match &set.routing {
            Routing::Simple => Ok(()),
            Routing::Multivalue { identifier }
            | Routing::Weighted { identifier, .. }
            | Routing::Other { identifier } => {
                write!(f, " ({identifier})")
            }
        }
    }
}
