//! Security groups and the interfaces that have them.
//!
//! | rule | page |
//! |---|---|
//! | a group that an interface has, or a rule of another group names, is not deleted: `DependencyViolation` | API_DeleteSecurityGroup |
//! | the groups of an instance with several interfaces are not changed by the instance: `InvalidInstanceID` | errors-overview: InvalidInstanceID |
//! | five groups on an interface: `SecurityGroupsPerInterfaceLimitExceeded` | `vpc/latest/userguide/amazon-vpc-limits.html` |
//! | a group that is unknown is not given: `InvalidGroup.NotFound` | errors-overview |
//! | an instance's groups are those of its first interface | API_ModifyInstanceAttribute |

use anyhow::Result;
use aws_sdk_ec2::types::{NetworkInterface, SecurityGroup};

use super::addresses::is_first;
use super::{Judged, Rules, several_interfaces};
use crate::amazon::refusal::Refusal;
use crate::amazon::request::Request;

/// Whether a group may go.
pub(super) async fn delete(rules: &Rules, request: &Request) -> Judged {
    let Some(id) = request.parameter("GroupId") else { return Ok(Ok(())) };
    let (interfaces, groups) = (rules.account.interfaces().await?, rules.account.groups().await?);
    let others = groups.iter().filter(|group| group.group_id() != Some(id));
    let in_use = interfaces.iter().any(|interface| ids(interface).contains(&id))
        || others.into_iter().any(|group| names(group, id));
    let message = || format!("resource {id} has a dependent object");
    Ok(if in_use { Err(Refusal::new("DependencyViolation", message())) } else { Ok(()) })
}

/// Whether the groups of an instance may be replaced by these.
pub(super) async fn of_instance(rules: &Rules, request: &Request) -> Judged {
    let wanted = request.list("GroupId");
    let instance = request.parameter("InstanceId").unwrap_or_default();
    if wanted.is_empty() {
        return Ok(Ok(()));
    }
    if rules.account.interfaces_of(instance).await?.len() > 1 {
        return Ok(Err(several_interfaces(instance)));
    }
    fitting(rules, &wanted).await
}

/// Whether the groups of an interface may be replaced by these.
pub(super) async fn of_interface(rules: &Rules, request: &Request) -> Judged {
    fitting(rules, &request.list("SecurityGroupId")).await
}

async fn fitting(rules: &Rules, wanted: &[&str]) -> Judged {
    if wanted.len() > rules.quotas.groups_per_interface {
        let message = "The maximum number of security groups per interface has been reached.";
        return Ok(Err(Refusal::new("SecurityGroupsPerInterfaceLimitExceeded", message)));
    }
    let groups = rules.account.groups().await?;
    let is_unknown = |id: &&&str| !groups.iter().any(|group| group.group_id() == Some(**id));
    Ok(match wanted.iter().find(is_unknown) {
        Some(id) => {
            Err(Refusal::new("InvalidGroup.NotFound", format!("The security group '{id}' does not exist")))
        }
        None => Ok(()),
    })
}

/// Gives the groups that an instance was given to its interface.
pub(super) async fn instance_has(rules: &Rules, request: &Request) -> Result<()> {
    let instance = request.parameter("InstanceId").unwrap_or_default();
    let groups = owned(request.list("GroupId"));
    let interfaces = rules.account.interfaces_of(instance).await?;
    let first = interfaces.first().and_then(NetworkInterface::network_interface_id);
    if let (Some(groups), Some(interface)) = (groups, first) {
        let modify = rules.account.ec2.modify_network_interface_attribute().network_interface_id(interface);
        modify.set_groups(Some(groups)).send().await?;
    }
    Ok(())
}

/// Gives the groups that a first interface was given to its instance, if that has any: moto adds those to the interface's.
pub(super) async fn interface_has(rules: &Rules, request: &Request) -> Result<()> {
    let id = request.parameter("NetworkInterfaceId");
    let interfaces = rules.account.interfaces().await?;
    let interface = interfaces.iter().find(|one| one.network_interface_id() == id && is_first(one));
    let instance = interface.and_then(|one| one.attachment()).and_then(|attachment| attachment.instance_id());
    if let (Some(groups), Some(instance)) = (owned(request.list("SecurityGroupId")), instance)
        && !rules.account.instance(instance).await?.security_groups().is_empty()
    {
        let modify = rules.account.ec2.modify_instance_attribute().instance_id(instance);
        modify.set_groups(Some(groups)).send().await?;
    }
    Ok(())
}

/// The list, unless it is empty.
fn owned(ids: Vec<&str>) -> Option<Vec<String>> {
    (!ids.is_empty()).then(|| ids.into_iter().map(str::to_owned).collect())
}

/// The groups of an interface.
fn ids(interface: &NetworkInterface) -> Vec<&str> {
    interface.groups().iter().filter_map(|group| group.group_id()).collect()
}

/// Whether a rule of this group names that one.
fn names(group: &SecurityGroup, id: &str) -> bool {
    let rules = group.ip_permissions().iter().chain(group.ip_permissions_egress());
    rules.flat_map(|rule| rule.user_id_group_pairs()).any(|pair| pair.group_id() == Some(id))
}
