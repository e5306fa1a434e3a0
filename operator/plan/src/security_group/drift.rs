//! What somebody else changed in the nodes' firewall, told by what has to be done although nothing else was asked for.
//!
//! A plan sees what is, not who made it so. But where a leader had nothing left to do, and is asked for the same, each further call puts right what somebody
//! else did. Rules that `strict` removes are told where they are found.

use std::collections::BTreeSet;

use crds::SecurityGroups;

use super::{NetworkInputs, NetworkPlan};
use crate::aws::InstanceId;
use crate::aws::network::NetworkCall;

/// All that decides on the groups, their rules, and who has them.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Settled {
    declared: Option<SecurityGroups>,
    ports: BTreeSet<u16>,
    instances: Vec<Option<InstanceId>>,
}

impl Settled {
    pub(super) fn of(inputs: &NetworkInputs<'_>) -> Self {
        Self {
            declared: inputs.declared.cloned(),
            ports: inputs.ports.clone(),
            instances: inputs.order.nodes.iter().map(|node| node.instance.clone()).collect(),
        }
    }
}

/// One sentence for each call that is needed though nobody asked for anything new.
pub(super) fn told(inputs: &NetworkInputs<'_>, plan: &NetworkPlan) -> Vec<String> {
    let is_same = inputs.history.settled.as_ref() == Some(&Settled::of(inputs));
    let calls = plan.calls.iter().filter(|_| is_same && inputs.is_kept());
    calls.filter_map(sentence).collect()
}

fn sentence(call: &NetworkCall) -> Option<String> {
    match call {
        NetworkCall::CreateGroup { vpc, name, .. } => {
            Some(format!("the security group {name} in {vpc} was gone"))
        }
        NetworkCall::Authorize { group, rules, .. } => {
            let rules: Vec<_> = rules.iter().map(ToString::to_string).collect();
            Some(format!("the security group {group} lacked the rules {}", rules.join(", ")))
        }
        NetworkCall::SetGroups { interface, from, to } => {
            let missing: Vec<_> = to.difference(from).map(ToString::to_string).collect();
            (!missing.is_empty()).then(|| {
                format!("the interface {interface} lacked the security groups {}", missing.join(", "))
            })
        }
        NetworkCall::Revoke { .. } | NetworkCall::TagInterface { .. } | NetworkCall::DeleteGroup { .. } => {
            None
        }
    }
}
