//! The calls that write to security groups, as values.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Serialize;

use super::super::{Attempted, GroupId, InterfaceId, Outcome, RuleId, VpcId};
use super::Rule;

/// A call about security groups that was made, and what it came to.
pub type NetworkOutcome = Outcome<NetworkCall, ()>;

/// One call that writes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub enum NetworkCall {
    /// Creates a security group and tags it, in one. It lets everything out, as every new one.
    CreateGroup {
        /// Where.
        vpc: VpcId,
        /// Its name.
        name: String,
        /// Its tags.
        tags: BTreeMap<String, String>,
    },
    /// Adds rules that let in.
    Authorize {
        /// To which group.
        group: GroupId,
        /// The rules.
        rules: BTreeSet<Rule>,
        /// The description of each, by which they are known again.
        description: String,
    },
    /// Removes rules.
    Revoke {
        /// Of which group.
        group: GroupId,
        /// Which, with what they let in for people.
        rules: Vec<(RuleId, Rule)>,
    },
    /// Notes on an interface which groups it has from us: before it gets them, and after it has lost them. None takes the tag away.
    TagInterface {
        /// Which interface.
        interface: InterfaceId,
        /// The tag.
        tag: String,
        /// The groups.
        groups: BTreeSet<GroupId>,
    },
    /// Replaces the groups of an interface, if they are still those that were seen: they are read again before.
    SetGroups {
        /// Which interface.
        interface: InterfaceId,
        /// The groups that were seen.
        from: BTreeSet<GroupId>,
        /// All that it should have.
        to: BTreeSet<GroupId>,
    },
    /// Deletes a group of ours that nobody has and no rule names.
    DeleteGroup {
        /// Which.
        group: GroupId,
    },
}

impl NetworkCall {
    /// What IAM calls it.
    #[must_use]
    pub fn action(&self) -> &'static str {
        match self {
            Self::CreateGroup { .. } => "ec2:CreateSecurityGroup",
            Self::Authorize { .. } => "ec2:AuthorizeSecurityGroupIngress",
            Self::Revoke { .. } => "ec2:RevokeSecurityGroupIngress",
            Self::TagInterface { groups, .. } if groups.is_empty() => "ec2:DeleteTags",
            Self::TagInterface { .. } => "ec2:CreateTags",
            Self::SetGroups { .. } => "ec2:ModifyNetworkInterfaceAttribute",
            Self::DeleteGroup { .. } => "ec2:DeleteSecurityGroup",
        }
    }

    /// The group or the interface that it is about: what a failed call leaves undone there, the calls after it rely on.
    #[must_use]
    pub fn place(&self) -> &str {
        match self {
            Self::CreateGroup { name, .. } => name,
            Self::Authorize { group, .. } | Self::Revoke { group, .. } | Self::DeleteGroup { group } => {
                group.as_str()
            }
            Self::TagInterface { interface, .. } | Self::SetGroups { interface, .. } => interface.as_str(),
        }
    }
}

impl Attempted for NetworkCall {
    fn subject(&self) -> String {
        match self {
            Self::SetGroups { interface, .. } => format!("{} {interface}", self.action()),
            _ => self.to_string(),
        }
    }
}

impl fmt::Display for NetworkCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.action())?;
        match self {
            Self::CreateGroup { vpc, name, tags: _ } => write!(f, " {name} in {vpc}"),
            Self::Authorize { group, rules, description: _ } => {
                write!(f, " {group}")?;
                rules.iter().try_for_each(|rule| write!(f, ", {rule}"))
            }
            Self::Revoke { group, rules } => {
                write!(f, " {group}")?;
                rules.iter().try_for_each(|(id, rule)| write!(f, ", {id} {rule}"))
            }
            Self::TagInterface { interface, tag, groups } => {
                write!(f, " {interface} {tag}")?;
                groups.iter().try_for_each(|group| write!(f, " {group}"))
            }
            Self::SetGroups { interface, from, to } => {
                write!(f, " {interface}")?;
                to.difference(from).try_for_each(|group| write!(f, " +{group}"))?;
                from.difference(to).try_for_each(|group| write!(f, " -{group}"))
            }
            Self::DeleteGroup { group } => write!(f, " {group}"),
        }
    }
}
