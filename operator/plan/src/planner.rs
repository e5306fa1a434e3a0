//! Plans what is dirty, and says what differs from what was planned or observed before.
//!
//! Holds the world and the last plan of every unit. In come objects, deletions and the outcomes of writes; out goes a
//! [`Step`]. The units are taken in the order of [`Unit`], and a plan that changed makes the units that read it dirty:
//!
//! ```text
//! Cluster -> Cloud, Blobstore, Service -> Certificate -> DefaultCertificate, CookieKey -> Host, Tcp -> Route -> App -> statuses
//! ```

mod cloud;
mod leader;
mod ports;
mod storage;
#[cfg(test)]
mod tests;
mod units;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crds::{Cluster, Fault, Reason, RouterNode, names};
use jiff::Timestamp;
use router_config::CookieKey;

use crate::aws::storage::StorageOrder;
use crate::aws::{Order, Report};
use crate::blobstore::StorageReport;
use crate::certificate::unmade_copy;
use crate::programmed::{Versions, applied};
use crate::world::World;
use crate::{
    AppPlan, CertificatePlan, HostName, HostPlan, Kind, Object, ObjectKey, Platform, Refusal, SelfSignedPair,
    ServicePlan, Step, TcpPlan, Unit, Verdict,
};

/// Who plans, and so what comes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The table, the objects and the statuses.
    Leader,
    /// The table only.
    Node,
}

/// The state of planning.
#[derive(Debug)]
pub struct Planner {
    role: Role,
    platform: Platform,
    world: World,
    plans: Plans,
    route_versions: Versions,
    copy_versions: Versions,
    /// What the last look at AWS found.
    cloud: Option<Report>,
    /// What the last look at the buckets of Blobstores found.
    storage: BTreeMap<ObjectKey, StorageReport>,
    /// What the last write for a unit came to, if it failed.
    failures: BTreeMap<Unit, Refusal>,
    /// The copies whose pairs are taken as made, in a simulation.
    foreseen: BTreeMap<ObjectKey, SelfSignedPair>,
    /// When a Certificate has to be looked at again because of the time.
    rechecks: BTreeSet<(Timestamp, ObjectKey)>,
}

/// The last plan of every unit.
#[derive(Debug, Default)]
struct Plans {
    active: Option<Arc<Cluster>>,
    order: Option<Arc<Order>>,
    /// What Blobstores ask for, and whether that can be followed here.
    storage: BTreeMap<ObjectKey, Arc<StorageOrder>>,
    blobstores: BTreeMap<ObjectKey, Verdict>,
    services: BTreeMap<ObjectKey, ServicePlan>,
    certificates: BTreeMap<ObjectKey, CertificatePlan>,
    default_certificate: Option<String>,
    hosts: BTreeMap<HostName, HostPlan>,
    ports: BTreeMap<u16, TcpPlan>,
    cookie_key: Option<Result<CookieKey, Refusal>>,
    /// How many of them have an entry in the table.
    served_hosts: usize,
    /// Whether each Route is served, for the Apps that it belongs to.
    routes: BTreeMap<ObjectKey, Verdict>,
    apps: BTreeMap<ObjectKey, AppPlan>,
}

impl Planner {
    /// Begins with an empty world.
    #[must_use]
    pub fn new(role: Role) -> Self {
        Self {
            role,
            platform: Platform::default(),
            world: World::default(),
            plans: Plans::default(),
            route_versions: Versions::default(),
            copy_versions: Versions::default(),
            cloud: None,
            storage: BTreeMap::new(),
            failures: BTreeMap::new(),
            foreseen: BTreeMap::new(),
            rechecks: BTreeSet::new(),
        }
    }

    /// Plans for this platform; without it, for Kubernetes.
    #[must_use]
    pub fn on(self, platform: Platform) -> Self {
        Self { platform, ..self }
    }

    /// Takes in an object as the API shows it now.
    pub fn put(&mut self, object: Object) {
        match &object {
            Object::Route(route) => {
                let given = route.status.as_ref().and_then(|status| status.tcp).map(|tcp| tcp.port);
                self.route_versions.put(&object.key(), &**route, given);
            }
            Object::Secret(secret) if is_copy(&object.key()) => {
                self.foreseen.remove(&object.key());
                self.copy_versions.put(&object.key(), &**secret, None);
            }
            Object::RouterNode(node) => self.touch_reported(&object.key().name, Some(node)),
            _ => {}
        }
        self.world.put(object);
    }

    /// Forgets an object that is gone.
    pub fn delete(&mut self, kind: Kind, key: &ObjectKey) {
        match kind {
            Kind::Route => self.route_versions.delete(key),
            Kind::Secret => {
                self.foreseen.remove(key);
                self.copy_versions.delete(key);
            }
            Kind::RouterNode => self.touch_reported(&key.name, None),
            _ => {}
        }
        self.world.delete(kind, key);
    }

    /// Takes in what the writes for a unit came to; an error is quoted in the status of the object.
    pub fn report(&mut self, unit: &Unit, outcome: Result<(), String>) {
        let changed = match outcome {
            Ok(()) => self.failures.remove(unit).is_some(),
            Err(message) => {
                let failure = Refusal::new(Reason::ApplyFailed, message);
                self.failures.insert(unit.clone(), failure.clone()) != Some(failure)
            }
        };
        if changed {
            self.touch(unit);
            if let Unit::Certificate(key) = unit {
                self.touch(&Unit::CertificateStatus(key.clone()));
            }
        }
    }

