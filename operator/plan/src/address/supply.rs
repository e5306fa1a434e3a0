//! Addresses for the nodes that lack one: from what is free, what is about to turn up or to become free, and at last by allocating.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use crds::Reason;
use jiff::Timestamp;

use super::history::History;
use super::{AddressInputs, Holding};
use crate::Refusal;
use crate::aws::{AllocationId, Call, ElasticIp, InstanceId, InterfaceId};

/// What nodes that lack an address get.
#[derive(Default)]
pub(super) struct Supply<'a> {
    /// Associations, then allocations.
    pub(super) calls: Vec<Call>,
    /// What somebody did to the instances that are helped now.
    pub(super) drift: BTreeMap<InstanceId, String>,
    /// What each instance without an address is about to get.
    pub(super) coming: BTreeMap<InstanceId, Coming>,
    /// The free ones that no node gets.
    pub(super) left: Vec<&'a ElasticIp>,
    pub(super) recheck_at: Option<Timestamp>,
}

/// What a node is about to get.
pub(super) struct Coming {
    pub(super) address: Option<Ipv4Addr>,
    pub(super) id: Option<AllocationId>,
    /// Why it does not have it yet.
    pub(super) fault: Refusal,
}

/// A node without an address, and where it can get one.
#[derive(Clone, Copy)]
struct Need<'a> {
    name: &'a str,
    instance: &'a InstanceId,
    interface: &'a InterfaceId,
}

impl<'a> Supply<'a> {
    /// Plans for the nodes that lack an address. `free` are those of ours that nothing has; `freed` is how many are taken from their holders in this pass.
    pub(super) fn plan(
        inputs: &AddressInputs<'a>,
        history: &History,
        holdings: &[Holding<'a>],
        mut free: Vec<&'a ElasticIp>,
        freed: usize,
    ) -> Self {
        free.sort_by_key(|eip| (!inputs.is_published(eip.address), &eip.id));
        let mut supply = Self::default();
        let mut free = free.into_iter();
        let mut short = Vec::new();
        for need in needs(holdings) {
            match free.next() {
                Some(eip) => supply.associate(need, eip, inputs),
                None => short.push(need),
            }
        }
        let (unlisted, unanswered) = (history.unlisted(), history.unanswered());
        for (index, need) in short.into_iter().enumerate() {
            if index < unlisted {
                supply.wait(need, "its Elastic IP was allocated, and AWS does not list it yet");
            } else if index < unlisted + freed {
                supply.wait(need, "it gets an Elastic IP that another instance gives up");
            } else if index < unlisted + freed + unanswered {
                supply
                    .wait(need, "whether an Elastic IP was allocated for it will be known when AWS lists it");
            } else {
                supply.allocate(need, inputs);
            }
        }
        supply.left = free.collect();
        supply.recheck_at = supply.recheck_at.into_iter().chain(history.recheck_at()).min();
        supply
    }

    fn associate(&mut self, need: Need<'_>, eip: &ElasticIp, inputs: &AddressInputs<'_>) {
        let call = Call::AssociateAddress {
            address: eip.id.clone(),
            instance: need.instance.clone(),
            interface: need.interface.clone(),
        };
        let pending = format!("it gets the Elastic IP {}", eip.address);
        let fault = self.make(need, call, pending, inputs);
        let coming = Coming { address: Some(eip.address), id: Some(eip.id.clone()), fault };
        self.coming.insert(need.instance.clone(), coming);
    }

    fn allocate(&mut self, need: Need<'_>, inputs: &AddressInputs<'_>) {
        let call = Call::AllocateAddress { node: need.name.to_owned() };
        let fault = self.make(need, call, "it gets an Elastic IP".to_owned(), inputs);
        self.coming.insert(need.instance.clone(), Coming { address: None, id: None, fault });
    }

    fn wait(&mut self, need: Need<'_>, why: &str) {
        let fault = pending(need, why);
        self.coming.insert(need.instance.clone(), Coming { address: None, id: None, fault });
    }

    /// Plans a call unless it has to wait after a failure, and says why the node has no address yet.
    fn make(&mut self, need: Need<'_>, call: Call, why: String, inputs: &AddressInputs<'_>) -> Refusal {
        let fault = match inputs.attempts.failure(&call) {
            Some(failure) => {
                let Refusal { reason, message } = failure.refusal();
                Refusal::new(reason, format!("{}: {message}", need.name))
            }
            None => pending(need, &why),
        };
        if let Some(at) = inputs.attempts.waits_until(&call, inputs.now) {
            self.recheck_at = self.recheck_at.into_iter().chain([at]).min();
        } else {
            self.drift.extend(drift(need, inputs).map(|did| (need.instance.clone(), did)));
            self.calls.push(call);
        }
        fault
    }
}

/// The nodes that lack an address, each instance once: two Nodes may name the same one for a while.
fn needs<'a>(holdings: &[Holding<'a>]) -> impl Iterator<Item = Need<'a>> {
    let mut known = BTreeSet::new();
    holdings.iter().filter_map(move |holding| {
        let (interface, instance) = (holding.lacks?, holding.node.instance.as_ref()?);
        known.insert(instance).then_some(Need { name: &holding.node.name, instance, interface })
    })
}

fn pending(need: Need<'_>, why: &str) -> Refusal {
    Refusal::new(Reason::Pending, format!("{} has no address yet: {why}", need.name))
}

/// What somebody did, if the node had an address when this leader last looked.
fn drift(need: Need<'_>, inputs: &AddressInputs<'_>) -> Option<String> {
    let (id, address) = inputs.history.seen.get(need.instance)?;
    let is_there = inputs.observed.addresses.iter().flatten().any(|eip| eip.id == *id);
    Some(if is_there {
        format!("the Elastic IP {address} had been taken from {}", need.name)
    } else {
        format!("the Elastic IP {address} of {} had been released", need.name)
    })
}
