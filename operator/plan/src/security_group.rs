//! The nodes' firewall: the security groups of a Cluster, their rules, and which interfaces have them.
//!
//! ```text
//! Order (a Cluster and its nodes), ports of TCP Routes --.
//! NetworkObserved (interfaces and groups) ----------------+--> group --> rules --> attachments --> undeclared --> NetworkPlan
//! NetworkHistory (this leader) ---------------------------'    deleted: teardown
//! ```
//!
//! Pure and level-triggered as [`aws::plan`](crate::aws::plan()). A node keeps every group that it has from somebody else; a list that is empty or could
//! not be read takes no group from any node.

mod attachments;
mod drift;
mod group;
mod reach;
mod rules;
mod teardown;
mod undeclared;

use std::collections::{BTreeMap, BTreeSet};

use crds::{AwsMode, Reason, SecurityGroups};
use jiff::Timestamp;

use crate::aws::network::{NetworkCall, NetworkObserved, NetworkOutcome, NodeInterface, SecurityGroup};
use crate::aws::{Attempts, GroupId, InterfaceId, Order, VpcId, applied};
use crate::{Finding, Refusal};
use drift::Settled;

pub use reach::reachable;

/// What the security groups are planned from.
#[derive(Debug, Clone, Copy)]
pub struct NetworkInputs<'a> {
    /// The Cluster and its nodes.
    pub order: &'a Order,
    /// The nodes' firewall as it is declared, if it is.
    pub declared: Option<&'a SecurityGroups>,
    /// The ports of its TCP Routes.
    pub ports: &'a BTreeSet<u16>,
    /// What AWS answers.
    pub observed: &'a NetworkObserved,
    /// What the last plan left.
    pub history: &'a NetworkHistory,
    /// The time.
    pub now: Timestamp,
}

/// What comes of a pass.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct NetworkPlan {
    /// The calls, in their order. Those about one group or interface need each other; one that fails keeps no others from being made.
    pub calls: Vec<NetworkCall>,
    /// Whether every node has the groups, and these the rules; nothing if that is not asked for.
    pub ready: Option<Finding>,
    /// What is no fault and should be known all the same, for events: rules of somebody else, groups that stay.
    pub warnings: Vec<Refusal>,
    /// What somebody else changed, and a call of this pass puts right: one sentence each, for an event.
    pub drift: Vec<String>,
    /// Whether none of our groups is left that could go, or nobody asked for any.
    pub undone: bool,
    /// For the next pass.
    pub history: NetworkHistory,
    /// When the passing of time alone changes the plan.
    pub recheck_at: Option<Timestamp>,
}

/// The memory of a leader. It only ever makes us wait.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct NetworkHistory {
    attempts: Attempts,
    /// What was asked for when last there was nothing left to do.
    settled: Option<Settled>,
    /// Since when interfaces with groups of ours have been seen to belong to no node.
    strays_since: BTreeMap<InterfaceId, Timestamp>,
}

impl NetworkHistory {
    /// Takes note of the calls that were made.
    pub fn take(&mut self, outcomes: &[NetworkOutcome], now: Timestamp) {
        outcomes.iter().for_each(|outcome| self.attempts.take(outcome, now));
    }
}

/// What could be read.
#[derive(Clone, Copy)]
struct Seen<'a> {
    interfaces: &'a [NodeInterface],
    groups: &'a [SecurityGroup],
}

/// Plans one pass.
#[must_use]
pub fn plan(inputs: &NetworkInputs<'_>) -> NetworkPlan {
    let mut plan = NetworkPlan { history: inputs.history.clone(), ..NetworkPlan::default() };
    if inputs.declared.is_none() && !inputs.order.had_security_groups {
        return NetworkPlan { undone: true, ..plan };
    }
    let seen = match (&inputs.observed.interfaces, &inputs.observed.groups) {
        (Ok(interfaces), Ok(groups)) => Seen { interfaces, groups },
        (Err(failure), _) | (_, Err(failure)) => {
            return NetworkPlan { ready: Some(Err(failure.refusal())), ..plan };
        }
    };
    let finding = match inputs.declared.filter(|_| inputs.order.deleted_at.is_none()) {
        Some(declared) => keep(inputs, declared, seen, &mut plan),
        None => teardown::plan(inputs, seen, &mut plan),
    };
    let is_done = plan.calls.is_empty() && finding.is_ok();
    plan.undone = is_done && !inputs.is_kept();
    plan.drift.extend(drift::told(inputs, &plan));
    plan.history.settled = is_done.then(|| Settled::of(inputs));
    // Of what has left the declaration, nothing is to be said once it is gone.
    let is_over = plan.undone && inputs.declared.is_none();
    plan.ready = (!is_over).then(|| applied(inputs.mode(), plan.calls.len(), finding));
    plan
}

