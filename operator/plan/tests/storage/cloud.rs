//! A model of what security groups need of EC2: it refuses what EC2 refuses, and runs the plan until nothing is left to do.

use std::collections::{BTreeMap, BTreeSet};

use crds::SecurityGroups;
use jiff::{SignedDuration, Timestamp};
use plan::aws::network::{
    GroupRule, NetworkCall, NetworkObserved, NetworkOutcome, NodeInterface, Rule, SecurityGroup,
};
use plan::aws::{Failure, Fault, GroupId, InstanceId, InterfaceId, NodeFacts, Order, Owner, RuleId, VpcId};
use plan::security_group::{NetworkHistory, NetworkInputs, NetworkPlan, plan};
use serde_json::json;

/// How many groups EC2 allows an interface.
const LIMIT: usize = 5;

/// A Cluster of two nodes, the cloud that they are in, and the leader's memory.
#[derive(Debug, Clone)]
pub(crate) struct Cloud {
    pub(crate) order: Order,
    pub(crate) declared: Option<SecurityGroups>,
    pub(crate) ports: BTreeSet<u16>,
    pub(crate) now: Timestamp,
    pub(crate) groups: Vec<SecurityGroup>,
    pub(crate) interfaces: Vec<NodeInterface>,
    pub(crate) history: NetworkHistory,
    pub(crate) calls: Vec<NetworkCall>,
    made: u32,
}

impl Cloud {
    /// Two nodes; each has a group of its own, and one of them also `search`, which somebody else made.
    pub(crate) fn new() -> Self {
        let spec = json!({
            "domains": [{ "name": "site.com" }],
            "nodes": { "selector": { "matchLabels": { "router": "yes" } } },
            "aws": { "region": "us-east-1" },
        });
        let declared = json!({ "tcp": { "cidrs": ["10.0.0.0/8"] }, "extra": ["search", "cache"] });
        let order = Order {
            owner: Owner::new("site", "uid"),
            generation: 1,
            spec: serde_json::from_value(spec).unwrap(),
            nodes: ["a", "b"].map(node).into(),
            former: Default::default(),
            tcp_ports: Default::default(),
            had_security_groups: false,
            resync: None,
            deleted_at: None,
            has_finalizer: true,
        };
        let mut cloud = Self {
            order,
            declared: Some(serde_json::from_value(declared).unwrap()),
            ports: [5432].into(),
            now: Timestamp::from_second(1_800_000_000).unwrap(),
            groups: ["default", "search"].map(foreign).into(),
            interfaces: ["a", "b"].map(interface).into(),
            history: NetworkHistory::default(),
            calls: Vec::new(),
            made: 0,
        };
        cloud.interfaces[1].groups.insert(GroupId::new("sg-search"));
        cloud
    }

    pub(crate) fn settled() -> Self {
        let mut cloud = Self::new();
        cloud.settle(usize::MAX);
        cloud.calls.clear();
        cloud
    }

    pub(crate) fn plan(&self) -> NetworkPlan {
        self.plan_of(&self.observe())
    }

    pub(crate) fn plan_of(&self, observed: &NetworkObserved) -> NetworkPlan {
        let Self { order, declared, ports, history, now, .. } = self;
        plan(&NetworkInputs { order, declared: declared.as_ref(), ports, observed, history, now: *now })
    }

    /// Passes until there is nothing left to do; the leader dies after the `n`th call.
    pub(crate) fn settle(&mut self, n: usize) -> NetworkPlan {
        for _ in 0..50 {
            let plan = self.plan();
            self.history = plan.history.clone();
            let within = self.now + SignedDuration::from_mins(1);
            match plan.recheck_at.filter(|at| *at < within) {
                Some(at) if plan.calls.is_empty() => self.now = at,
                None if plan.calls.is_empty() => return plan,
                _ => {}
            }
            self.make(&plan, n);
            self.now += SignedDuration::from_secs(1);
        }
        panic!("it never settles: {:?}", self.calls.iter().map(ToString::to_string).collect::<Vec<_>>());
    }

    /// One pass: its calls are made, and those that fail keep no others from being made.
    pub(crate) fn step(&mut self, plan: &NetworkPlan) {
        self.history = plan.history.clone();
        self.make(plan, usize::MAX);
    }

    fn make(&mut self, plan: &NetworkPlan, n: usize) {
        for call in &plan.calls {
            self.calls.push(call.clone());
            let result = self.apply(call);
            if self.calls.len() == n {
                self.history = NetworkHistory::default();
                break;
            }
            self.history.take(&[NetworkOutcome { call: call.clone(), result }], self.now);
        }
    }

    pub(crate) fn group(&mut self, name: &str) -> &mut SecurityGroup {
        self.groups.iter_mut().find(|group| group.name == name).unwrap()
    }

