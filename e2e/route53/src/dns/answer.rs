//! What a name server says to a question, from the records of one zone and the health of their addresses.
//!
//! | rule | source |
//! |---|---|
//! | up to eight healthy multivalue sets, chosen by chance; all unhealthy: up to eight of them; no check: healthy | API_ResourceRecordSet: MultiValueAnswer |
//! | one weighted set by chance; weight 0 only if all are 0; all unhealthy: as if all were healthy | API_ResourceRecordSet: Weight; DeveloperGuide dns-failover-complex-configs |
//! | a wildcard answers names below it that do not exist, be it as empty non-terminals | RFC 4592; DeveloperGuide DomainNameFormat |
//! | a name with only other types, or with only names below it, exists: no data, and the SOA | RFC 2308, RFC 8020 |
//! | a CNAME is followed within the zone | RFC 1034, section 3.6.2 |

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::{RData, Record, RecordType};

use crate::name::Name;
use crate::record::{Data, RecordSet, Records, Routing};
use crate::value::{self, wire_name};

/// How many multivalue sets go into one answer.
const MULTI_VALUE: usize = 8;
/// How many CNAMEs and aliases are followed.
const HOPS: usize = 8;

/// What answers are made from.
pub struct Source<'a> {
    /// The apex of the zone.
    pub apex: &'a Name,
    /// What the zone holds.
    pub records: &'a Records,
    /// Whether a health check is healthy.
    pub is_healthy: &'a dyn Fn(&str) -> bool,
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    /// How it went.
    pub code: ResponseCode,
    /// The records asked for, and the CNAMEs on the way to them.
    pub answers: Vec<Record>,
    /// The SOA, where there is no data.
    pub authority: Vec<Record>,
}

impl Answer {
    /// An answer without records.
    pub fn empty(code: ResponseCode) -> Self {
        Self { code, answers: Vec::new(), authority: Vec::new() }
    }
}

/// Answers a question for a name in the zone.
pub fn answer(source: &Source<'_>, question: &Name, kind: RecordType) -> Answer {
    let mut answer = Answer::empty(ResponseCode::NoError);
    let mut name = question.clone();
    for _ in 0..HOPS {
        let Some(owner) = owner(source, &name) else {
            answer.code = ResponseCode::NXDomain;
            break;
        };
        let found = resolve(source, &owner, kind, HOPS);
        if !found.is_empty() {
            answer
                .answers
                .extend(found.into_iter().map(|(ttl, data)| Record::from_rdata(wire_name(&name), ttl, data)));
            return answer;
        }
        let Some((ttl, target)) = canonical(source, &owner) else { break };
        let data = value::parse(RecordType::CNAME, &target.to_string()).expect("a parsed name is a target");
        answer.answers.push(Record::from_rdata(wire_name(&name), ttl, data));
        if !target.is_within(source.apex) {
            return answer;
        }
        name = target;
    }
    answer.authority = authority(source);
    answer
}

/// The name whose records answer for `name`: itself, or a wildcard; none if it does not exist.
fn owner(source: &Source<'_>, name: &Name) -> Option<Name> {
    if exists(source, name) {
        return Some(name.clone());
    }
    let mut encloser = name.parent()?;
    while !exists(source, &encloser) {
        encloser = encloser.parent()?;
    }
    let wildcard = encloser.wildcard();
    exists(source, &wildcard).then_some(wildcard)
}

/// Whether there are records at the name or below it.
fn exists(source: &Source<'_>, name: &Name) -> bool {
    source.records.keys().any(|key| key.name.is_within(name))
}

/// The values of that name and type, with their TTL.
fn resolve(source: &Source<'_>, name: &Name, kind: RecordType, hops: usize) -> Vec<(u32, RData)> {
    let group: Vec<_> = source.records.values().filter(|set| set.name == *name && set.kind == kind).collect();
    choose(source, group).into_iter().flat_map(|set| values(source, set, hops)).collect()
}

fn values(source: &Source<'_>, set: &RecordSet, hops: usize) -> Vec<(u32, RData)> {
    match &set.data {
        Data::Values { ttl, values } => values
            .iter()
            .map(|text| {
                (*ttl, value::parse(set.kind, text).expect("values are checked when they are stored"))
            })
            .collect(),
        Data::Alias { target, .. } if hops > 0 => resolve(source, target, set.kind, hops - 1),
        Data::Alias { .. } => Vec::new(),
    }
}

/// Which sets of one name and type are answered.
fn choose<'a>(source: &Source<'_>, group: Vec<&'a RecordSet>) -> Vec<&'a RecordSet> {
    let is_healthy = |set: &&RecordSet| set.health_check.as_deref().is_none_or(source.is_healthy);
    let mut healthy: Vec<_> = group.iter().copied().filter(is_healthy).collect();
    if healthy.is_empty() {
        healthy = group;
    }
    match healthy.first().map(|set| &set.routing) {
        Some(Routing::Weighted { .. }) => by_weight(&healthy).into_iter().collect(),
        Some(Routing::MultiValue { .. }) => {
            fastrand::shuffle(&mut healthy);
            healthy.truncate(MULTI_VALUE);
            healthy
        }
        Some(Routing::Simple) | None => healthy,
    }
}

fn by_weight<'a>(sets: &[&'a RecordSet]) -> Option<&'a RecordSet> {
    let weight = |set: &RecordSet| match set.routing {
        Routing::Weighted { weight, .. } => u32::from(weight),
        _ => 0,
    };
    let total: u32 = sets.iter().map(|set| weight(set)).sum();
    if total == 0 {
        return fastrand::choice(sets).copied();
    }
    let mut left = fastrand::u32(..total);
    sets.iter().copied().find(|set| {
        let chosen = left < weight(set);
        left = left.saturating_sub(weight(set));
        chosen
    })
}

/// The CNAME of a name.
fn canonical(source: &Source<'_>, name: &Name) -> Option<(u32, Name)> {
    match resolve(source, name, RecordType::CNAME, HOPS).pop()? {
        (ttl, RData::CNAME(target)) => Some((ttl, Name::parse(&target.to_string()).ok()?)),
        _ => None,
    }
}

/// The SOA, for whose minimum resolvers keep the absence.
fn authority(source: &Source<'_>) -> Vec<Record> {
    let soa = resolve(source, source.apex, RecordType::SOA, 0);
    soa.into_iter().map(|(ttl, data)| Record::from_rdata(wire_name(source.apex), ttl, data)).collect()
}