    /// Takes an order as carried out, without the randomness and the authority's key that this takes: its names are
    /// served from now on, by a pair that no router could load.
    pub(crate) fn foresee(&mut self, order: SelfSignedPair) {
        self.put(unmade_copy(&order).into());
        self.foreseen.insert(order.secret.clone(), order);
    }

    /// Has a unit planned again at the next step, whatever changed.
    pub fn touch(&mut self, unit: &Unit) {
        self.world.dirty.insert(unit.clone());
    }

    /// Has everything planned again at the next step.
    pub fn touch_all(&mut self) {
        // Nobody may have taken it.
        self.plans.order = None;
        self.plans.storage.clear();
        self.world.dirty_all();
    }

    /// How many hosts are served.
    #[must_use]
    pub fn hosts(&self) -> usize {
        self.plans.served_hosts
    }

    /// The host, its plan, for every host that a Route names.
    pub fn host_plans(&self) -> impl Iterator<Item = (&HostName, &HostPlan)> {
        self.plans.hosts.iter()
    }

    /// The TCP port, its plan, for every port that a Route is about.
    pub fn tcp_plans(&self) -> impl Iterator<Item = (u16, &TcpPlan)> {
        self.plans.ports.iter().map(|(port, plan)| (*port, plan))
    }

    /// The namespaces with Routes that lead to leaders: whose Leases and Pods have to be known.
    pub fn leader_namespaces(&self) -> impl Iterator<Item = &str> {
        self.world.index.leader_routes.keys().map(String::as_str)
    }

    /// The Apps and their plans.
    pub fn app_plans(&self) -> impl Iterator<Item = (&ObjectKey, &AppPlan)> {
        self.plans.apps.iter()
    }

    /// The Blobstores, and whether each can be followed here.
    pub fn blobstore_verdicts(&self) -> impl Iterator<Item = (&ObjectKey, &Verdict)> {
        self.plans.blobstores.iter()
    }

    /// The Certificates and their plans.
    pub fn certificate_plans(&self) -> impl Iterator<Item = (&ObjectKey, &CertificatePlan)> {
        self.plans.certificates.iter()
    }

    /// Plans every dirty unit, and says what has to be written. `now` is the present time.
    pub fn step(&mut self, now: Timestamp) -> Step {
        self.touch_due(now);
        let mut step = Step::default();
        while let Some(unit) = self.world.dirty.pop_first() {
            self.plan(&unit, now, &mut step);
        }
        step.recheck_at = self.rechecks.first().map(|(at, _)| *at);
        step
    }

    /// Marks the Certificates whose validity has begun or ended.
    fn touch_due(&mut self, now: Timestamp) {
        let due = self.rechecks.iter().take_while(|(at, _)| *at <= now).map(|(_, key)| key.clone());
        let due: Vec<_> = due.collect();
        for key in due {
            self.world.dirty.extend([Unit::Certificate(key.clone()), Unit::CertificateStatus(key)]);
        }
    }

    /// The Routes that a fault is about.
    fn routes_at_fault(&self, fault: &Fault) -> Vec<ObjectKey> {
        match fault.subject.as_str() {
            "tcp" => {
                let port = fault.name.parse().ok();
                port.into_iter().flat_map(|port| self.world.ports.by_port.of(&port)).cloned().collect()
            }
            _ => {
                let host = fault.name.split_once(':').map_or(fault.name.as_str(), |(host, _)| host);
                self.world.index.routes_by_host.of(&HostName::new(host)).cloned().collect()
            }
        }
    }

    /// Marks the Routes and Certificates whose `Programmed` a report may change: those between the node's last two versions,
    /// and those with faults.
    fn touch_reported(&mut self, name: &str, new: Option<&RouterNode>) {
        let old = self.world.router_nodes.get(name).cloned();
        let old = old.as_deref();
        let version = |node: Option<&RouterNode>, kind| node.map_or(0, |node| applied(node, kind));
        let moved = |kind| (version(old, kind), version(new, kind));

        let (from, to) = moved(Kind::Route);
        let mut dirty: Vec<Unit> = self.route_versions.between(from, to).cloned().map(Unit::Route).collect();
        let (from, to) = moved(Kind::Secret);
        let copies =
            self.copy_versions.between(from, to).filter_map(|copy| self.world.certificate_of_copy(copy));
        dirty.extend(copies.cloned().map(Unit::CertificateStatus));

        for fault in faults(old).symmetric_difference(&faults(new)) {
            dirty.extend(self.routes_at_fault(fault).into_iter().map(Unit::Route));
            if let Some((namespace, name)) = fault.name.split_once('/') {
                dirty.push(Unit::CertificateStatus(ObjectKey::new(namespace, name)));
            }
        }
        self.world.dirty.extend(dirty);
    }
}

fn is_copy(key: &ObjectKey) -> bool {
    key.namespace == names::SYSTEM_NAMESPACE
}

fn faults(node: Option<&RouterNode>) -> BTreeSet<&Fault> {
    node.and_then(|node| node.status.as_ref()).into_iter().flat_map(|status| &status.faults).collect()
}
