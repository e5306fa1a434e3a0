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

/// Plans the groups of a cloud, and tells which of them its nodes should have by now.
pub(super) fn plan(
    inputs: &NetworkInputs<'_>,
    declared: &SecurityGroups,
    seen: Seen<'_>,
    vpc: &VpcId,
    plan: &mut NetworkPlan,
) -> Result<BTreeSet<GroupId>, Refusal> {
    let own = inputs.order.owner.group_name();
    let mut there = BTreeSet::new();
    let nodes_rules = rules::declared(declared, inputs.ports)?;
    if let Some(group) = found(inputs, seen, vpc, &own, plan)? {
        if !inputs.order.owner.owns(&group.tags) {
            let message = format!(
                "the security group {own} in {vpc} exists and is not this Cluster's: delete it ({}), or rename the Cluster",
                group.id
            );
            return Err(Refusal::new(Reason::NotOwned, message));
        }
        rules::plan(inputs, group, &nodes_rules, declared.strict, plan)?;
        there.insert(group.id.clone());
    }
    for name in &declared.extra {
        let Some(group) = found(inputs, seen, vpc, name, plan)? else { continue };
        if inputs.order.owner.owns(&group.tags) {
            // What others let in to a group that is there for them is theirs to say.
            rules::plan(inputs, group, &[Rule::new("-1", None, Source::Itself)].into(), false, plan)?;
        }
        there.insert(group.id.clone());
    }
    Ok(there)
}

/// The group of that name; if there is none, it is made.
fn found<'a>(
    inputs: &NetworkInputs<'_>,
    seen: Seen<'a>,
    vpc: &VpcId,
    name: &str,
    plan: &mut NetworkPlan,
) -> Result<Option<&'a SecurityGroup>, Refusal> {
    let found = seen.groups.iter().find(|group| group.vpc == *vpc && group.name == name);
    if found.is_none() {
        let tags = inputs.order.owner.tags("nodes");
        plan.call(inputs, NetworkCall::CreateGroup { vpc: vpc.clone(), name: name.to_owned(), tags })?;
    }
    Ok(found)
}
