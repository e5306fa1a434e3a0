//! Rules for a record set beside the others of its zone.
//!
//! | rule | page |
//! |---|---|
//! | no CNAME at the apex; a CNAME is alone at its name | DeveloperGuide ResourceRecordTypes, "CNAME record type" |
//! | sets of one name and type share one routing policy; a simple set is alone | API_ResourceRecordSet: Weight, MultiValueAnswer; DeveloperGuide routing-policy-simple |
//! | at most 100 sets of one name and type | API_ResourceRecordSet: Weight; DeveloperGuide DNSLimitations |
//! | no value twice in a set, and each valid for its type | DeveloperGuide ResourceRecordTypes |
//! | SOA only at the apex | DeveloperGuide SOA-NSrecords |
//! | an alias names an existing record of the same zone and type, not NS or SOA | API_AliasTarget |

use std::collections::HashSet;

use hickory_proto::rr::RecordType;

use crate::batch::Target;
use crate::name::Name;
use crate::record::{Data, RecordSet, Records, Routing};
use crate::value;

/// How many sets one name and type can have.
const MAX_GROUP: usize = 100;

/// Whether the set may stand among these records.
pub fn allow(target: &Target<'_>, records: &Records, set: &RecordSet) -> Result<(), String> {
    cname(target, records, set)?;
    soa(target, set)?;
    policy(records, set)?;
    match &set.data {
        Data::Values { values, .. } => all_valid(set.kind, values),
        Data::Alias { zone_id, target: name, .. } => alias(target, records, set, zone_id, name),
    }
}

fn cname(target: &Target<'_>, records: &Records, set: &RecordSet) -> Result<(), String> {
    let RecordSet { name, kind, .. } = set;
    let zone = target.apex;
    let mut others = records.values().filter(|other| other.name == *name && other.kind != *kind);
    if *kind == RecordType::CNAME {
        if name == zone {
            return Err(format!(
                "RRSet of type CNAME with DNS name {name} is not permitted at apex in zone {zone}"
            ));
        }
        return others.next().map_or(Ok(()), |_| {
            Err(format!(
                "RRSet of type CNAME with DNS name {name} is not permitted as it conflicts with other records with \
                 the same DNS name in zone {zone}"
            ))
        });
    }
    others.find(|other| other.kind == RecordType::CNAME).map_or(Ok(()), |_| {
        Err(format!(
            "RRSet of type {kind} with DNS name {name} is not permitted because a conflicting RRSet of type  CNAME \
             with the same DNS name already exists in zone {zone}"
        ))
    })
}

fn soa(target: &Target<'_>, set: &RecordSet) -> Result<(), String> {
    if set.kind == RecordType::SOA && set.name != *target.apex {
        return Err("A HostedZone must contain exactly one SOA record.".to_owned());
    }
    Ok(())
}

fn policy(records: &Records, set: &RecordSet) -> Result<(), String> {
    let RecordSet { name, kind, routing, .. } = set;
    // With the set that an UPSERT replaces: that does not change the policy either.
    let group: Vec<_> = records.values().filter(|other| other.name == *name && other.kind == *kind).collect();
    let identifier = routing.identifier().map(|id| format!(", SetIdentifier {id}")).unwrap_or_default();
    let label = format!("RRSet with DNS name {name}, type {kind}{identifier}");
    if group.len() >= MAX_GROUP && !records.contains_key(&set.key()) {
        return Err(format!(
            "{label} cannot be created: {MAX_GROUP} RRSets exist with the same name and type."
        ));
    }
    if group.iter().all(|other| other.routing.is_same_policy(routing)) {
        return Ok(());
    }
    let reason = match routing {
        Routing::MultiValue { .. } => "because a non multivalue answer rrset exists",
        Routing::Simple | Routing::Weighted { .. } => "as other RRSets exist",
    };
    Err(format!("{label} cannot be created {reason} with the same name and type."))
}

fn all_valid(kind: RecordType, values: &[String]) -> Result<(), String> {
    let mut seen = HashSet::new();
    for text in values {
        let parsed =
            value::parse(kind, text).map_err(|problem| format!("Invalid Resource Record: '{problem}'"))?;
        // Two spellings of one address are one value.
        if !seen.insert(parsed) {
            return Err(format!("Duplicate Resource Record: '{text}'"));
        }
    }
    match kind {
        RecordType::CNAME | RecordType::SOA if values.len() > 1 => {
            Err(format!("Invalid Resource Record: a {kind} record has one value"))
        }
        _ => Ok(()),
    }
}

fn alias(
    target: &Target<'_>,
    records: &Records,
    set: &RecordSet,
    zone_id: &str,
    name: &Name,
) -> Result<(), String> {
    let RecordSet { kind, .. } = set;
    let tried = format!("Tried to create an alias that targets {name}, type {kind} in zone {zone_id}, but");
    let found = records.values().any(|other| other.name == *name && other.kind == *kind);
    match () {
        () if matches!(kind, RecordType::NS | RecordType::SOA) => {
            Err(format!("{tried} that type cannot be an alias"))
        }
        () if zone_id != target.id || !name.is_within(target.apex) => {
            Err(format!("{tried} the alias target name does not lie within the target zone"))
        }
        () if *name == set.name || !found => Err(format!("{tried} that target was not found")),
        () => Ok(()),
    }
}
