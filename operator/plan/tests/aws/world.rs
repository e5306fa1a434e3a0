//! The world of a story: what is declared, what AWS has, what goes wrong, and what time it is.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv6Addr};

use crds::{ClusterSpec, RecordStatus};
use jiff::{SignedDuration, Timestamp};
use plan::aws::{
    Call, ElasticIp, Failure, Fault, InstanceId, NodeFacts, Observed, Order, Outcome, Owner, Probe, Read,
    RecordName, RecordSet, RecordType, Zone, ZoneId, believed, former_names, zone_of,
};
use serde::{Deserialize, Serialize};

use crate::account::{Account, refused};

/// How often the operator probes.
pub(crate) const TICK: SignedDuration = SignedDuration::from_secs(10);

/// What a case states, and what calls change of it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct State {
    /// The Cluster's spec.
    pub(crate) cluster: ClusterSpec,
    /// Whether the Cluster is being deleted.
    pub(crate) deleting: bool,
    /// Those that its selector selects.
    pub(crate) nodes: BTreeMap<String, Node>,
    pub(crate) aws: Account,
    /// What happens to the next calls that these words are about.
    pub(crate) faults: Vec<Planned>,
    /// Lists (`addresses`, `instances`, `zones`, `records`, `checks`) that fail with a fault, come back empty (`Empty`), or, of records,
    /// without any A, AAAA and CNAME (`Partial`).
    pub(crate) lists: BTreeMap<String, String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Node {
    pub(crate) instance: Option<String>,
    pub(crate) ready: bool,
    pub(crate) cordoned: bool,
    pub(crate) ipv6: Vec<Ipv6Addr>,
}

/// A fault to come.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Planned {
    /// A part of the call as it is shown.
    pub(crate) call: String,
    pub(crate) fault: String,
    /// Whether the call is carried out all the same.
    #[serde(default)]
    pub(crate) applied: bool,
    /// How many calls; left out: 1.
    #[serde(default = "one")]
    pub(crate) times: u32,
}

fn one() -> u32 {
    1
}

/// The state, the time, and what only the operator keeps of the two.
#[derive(Debug, Clone)]
pub(crate) struct World {
    pub(crate) state: State,
    pub(crate) start: Timestamp,
    pub(crate) now: Timestamp,
    pub(crate) owner: Owner,
    deleted_at: Option<Timestamp>,
    ready: BTreeMap<String, (bool, Timestamp)>,
    probes: BTreeMap<IpAddr, Probe>,
    /// The names of records that the status has listed, with their zones.
    former: BTreeSet<(RecordName, ZoneId)>,
    /// Before which call from now on the leader dies, and whether the call reaches AWS all the same.
    pub(crate) dies: Option<(usize, bool)>,
    /// The calls that were made, for people.
    pub(crate) journal: Vec<String>,
    /// What a call did that it must never do.
    pub(crate) violations: Vec<String>,
}

impl Default for Node {
    fn default() -> Self {
        Self { instance: None, ready: true, cordoned: false, ipv6: Vec::new() }
    }
}

impl World {
    pub(crate) fn new(state: State) -> Self {
        let start = "2026-11-22T12:00:00Z".parse().unwrap();
        let mut world = Self {
            state: State::default(),
            start,
            now: start,
            owner: Owner::new("site", "uid-site"),
            deleted_at: None,
            ready: BTreeMap::new(),
            probes: BTreeMap::new(),
            former: BTreeSet::new(),
            dies: None,
            journal: Vec::new(),
            violations: Vec::new(),
        };
        world.take(state);
        world
    }

    /// Takes the state of a further stage.
    pub(crate) fn take(&mut self, state: State) {
        self.state = state;
        self.state.aws.complete();
        if self.state.deleting {
            self.deleted_at.get_or_insert(self.now);
        }
        for (name, node) in &self.state.nodes {
            let known = self.ready.get(name).filter(|(ready, _)| *ready == node.ready);
            let since = known.map_or(self.now, |(_, since)| *since);
            self.ready.insert(name.clone(), (node.ready, since));
        }
    }

