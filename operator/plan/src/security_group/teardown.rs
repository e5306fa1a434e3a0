//! The end of a Cluster: every interface loses the groups that it has from us, then our groups go, unless others use them.

use std::collections::BTreeSet;

use crds::Reason;

use super::attachments;
use super::{NetworkInputs, NetworkPlan, Seen};
use crate::aws::GroupId;
use crate::aws::network::{NetworkCall, NodeInterface, SecurityGroup};
use crate::{Finding, Refusal};

/// Plans the end.
pub(super) fn plan(inputs: &NetworkInputs<'_>, seen: Seen<'_>, plan: &mut NetworkPlan) -> Finding {
    let mut fault = None;
    let own = inputs.own_groups(seen);
    let has_ours =
        |interface: &&NodeInterface| interface.from_us.is_some() || !interface.groups.is_disjoint(&own);
    for interface in seen.interfaces.iter().filter(has_ours) {
        fault = fault.or(attachments::set(inputs, interface, &BTreeSet::new(), seen, plan).err());
    }
    if plan.calls.is_empty() && fault.is_none() {
        let ours: Vec<_> = seen.groups.iter().filter(|group| inputs.order.owner.owns(&group.tags)).collect();
        for group in &ours {
            fault = fault.or(end(inputs, group, &ours, plan).err());
        }
    }
    match fault {
        Some(fault) => Err(fault),
        None if plan.calls.is_empty() => Ok(String::new()),
        None => Err(Refusal::new(Reason::Pending, "the security groups are being taken away")),
    }
}

/// Deletes a group that nobody uses but those that go with it.
pub(super) fn end(
    inputs: &NetworkInputs<'_>,
    group: &SecurityGroup,
    going: &[&SecurityGroup],
    plan: &mut NetworkPlan,
) -> Result<(), Refusal> {
    let going: BTreeSet<&GroupId> = going.iter().map(|group| &group.id).collect();
    let attached = group.attached.iter().map(ToString::to_string);
    let named = group.referenced_by.iter().filter(|id| !going.contains(id)).map(ToString::to_string);
    let users: Vec<_> = attached.chain(named).collect();
    if users.is_empty() {
        return plan.call(inputs, NetworkCall::DeleteGroup { group: group.id.clone() });
    }
    let message =
        format!("the security group {} ({}) stays: {} use it", group.name, group.id, users.join(", "));
    plan.warnings.push(Refusal::new(Reason::NotOwned, message));
    Ok(())
}
