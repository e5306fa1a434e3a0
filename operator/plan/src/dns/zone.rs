//! The hosted zone of a domain, the names that have to be read beside those of the domains, and whether a list of records can be believed.
//!
//! | `hostedZoneID`                     | zones of the account                        | the zone                |
//! |------------------------------------|---------------------------------------------|-------------------------|
//! | given                              | has that id, is public, holds the domain    | that one                |
//! | given                              | has that id, is private                     | `HostedZonePrivate`     |
//! | given                              | no such id, or it does not hold the domain  | `HostedZoneNotFound`    |
//! | left out                           | one public of the longest name above it     | that one                |
//! | left out                           | several public of that name                 | `HostedZoneAmbiguous`   |
//! | left out                           | private ones only                           | `HostedZonePrivate`     |
//! | left out                           | none                                        | `HostedZoneNotFound`    |

use std::collections::{BTreeMap, BTreeSet};

use crds::{Domain, Reason};

use crate::Refusal;
use crate::aws::{Failure, Fault, Order, Read, RecordName, RecordSet, RecordType, Zone, ZoneId};

/// The hosted zone of a domain.
///
/// # Errors
/// Without a public zone, with a private one only, or with several of one name.
pub fn zone_of<'a>(domain: &Domain, zones: &'a [Zone]) -> Result<&'a Zone, Refusal> {
    let name = RecordName::new(&domain.name);
    match &domain.hosted_zone_id {
        Some(id) => zone_by_id(&name, id, zones),
        None => zone_by_name(&name, zones),
    }
}

/// The names where records of ours may be although no domain is declared there any more, by zone.
#[must_use]
pub fn former_names(order: &Order, zones: &[Zone]) -> BTreeMap<ZoneId, BTreeSet<RecordName>> {
    let declared: BTreeSet<(RecordName, &ZoneId)> = order
        .spec
        .domains
        .iter()
        .filter_map(|domain| Some((RecordName::new(&domain.name), &zone_of(domain, zones).ok()?.id)))
        .flat_map(|(name, zone)| [(name.wildcard(), zone), (name, zone)])
        .collect();
    let mut names: BTreeMap<ZoneId, BTreeSet<RecordName>> = BTreeMap::new();
    for (name, zone) in &order.former {
        let exists = zones.iter().any(|known| known.id == *zone);
        if exists && !declared.contains(&(name.clone(), zone)) {
            names.entry(zone.clone()).or_default().insert(name.clone());
        }
    }
    names
}

/// The record sets that were read of a zone, if the list can be believed: Route 53 gives each zone an SOA and an NS record set at its apex that nobody can
/// delete, so that a list of the apex without them is of something else.
///
/// # Errors
/// Without one of the two the list counts as one that could not be read.
pub fn believed(zone: &Zone, sets: Vec<RecordSet>) -> Read<Vec<RecordSet>> {
    let has = |type_: &str| {
        let is_it = |set: &RecordSet| matches!(&set.type_, RecordType::Other(other) if other == type_);
        sets.iter().any(|set| set.name == zone.name && is_it(set))
    };
    if has("SOA") && has("NS") {
        return Ok(sets);
    }
    let Zone { id, name, .. } = zone;
    Err(Failure {
        call: "route53:ListResourceRecordSets",
        fault: Fault::Server,
        code: None,
        message: format!(
            "the list of the hosted zone {id} is not believed, because it lacks the SOA and NS records that {name} always has"
        ),
    })
}

fn zone_by_id<'a>(name: &RecordName, id: &str, zones: &'a [Zone]) -> Result<&'a Zone, Refusal> {
    let not_found = |message| Err(Refusal::new(Reason::HostedZoneNotFound, message));
    match zones.iter().find(|zone| zone.id.as_str() == id) {
        None => {
            not_found(format!("{name}: there is no hosted zone {id} in this account: correct hostedZoneID"))
        }
        Some(zone) if zone.private => Err(private(name, zone)),
        Some(zone) if !name.is_in(&zone.name) => not_found(format!(
            "{name} is not part of {}, the hosted zone {id}: correct hostedZoneID",
            zone.name
        )),
        Some(zone) => Ok(zone),
    }
}

fn zone_by_name<'a>(name: &RecordName, zones: &'a [Zone]) -> Result<&'a Zone, Refusal> {
    let (private_ones, public): (Vec<&Zone>, Vec<&Zone>) =
        zones.iter().filter(|zone| name.is_in(&zone.name)).partition(|zone| zone.private);
    let longest = public.iter().map(|zone| zone.name.as_str().len()).max();
    let nearest: Vec<&Zone> =
        public.into_iter().filter(|zone| Some(zone.name.as_str().len()) == longest).collect();
    match (&nearest[..], &private_ones[..]) {
        ([zone], _) => Ok(zone),
        ([], []) => {
            let message = format!("{name} is in no public hosted zone of this account: create one for it");
            Err(Refusal::new(Reason::HostedZoneNotFound, message))
        }
        ([], [zone, ..]) => Err(private(name, zone)),
        (several, _) => {
            let ids: Vec<&str> = several.iter().map(|zone| zone.id.as_str()).collect();
            let message = format!(
                "{name} could be in any of the hosted zones {}: set hostedZoneID to the one that its registrar delegates to",
                ids.join(", ")
            );
            Err(Refusal::new(Reason::HostedZoneAmbiguous, message))
        }
    }
}

fn private(name: &RecordName, zone: &Zone) -> Refusal {
    let message = format!("{name}: the hosted zone {} is private: name or create a public one", zone.id);
    Refusal::new(Reason::HostedZonePrivate, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::Routing;

    fn set(name: &str, type_: &str) -> RecordSet {
        RecordSet {
            name: RecordName::new(name),
            type_: RecordType::Other(type_.to_owned()),
            routing: Routing::Simple,
            ttl_seconds: Some(900),
            values: vec!["as Route 53 made it".to_owned()],
            health_check: None,
            alias: None,
            unmodelled: false,
        }
    }

    #[test]
    fn a_list_is_believed_that_has_the_zones_own_soa_and_ns() {
        let zone = Zone { id: ZoneId::new("Z1"), name: RecordName::new("site.com"), private: false };
        let whole = vec![set("site.com", "NS"), set("site.com", "SOA"), set("app.site.com", "TXT")];
        assert_eq!(believed(&zone, whole.clone()), Ok(whole));
        let lies = [
            vec![],
            vec![set("site.com", "NS")],
            vec![set("site.com", "SOA")],
            // Those of a zone below are not its own.
            vec![set("app.site.com", "NS"), set("app.site.com", "SOA")],
        ];
        for sets in lies {
            assert_eq!(believed(&zone, sets).unwrap_err().fault, Fault::Server);
        }
    }
}
