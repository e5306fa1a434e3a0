//! Everything that is read of AWS in one pass, at the same time where nothing depends on it.
//!
//! In come the clients and an order; out goes what is observed, each part or its failure by itself. What the order does not ask for
//! is not read, and the number of calls does not grow with the number of records, but for their pages: the names of a zone are read by one call.

use std::collections::{BTreeMap, BTreeSet};

use aws::Cloud;
use crds::Domain;
use futures::future::join_all;
use plan::aws::network::NetworkObserved;
use plan::aws::{
    ElasticIp, Failure, Instance, InstanceId, Observed, Order, Read, RecordName, RecordSet, VpcId, ZoneId,
    believed, former_names, zone_of,
};
use plan::aws::{HealthCheck, Zone};

use super::Clients;

/// Reads what the order is about.
pub(super) async fn aws(clients: &Clients, order: &Order) -> Observed {
    let cloud = &clients.cloud;
    let is_published = order.spec.aws.as_ref().is_some_and(|aws| aws.dns.is_some());
    let names = async {
        match is_published {
            true => names(cloud, order).await,
            false => Names::default(),
        }
    };
    let (machines, names, network) = tokio::join!(machines(cloud, order), names, network(clients, order));
    let Machines { addresses, instances } = machines;
    let Names { zones, records, former, checks } = names;
    Observed { addresses, instances, zones, records, former, checks, network, ..Observed::default() }
}

/// Whether nothing of it failed.
pub(super) fn is_whole(observed: &Observed) -> bool {
    failures(observed).next().is_none()
}

/// What of it failed.
pub(super) fn failures(observed: &Observed) -> impl Iterator<Item = &Failure> {
    let Observed { addresses, instances, zones, records, former, checks, network, .. } = observed;
    let machines = addresses.as_ref().err().into_iter().chain(instances.as_ref().err());
    let names = zones.as_ref().err().into_iter().chain(checks.as_ref().err());
    let network = network.interfaces.as_ref().err().into_iter().chain(network.groups.as_ref().err());
    machines
        .chain(names)
        .chain(network)
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

/// The interfaces of the nodes and of those that were, and in their clouds the groups that are ours or have a declared name. Without the interfaces the
/// clouds are not known, so that no group is looked for.
async fn network(clients: &Clients, order: &Order) -> NetworkObserved {
    if !order.has_firewall() {
        return NetworkObserved::default();
    }
    let instances = order.nodes.iter().filter_map(|node| node.instance.clone()).collect();
    let interfaces = clients.groups.interfaces(&order.owner, &instances).await;
    let clouds: BTreeSet<VpcId> =
        interfaces.iter().flatten().map(|interface| interface.vpc.clone()).collect();
    let declared = order.security_groups().into_iter().flat_map(|groups| groups.extra.iter().cloned());
    let names = declared.chain([order.owner.group_name()]).collect();
    let groups = match &interfaces {
        Ok(_) => clients.groups.list(&order.owner, &clouds, &names).await,
        Err(_) => Ok(Vec::new()),
    };
    NetworkObserved { interfaces, groups }
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
