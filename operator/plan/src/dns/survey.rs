//! What could be read of the records, and which of them are ours.
//!
//! Ours is a set that carries our mark *and* the routing policy that we give it. One with our mark and another policy was made by somebody: it counts
//! as theirs.

use std::collections::BTreeSet;
use std::net::IpAddr;

use crds::{Domain, Reason};

use super::zone::{former_names, zone_of};
use crate::Refusal;
use crate::aws::{HealthCheckId, Observed, Order, Owner, RecordName, RecordSet, RecordType, Routing, ZoneId};

/// What was read, domain by domain.
pub(super) struct Survey<'a> {
    /// The domains that are declared.
    pub(super) sites: Vec<Site<'a>>,
    /// The names of domains that have left the spec or their zone, in the zones that were read.
    pub(super) former: Vec<Place<'a>>,
    /// Why something could not be read.
    pub(super) unread: Option<Refusal>,
    /// That no zone at all is listed, although there were some. Only for a Cluster that is being deleted that means that nothing is left.
    lost: Option<Refusal>,
}

/// A domain that is declared.
pub(super) struct Site<'a> {
    pub(super) domain: &'a Domain,
    pub(super) name: RecordName,
    pub(super) place: Result<Place<'a>, Refusal>,
}

/// A zone, and what was read of it.
pub(super) struct Place<'a> {
    pub(super) zone: ZoneId,
    pub(super) sets: Vec<&'a RecordSet>,
}

/// What a set of ours is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    /// An address.
    Address(IpAddr),
    /// The wildcard.
    Wildcard,
    /// Nothing that we would make: it carries our mark, and may go.
    Stray,
}

impl<'a> Survey<'a> {
    /// Sorts what was read.
    pub(super) fn of(order: &'a Order, observed: &'a Observed) -> Self {
        let mut survey =
            Self { sites: Vec::new(), former: Vec::new(), unread: None, lost: lost(order, observed) };
        for domain in &order.spec.domains {
            let name = RecordName::new(&domain.name);
            let place = survey.site(domain, &name, observed);
            survey.sites.push(Site { domain, name, place });
        }
        let zones = observed.zones.as_deref().unwrap_or_default();
        for (zone, names) in former_names(order, zones) {
            match observed.former.get(&zone) {
                Some(Ok(sets)) => {
                    let sets = sets.iter().filter(|set| names.contains(&set.name)).collect();
                    survey.former.push(Place { zone, sets });
                }
                Some(Err(failure)) => drop(survey.not_read(failure.refusal())),
                None => drop(survey.not_read(unasked(&zone))),
            }
        }
        survey
    }

    fn site(
        &mut self,
        domain: &Domain,
        name: &RecordName,
        observed: &'a Observed,
    ) -> Result<Place<'a>, Refusal> {
        let zones = observed.zones.as_ref().map_err(|failure| self.not_read(failure.refusal()))?;
        if let Some(fault) = self.lost.clone() {
            return Err(self.not_read(fault));
        }
        let zone = zone_of(domain, zones).inspect_err(|fault| {
            // Records of ours may be in one of them.
            if fault.reason == Reason::HostedZoneAmbiguous {
                self.not_read(fault.clone());
            }
        })?;
        match observed.records.get(name) {
            Some(Ok(sets)) => {
                let sets = sets.iter().filter(|set| set.name == *name || set.name == name.wildcard());
                Ok(Place { zone: zone.id.clone(), sets: sets.collect() })
            }
            Some(Err(failure)) => Err(self.not_read(failure.refusal())),
            None => Err(self.not_read(unasked(&zone.id))),
        }
    }

    fn not_read(&mut self, fault: Refusal) -> Refusal {
        self.unread.get_or_insert(fault).clone()
    }

    /// Whether every record of ours must have been seen.
    pub(super) fn is_whole(&self) -> bool {
        self.unread.is_none()
    }

    /// Why the records of a name may be other than what was read.
    pub(super) fn why_unknown(&self, name: &RecordName) -> Option<&Refusal> {
        let site = self.sites.iter().find(|site| site.name == *name || site.name.wildcard() == *name);
        site.and_then(|site| site.place.as_ref().err()).or(self.unread.as_ref())
    }

    /// Everything that was read, by zone.
    pub(super) fn places(&self) -> impl Iterator<Item = &Place<'a>> {
        self.sites.iter().filter_map(|site| site.place.as_ref().ok()).chain(&self.former)
    }

    /// Every set of ours that was read.
    pub(super) fn ours<'s>(
        &'s self,
        owner: &'s Owner,
    ) -> impl Iterator<Item = (&'s ZoneId, &'a RecordSet, Mark)> {
        self.places().flat_map(move |place| {
            place.sets.iter().filter_map(|set| Some((&place.zone, *set, mark(owner, set)?)))
        })
    }

    /// The addresses that sets of ours name, or are about.
    pub(super) fn published(&self, owner: &Owner) -> BTreeSet<IpAddr> {
        let named = |(_, set, mark): (&ZoneId, &'a RecordSet, Mark)| {
            let values = set.values.iter().filter_map(|value| value.parse().ok());
            values.chain(mark.address()).collect::<Vec<IpAddr>>()
        };
        self.ours(owner).flat_map(named).collect()
    }

    /// The health checks that any set uses, ours or not.
    pub(super) fn used_checks(&self) -> BTreeSet<&'a HealthCheckId> {
        self.places()
            .flat_map(|place| place.sets.iter().filter_map(|set| set.health_check.as_ref()))
            .collect()
    }
}

impl Mark {
    fn address(self) -> Option<IpAddr> {
        match self {
            Self::Address(address) => Some(address),
            Self::Wildcard | Self::Stray => None,
        }
    }
}

/// What a set of ours is about; nothing if it is not ours.
pub(super) fn mark(owner: &Owner, set: &RecordSet) -> Option<Mark> {
    match (&set.routing, &set.type_) {
        _ if set.unmodelled => None,
        (Routing::Multivalue { identifier }, RecordType::A | RecordType::Aaaa)
            if owner.owns_set(identifier) =>
        {
            let address = owner.address_of_set(identifier).filter(|address| type_of(*address) == set.type_);
            Some(address.map_or(Mark::Stray, Mark::Address))
        }
        (Routing::Weighted { identifier, .. }, RecordType::Cname)
            if *identifier == owner.set_of_wildcard() =>
        {
            Some(Mark::Wildcard)
        }
        _ => None,
    }
}

/// The type of the record of an address.
pub(super) fn type_of(address: IpAddr) -> RecordType {
    if address.is_ipv4() { RecordType::A } else { RecordType::Aaaa }
}

fn lost(order: &Order, observed: &Observed) -> Option<Refusal> {
    let (name, zone) = order.former.first().filter(|_| order.deleted_at.is_none())?;
    let none = observed.zones.as_ref().is_ok_and(Vec::is_empty);
    let message = format!(
        "this account has no hosted zone, although {name} was published in {zone}: is it the right account?"
    );
    none.then(|| Refusal::new(Reason::HostedZoneNotFound, message))
}

fn unasked(zone: &ZoneId) -> Refusal {
    Refusal::new(Reason::Pending, format!("the records of the hosted zone {zone} have not been read yet"))
}
