//! Rules for one record set taken alone: the form of what a change names.
//!
//! | rule | page |
//! |---|---|
//! | values with a TTL of 0 to 2147483647, or an alias, and not both | API_ResourceRecordSet: TTL, AliasTarget |
//! | a `SetIdentifier` of 1 to 128 characters goes with exactly one routing policy, and the reverse | API_ResourceRecordSet: SetIdentifier |
//! | a weight is 0 to 255; a weighted set has one value | API_ResourceRecordSet: Weight |
//! | a multivalue set has one value, is no alias and is neither CNAME, NS nor SOA | DeveloperGuide resource-record-sets-values-multivalue; knowledge centre "multivalue-versus-simple-policies" |
//! | a simple set has no health check | the same knowledge centre page |
//! | `*` fills the whole leftmost label; no wildcard of type NS | API_ResourceRecordSet: Name |
//! | at most 100 values in a set | DeveloperGuide DNSLimitations |

use hickory_proto::rr::RecordType;

use crate::name::Name;
use crate::record::{Data, RecordSet, Routing};
use crate::refusal::Refusal;
use crate::value;
use crate::xml::records::{AliasTarget, Change, ResourceRecordSet};

/// Reads the record set that a change names.
pub fn parse(change: &Change) -> Result<RecordSet, Refusal> {
    let set = &change.resource_record_set;
    let kind = kind(set)?;
    let name = name(set, kind)?;
    let routing = routing(change)?;
    let data = data(change)?;
    let health_check = set.health_check_id.clone();
    if health_check.is_some() && routing == Routing::Simple {
        return Err(malformed("Missing field 'SetIdentifier' in", change));
    }
    let record = RecordSet { name, kind, routing, health_check, data };
    policy_allows(&record)?;
    Ok(record)
}

fn kind(set: &ResourceRecordSet) -> Result<RecordType, Refusal> {
    let kind = set.r#type.parse().ok().filter(|kind| value::PLAYED.contains(kind));
    kind.ok_or_else(|| Refusal::invalid_input(format!("Invalid XML ; '{}' is not a record type", set.r#type)))
}

fn name(set: &ResourceRecordSet, kind: RecordType) -> Result<Name, Refusal> {
    let name = Name::parse(&set.name).map_err(|error| batch(error.to_string()))?;
    if name.is_partial_wildcard() {
        return Err(batch(format!(
            "FATAL problem: UnsupportedCharacter (Value contains unsupported characters) encountered with '{name}'"
        )));
    }
    if name.is_wildcard() && kind == RecordType::NS {
        return Err(batch(format!(
            "RRSet of type NS with DNS name {name} is not permitted: a wildcard cannot be delegated."
        )));
    }
    Ok(name)
}

fn routing(change: &Change) -> Result<Routing, Refusal> {
    let set = &change.resource_record_set;
    // `<MultiValueAnswer>false</MultiValueAnswer>` names no policy.
    let multi_value = set.multi_value_answer == Some(true);
    let policies =
        "Expected exactly one of [Weight, Region, Failover, GeoLocation, MultiValueAnswer], but found";
    match (&set.set_identifier, set.weight, multi_value) {
        (None, None, false) => Ok(Routing::Simple),
        (None, ..) => Err(malformed("Missing field 'SetIdentifier' in", change)),
        (Some(_), None, false) => Err(malformed(&format!("{policies} none in"), change)),
        (Some(_), Some(_), true) => Err(malformed(&format!("{policies} more than one in"), change)),
        (Some(identifier), _, _) if identifier.is_empty() || identifier.len() > 128 => {
            Err(Refusal::invalid_input("SetIdentifier must have 1 to 128 characters"))
        }
        (Some(identifier), None, true) => Ok(Routing::MultiValue { identifier: identifier.clone() }),
        (Some(identifier), Some(weight), false) => {
            let weight =
                u8::try_from(weight).map_err(|_| Refusal::invalid_input("Weight must be 0 to 255"))?;
            Ok(Routing::Weighted { identifier: identifier.clone(), weight })
        }
    }
}

fn data(change: &Change) -> Result<Data, Refusal> {
    let set = &change.resource_record_set;
    let either = "Expected exactly one of [AliasTarget, all of [TTL, and ResourceRecords], or \
                  TrafficPolicyInstanceId], but found";
    match (&set.alias_target, set.ttl, &set.resource_records) {
        (Some(target), None, None) => alias(target),
        (Some(_), ..) => Err(malformed(&format!("{either} more than one in"), change)),
        (None, Some(ttl), Some(records)) if !records.items.is_empty() => {
            let ttl = u32::try_from(ttl).ok().filter(|ttl| *ttl <= i32::MAX.unsigned_abs());
            let ttl =
                ttl.ok_or_else(|| Refusal::invalid_input("Invalid XML ; TTL must be 0 to 2147483647"))?;
            Ok(Data::Values {
                ttl,
                values: records.items.iter().map(|record| record.value.clone()).collect(),
            })
        }
        (None, ..) => Err(malformed(&format!("{either} none in"), change)),
    }
}

fn alias(target: &AliasTarget) -> Result<Data, Refusal> {
    let name = Name::parse(&target.dns_name).map_err(|error| batch(error.to_string()))?;
    Ok(Data::Alias {
        zone_id: target.hosted_zone_id.clone(),
        target: name,
        evaluate_target_health: target.evaluate_target_health,
    })
}

/// What a routing policy asks of the set.
fn policy_allows(set: &RecordSet) -> Result<(), Refusal> {
    let values = set.values().len();
    let label = set.label();
    let one = |policy| batch(format!("RRSet {label}: each {policy} record can have only one value"));
    match set.routing {
        _ if values > 100 => Err(batch("Cannot have more than 100 records in a RRSet.".to_owned())),
        Routing::Weighted { .. } if values > 1 => Err(one("weighted")),
        Routing::MultiValue { .. } if values > 1 => Err(one("multivalue answer")),
        Routing::MultiValue { .. } if matches!(set.data, Data::Alias { .. }) => {
            Err(Refusal::invalid_input("Invalid request: a multivalue answer record cannot be an alias"))
        }
        Routing::MultiValue { .. }
            if matches!(set.kind, RecordType::CNAME | RecordType::NS | RecordType::SOA) =>
        {
            Err(Refusal::invalid_input(format!(
                "Invalid request: {label} cannot be a multivalue answer record"
            )))
        }
        Routing::Weighted { .. } if matches!(set.kind, RecordType::NS | RecordType::SOA) => {
            Err(Refusal::invalid_input(format!("Invalid request: {label} cannot be a weighted record")))
        }
        _ => Ok(()),
    }
}

fn batch(message: String) -> Refusal {
    Refusal::invalid_change_batch(&[message])
}

fn malformed(problem: &str, change: &Change) -> Refusal {
    let set = &change.resource_record_set;
    let identifier = set.set_identifier.as_deref().unwrap_or("null");
    Refusal::invalid_input(format!(
        "Invalid request: {problem} Change with [Action={}, Name={}, Type={}, SetIdentifier={identifier}]",
        change.action, set.name, set.r#type
    ))
}
