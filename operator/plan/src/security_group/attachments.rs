//! Which interfaces have the groups.
//!
//! The call that changes them replaces the whole list, so it names what was seen and is refused when that has changed. What an interface gets from us is
//! noted on it before, so that a group which it had already is not taken away later. An interface that has become no node's loses our groups after a
//! while only, and none does as long as there is no node at all.

use std::collections::{BTreeMap, BTreeSet};

use crds::Reason;
use jiff::SignedDuration;

use super::group::Wanted;
use super::{NetworkInputs, NetworkPlan, Seen};
use crate::Refusal;
use crate::aws::network::{NetworkCall, NodeInterface};
use crate::aws::{GroupId, VpcId};

/// How long an interface that is no node's keeps our groups.
const STRAYS_FOR: SignedDuration = SignedDuration::from_mins(10);

/// Plans the interfaces of the nodes and of those that were nodes; what is wrong with any comes back.
pub(super) fn plan(
    inputs: &NetworkInputs<'_>,
    members: &BTreeMap<&str, Option<&NodeInterface>>,
    wanted: &BTreeMap<VpcId, Wanted>,
    seen: Seen<'_>,
    plan: &mut NetworkPlan,
) -> Vec<Refusal> {
    let mut faults = Vec::new();
    for (node, interface) in members {
        match interface {
            None => faults.push(no_interface(inputs, node)),
            Some(interface) => {
                let Some(wanted) = wanted.get(&interface.vpc) else { continue };
                faults.extend(set(inputs, interface, &known(interface, wanted), seen, plan).err());
            }
        }
    }
    let kept: BTreeSet<_> = members.values().flatten().map(|interface| &interface.id).collect();
    let strays = seen.interfaces.iter().filter(|interface| !kept.contains(&interface.id));
    faults.extend(leave(inputs, strays.collect(), seen, plan));
    if inputs.order.nodes.is_empty() {
        let message = "spec.nodes selects no node: the security groups stay as they are";
        faults.push(Refusal::new(Reason::NodesNotFound, message));
    }
    faults
}

/// The groups that an interface should have. Where a list lacks one, it may lack any, so that the interface keeps what it has from us.
fn known(interface: &NodeInterface, wanted: &Wanted) -> BTreeSet<GroupId> {
    let noted =
        interface.from_us.iter().flatten().filter(|group| wanted.lacks && interface.groups.contains(group));
    wanted.groups.iter().chain(noted).cloned().collect()
}

/// Takes our groups from interfaces that are no node's any more.
fn leave(
    inputs: &NetworkInputs<'_>,
    strays: Vec<&NodeInterface>,
    seen: Seen<'_>,
    plan: &mut NetworkPlan,
) -> Vec<Refusal> {
    plan.history.strays_since.clear();
    let mut faults = Vec::new();
    for interface in strays.into_iter().filter(|interface| interface.from_us.is_some()) {
        let since = inputs.history.strays_since.get(&interface.id).copied().unwrap_or(inputs.now);
        plan.history.strays_since.insert(interface.id.clone(), since);
        let ends_at = since + STRAYS_FOR;
        if ends_at > inputs.now {
            plan.recheck(ends_at);
        } else if !inputs.order.nodes.is_empty() {
            faults.extend(set(inputs, interface, &BTreeSet::new(), seen, plan).err());
        }
    }
    faults
}

/// Gives an interface these groups of ours beside those that it has from others.
pub(super) fn set(
    inputs: &NetworkInputs<'_>,
    interface: &NodeInterface,
    groups: &BTreeSet<GroupId>,
    seen: Seen<'_>,
    plan: &mut NetworkPlan,
) -> Result<(), Refusal> {
    let noted = interface.from_us.clone().unwrap_or_default();
    // A group that is ours is from us, even if somebody removed the note.
    let from_us: BTreeSet<GroupId> = noted.union(&inputs.own_groups(seen)).cloned().collect();
    let theirs: BTreeSet<GroupId> = interface.groups.difference(&from_us).cloned().collect();
    let to: BTreeSet<GroupId> = theirs.union(groups).cloned().collect();
    let ours: BTreeSet<GroupId> = groups.difference(&theirs).cloned().collect();
    if to.is_empty() {
        let message = format!(
            "the interface {} has no security group but ours: give it another, so that ours can go",
            interface.id
        );
        return Err(Refusal::new(Reason::Blocked, message));
    }
    // Before the change the note names what goes and what comes, after it what there is.
    if to != interface.groups {
        let leaving = interface.groups.intersection(&from_us);
        let during: BTreeSet<GroupId> = leaving.chain(&ours).cloned().collect();
        if !during.is_subset(&noted) {
            plan.call(inputs, note(inputs, interface, during))?;
        }
        let (interface, from) = (interface.id.clone(), interface.groups.clone());
        return plan.call(inputs, NetworkCall::SetGroups { interface, from, to });
    }
    if noted != ours || (interface.from_us.is_some() && ours.is_empty()) {
        plan.call(inputs, note(inputs, interface, ours))?;
    }
    Ok(())
}

fn note(inputs: &NetworkInputs<'_>, interface: &NodeInterface, groups: BTreeSet<GroupId>) -> NetworkCall {
    NetworkCall::TagInterface {
        interface: interface.id.clone(),
        tag: inputs.order.owner.interface_tag(),
        groups,
    }
}

fn no_interface(inputs: &NetworkInputs<'_>, name: &str) -> Refusal {
    let node = inputs.order.nodes.iter().find(|node| node.name == name);
    match node.and_then(|node| node.instance.as_ref()) {
        Some(instance) => {
            let message = format!(
                "the node {name} is the instance {instance}, which has no interface in this account and region: it gets no security group"
            );
            Refusal::new(Reason::InstanceNotFound, message)
        }
        None => {
            let message = format!(
                "the node {name} has no spec.providerID that names an EC2 instance: it gets no security group"
            );
            Refusal::new(Reason::NoProviderID, message)
        }
    }
}
