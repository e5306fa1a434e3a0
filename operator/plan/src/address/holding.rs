//! What a node has: an Elastic IP, the lack of one, or a reason why it can have none.

use std::net::{Ipv4Addr, Ipv6Addr};

use crds::Reason;
use jiff::{SignedDuration, Timestamp};

use super::supply::Coming;
use super::{AddressInputs, Member};
use crate::Refusal;
use crate::aws::{
    AllocationId, ElasticIp, Failure, Instance, InstanceId, InstanceState, InterfaceId, NodeFacts,
};

/// How long a node may be not ready before it leaves DNS.
const GRACE: SignedDuration = SignedDuration::from_secs(60);

/// What a node has.
pub(super) struct Holding<'a> {
    pub(super) node: &'a NodeFacts,
    pub(super) has: Option<Address<'a>>,
    /// The interface on which it may get an address, if it lacks one.
    pub(super) lacks: Option<&'a InterfaceId>,
    fault: Option<Refusal>,
}

/// The IPv4 address that a node has.
#[derive(Clone, Copy)]
pub(super) struct Address<'a> {
    pub(super) ip: Ipv4Addr,
    /// Of an Elastic IP.
    id: Option<&'a AllocationId>,
}

impl<'a> Address<'a> {
    fn elastic(eip: &'a ElasticIp) -> Self {
        Self { ip: eip.address, id: Some(&eip.id) }
    }
}

impl<'a> Holding<'a> {
    /// With Elastic IPs asked for: the first of these that applies.
    pub(super) fn of(node: &'a NodeFacts, inputs: &AddressInputs<'a>) -> Self {
        let instance = inputs.instance(node);
        if let Some(eip) = ours_on(node, inputs) {
            return Self::with(
                node,
                Address::elastic(eip),
                instance.and_then(|instance| stopped(node, instance)),
            );
        }
        let instance = match instance_of(node, inputs) {
            Ok(instance) => instance,
            Err(fault) => return Self::without(node, fault),
        };
        if let Some(eip) = theirs_on(instance, inputs) {
            let adopts = inputs.aws().and_then(|aws| aws.elastic_ips.as_ref()).is_some_and(|eips| eips.adopt);
            return if adopts {
                Self::with(node, Address::elastic(eip), stopped(node, instance))
            } else {
                Self::without(node, not_owned(node, eip))
            };
        }
        if let Some(fault) = stopped(node, instance) {
            return Self::without(node, fault);
        }
        if let Some(address) = left_out_by_the_list(instance, inputs) {
            return Self::with(node, address, None);
        }
        match instance.interfaces.get(&0) {
            Some(interface) => Self { node, has: None, lacks: Some(&interface.id), fault: None },
            None => Self::without(node, not_running(node, "has no primary network interface yet")),
        }
    }

    /// Without Elastic IPs: what the instance has.
    pub(super) fn of_instance(node: &'a NodeFacts, inputs: &AddressInputs<'a>) -> Self {
        let instance = match instance_of(node, inputs) {
            Ok(instance) => instance,
            Err(fault) => return Self::without(node, fault),
        };
        match (instance.public_address, stopped(node, instance)) {
            (Some(ip), fault) => Self::with(node, Address { ip, id: None }, fault),
            (None, Some(fault)) => Self::without(node, fault),
            (None, None) if !ipv6_of(node, Some(instance)).is_empty() => {
                Self { node, has: None, lacks: None, fault: None }
            }
            (None, None) => Self::without(node, no_public_address(node)),
        }
    }

    /// While a list cannot be read: what the other one tells, what is published, or what was seen last.
    pub(super) fn as_far_as_known(
        node: &'a NodeFacts,
        inputs: &AddressInputs<'a>,
        failure: &Failure,
    ) -> Self {
        let public = || inputs.instance(node)?.public_address.filter(|ip| inputs.is_published(*ip));
        let seen = || inputs.history.seen.get(node.instance.as_ref()?);
        let address = ours_on(node, inputs)
            .map(Address::elastic)
            .or_else(|| public().map(|ip| Address { ip, id: None }))
            .or_else(|| seen().map(|(id, ip)| Address { ip: *ip, id: Some(id) }));
        match address {
            Some(address) => Self::with(node, address, None),
            None => Self::without(node, failure.refusal()),
        }
    }

