//! AWS in our words: what is declared of it, what is observed of it, and the calls that make the one the other.
//!
//! ```text
//! Order (a Cluster and its nodes) --.
//! Observed (what AWS answers) -------+--> address --> dns --> Plan: calls, findings, history
//! History (what this leader saw) ---'
//! ```
//!
//! A pass of the leader observes, plans with [`plan`], and makes the calls in their order; then it observes again, until there is no call left. So
//! a process that dies after any call leaves nothing that the next pass does not find. The marks on the resources ([`Owner`]) are
//! the only memory that counts: [`History`] is forgotten with the process, and its loss makes the operator wait, never act.

mod call;
mod declared;
mod failure;
mod history;
mod id;
pub mod network;
mod observed;
mod order;
mod owner;
mod plan;
mod policy;
pub mod storage;

pub use call::{Call, Done, Outcome, RecordAction, RecordChange};
pub use failure::{Failure, Fault};
pub use history::History;
pub(crate) use history::{Attempted, Attempts};
pub use id::{
    AccessKeyId, AllocationId, AssociationId, ChangeId, GroupId, HealthCheckId, InstanceId, InterfaceId,
    RecordName, RuleId, VpcId, ZoneId,
};
pub use observed::{
    Association, ElasticIp, Health, HealthCheck, HealthCheckConfig, Instance, InstanceState, Interface,
    Observed, Probe, Read, RecordSet, RecordType, Routing, Zone,
};
pub use order::{NodeFacts, Order};
pub use owner::Owner;
pub(crate) use plan::applied;
pub use plan::{Plan, Report, plan};
pub(crate) use policy::partition;
pub use policy::policy;

pub use crds::DnsHealthCheckProtocol;

pub use crate::dns::{believed, former_names, zone_of};
