//! Record sets, from Route 53's words into ours and back.

use aws_sdk_route53::error::BuildError;
use aws_sdk_route53::types::{AliasTarget, Change, ChangeAction, ResourceRecord, ResourceRecordSet, RrType};
use plan::aws::{
    Failure, HealthCheckId, RecordAction, RecordChange, RecordName, RecordSet, RecordType, Routing, ZoneId,
};

use super::{CHANGE, bare};
use crate::failure::invalid;

/// What a zone holds.
pub(super) fn observed(set: &ResourceRecordSet) -> RecordSet {
    let routing = routing(set);
    // What a traffic policy has made looks simple, but only the policy can change it.
    let unmodelled = matches!(routing, Routing::Other { .. }) || set.traffic_policy_instance_id().is_some();
    RecordSet {
        name: RecordName::new(set.name()),
        type_: type_(set.r#type()),
        routing,
        ttl_seconds: set.ttl().and_then(|ttl| u32::try_from(ttl).ok()),
        values: set.resource_records().iter().map(|record| record.value().to_owned()).collect(),
        health_check: set.health_check_id().map(HealthCheckId::new),
        alias: set.alias_target().map(|alias| {
            let zone = ZoneId::new(bare(alias.hosted_zone_id()));
            (zone, RecordName::new(alias.dns_name()), alias.evaluate_target_health())
        }),
        unmodelled,
    }
}

/// A change as Route 53 wants it. A set with fields that we do not know cannot be written, nor deleted, because that needs all of them.
pub(super) fn change(change: &RecordChange) -> Result<Change, Failure> {
    let RecordChange { action, set } = change;
    let action = match action {
        RecordAction::Delete => ChangeAction::Delete,
        RecordAction::Create => ChangeAction::Create,
        RecordAction::Upsert => ChangeAction::Upsert,
    };
    if set.unmodelled || matches!(set.routing, Routing::Other { .. }) {
        let message =
            format!("the routing policy of {} {:?} is none that can be written", set.name, set.type_);
        return Err(invalid(CHANGE.name, message));
    }
    let built =
        written(set).and_then(|set| Change::builder().action(action).resource_record_set(set).build());
    built.map_err(|error| invalid(CHANGE.name, error.to_string()))
}

fn written(set: &RecordSet) -> Result<ResourceRecordSet, BuildError> {
    let RecordSet { name, type_, routing, ttl_seconds, values, health_check, alias, unmodelled: _ } = set;
    let records: Vec<_> = values
        .iter()
        .map(|value| ResourceRecord::builder().value(value).build())
        .collect::<Result<_, _>>()?;
    let alias = alias.as_ref().map(|(zone, name, evaluates)| {
        let target = AliasTarget::builder().hosted_zone_id(zone.as_str()).dns_name(name.as_str());
        target.evaluate_target_health(*evaluates).build()
    });
    let built = ResourceRecordSet::builder()
        .name(name.as_str())
        .r#type(rr_type(type_))
        .set_ttl(ttl_seconds.map(i64::from))
        .set_resource_records(Some(records).filter(|records| !records.is_empty()))
        .set_health_check_id(health_check.as_ref().map(ToString::to_string))
        .set_alias_target(alias.transpose()?);
    match routing {
        Routing::Simple | Routing::Other { .. } => built,
        Routing::Multivalue { identifier } => built.set_identifier(identifier).multi_value_answer(true),
        Routing::Weighted { identifier, weight } => built.set_identifier(identifier).weight(*weight),
    }
    .build()
}

fn routing(set: &ResourceRecordSet) -> Routing {
    let Some(identifier) = set.set_identifier().map(str::to_owned) else { return Routing::Simple };
    match (set.multi_value_answer(), set.weight()) {
        (Some(true), None) => Routing::Multivalue { identifier },
        (None | Some(false), Some(weight)) => Routing::Weighted { identifier, weight },
        _ => Routing::Other { identifier },
    }
}

fn type_(type_: &RrType) -> RecordType {
    match type_ {
        RrType::A => RecordType::A,
        RrType::Aaaa => RecordType::Aaaa,
        RrType::Cname => RecordType::Cname,
        other => RecordType::Other(other.as_str().to_owned()),
    }
}

fn rr_type(type_: &RecordType) -> RrType {
    match type_ {
        RecordType::A => RrType::A,
        RecordType::Aaaa => RrType::Aaaa,
        RecordType::Cname => RrType::Cname,
        RecordType::Other(other) => RrType::from(other.as_str()),
    }
}
