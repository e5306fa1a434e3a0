//! One pass: from what is declared, observed and remembered to the calls that have to be made, and what the Cluster's status says.

use std::collections::BTreeSet;
use std::net::IpAddr;

use crds::{AwsMode, NodeAddressStatus, Reason, RecordStatus};
use jiff::Timestamp;

use super::{Call, HealthCheckId, History, Observed, Order};
use crate::address::{AddressInputs, Member, address};
use crate::dns::{DnsInputs, DnsState, dns, published};
use crate::security_group::{self, NetworkInputs, NetworkPlan};
use crate::{Finding, Refusal};

/// How many calls a status lists.
const MOST_CALLS: usize = 100;

/// What comes of a pass.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// The calls, in their order. Empty: AWS is as declared, or what is left has to wait. Whether they are made, the mode decides.
    pub calls: Vec<Call>,
    /// For the Cluster's status.
    pub report: Report,
    /// For the next pass.
    pub history: History,
    /// The public addresses that have to be probed.
    pub probes: BTreeSet<IpAddr>,
    /// The health checks in use, for which Route 53 is asked what it finds.
    pub checks: BTreeSet<HealthCheckId>,
    /// When the passing of time alone changes the plan.
    pub recheck_at: Option<Timestamp>,
}

/// What a Cluster's status says of AWS.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Report {
    /// The Cluster's uid.
    pub uid: String,
    /// The `metadata.generation` that this is about.
    pub generation: i64,
    /// Whether every node has its address; nothing if that is not asked for.
    pub associated: Option<Finding>,
    /// Whether the records are as they should be; nothing if that is not asked for.
    pub published: Option<Finding>,
    /// Whether the nodes' firewall is as it should be; nothing if that is not asked for.
    pub secured: Option<Finding>,
    /// The nodes.
    pub addresses: Vec<NodeAddressStatus>,
    /// The records.
    pub records: Vec<RecordStatus>,
    /// What would be called, with `mode: Plan`.
    pub planned_calls: Vec<String>,
    /// What somebody else changed, and a call of this pass puts right: one sentence each, for an event.
    pub drift: Vec<String>,
    /// What is no fault and should be known all the same, for events.
    pub warnings: Vec<Refusal>,
    /// Whether a Cluster that is being deleted has nothing left in AWS.
    pub undone: bool,
}

/// Plans one pass.
#[must_use]
pub fn plan(order: &Order, observed: &Observed, history: &History, now: Timestamp) -> Plan {
    let attempts = &history.attempts;
    let published = published(order, observed);
    let missing = history.dns.missing(published.as_ref(), now);
    let addresses = address(&AddressInputs {
        order,
        observed,
        published: published.as_ref(),
        missing: &missing,
        history: &history.address,
        attempts,
        now,
    });
    let members = &addresses.members;
    let records = dns(&DnsInputs {
        order,
        observed,
        members,
        published: published.as_ref(),
        history: &history.dns,
        attempts,
        now,
    });

    // What is released, was taken out of the records before.
    let mut calls = records.calls;
    calls.extend(addresses.calls);
    let undone = order.deleted_at.is_some() && calls.is_empty() && addresses.undone && records.undone;
    let count = calls.len();
    let network = network(order, observed, history, undone, now);
    calls.extend(network.calls.into_iter().map(Call::Network));
    let drift = records.drift.into_iter().chain(addresses.drift).chain(network.drift).collect();
    let report = Report {
        uid: order.owner.uid.clone(),
        generation: order.generation,
        associated: addresses.associated.map(|finding| applied(mode_of(order), count, finding)),
        published: records.published.map(|finding| applied(mode_of(order), count, finding)),
        secured: network.ready,
        addresses: members.iter().map(|member| status_of(member, &records.states)).collect(),
        records: records.records,
        planned_calls: planned(order, &calls),
        drift,
        warnings: network.warnings,
        undone: undone && network.undone,
    };
    let probes = members.iter().flat_map(Member::addresses).chain(published.into_iter().flatten()).collect();
    Plan {
        calls,
        report,
        history: History {
            address: addresses.history,
            dns: records.history,
            network: network.history,
            attempts: attempts.clone(),
        },
        probes,
        checks: records.checks,
        recheck_at: addresses
            .recheck_at
            .into_iter()
            .chain(records.recheck_at)
            .chain(network.recheck_at)
            .min(),
    }
}

/// The nodes' firewall. At the end of a Cluster it stays until the rest is undone: as long as there are records, the nodes serve.
fn network(
    order: &Order,
    observed: &Observed,
    history: &History,
    is_rest_undone: bool,
    now: Timestamp,
) -> NetworkPlan {
    if order.deleted_at.is_some() && !is_rest_undone {
        let message = "the nodes keep their security groups until their records and addresses are gone";
        let ready = order.has_firewall().then(|| Err(Refusal::new(Reason::Pending, message)));
        return NetworkPlan { ready, history: history.network.clone(), ..NetworkPlan::default() };
    }
    security_group::plan(&NetworkInputs {
        order,
        declared: order.security_groups(),
        ports: &order.tcp_ports,
        observed: &observed.network,
        history: &history.network,
        now,
    })
}

/// What would still have to be written is a fault of its own when nothing is written.
pub(crate) fn applied(mode: AwsMode, calls: usize, finding: Finding) -> Finding {
    match (mode, calls) {
        (AwsMode::Apply, _) | (_, 0) => finding,
        (AwsMode::Plan, count) => {
            let message = format!(
                "{count} calls would be made, see status.plannedCalls: set spec.aws.mode of the Cluster to Apply to have them made"
            );
            Err(Refusal::new(Reason::NotApplied, message))
        }
        (AwsMode::Observe, count) => {
            let message = format!(
                "AWS differs from what is declared by {count} calls: set spec.aws.mode of the Cluster to Plan to see them, or to Apply"
            );
            Err(Refusal::new(Reason::NotApplied, message))
        }
    }
}

fn mode_of(order: &Order) -> AwsMode {
    order.spec.aws.as_ref().map(|aws| aws.mode).unwrap_or_default()
}

fn planned(order: &Order, calls: &[Call]) -> Vec<String> {
    match order.spec.aws.as_ref().map(|aws| aws.mode) {
        Some(AwsMode::Plan) => calls.iter().take(MOST_CALLS).map(ToString::to_string).collect(),
        _ => Vec::new(),
    }
}

fn status_of(member: &Member, states: &std::collections::BTreeMap<IpAddr, DnsState>) -> NodeAddressStatus {
    let state = member.addresses().find_map(|address| states.get(&address));
    NodeAddressStatus {
        node: member.node.clone(),
        instance_id: member.instance.as_ref().map(ToString::to_string),
        address: member.address.map(|address| address.to_string()),
        ipv6: member.ipv6.first().map(ToString::to_string),
        allocation_id: member.allocation.as_ref().map(ToString::to_string),
        dns: state.map(|state| state.word.to_string()),
        health: state.map(|state| state.health.to_owned()),
        message: member.fault.as_ref().map(|fault| fault.message.clone()).or_else(|| state?.message.clone()),
    }
}
