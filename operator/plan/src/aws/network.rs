//! Security groups in our words: rules, groups, interfaces, and the calls that change them.
//!
//! The marks: a group carries the Cluster's tag from the call that creates it, a rule of ours the description `flynn/<id>`, and an interface a tag that
//! lists the groups which it has from us. What carries none of them is somebody else's.

mod call;
mod rule;

pub use call::{NetworkCall, NetworkOutcome};
pub use rule::{Protocol, Rule, Source};

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::{GroupId, InstanceId, InterfaceId, Read, RuleId, VpcId};

/// Everything that the plan of the security groups reads of AWS.
#[derive(Debug, Clone)]
pub struct NetworkObserved {
    /// The first interface (device index 0) of every member's instance, and every interface that carries our tag.
    pub interfaces: Read<Vec<NodeInterface>>,
    /// In the clouds of these interfaces: the groups that carry our tag, and those that have the nodes' group's name or a declared one.
    pub groups: Read<Vec<SecurityGroup>>,
}

/// An interface of an instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NodeInterface {
    /// Its id.
    pub id: InterfaceId,
    /// The instance that has it.
    pub instance: Option<InstanceId>,
    /// The cloud that it is in.
    pub vpc: VpcId,
    /// Its security groups; it has one at least.
    pub groups: BTreeSet<GroupId>,
    /// The value of our tag: which groups it has from us.
    pub from_us: Option<BTreeSet<GroupId>>,
}

/// A security group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SecurityGroup {
    /// Its id.
    pub id: GroupId,
    /// The cloud that it is in.
    pub vpc: VpcId,
    /// Its name, of which a cloud has one.
    pub name: String,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// What it lets in.
    pub rules: Vec<GroupRule>,
    /// The interfaces that have it.
    pub attached: BTreeSet<InterfaceId>,
    /// The other groups whose rules name it.
    pub referenced_by: BTreeSet<GroupId>,
}

/// A rule of a security group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GroupRule {
    /// Its id.
    pub id: RuleId,
    /// What it lets in.
    pub rule: Rule,
    /// Its description, by which ours are known.
    pub description: String,
}

impl Default for NetworkObserved {
    fn default() -> Self {
        Self { interfaces: Ok(Vec::new()), groups: Ok(Vec::new()) }
    }
}