    fn with(node: &'a NodeFacts, address: Address<'a>, fault: Option<Refusal>) -> Self {
        Self { node, has: Some(address), lacks: None, fault }
    }

    fn without(node: &'a NodeFacts, fault: Refusal) -> Self {
        Self { node, has: None, lacks: None, fault: Some(fault) }
    }

    /// The Elastic IP that it has.
    pub(super) fn id(&self) -> Option<&'a AllocationId> {
        self.has.and_then(|address| address.id)
    }

    /// The node with its addresses. While it lacks one that is published, the published one stays its own, so that its record stays.
    pub(super) fn member(&self, inputs: &AddressInputs<'_>, coming: Option<&Coming>) -> Member {
        let instance = inputs.instance(self.node);
        let published = |ip: &Ipv4Addr| inputs.is_published(*ip);
        let coming_address = coming.and_then(|coming| coming.address).filter(published);
        let still = || instance.and_then(|instance| instance.public_address).filter(published);
        Member {
            node: self.node.name.clone(),
            instance: self.node.instance.clone(),
            address: self.has.map(|address| address.ip).or(coming_address).or_else(still),
            allocation: self.id().or(coming.and_then(|coming| coming.id.as_ref())).cloned(),
            ipv6: ipv6_of(self.node, instance),
            serves: serves(self.node, self.has.is_some(), inputs),
            fault: self.fault.clone().or_else(|| coming.map(|coming| coming.fault.clone())),
        }
    }
}

/// The Elastic IP of ours on a node; of several, the one with the lowest id.
fn ours_on<'a>(node: &NodeFacts, inputs: &AddressInputs<'a>) -> Option<&'a ElasticIp> {
    let id = node.instance.as_ref()?;
    let on_it =
        |eip: &&ElasticIp| eip.association.as_ref().is_some_and(|it| it.instance.as_ref() == Some(id));
    inputs.ours().filter(on_it).min_by_key(|eip| &eip.id)
}

/// The Elastic IP of somebody else on the primary interface, where ours has to be; of several, the one that is the instance's public address.
fn theirs_on<'a>(instance: &Instance, inputs: &AddressInputs<'a>) -> Option<&'a ElasticIp> {
    let primary = instance.interfaces.get(&0).map(|interface| &interface.id);
    let in_the_way = |eip: &&ElasticIp| {
        eip.association.as_ref().is_some_and(|association| match &association.interface {
            Some(interface) => Some(interface) == primary,
            None => association.instance.as_ref() == Some(&instance.id),
        })
    };
    let all = inputs.observed.addresses.iter().flatten().filter(in_the_way);
    all.min_by_key(|eip| (Some(eip.address) != instance.public_address, &eip.id))
}

/// The address that the instance was seen with and still shows, while the list of Elastic IPs leaves it out.
fn left_out_by_the_list<'a>(instance: &Instance, inputs: &AddressInputs<'a>) -> Option<Address<'a>> {
    let (id, ip) = inputs.history.seen.get(&instance.id)?;
    let listed = inputs.observed.addresses.iter().flatten().any(|eip| eip.id == *id);
    (!listed && instance.public_address == Some(*ip)).then_some(Address { ip: *ip, id: Some(id) })
}

