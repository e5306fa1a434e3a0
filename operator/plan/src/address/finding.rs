//! What the condition `AddressesAssociated` says.

use crds::{ClusterNodes, Reason};

use super::{AddressInputs, Member};
use crate::aws::Failure;
use crate::{Finding, Refusal};

/// How many nodes have their address, or the first fault with that count.
pub(super) fn finding(inputs: &AddressInputs<'_>, members: &[Member], surplus: Option<&Failure>) -> Finding {
    if members.is_empty() {
        return Err(no_nodes(inputs.order.spec.nodes.as_ref()));
    }
    let faults = || members.iter().filter_map(|member| member.fault.as_ref());
    let count = format!("{}/{} nodes", members.len() - faults().count(), members.len());
    match (faults().next(), surplus) {
        (Some(fault), _) => Err(Refusal::new(fault.reason, format!("{} ({count})", fault.message))),
        (None, None) => Ok(count),
        (None, Some(failure)) => {
            Ok(format!("{count}; one that no node needs cannot be given back: {failure}"))
        }
    }
}

/// What is left of the addresses of a Cluster that is being deleted.
pub(super) fn of_deletion(
    inputs: &AddressInputs<'_>,
    left: usize,
    undone: bool,
    surplus: Option<&Failure>,
) -> Finding {
    match (&inputs.observed.addresses, surplus) {
        (Err(failure), _) | (Ok(_), Some(failure)) => Err(failure.refusal()),
        (Ok(_), None) if undone => Ok("every Elastic IP is given back".to_owned()),
        (Ok(_), None) => {
            let message = format!(
                "Elastic IPs that are still to be given back, when no record has named them for as long as resolvers may keep it: {left}"
            );
            Err(Refusal::new(Reason::Pending, message))
        }
    }
}

fn no_nodes(nodes: Option<&ClusterNodes>) -> Refusal {
    let labels = nodes.and_then(|nodes| nodes.selector.as_ref()).map(|selector| &selector.match_labels);
    let labels: Vec<String> =
        labels.into_iter().flatten().map(|(key, value)| format!("{key}={value}")).collect();
    let labels = labels.join(",");
    let message = format!(
        "no Node has the labels {labels}: label the nodes, or change spec.nodes.selector; until then addresses and records stay as they are"
    );
    Refusal::new(Reason::NodesNotFound, message)
}
