//! The nodes' public addresses: which Elastic IP each node has, and the calls that give each node one.
//!
//! | the node                                        | and there is                                      | then                                          |
//! |-------------------------------------------------|---------------------------------------------------|-----------------------------------------------|
//! | has Elastic IPs of ours                         |                                                   | the one with the lowest id is its own         |
//! | has one of somebody else                        | `adopt`                                           | it keeps it, and it is never touched          |
//! | has one of somebody else                        | no `adopt`                                        | `NotOwned`                                    |
//! | has one that the list has left out since        | the instance still shows it                       | it keeps it: the list is incomplete           |
//! | names no instance, or one that is not there     |                                                   | `NoProviderID`, `InstanceNotFound`            |
//! | has an instance that does not run               |                                                   | `InstanceNotRunning`; it keeps what it has    |
//! | runs without one                                | a free one of ours: a published one, the lowest id | it is associated                             |
//! | runs without one                                | one that was allocated, and is not listed yet     | it waits for the list                         |
//! | runs without one                                | a surplus one that is taken from its holder now   | it waits for that one                         |
//! | runs without one                                | an allocation of the last 30 s without an answer  | it waits whether one turns up                 |
//! | runs without one                                | none of these                                     | one is allocated, and tagged in that call     |
//! | (an Elastic IP of ours that no node has or gets) | no record of ours has named it for TTL + 60 s    | it is taken from its holder, then released    |
//!
//! Lists that failed mean no call at all, and without any member nothing is taken or released. An address whose record is gone and nobody knows why
//! ([`missing`](AddressInputs::missing)) counts as named. A Cluster that is being deleted has no nodes, as far as this is about calls. Without
//! `spec.aws.elasticIPs` a node has the public address of its instance, or none (`NoPublicAddress`).

mod finding;
mod history;
mod holding;
mod supply;
mod surplus;

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crds::Aws;
use jiff::Timestamp;

use crate::aws::{
    AllocationId, Attempts, Call, ElasticIp, Failure, Instance, InstanceId, NodeFacts, Observed, Order,
};
use crate::{Finding, Refusal};

use finding::finding;
pub(crate) use history::History;
use holding::Holding;
use supply::Supply;
use surplus::Surplus;

/// What the addresses are planned from.
pub(crate) struct AddressInputs<'a> {
    pub(crate) order: &'a Order,
    pub(crate) observed: &'a Observed,
    /// The addresses that records of ours name; nothing if some zone could not be read.
    pub(crate) published: Option<&'a BTreeSet<IpAddr>>,
    /// Those that records of ours have named, and do not name any more for a reason that nobody knows.
    pub(crate) missing: &'a BTreeSet<IpAddr>,
    pub(crate) history: &'a History,
    pub(crate) attempts: &'a Attempts,
    pub(crate) now: Timestamp,
}

/// What is to be done about the addresses.
#[derive(Debug, Default)]
pub(crate) struct AddressPlan {
    pub(crate) members: Vec<Member>,
    pub(crate) calls: Vec<Call>,
    pub(crate) associated: Option<Finding>,
    pub(crate) drift: Vec<String>,
    pub(crate) undone: bool,
    pub(crate) history: History,
    pub(crate) recheck_at: Option<Timestamp>,
}

/// A node, with the addresses under which the world reaches it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Member {
    pub(crate) node: String,
    pub(crate) instance: Option<InstanceId>,
    /// The address that it has; or the published one that it is about to get, so that its record stays.
    pub(crate) address: Option<Ipv4Addr>,
    pub(crate) allocation: Option<AllocationId>,
    pub(crate) ipv6: Vec<Ipv6Addr>,
    /// Whether it may be in DNS, as far as Kubernetes and EC2 tell; otherwise why not (cordoned, not ready, stopped).
    pub(crate) serves: Result<(), Refusal>,
    /// Why it has no address, or not the right one.
    pub(crate) fault: Option<Refusal>,
}

impl Member {
    /// Its addresses of both families.
    pub(crate) fn addresses(&self) -> impl Iterator<Item = IpAddr> {
        let v6 = self.ipv6.iter().copied().map(IpAddr::V6);
        self.address.map(IpAddr::V4).into_iter().chain(v6)
    }
}

/// Plans the addresses.
pub(crate) fn address(inputs: &AddressInputs<'_>) -> AddressPlan {
    let Some(aws) = inputs.aws() else { return AddressPlan { undone: true, ..AddressPlan::default() } };
    let history = inputs.history.after(inputs);
    if inputs.order.deleted_at.is_some() {
        return give_back(inputs, history);
    }
    match inputs.lists() {
        Err(failure) => stand_still(inputs, history, failure),
        Ok(_) if aws.elastic_ips.is_none() => use_what_is_there(inputs, history),
        Ok(listed) => give_each_node_one(inputs, history, listed),
    }
}