    /// The names of an interface's groups.
    pub(crate) fn groups_of(&self, node: &str) -> BTreeSet<&str> {
        let interface = self.interfaces.iter().find(|interface| interface.id == interface_id(node)).unwrap();
        let names = self.groups.iter().filter(|group| interface.groups.contains(&group.id));
        names.map(|group| group.name.as_str()).collect()
    }

    pub(crate) fn observe(&self) -> NetworkObserved {
        let groups = self
            .groups
            .iter()
            .cloned()
            .map(|group| SecurityGroup { attached: self.having(&group.id), ..group });
        NetworkObserved { interfaces: Ok(self.interfaces.clone()), groups: Ok(groups.collect()) }
    }

    fn having(&self, group: &GroupId) -> BTreeSet<InterfaceId> {
        let having = self.interfaces.iter().filter(|interface| interface.groups.contains(group));
        having.map(|interface| interface.id.clone()).collect()
    }

    fn apply(&mut self, call: &NetworkCall) -> Result<(), Failure> {
        let refuse = |fault| Err(failure(call, fault));
        match call {
            NetworkCall::CreateGroup { vpc, name, tags } => {
                if self.groups.iter().any(|group| group.name == *name) {
                    return refuse(Fault::Conflict);
                }
                self.made += 1;
                let id = GroupId::new(format!("sg-{}", self.made));
                let (vpc, name, tags) = (vpc.clone(), name.clone(), tags.clone());
                self.groups.push(SecurityGroup { id, vpc, name, tags, ..foreign("") });
            }
            NetworkCall::Authorize { group, rules, description } => {
                let id = format!("sgr-{}", self.calls.len());
                let Some(group) = self.groups.iter_mut().find(|known| known.id == *group) else {
                    return refuse(Fault::NotFound);
                };
                for (n, rule) in rules.iter().enumerate() {
                    if group.rules.iter().any(|known| known.rule == *rule) {
                        return refuse(Fault::Conflict);
                    }
                    group.rules.push(rule_of(&format!("{id}-{n}"), rule.clone(), description));
                }
            }
            NetworkCall::Revoke { group, rules } => {
                let group = self.groups.iter_mut().find(|known| known.id == *group).unwrap();
                group.rules.retain(|known| !rules.iter().any(|(id, _)| *id == known.id));
            }
            NetworkCall::TagInterface { interface, groups, .. } => {
                self.interface(interface).from_us = (!groups.is_empty()).then(|| groups.clone());
            }
            NetworkCall::SetGroups { interface, from, to } => {
                if self.interface(interface).groups != *from {
                    return refuse(Fault::Conflict);
                }
                if to.is_empty() || to.len() > LIMIT {
                    return refuse(if to.is_empty() { Fault::Invalid } else { Fault::Quota });
                }
                self.interface(interface).groups = to.clone();
            }
            NetworkCall::DeleteGroup { group } => {
                if !self.having(group).is_empty() {
                    return refuse(Fault::Conflict);
                }
                self.groups.retain(|known| known.id != *group);
            }
        }
        Ok(())
    }

    fn interface(&mut self, id: &InterfaceId) -> &mut NodeInterface {
        self.interfaces.iter_mut().find(|interface| interface.id == *id).unwrap()
    }
}

pub(crate) fn rule_of(id: &str, rule: Rule, description: &str) -> GroupRule {
    GroupRule { id: RuleId::new(id), rule, description: description.to_owned() }
}

fn node(name: &str) -> NodeFacts {
    NodeFacts {
        name: name.to_owned(),
        instance: Some(InstanceId::new(format!("i-{name}"))),
        ready: true,
        ready_since: None,
        leaving: false,
        ipv6: Vec::new(),
    }
}

fn interface_id(node: &str) -> InterfaceId {
    InterfaceId::new(format!("eni-{node}"))
}

fn interface(node: &str) -> NodeInterface {
    NodeInterface {
        id: interface_id(node),
        instance: Some(InstanceId::new(format!("i-{node}"))),
        vpc: VpcId::new("vpc-1"),
        groups: [GroupId::new("sg-default")].into(),
        from_us: None,
    }
}

fn foreign(name: &str) -> SecurityGroup {
    SecurityGroup {
        id: GroupId::new(format!("sg-{name}")),
        vpc: VpcId::new("vpc-1"),
        name: name.to_owned(),
        tags: BTreeMap::new(),
        rules: Vec::new(),
        attached: BTreeSet::new(),
        referenced_by: BTreeSet::new(),
    }
}

pub(crate) fn failure(call: &NetworkCall, fault: Fault) -> Failure {
    Failure { call: call.action(), fault, code: None, message: "refused".to_owned() }
}
