//! Reads the record sets of some names out of a zone that may have ten thousand others.
//!
//! `ListResourceRecordSets` begins at a name and goes on in the order of the zone, a page at a time, and a page may end within a name. So a name is
//! read whole if the reading began at it or before it, and ended behind it. Two things make one reading do for several names: those that are seen on its
//! way, and, if it comes to the end of the zone, those below its beginning, which the order puts behind it. That a name comes before another is
//! not derived in any other way, because AWS does not say where `\052` stands.

use std::collections::BTreeSet;

use aws_sdk_route53::types::RrType;
use plan::aws::{Failure, RecordName, RecordSet, ZoneId};

use super::record;
use crate::failure;
use crate::operation::Operation;
use crate::pace::Lane;
use crate::sdk::Route53;

const LIST: Operation = Operation::read("route53:ListResourceRecordSets", &[Lane::Route53]);

/// Where a page begins, as the page before it says.
struct Start {
    name: String,
    type_: Option<RrType>,
    identifier: Option<String>,
}

/// What one reading brought.
#[derive(Default)]
struct Reading {
    sets: Vec<RecordSet>,
    /// Whether it came to the end of the zone.
    ended: bool,
}

/// The record sets of these names.
pub(super) async fn read(
    route53: &Route53,
    zone: &ZoneId,
    names: &BTreeSet<RecordName>,
) -> Result<Vec<RecordSet>, Failure> {
    let mut missing: Vec<&RecordName> = names.iter().collect();
    missing.sort_by_key(|name| labels(name));
    let mut sets = Vec::new();
    while let Some(first) = missing.first().copied() {
        let wanted: BTreeSet<&RecordName> = missing.iter().copied().collect();
        let reading = read_from(route53, zone, first, &wanted).await?;
        let seen = |name: &RecordName| reading.sets.iter().any(|set| set.name == *name);
        let passed = |name: &RecordName| reading.ended && name.is_in(first);
        missing.retain(|name| *name != first && !seen(name) && !passed(name));
        sets.extend(reading.sets);
    }
    Ok(sets)
}

/// Reads from this name on, for as long as the next page begins with a name that is wanted.
async fn read_from(
    route53: &Route53,
    zone: &ZoneId,
    first: &RecordName,
    wanted: &BTreeSet<&RecordName>,
) -> Result<Reading, Failure> {
    let mut reading = Reading::default();
    let mut start = Start { name: first.to_string(), type_: None, identifier: None };
    loop {
        let (sets, next) = page(route53, zone, &start).await?;
        reading.sets.extend(sets.into_iter().filter(|set| wanted.contains(&set.name)));
        match next {
            None => return Ok(Reading { ended: true, ..reading }),
            Some(next) if wanted.contains(&RecordName::new(&next.name)) => start = next,
            Some(_) => return Ok(reading),
        }
    }
}

async fn page(
    route53: &Route53,
    zone: &ZoneId,
    start: &Start,
) -> Result<(Vec<RecordSet>, Option<Start>), Failure> {
    let send = || {
        let request = route53.client.list_resource_record_sets().hosted_zone_id(zone.as_str());
        let request = request.start_record_name(&start.name).set_start_record_type(start.type_.clone());
        request.set_start_record_identifier(start.identifier.clone()).send()
    };
    let output = route53.caller.call(&LIST, send).await?;
    failure::page(LIST.name, output.max_items)?;
    let sets = output.resource_record_sets.iter().map(record::observed).collect();
    let next = output.next_record_name.filter(|_| output.is_truncated).map(|name| Start {
        name,
        type_: output.next_record_type,
        identifier: output.next_record_identifier,
    });
    Ok((sets, next))
}

fn labels(name: &RecordName) -> usize {
    name.as_str().split('.').count()
}
