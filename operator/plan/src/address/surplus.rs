//! The addresses of ours that no node needs: taken from their holders, then released, when no record has named them for long enough that no resolver
//! gives them out any more.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::AddressInputs;
use crate::aws::{AllocationId, Call, ElasticIp, Failure};

/// What is waited beyond a record's TTL: for the change to reach every name server, and for resolvers that round up.
const MARGIN: SignedDuration = SignedDuration::from_secs(60);

/// What is done about surplus addresses.
pub(super) struct Surplus<'i, 'a> {
    inputs: &'i AddressInputs<'a>,
    pub(super) calls: Vec<Call>,
    /// Since when each has been of no use.
    pub(super) idle: BTreeMap<AllocationId, Timestamp>,
    /// Why one of the calls failed last.
    pub(super) failure: Option<&'a Failure>,
    pub(super) recheck_at: Option<Timestamp>,
}

impl<'i, 'a> Surplus<'i, 'a> {
    pub(super) fn new(inputs: &'i AddressInputs<'a>) -> Self {
        Self { inputs, calls: Vec::new(), idle: BTreeMap::new(), failure: None, recheck_at: None }
    }

    /// Gives these up in their time. Without any node nobody knows what is needed, and nothing is given up.
    pub(super) fn give_up(&mut self, addresses: Vec<&ElasticIp>) {
        if !self.inputs.order.nodes.is_empty() {
            self.give_up_all(addresses);
        }
    }

    /// The same, whether there are nodes or not.
    pub(super) fn give_up_all(&mut self, addresses: Vec<&ElasticIp>) {
        for eip in addresses {
            if self.inputs.is_unnamed(eip.address) {
                self.give_up_one(eip);
            }
        }
    }

    fn give_up_one(&mut self, eip: &ElasticIp) {
        let now = self.inputs.now;
        let since = self.inputs.history.idle.get(&eip.id).copied().unwrap_or(now);
        self.idle.insert(eip.id.clone(), since);
        let call = match &eip.association {
            Some(association) => {
                Call::DisassociateAddress { address: eip.id.clone(), association: association.id.clone() }
            }
            None => Call::ReleaseAddress { address: eip.id.clone() },
        };
        self.failure = self.failure.or(self.inputs.attempts.failure(&call));
        let retry_at = self.inputs.attempts.waits_until(&call, now).unwrap_or(now);
        let at = retry_at.max(since + self.wait());
        if at > now {
            self.recheck_at = self.recheck_at.into_iter().chain([at]).min();
        } else {
            self.calls.push(call);
        }
    }

    fn wait(&self) -> SignedDuration {
        let dns = self.inputs.aws().and_then(|aws| aws.dns.as_ref());
        MARGIN + SignedDuration::from_secs(dns.map_or(0, |dns| i64::from(dns.ttl_seconds)))
    }
}
