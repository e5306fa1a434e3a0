//! Groups that were made for `extra` and are not declared any more: once no node has them, they go, unless others use them.
//!
//! A group is looked at only in a cloud that has nodes, and when nothing else is left to do, so that a list of interfaces that lies deletes none.

use std::collections::BTreeSet;

use crds::SecurityGroups;

use super::{NetworkInputs, NetworkPlan, Seen, teardown};
use crate::Refusal;
use crate::aws::VpcId;
use crate::aws::network::SecurityGroup;

/// Plans the end of those that may go now; what keeps one from going comes back.
pub(super) fn plan(
    inputs: &NetworkInputs<'_>,
    declared: &SecurityGroups,
    clouds: &BTreeSet<&VpcId>,
    seen: Seen<'_>,
    plan: &mut NetworkPlan,
) -> Vec<Refusal> {
    if !plan.calls.is_empty() {
        return Vec::new();
    }
    let own = inputs.order.owner.group_name();
    let is_declared = |group: &SecurityGroup| group.name == own || declared.extra.contains(&group.name);
    let is_over = |group: &&SecurityGroup| {
        inputs.order.owner.owns(&group.tags) && !is_declared(group) && clouds.contains(&group.vpc)
    };
    // An interface that still has it loses it first, or is none of a node's and keeps it for a while.
    let is_free = |group: &&SecurityGroup| {
        !seen.interfaces.iter().any(|interface| interface.groups.contains(&group.id))
    };
    let over = seen.groups.iter().filter(is_over).filter(is_free);
    over.filter_map(|group| teardown::end(inputs, group, &[group], plan).err()).collect()
}