impl<'a> AddressInputs<'a> {
    fn aws(&self) -> Option<&'a Aws> {
        self.order.spec.aws.as_ref()
    }

    /// Whether anybody needs to know the nodes' addresses.
    fn is_asked(&self) -> bool {
        self.aws().is_some_and(|aws| aws.elastic_ips.is_some() || aws.dns.is_some())
    }

    /// The Elastic IPs, if the instances are known as well.
    fn lists(&self) -> Result<&'a [ElasticIp], &'a Failure> {
        self.observed.instances.as_ref()?;
        self.observed.addresses.as_deref()
    }

    /// The Elastic IPs of ours that the list shows.
    fn ours(&self) -> impl Iterator<Item = &'a ElasticIp> + use<'a> {
        let owner = &self.order.owner;
        self.observed.addresses.iter().flatten().filter(|eip| owner.owns(&eip.tags))
    }

    fn instance(&self, node: &NodeFacts) -> Option<&'a Instance> {
        self.observed.instances.as_ref().ok()?.get(node.instance.as_ref()?)
    }

    fn is_published(&self, address: Ipv4Addr) -> bool {
        self.published.is_some_and(|published| published.contains(&IpAddr::V4(address)))
    }

    /// Whether it is certain that no record of ours names an address: where a zone could not be read, nobody knows.
    fn is_unnamed(&self, address: Ipv4Addr) -> bool {
        let address = IpAddr::V4(address);
        let published = |published: &BTreeSet<IpAddr>| published.contains(&address);
        !self.published.is_none_or(published) && !self.missing.contains(&address)
    }

    /// When the passing of time alone makes a node leave.
    fn nodes_change_at(&self) -> impl Iterator<Item = Timestamp> {
        self.order.nodes.iter().filter_map(holding::leaves_at).filter(|at| *at > self.now)
    }
}

/// Each node gets an Elastic IP of its own, and those of ours that no node needs are given back.
fn give_each_node_one(inputs: &AddressInputs<'_>, mut history: History, listed: &[ElasticIp]) -> AddressPlan {
    let nodes = &inputs.order.nodes;
    let holdings: Vec<Holding<'_>> = nodes.iter().map(|node| Holding::of(node, inputs)).collect();
    let held: BTreeSet<&AllocationId> = holdings.iter().filter_map(Holding::id).collect();
    let (free, elsewhere): (Vec<_>, Vec<_>) =
        inputs.ours().filter(|eip| !held.contains(&eip.id)).partition(|eip| eip.association.is_none());

    let mut surplus = Surplus::new(inputs);
    surplus.give_up(elsewhere);
    let supply = Supply::plan(inputs, &history, &holdings, free, surplus.calls.len());
    surplus.give_up(supply.left);
    history.see(&holdings, listed);
    history.seen.retain(|instance, _| !supply.drift.contains_key(instance)); // it is told once
    history.idle = surplus.idle;

    let coming = |holding: &Holding<'_>| supply.coming.get(holding.node.instance.as_ref()?);
    let members: Vec<Member> =
        holdings.iter().map(|holding| holding.member(inputs, coming(holding))).collect();
    AddressPlan {
        associated: Some(finding(inputs, &members, surplus.failure)),
        recheck_at: inputs.nodes_change_at().chain(supply.recheck_at).chain(surplus.recheck_at).min(),
        calls: supply.calls.into_iter().chain(surplus.calls).collect(),
        drift: supply.drift.into_values().collect(),
        undone: false,
        members,
        history,
    }
}

/// Without `elasticIPs`, a node has the address that its instance has.
fn use_what_is_there(inputs: &AddressInputs<'_>, history: History) -> AddressPlan {
    let holdings = inputs.order.nodes.iter().map(|node| Holding::of_instance(node, inputs));
    let members: Vec<Member> = holdings.map(|holding| holding.member(inputs, None)).collect();
    AddressPlan {
        associated: inputs.is_asked().then(|| finding(inputs, &members, None)),
        recheck_at: inputs.nodes_change_at().min(),
        members,
        history,
        ..AddressPlan::default()
    }
}

/// What cannot be read is not changed, and the nodes keep the addresses that are known of them.
fn stand_still(inputs: &AddressInputs<'_>, history: History, failure: &Failure) -> AddressPlan {
    let holdings = inputs.order.nodes.iter().map(|node| Holding::as_far_as_known(node, inputs, failure));
    AddressPlan {
        members: holdings.map(|holding| holding.member(inputs, None)).collect(),
        associated: inputs.is_asked().then(|| Err(failure.refusal())),
        recheck_at: inputs.nodes_change_at().min(),
        history,
        ..AddressPlan::default()
    }
}

/// Of a Cluster that is being deleted, everything of ours is given back, and nothing else is touched.
fn give_back(inputs: &AddressInputs<'_>, mut history: History) -> AddressPlan {
    let mut surplus = Surplus::new(inputs);
    let (free, elsewhere): (Vec<_>, Vec<_>) = inputs.ours().partition(|eip| eip.association.is_none());
    let left = free.len() + elsewhere.len();
    surplus.give_up_all(elsewhere);
    surplus.give_up_all(free);
    history.idle = surplus.idle;

    let holding = |node| match inputs.lists() {
        Ok(_) => Holding::of(node, inputs),
        Err(failure) => Holding::as_far_as_known(node, inputs, failure),
    };
    let holdings = inputs.order.nodes.iter().map(holding);
    let undone = inputs.observed.addresses.is_ok() && left == 0 && !history.expects_more();
    AddressPlan {
        members: holdings.map(|holding| holding.member(inputs, None)).collect(),
        associated: Some(finding::of_deletion(inputs, left, undone, surplus.failure)),
        recheck_at: history.recheck_at().into_iter().chain(surplus.recheck_at).min(),
        calls: surplus.calls,
        drift: Vec::new(),
        undone,
        history,
    }
}
