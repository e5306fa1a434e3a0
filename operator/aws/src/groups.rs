//! Security groups, and the interfaces that have them.

mod ec2;

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use plan::aws::network::{NodeInterface, Rule, SecurityGroup};
use plan::aws::{Failure, GroupId, InstanceId, InterfaceId, Owner, RuleId, VpcId};

/// The calls about security groups that the operator makes.
#[async_trait]
pub trait Groups: Send + Sync {
    /// The first interface of each of these instances that is there, and every interface that carries this owner's note. Pages are followed inside.
    async fn interfaces(
        &self,
        owner: &Owner,
        instances: &BTreeSet<InstanceId>,
    ) -> Result<Vec<NodeInterface>, Failure>;

    /// The groups of this owner, wherever in the region they are, and in these clouds those of these names; with their rules, the interfaces that have them and the groups
    /// whose rules name them. Pages are followed inside.
    async fn list(
        &self,
        owner: &Owner,
        clouds: &BTreeSet<VpcId>,
        names: &BTreeSet<String>,
    ) -> Result<Vec<SecurityGroup>, Failure>;

    /// Creates a group and tags it, in one; a name that is taken in the cloud is a conflict.
    async fn create(&self, vpc: &VpcId, name: &str, tags: &BTreeMap<String, String>) -> Result<(), Failure>;

    /// Adds rules that let in, all or none; one that is there already is a conflict.
    async fn authorize(
        &self,
        group: &GroupId,
        rules: &BTreeSet<Rule>,
        description: &str,
    ) -> Result<(), Failure>;

    /// Removes rules that let in.
    async fn revoke(&self, group: &GroupId, rules: &[RuleId]) -> Result<(), Failure>;

    /// Notes on an interface which groups it has from us; none takes the note away.
    async fn tag_interface(
        &self,
        interface: &InterfaceId,
        tag: &str,
        groups: &BTreeSet<GroupId>,
    ) -> Result<(), Failure>;

    /// Replaces the groups of an interface. It is read again before: if its groups are not `from` any more, that is a conflict.
    async fn set_groups(
        &self,
        interface: &InterfaceId,
        from: &BTreeSet<GroupId>,
        to: &BTreeSet<GroupId>,
    ) -> Result<(), Failure>;

    /// Deletes a group; one that is gone is a success, one that is in use a conflict.
    async fn delete(&self, group: &GroupId) -> Result<(), Failure>;
}
