//! The groups of one cloud (VPC): the nodes' own, and the declared ones beside it.
//!
//! | a group of the name | and                   | then                                                                  |
//! |---------------------|-----------------------|-----------------------------------------------------------------------|
//! | does not exist      |                       | it is created and tagged, in one call; the next pass gives it rules   |
//! | exists              | is ours               | its rules are kept as declared                                        |
//! | exists              | is not, and is extra  | the nodes get it, and its rules are left alone                        |
//! | exists              | is not, and is the nodes' own | `NotOwned`                                                    |

use std::collections::BTreeSet;

use crds::{Reason, SecurityGroups};

use super::{NetworkInputs, NetworkPlan, Seen, rules};
use crate::Refusal;
use crate::aws::network::{NetworkCall, Rule, SecurityGroup, Source};
use crate::aws::{GroupId, VpcId};

/// The groups that the nodes of a cloud should have by now.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    pub(super) groups: BTreeSet<GroupId>,
    /// Whether one is not listed, so that it is not known which else a node may have.
    pub(super) lacks: bool,
    /// What is wrong with any of them. It keeps no node from having the others.
    pub(super) faults: Vec<Refusal>,
}

/// Plans the groups of a cloud, and tells which of them its nodes should have by now.
pub(super) fn plan(
    inputs: &NetworkInputs<'_>,
    declared: &SecurityGroups,
    seen: Seen<'_>,
    vpc: &VpcId,
    plan: &mut NetworkPlan,
) -> Result<Wanted, Refusal> {
    let own = inputs.order.owner.group_name();
    let mut wanted = Wanted::default();
    let nodes_rules = rules::declared(declared, inputs.ports)?;
    if let Some(group) = found(inputs, seen, vpc, &own, &mut wanted, plan) {
        if !inputs.order.owner.owns(&group.tags) {
            let message = format!(
                "the security group {own} in {vpc} exists and is not this Cluster's: delete it ({}), or rename the Cluster",
                group.id
            );
            return Err(Refusal::new(Reason::NotOwned, message));
        }
        wanted.faults.extend(rules::plan(inputs, group, &nodes_rules, declared.strict, plan).err());
    }
    for name in &declared.extra {
        let Some(group) = found(inputs, seen, vpc, name, &mut wanted, plan) else { continue };
        if inputs.order.owner.owns(&group.tags) {
            // What others let in to a group that is there for them is theirs to say.
            let between = [Rule::new("-1", None, Source::Itself)].into();
            wanted.faults.extend(rules::plan(inputs, group, &between, false, plan).err());
        }
    }
    Ok(wanted)
}

/// The group of that name, which the nodes should have; if there is none, it is made.
fn found<'a>(
    inputs: &NetworkInputs<'_>,
    seen: Seen<'a>,
    vpc: &VpcId,
    name: &str,
    wanted: &mut Wanted,
    plan: &mut NetworkPlan,
) -> Option<&'a SecurityGroup> {
    let found = seen.groups.iter().find(|group| group.vpc == *vpc && group.name == name);
    wanted.groups.extend(found.map(|group| group.id.clone()));
    if found.is_none() {
        wanted.lacks = true;
        let tags = inputs.order.owner.tags("nodes");
        let create = NetworkCall::CreateGroup { vpc: vpc.clone(), name: name.to_owned(), tags };
        wanted.faults.extend(plan.call(inputs, create).err());
    }
    found
}
