//! Everything that is read of AWS in one pass, at the same time where nothing depends on it.
//!
//! In come the clients and an order; out goes what is observed, each part or its failure by itself. What the order does not ask for
//! is not read, and the number of calls does not grow with the number of records, but for their pages: the names of a zone are read by one call.

use std::collections::{BTreeMap, BTreeSet};

use aws::Cloud;
use crds::Domain;
use futures::future::join_all;
use plan::aws::{
    ElasticIp, Failure, Instance, InstanceId, Observed, Order, Read, RecordName, RecordSet, ZoneId, believed,
    former_names, zone_of,
};
use plan::aws::{HealthCheck, Zone};

/// Reads what the order is about.
pub(super) async fn aws(cloud: &Cloud, order: &Order) -> Observed {
    let is_published = order.spec.aws.as_ref().is_some_and(|aws| aws.dns.is_some());
    let (machines, names) = tokio::join!(machines(cloud, order), async {
        match is_published {
            true => names(cloud, order).await,
            false => Names::default(),
        }
    });
    let Machines { addresses, instances } = machines;
    let Names { zones, records, former, checks } = names;
    Observed { addresses, instances, zones, records, former, checks, ..Observed::default() }
}

/// Whether nothing of it failed.
pub(super) fn is_whole(observed: &Observed) -> bool {
    failures(observed).next().is_none()
}

/// What of it failed.
pub(super) fn failures(observed: &Observed) -> impl Iterator<Item = &Failure> {
    let Observed { addresses, instances, zones, records, former, checks, .. } = observed;
    let machines = addresses.as_ref().err().into_iter().chain(instances.as_ref().err());
    let names = zones.as_ref().err().into_iter().chain(checks.as_ref().err());
    machines
        .chain(names)
        .chain(records.values().chain(former.values()).filter_map(|read| read.as_ref().err()))
}

struct Machines {
    addresses: Read<Vec<ElasticIp>>,
    instances: Read<BTreeMap<InstanceId, Instance>>,
}

/// The instances are those of the nodes, and those that have an address of ours.
async fn machines(cloud: &Cloud, order: &Order) -> Machines {
    let addresses = cloud.addresses.list().await;
    let ours = addresses.iter().flatten().filter(|address| order.owner.owns(&address.tags));
    let associated = ours.filter_map(|address| address.association.as_ref()?.instance.clone());
    let declared = order.nodes.iter().filter_map(|node| node.instance.clone());
    let ids: BTreeSet<InstanceId> = declared.chain(associated).collect();
    let instances = match ids.is_empty() {
        true => Ok(BTreeMap::new()),
        false => cloud.instances.describe(&ids).await,
    };
    Machines { addresses, instances }
}

struct Names {
    zones: Read<Vec<Zone>>,
    records: BTreeMap<RecordName, Read<Vec<RecordSet>>>,
    former: BTreeMap<ZoneId, Read<Vec<RecordSet>>>,
    checks: Read<Vec<HealthCheck>>,
}

impl Default for Names {
    fn default() -> Self {
        Self {
            zones: Ok(Vec::new()),
            records: BTreeMap::new(),
            former: BTreeMap::new(),
            checks: Ok(Vec::new()),
        }
    }
}

async fn names(cloud: &Cloud, order: &Order) -> Names {
    let (checks, (zones, records, former)) = tokio::join!(cloud.health_checks.list(&order.owner), async {
        match cloud.zones.list().await {
            Ok(zones) => {
                let (records, former) = records(cloud, order, &zones).await;
                (Ok(zones), records, former)
            }
            Err(failure) => (Err(failure), BTreeMap::new(), BTreeMap::new()),
        }
    });
    Names { zones, records, former, checks }
}

type Records = (BTreeMap<RecordName, Read<Vec<RecordSet>>>, BTreeMap<ZoneId, Read<Vec<RecordSet>>>);

/// The record sets of these names, if the list has what every zone has at its own name.
async fn sets_of<'a>(
    cloud: &Cloud,
    zone: &'a Zone,
    mut names: BTreeSet<RecordName>,
) -> (&'a ZoneId, Read<Vec<RecordSet>>) {
    names.insert(zone.name.clone());
    let sets = cloud.zones.records(&zone.id, &names).await;
    (&zone.id, sets.and_then(|sets| believed(zone, sets)))
}

/// The record sets at the declared names, by domain, and those at names that were declared once, by zone.
async fn records(cloud: &Cloud, order: &Order, zones: &[Zone]) -> Records {
    let zoned =
        |domain: &Domain| Some((RecordName::new(&domain.name), zone_of(domain, zones).ok()?.id.clone()));
    let domains: BTreeMap<RecordName, ZoneId> = order.spec.domains.iter().filter_map(zoned).collect();
    let former = former_names(order, zones);
    let mut wanted: BTreeMap<&ZoneId, BTreeSet<RecordName>> = BTreeMap::new();
    for (domain, zone) in &domains {
        wanted.entry(zone).or_default().extend([domain.clone(), domain.wildcard()]);
    }
    for (zone, names) in &former {
        wanted.entry(zone).or_default().extend(names.iter().cloned());
    }
    let reads = zones.iter().filter_map(|zone| Some(sets_of(cloud, zone, wanted.remove(&zone.id)?)));
    let found: BTreeMap<&ZoneId, Read<Vec<RecordSet>>> = join_all(reads).await.into_iter().collect();
    let of_zone = |zone: &ZoneId, is_asked: &dyn Fn(&RecordName) -> bool| {
        let sets = found.get(zone)?.as_ref();
        let kept = |sets: &Vec<RecordSet>| sets.iter().filter(|set| is_asked(&set.name)).cloned().collect();
        Some(sets.map(kept).map_err(Clone::clone))
    };
    let declared = domains.iter().filter_map(|(domain, zone)| {
        let wildcard = domain.wildcard();
        Some((domain.clone(), of_zone(zone, &|name| name == domain || *name == wildcard)?))
    });
    let left = former
        .iter()
        .filter_map(|(zone, names)| Some((zone.clone(), of_zone(zone, &|name| names.contains(name))?)));
    (declared.collect(), left.collect())
}
