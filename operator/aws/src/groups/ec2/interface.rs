//! The interfaces of nodes: which groups they have, and the note of which of them they have from us.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_ec2::types::{Filter, NetworkInterface};
use plan::aws::network::NodeInterface;
use plan::aws::{Failure, Fault, GroupId, InstanceId, InterfaceId, Owner, VpcId};

use super::tags;
use crate::failure::incomplete;
use crate::operation::Operation;
use crate::pace::Lane;
use crate::sdk::Ec2;

const DESCRIBE: Operation = Operation::read("ec2:DescribeNetworkInterfaces", &[Lane::Ec2Read]);

/// How many values one filter gets. It takes 200.
const CHUNK: usize = 100;

/// The first interfaces of these instances, and those that carry the owner's note.
pub(super) async fn of_nodes(
    ec2: &Ec2,
    owner: &Owner,
    instances: &BTreeSet<InstanceId>,
) -> Result<Vec<NodeInterface>, Failure> {
    let tag = owner.interface_tag();
    let instances: Vec<String> = instances.iter().map(ToString::to_string).collect();
    let mut found = matching(ec2, "attachment.instance-id", &instances).await?;
    found.retain(is_first);
    found.extend(matching(ec2, "tag-key", std::slice::from_ref(&tag)).await?);
    let observed = found.iter().filter_map(|interface| observed(interface, &tag));
    let by_id: BTreeMap<_, _> = observed.map(|interface| (interface.id.clone(), interface)).collect();
    Ok(by_id.into_values().collect())
}

/// The interfaces that have each of these groups.
pub(super) async fn having(
    ec2: &Ec2,
    groups: &[String],
) -> Result<BTreeMap<GroupId, BTreeSet<InterfaceId>>, Failure> {
    let mut having: BTreeMap<GroupId, BTreeSet<InterfaceId>> = BTreeMap::new();
    for interface in matching(ec2, "group-id", groups).await? {
        let Some(id) = interface.network_interface_id() else { continue };
        for group in groups_in(&interface) {
            having.entry(group).or_default().insert(InterfaceId::new(id));
        }
    }
    Ok(having)
}

/// The groups that an interface has now.
pub(super) async fn groups_of(ec2: &Ec2, interface: &InterfaceId) -> Result<BTreeSet<GroupId>, Failure> {
    let found = matching(ec2, "network-interface-id", &[interface.to_string()]).await?;
    found.first().map(groups_in).ok_or_else(|| Failure {
        call: DESCRIBE.name,
        fault: Fault::NotFound,
        code: None,
        message: format!("the interface {interface} is not there any more"),
    })
}

/// What a note says that names these groups.
pub(super) fn note(groups: &BTreeSet<GroupId>) -> String {
    let groups: Vec<_> = groups.iter().map(GroupId::as_str).collect();
    groups.join(" ")
}

/// Every interface with one of these values, by a filter: by their ids the call refuses all for one that is not there.
async fn matching(ec2: &Ec2, filter: &str, values: &[String]) -> Result<Vec<NetworkInterface>, Failure> {
    let mut found = Vec::new();
    for chunk in values.chunks(CHUNK) {
        let filter = Filter::builder().name(filter).set_values(Some(chunk.to_vec())).build();
        let mut token = None;
        loop {
            let send = || {
                let request = ec2.client.describe_network_interfaces().filters(filter.clone());
                request.set_next_token(token.clone()).send()
            };
            let page = ec2.caller.call(&DESCRIBE, send).await?;
            found.extend(page.network_interfaces.ok_or_else(|| incomplete(DESCRIBE.name))?);
            token = page.next_token.filter(|token| !token.is_empty());
            if token.is_none() {
                break;
            }
        }
    }
    Ok(found)
}

/// Whether it is its instance's primary interface: the first device of the first network card.
fn is_first(interface: &NetworkInterface) -> bool {
    interface.attachment().is_some_and(|attachment| {
        attachment.device_index() == Some(0) && attachment.network_card_index().unwrap_or_default() == 0
    })
}

fn observed(interface: &NetworkInterface, tag: &str) -> Option<NodeInterface> {
    let instance = interface.attachment().and_then(|attachment| attachment.instance_id());
    let noted = |note: &String| note.split_whitespace().map(GroupId::new).collect();
    Some(NodeInterface {
        id: InterfaceId::new(interface.network_interface_id()?),
        instance: instance.filter(|id| !id.is_empty()).map(InstanceId::new),
        vpc: VpcId::new(interface.vpc_id()?),
        groups: groups_in(interface),
        from_us: tags(interface.tag_set()).get(tag).map(noted),
    })
}

fn groups_in(interface: &NetworkInterface) -> BTreeSet<GroupId> {
    interface.groups().iter().filter_map(|group| group.group_id().map(GroupId::new)).collect()
}
