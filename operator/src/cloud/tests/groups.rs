//! Security groups of the fake account, as strict as EC2: names are taken once, a group in use stays, an interface has one group at least and five at most.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use aws::Groups;
use plan::aws::network::{GroupRule, NodeInterface, Rule, SecurityGroup};
use plan::aws::{Failure, Fault, GroupId, InstanceId, InterfaceId, Owner, RuleId, VpcId};

use super::account::{Account, State};

/// How many groups an interface may have.
const LIMIT: usize = 5;

impl State {
    /// Gives an instance an interface in the only cloud, with a group of somebody else.
    pub(super) fn plug(&mut self, id: InterfaceId, instance: &InstanceId) {
        let interface = NodeInterface {
            id: id.clone(),
            instance: Some(instance.clone()),
            vpc: VpcId::new("vpc-1"),
            groups: [GroupId::new("sg-theirs")].into(),
            from_us: None,
        };
        self.interfaces.insert(id, interface);
        self.add_group("theirs", &BTreeMap::new());
    }

    /// Makes a group, if its name is free.
    pub(super) fn add_group(&mut self, name: &str, tags: &BTreeMap<String, String>) -> bool {
        let id = GroupId::new(format!("sg-{name}"));
        let is_free = !self.groups.contains_key(&id);
        self.groups.entry(id.clone()).or_insert_with(|| SecurityGroup {
            id,
            vpc: VpcId::new("vpc-1"),
            name: name.to_owned(),
            tags: tags.clone(),
            rules: Vec::new(),
            attached: BTreeSet::new(),
            referenced_by: BTreeSet::new(),
        });
        is_free
    }

    /// Adds rules, all or none.
    pub(super) fn authorize(
        &mut self,
        group: &GroupId,
        rules: &BTreeSet<Rule>,
        description: &str,
    ) -> Result<(), Fault> {
        let mut numbers: Vec<u32> = rules.iter().map(|_| self.number()).collect();
        let group = self.groups.get_mut(group).ok_or(Fault::NotFound)?;
        if group.rules.iter().any(|known| rules.contains(&known.rule)) {
            return Err(Fault::Conflict);
        }
        let added = rules.iter().map(|rule| GroupRule {
            id: RuleId::new(format!("sgr-{}", numbers.pop().unwrap())),
            rule: rule.clone(),
            description: description.to_owned(),
        });
        group.rules.extend(added);
        Ok(())
    }

    /// The groups with this owner's mark.
    pub(super) fn groups_of(&self, owner: &Owner) -> Vec<&SecurityGroup> {
        self.groups.values().filter(|group| owner.owns(&group.tags)).collect()
    }

    fn having(&self, group: &GroupId) -> BTreeSet<InterfaceId> {
        let having = self.interfaces.values().filter(|interface| interface.groups.contains(group));
        having.map(|interface| interface.id.clone()).collect()
    }
}

#[async_trait]
impl Groups for Account {
    async fn interfaces(
        &self,
        _: &Owner,
        instances: &BTreeSet<InstanceId>,
    ) -> Result<Vec<NodeInterface>, Failure> {
        let is_asked_for = |interface: &&NodeInterface| {
            interface.from_us.is_some()
                || interface.instance.as_ref().is_some_and(|id| instances.contains(id))
        };
        let found = |state: &mut State| state.interfaces.values().filter(is_asked_for).cloned().collect();
        self.read("ec2:DescribeNetworkInterfaces", found).await
    }

    async fn list(
        &self,
        owner: &Owner,
        clouds: &BTreeSet<VpcId>,
        names: &BTreeSet<String>,
    ) -> Result<Vec<SecurityGroup>, Failure> {
        let is_asked_for = |group: &SecurityGroup| {
            owner.owns(&group.tags) || clouds.contains(&group.vpc) && names.contains(&group.name)
        };
        let found = |state: &mut State| {
            let groups = state.groups.values().filter(|group| !state.hides_groups && is_asked_for(group));
            groups.map(|group| SecurityGroup { attached: state.having(&group.id), ..group.clone() }).collect()
        };
        self.read("ec2:DescribeSecurityGroups", found).await
    }

    async fn create(&self, _: &VpcId, name: &str, tags: &BTreeMap<String, String>) -> Result<(), Failure> {
        let create =
            |state: &mut State| if state.add_group(name, tags) { Ok(()) } else { Err(Fault::Conflict) };
        self.write("ec2:CreateSecurityGroup", create).await
    }

    async fn authorize(
        &self,
        group: &GroupId,
        rules: &BTreeSet<Rule>,
        description: &str,
    ) -> Result<(), Failure> {
        let authorize = |state: &mut State| state.authorize(group, rules, description);
        self.write("ec2:AuthorizeSecurityGroupIngress", authorize).await
    }

    async fn revoke(&self, group: &GroupId, rules: &[RuleId]) -> Result<(), Failure> {
        let revoke = |state: &mut State| {
            let group = state.groups.get_mut(group).ok_or(Fault::NotFound)?;
            group.rules.retain(|known| !rules.contains(&known.id));
            Ok(())
        };
        self.write("ec2:RevokeSecurityGroupIngress", revoke).await
    }

    async fn tag_interface(
        &self,
        interface: &InterfaceId,
        _: &str,
        groups: &BTreeSet<GroupId>,
    ) -> Result<(), Failure> {
        let note = |state: &mut State| {
            let interface = state.interfaces.get_mut(interface).ok_or(Fault::NotFound)?;
            interface.from_us = (!groups.is_empty()).then(|| groups.clone());
            Ok(())
        };
        self.write(if groups.is_empty() { "ec2:DeleteTags" } else { "ec2:CreateTags" }, note).await
    }

    async fn set_groups(
        &self,
        interface: &InterfaceId,
        from: &BTreeSet<GroupId>,
        to: &BTreeSet<GroupId>,
    ) -> Result<(), Failure> {
        let set = |state: &mut State| {
            let interface = state.interfaces.get_mut(interface).ok_or(Fault::NotFound)?;
            match to.len() {
                _ if interface.groups != *from => Err(Fault::Conflict),
                0 => Err(Fault::Invalid),
                count if count > LIMIT => Err(Fault::Quota),
                _ => {
                    interface.groups = to.clone();
                    Ok(())
                }
            }
        };
        self.write("ec2:ModifyNetworkInterfaceAttribute", set).await
    }

    async fn delete(&self, group: &GroupId) -> Result<(), Failure> {
        let delete = |state: &mut State| {
            if !state.having(group).is_empty() {
                return Err(Fault::Conflict);
            }
            state.groups.remove(group);
            Ok(())
        };
        self.write("ec2:DeleteSecurityGroup", delete).await
    }
}
