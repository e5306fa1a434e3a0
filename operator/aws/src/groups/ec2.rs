//! Security groups on EC2.

mod interface;
mod list;
mod rule;

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use aws_sdk_ec2::types::{IpPermission, ResourceType, Tag, TagSpecification};
use plan::aws::network::{NodeInterface, Rule, SecurityGroup};
use plan::aws::{Failure, Fault, GroupId, InstanceId, InterfaceId, Owner, RuleId, VpcId};

use super::Groups;
use crate::failure::{gone_is_done, incomplete};
use crate::operation::Operation;
use crate::pace::Lane;
use crate::sdk::Ec2;

const CREATE: Operation = Operation::write("ec2:CreateSecurityGroup", &[Lane::Ec2Write]);
const AUTHORIZE: Operation = Operation::write("ec2:AuthorizeSecurityGroupIngress", &[Lane::Ec2Write]);
const REVOKE: Operation = Operation::write("ec2:RevokeSecurityGroupIngress", &[Lane::Ec2Write]);
const TAG: Operation = Operation::write("ec2:CreateTags", &[Lane::Ec2Write]);
const UNTAG: Operation = Operation::write("ec2:DeleteTags", &[Lane::Ec2Write]);
const SET: Operation = Operation::write("ec2:ModifyNetworkInterfaceAttribute", &[Lane::Ec2Write]);
const DELETE: Operation = Operation::write("ec2:DeleteSecurityGroup", &[Lane::Ec2Write]);

/// What the console says of a group; EC2 wants something, and never lets it be changed.
const DESCRIPTION: &str = "kept by flynn-operator";

#[async_trait]
impl Groups for Ec2 {
    async fn interfaces(
        &self,
        owner: &Owner,
        instances: &BTreeSet<InstanceId>,
    ) -> Result<Vec<NodeInterface>, Failure> {
        interface::of_nodes(self, owner, instances).await
    }

    async fn list(
        &self,
        owner: &Owner,
        clouds: &BTreeSet<VpcId>,
        names: &BTreeSet<String>,
    ) -> Result<Vec<SecurityGroup>, Failure> {
        let is_asked_for = |group: &SecurityGroup| {
            owner.owns(&group.tags) || (clouds.contains(&group.vpc) && names.contains(&group.name))
        };
        list::read(self, is_asked_for).await
    }

    async fn create(&self, vpc: &VpcId, name: &str, tags: &BTreeMap<String, String>) -> Result<(), Failure> {
        let tags = tags.iter().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect();
        let marked = TagSpecification::builder().resource_type(ResourceType::SecurityGroup);
        let marked = marked.set_tags(Some(tags)).build();
        let send = || {
            let request = self.client.create_security_group().vpc_id(vpc.as_str()).group_name(name);
            request.description(DESCRIPTION).tag_specifications(marked.clone()).send()
        };
        let output = self.caller.call(&CREATE, send).await?;
        output.group_id.map(drop).ok_or_else(|| incomplete(CREATE.name))
    }

    async fn authorize(
        &self,
        group: &GroupId,
        rules: &BTreeSet<Rule>,
        description: &str,
    ) -> Result<(), Failure> {
        let permissions: Vec<IpPermission> =
            rules.iter().map(|rule| rule::permission(rule, group, description)).collect();
        let send = || {
            let request = self.client.authorize_security_group_ingress().group_id(group.as_str());
            request.set_ip_permissions(Some(permissions.clone())).send()
        };
        self.caller.call(&AUTHORIZE, send).await.map(drop)
    }

    async fn revoke(&self, group: &GroupId, rules: &[RuleId]) -> Result<(), Failure> {
        let rules: Vec<String> = rules.iter().map(ToString::to_string).collect();
        let send = || {
            let request = self.client.revoke_security_group_ingress().group_id(group.as_str());
            request.set_security_group_rule_ids(Some(rules.clone())).send()
        };
        self.caller.call(&REVOKE, send).await.map(drop)
    }

    async fn tag_interface(
        &self,
        interface: &InterfaceId,
        tag: &str,
        groups: &BTreeSet<GroupId>,
    ) -> Result<(), Failure> {
        let key = Tag::builder().key(tag);
        if groups.is_empty() {
            let key = key.build();
            let send = || self.client.delete_tags().resources(interface.as_str()).tags(key.clone()).send();
            return self.caller.call(&UNTAG, send).await.map(drop);
        }
        let note = key.value(interface::note(groups)).build();
        let send = || self.client.create_tags().resources(interface.as_str()).tags(note.clone()).send();
        self.caller.call(&TAG, send).await.map(drop)
    }

    async fn set_groups(
        &self,
        interface: &InterfaceId,
        from: &BTreeSet<GroupId>,
        to: &BTreeSet<GroupId>,
    ) -> Result<(), Failure> {
        if interface::groups_of(self, interface).await? != *from {
            let message = format!("the groups of {interface} are not those any more that were seen");
            return Err(Failure { call: SET.name, fault: Fault::Conflict, code: None, message });
        }
        let groups: Vec<String> = to.iter().map(ToString::to_string).collect();
        let send = || {
            let request = self.client.modify_network_interface_attribute();
            let request = request.network_interface_id(interface.as_str());
            request.set_groups(Some(groups.clone())).send()
        };
        self.caller.call(&SET, send).await.map(drop)
    }

    async fn delete(&self, group: &GroupId) -> Result<(), Failure> {
        let send = || self.client.delete_security_group().group_id(group.as_str()).send();
        gone_is_done(self.caller.call(&DELETE, send).await.map(drop))
    }
}

/// The tags of a resource.
fn tags(tags: &[Tag]) -> BTreeMap<String, String> {
    let tag = |tag: &Tag| Some((tag.key()?.to_owned(), tag.value().unwrap_or_default().to_owned()));
    tags.iter().filter_map(tag).collect()
}