fn instance_of<'a>(node: &NodeFacts, inputs: &AddressInputs<'a>) -> Result<&'a Instance, Refusal> {
    let name = &node.name;
    let Some(id) = &node.instance else {
        let message = format!(
            "the Node {name} names no EC2 instance in spec.providerID: run the AWS cloud provider, or list the instances in spec.nodes.instances"
        );
        return Err(Refusal::new(Reason::NoProviderID, message));
    };
    let name = named(node, id);
    inputs.instance(node).ok_or_else(|| {
        let region = inputs.aws().map(|aws| aws.region.as_str()).unwrap_or_default();
        let message =
            format!("{name} does not exist in {region}: is it in another account or region, or gone?");
        Refusal::new(Reason::InstanceNotFound, message)
    })
}

fn stopped(node: &NodeFacts, instance: &Instance) -> Option<Refusal> {
    let what = match instance.state {
        InstanceState::Running => return None,
        InstanceState::Pending => "is starting",
        InstanceState::Stopping => "is being stopped",
        InstanceState::Stopped => "is stopped: start it, or remove the node",
        InstanceState::ShuttingDown => "is being terminated",
        InstanceState::Terminated => "is terminated: remove the node",
    };
    Some(not_running(node, what))
}

fn not_running(node: &NodeFacts, what: &str) -> Refusal {
    let name = node.instance.as_ref().map_or_else(|| node.name.clone(), |id| named(node, id));
    Refusal::new(Reason::InstanceNotRunning, format!("{name} {what}"))
}

fn named(node: &NodeFacts, id: &InstanceId) -> String {
    if node.name == id.as_str() {
        format!("the instance {id}")
    } else {
        format!("the instance {id} of {}", node.name)
    }
}

fn not_owned(node: &NodeFacts, eip: &ElasticIp) -> Refusal {
    let (name, address, id) = (&node.name, eip.address, &eip.id);
    let message = format!(
        "{name} has the Elastic IP {address} ({id}) of somebody else: set spec.aws.elasticIPs.adopt to let it keep that one, or take it away"
    );
    Refusal::new(Reason::NotOwned, message)
}

fn no_public_address(node: &NodeFacts) -> Refusal {
    let name = &node.name;
    let message = format!(
        "{name} has no public address: set spec.aws.elasticIPs, or give its instance a public IPv4 or IPv6 address"
    );
    Refusal::new(Reason::NoPublicAddress, message)
}

/// The node's public IPv6 addresses: those of Kubernetes and those of the primary interface.
fn ipv6_of(node: &NodeFacts, instance: Option<&Instance>) -> Vec<Ipv6Addr> {
    let primary = instance.and_then(|instance| instance.interfaces.get(&0));
    let of_interface = primary.iter().flat_map(|interface| &interface.ipv6);
    let mut all: Vec<Ipv6Addr> = node.ipv6.iter().chain(of_interface).copied().filter(is_global).collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// Global unicast is 2000::/3 (RFC 4291, section 2.4).
fn is_global(address: &Ipv6Addr) -> bool {
    address.segments()[0] & 0xe000 == 0x2000
}

/// Whether the node may be in DNS. An instance that an Elastic IP is on exists, whatever the list of instances leaves out.
fn serves(node: &NodeFacts, has_address: bool, inputs: &AddressInputs<'_>) -> Result<(), Refusal> {
    let name = &node.name;
    let not_serving = |message| Err(Refusal::new(Reason::NotServing, message));
    if node.leaving {
        return not_serving(format!("{name} is cordoned or being deleted: uncordon it to put it back"));
    }
    if !node.ready && leaves_at(node).is_none_or(|at| at <= inputs.now) {
        return not_serving(format!("{name} is not ready: see the conditions of the Node"));
    }
    if inputs.observed.instances.is_err() || node.instance.is_none() {
        return Ok(());
    }
    match inputs.instance(node) {
        Some(instance) => stopped(node, instance).map_or(Ok(()), Err),
        None if has_address => Ok(()),
        None => instance_of(node, inputs).map(|_| ()),
    }
}

/// When a node that is not ready has been so for too long.
pub(super) fn leaves_at(node: &NodeFacts) -> Option<Timestamp> {
    node.ready_since.filter(|_| !node.ready).map(|since| since + GRACE)
}