fn keep(
    inputs: &NetworkInputs<'_>,
    declared: &SecurityGroups,
    seen: Seen<'_>,
    plan: &mut NetworkPlan,
) -> Finding {
    let members = inputs.members(seen.interfaces);
    let clouds: BTreeSet<&VpcId> = members.values().flatten().map(|interface| &interface.vpc).collect();
    plan.warnings.extend(inputs.shuts_checkers_out(declared));
    let mut faults = Vec::new();
    let mut wanted = BTreeMap::new();
    for vpc in clouds.iter().copied() {
        match group::plan(inputs, declared, seen, vpc, plan) {
            Ok(mut groups) => {
                faults.append(&mut groups.faults);
                wanted.insert(vpc.clone(), groups);
            }
            Err(fault) => faults.push(fault),
        }
    }
    faults.extend(attachments::plan(inputs, &members, &wanted, seen, plan));
    faults.extend(undeclared::plan(inputs, declared, &clouds, seen, plan));
    faults.extend(
        plan.calls.iter().find_map(|call| inputs.history.attempts.failure(call)).map(|f| f.refusal()),
    );
    let pending = || Refusal::new(Reason::Pending, "the nodes' security groups are being changed");
    let told: Vec<_> = plan.warnings.iter().map(|warning| warning.message.as_str()).collect();
    match faults.into_iter().next() {
        Some(fault) => Err(fault),
        None if !plan.calls.is_empty() => Err(pending()),
        None => Ok(std::iter::once(format!("{0}/{0} nodes", members.len()).as_str())
            .chain(told)
            .collect::<Vec<_>>()
            .join("; ")),
    }
}

impl<'a> NetworkInputs<'a> {
    /// Route 53's health checkers are clients like any other; a firewall that does not know them makes every node look dead.
    fn shuts_checkers_out(&self, declared: &SecurityGroups) -> Option<Refusal> {
        let has_dns = self.order.spec.aws.as_ref().is_some_and(|aws| aws.dns.is_some());
        (has_dns && !declared.web.cidrs.is_empty()).then(|| {
            let message = "see that spec.aws.securityGroups.web.cidrs has the networks of Route 53's health checkers (ROUTE53_HEALTHCHECKS in AWS's ip-ranges.json)";
            Refusal::new(Reason::NotReachable, message)
        })
    }

    /// The groups that this Cluster made.
    fn own_groups(&self, seen: Seen<'_>) -> BTreeSet<GroupId> {
        let own = seen.groups.iter().filter(|group| self.order.owner.owns(&group.tags));
        own.map(|group| group.id.clone()).collect()
    }

    /// Whether there should be a firewall now.
    fn is_kept(&self) -> bool {
        self.declared.is_some() && self.order.deleted_at.is_none()
    }

    fn mode(&self) -> AwsMode {
        self.order.spec.aws.as_ref().map(|aws| aws.mode).unwrap_or_default()
    }

    /// The nodes by name, each with the interface of its instance if that is there.
    fn members<'b>(&self, interfaces: &'b [NodeInterface]) -> BTreeMap<&'a str, Option<&'b NodeInterface>> {
        let found = self.order.nodes.iter().map(|node| {
            let of_node =
                |interface: &&NodeInterface| node.instance.is_some() && interface.instance == node.instance;
            (node.name.as_str(), interfaces.iter().find(of_node))
        });
        found.collect()
    }
}

impl NetworkPlan {
    /// Adds a call, unless it failed and has to wait.
    fn call(&mut self, inputs: &NetworkInputs<'_>, call: NetworkCall) -> Result<(), Refusal> {
        let attempts = &inputs.history.attempts;
        match attempts.waits_until(&call, inputs.now) {
            Some(at) => {
                self.recheck(at);
                Err(attempts.failure(&call).map_or_else(
                    || Refusal::new(Reason::Pending, "a call has to wait"),
                    |failure| failure.refusal(),
                ))
            }
            None => {
                self.calls.push(call);
                Ok(())
            }
        }
    }

    fn recheck(&mut self, at: Timestamp) {
        self.recheck_at = Some(self.recheck_at.map_or(at, |earlier| earlier.min(at)));
    }
}