    /// What is declared.
    pub(crate) fn order(&self) -> Order {
        let listed = self.state.cluster.nodes.as_ref().and_then(|nodes| nodes.instances.clone());
        let nodes = match listed {
            Some(ids) => ids.iter().map(|id| listed_instance(id)).collect(),
            None => self.state.nodes.iter().map(|(name, node)| self.node(name, node)).collect(),
        };
        Order {
            owner: self.owner.clone(),
            generation: 1,
            spec: self.state.cluster.clone(),
            nodes,
            former: self.former.iter().cloned().collect(),
            tcp_ports: Default::default(),
            had_security_groups: false,
            resync: None,
            deleted_at: self.deleted_at,
            has_finalizer: true,
        }
    }

    fn node(&self, name: &str, node: &Node) -> NodeFacts {
        NodeFacts {
            name: name.to_owned(),
            instance: node.instance.as_deref().map(InstanceId::new),
            ready: node.ready,
            ready_since: self.ready.get(name).map(|(_, since)| *since),
            leaving: node.cordoned,
            ipv6: node.ipv6.clone(),
        }
    }

    /// What AWS answers, and what the probes found.
    pub(crate) fn observe(&self, order: &Order) -> Observed {
        let aws = &self.state.aws;
        let addresses = self.read("addresses", || aws.list_addresses(self.now));
        let mut observed = Observed { addresses, ..Observed::default() };
        let wanted = self.wanted_instances(order, observed.addresses.as_deref().unwrap_or_default());
        observed.instances = self.read("instances", || {
            let mut all = aws.list_instances();
            all.retain(|id, _| wanted.contains(id));
            all
        });
        observed.zones = self.read("zones", || aws.list_zones());
        observed.checks = self.read("checks", || aws.list_checks(&self.owner));
        for domain in &order.spec.domains {
            let zones = observed.zones.as_deref().unwrap_or_default();
            let Ok(zone) = zone_of(domain, zones) else { continue };
            let apex = RecordName::new(&domain.name);
            let names = BTreeSet::from([apex.clone(), apex.wildcard()]);
            let sets = self.records(zone, names);
            observed.records.insert(apex, sets);
        }
        let zones = observed.zones.as_deref().unwrap_or_default();
        let former = former_names(order, zones);
        let asked = zones.iter().filter_map(|zone| Some((zone, former.get(&zone.id)?.clone())));
        observed.former = asked.map(|(zone, names)| (zone.id.clone(), self.records(zone, names))).collect();
        observed.in_sync = aws.in_sync(self.now);
        for (id, check) in &aws.checks {
            let Some(config) = &check.config else { continue };
            let healthy = if aws.serves(config.address) { 16 } else { 0 };
            let id = plan::aws::HealthCheckId::new(id.as_str());
            observed.health.insert(id, plan::aws::Health { healthy, of: 16 });
        }
        observed.probes = self.probes.clone();
        observed
    }

    fn records(&self, zone: &Zone, mut names: BTreeSet<RecordName>) -> Read<Vec<RecordSet>> {
        names.insert(zone.name.clone());
        let mut sets = self.read("records", || self.state.aws.list_records(&zone.id, &names))?;
        if self.state.lists.get("records").is_some_and(|word| word == "Partial") {
            sets.retain(|set| matches!(set.type_, RecordType::Other(_)));
        }
        believed(zone, sets)
    }

    fn wanted_instances(&self, order: &Order, addresses: &[ElasticIp]) -> BTreeSet<InstanceId> {
        let ours = addresses.iter().filter(|eip| self.owner.owns(&eip.tags));
        let holders = ours.filter_map(|eip| eip.association.as_ref()?.instance.clone());
        order.nodes.iter().filter_map(|node| node.instance.clone()).chain(holders).collect()
    }

    fn read<T: Default>(&self, list: &'static str, answer: impl FnOnce() -> T) -> Read<T> {
        match self.state.lists.get(list).map(String::as_str) {
            None | Some("Partial") => Ok(answer()),
            Some("Empty") => Ok(T::default()),
            Some(word) => Err(Failure {
                call: list,
                fault: fault(word),
                code: None,
                message: format!("the list of {list} cannot be read"),
            }),
        }
    }

    /// Takes note of the records that a status lists.
    pub(crate) fn note_records(&mut self, records: &[RecordStatus]) {
        self.former.extend(records.iter().filter_map(|record| {
            let zone = ZoneId::new(record.hosted_zone_id.as_deref()?);
            Some((RecordName::new(&record.name), zone))
        }));
    }

    /// Whether the leader dies at this call, and whether the call is carried out all the same.
    pub(crate) fn death(&mut self) -> Option<bool> {
        let (calls, carried_out) = self.dies?;
        self.dies = calls.checked_sub(1).map(|fewer| (fewer, carried_out));
        self.dies.is_none().then_some(carried_out)
    }

    /// Makes a call, unless a fault comes first, and looks what it did.
    pub(crate) fn make(&mut self, call: &Call) -> Outcome {
        let planned = self.take_fault(call);
        let before = self.state.aws.clone();
        let mut result = match &planned {
            Some(planned) if !planned.applied => Err(refused(call, fault(&planned.fault), &planned.fault)),
            _ => self.state.aws.call(&self.owner, call, self.now),
        };
        if let Some(planned) = planned.filter(|planned| planned.applied) {
            result = result.and(Err(refused(call, fault(&planned.fault), &planned.fault)));
        }
        self.judge(&before, call);
        self.judge_records(&before, &call.to_string());
        let end = result.as_ref().err().map(|failure| format!(" -> {:?}", failure.fault));
        let seconds = self.now.duration_since(self.start).as_secs();
        self.journal.push(format!("{seconds} s: {call}{}", end.unwrap_or_default()));
        Outcome { call: call.clone(), result }
    }

    fn take_fault(&mut self, call: &Call) -> Option<Planned> {
        let text = call.to_string();
        let planned = self.state.faults.iter_mut().find(|planned| text.contains(&planned.call))?;
        planned.times -= 1;
        let taken = planned.clone();
        self.state.faults.retain(|planned| planned.times > 0);
        Some(taken)
    }

    /// What is somebody else's stays, and an address that is published is neither released nor taken from its instance.
    fn judge(&mut self, before: &Account, call: &Call) {
        let after = &self.state.aws;
        let ours = |owner: &Option<String>| owner.as_deref() == Some(&*self.owner.uid);
        for (id, eip) in before.addresses.iter().filter(|(_, eip)| !ours(&eip.owner)) {
            if after.addresses.get(id) != Some(eip) {
                self.violations.push(format!("{call} changed {id}, which is somebody else's"));
            }
        }
        let published = before.published(&self.owner);
        for (id, eip) in before.addresses.iter().filter(|(_, eip)| published.contains(&eip.address.into())) {
            let lost = match after.addresses.get(id) {
                None => true,
                Some(now) => eip.on.is_some() && now.on != eip.on,
            };
            if lost {
                self.violations.push(format!("{call} took {}, which is published", eip.address));
            }
        }
    }

    /// Takes what a leader's own probes found, which go with it.
    pub(crate) fn forget_probes(&mut self) {
        self.probes.clear();
    }

    /// Lets time go on by one tick: each address is probed once.
    pub(crate) fn tick(&mut self, addresses: &BTreeSet<IpAddr>) {
        self.now += TICK;
        self.probes.retain(|address, _| addresses.contains(address));
        for address in addresses {
            let ok = self.state.aws.serves(*address);
            let said = if ok { "200" } else { "connection timed out" };
            let fresh = Probe { ok, since: self.now, in_row: 0, said: said.to_owned() };
            let probe = self.probes.entry(*address).or_insert_with(|| fresh.clone());
            if probe.ok != ok {
                *probe = fresh;
            }
            probe.in_row += 1;
        }
    }
}

fn listed_instance(id: &str) -> NodeFacts {
    NodeFacts {
        name: id.to_owned(),
        instance: Some(InstanceId::new(id)),
        ready: true,
        ready_since: None,
        leaving: false,
        ipv6: Vec::new(),
    }
}

/// A fault by its name.
fn fault(word: &str) -> Fault {
    let all = [
        Fault::NoCredentials,
        Fault::Denied,
        Fault::CredentialsRefused,
        Fault::SignatureRefused,
        Fault::Throttled,
        Fault::Quota,
        Fault::NotFound,
        Fault::Conflict,
        Fault::Invalid,
        Fault::Unreachable,
        Fault::Server,
        Fault::NotLeader,
    ];
    all.into_iter().find(|fault| format!("{fault:?}") == word).unwrap_or_else(|| panic!("{word} is no fault"))
}
