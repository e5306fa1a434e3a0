//! One function per unit: gather what it reads, plan it, keep the plan, and mark who reads it if it changed.
//! Here are the units that make the table; those that only the leader plans are in `leader.rs`.

use std::collections::BTreeMap;

use crds::Certificate;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Secret;
use kube::ResourceExt as _;

use super::{Planner, Role};
use crate::certificate::{CertificateInputs, Source, copied_again};
use crate::host::router_service;
use crate::world::{source_secret, uid};
use crate::{
    CertificatePlan, Changes, HostInputs, HostName, ObjectChanges, ObjectKey, ServiceInputs, ServicePlan,
    Step, Unit, cluster,
};

impl Planner {
    pub(super) fn plan(&mut self, unit: &Unit, now: Timestamp, step: &mut Step) {
        match unit {
            Unit::Cluster => self.plan_cluster(),
            Unit::Service(key) => self.plan_service(key, step),
            Unit::Certificate(key) => self.plan_certificate(key, now, step),
            Unit::DefaultCertificate => self.plan_default_certificate(step),
            Unit::Host(name) => self.plan_host(name, step),
            _ if self.role == Role::Node => {}
            Unit::OrphanedCopies => self.plan_orphaned_copies(step),
            Unit::Route(key) => self.plan_route(key, now, step),
            Unit::App(key) => self.plan_app(key, now, step),
            Unit::CertificateStatus(key) => self.plan_certificate_status(key, now, step),
            Unit::ClusterStatus(name) => self.plan_cluster_status(name, now, step),
        }
    }

    fn plan_cluster(&mut self) {
        let active = cluster::active(self.world.clusters.values()).cloned();
        let spec = |cluster: &Option<std::sync::Arc<crds::Cluster>>| {
            cluster.as_ref().map(|cluster| cluster.spec.clone())
        };
        let changed = spec(&active) != spec(&self.plans.active);
        self.plans.active = active;
        if changed {
            let hosts = self.world.index.routes_by_host.keys().cloned().map(Unit::Host);
            self.world.dirty.extend(hosts);
            self.world.dirty.extend(self.world.apps.keys().cloned().map(Unit::App));
            self.world.dirty.insert(Unit::DefaultCertificate);
        }
    }

    fn plan_service(&mut self, key: &ObjectKey, step: &mut Step) {
        let wanted = self.world.index.routes_by_service.contains(key);
        let new = wanted.then(|| {
            let slices = self.world.index.slices_by_service.of(key);
            crate::service(&ServiceInputs {
                service: self.world.services.get(key).map(AsRef::as_ref),
                slices: slices.filter_map(|slice| self.world.slices.get(slice)).map(AsRef::as_ref).collect(),
            })
        });
        let old = self.plans.services.get(key);
        if old == new.as_ref() {
            return;
        }
        table_services(key, old, new.as_ref(), step);
        if old.map(ServicePlan::shape) != new.as_ref().map(ServicePlan::shape) {
            self.world.dirty_hosts_of_routes(self.world.index.routes_by_service.of(key).cloned().collect());
        }
        keep(&mut self.plans.services, key, new);
    }

    fn plan_certificate(&mut self, key: &ObjectKey, now: Timestamp, step: &mut Step) {
        let new = self.world.certificates.get(key).map(|certificate| {
            let source = match (&certificate.spec.self_signed, source_secret(key, certificate)) {
                _ if self.role == Role::Node => Source::Unread,
                (Some(asked), _) => Source::SelfSigned(asked),
                (None, secret) => {
                    let secret = secret.and_then(|secret| self.world.secrets.get(&secret));
                    secret.map_or(Source::Missing, |secret| Source::Found(secret))
                }
            };
            let copy = self.copy_of(certificate).map(|(_, copy)| copy);
            crate::certificate(&CertificateInputs { certificate, source, copy, now })
        });
        if self.role == Role::Leader
            && let Some(plan) = &new
            && let Some(changes) = self.copy_changes(key, plan)
        {
            step.objects.push((Unit::Certificate(key.clone()), changes));
        }
        let old = self.plans.certificates.get(key);
        if let Some(at) = old.and_then(|plan| plan.recheck_at) {
            self.rechecks.remove(&(at, key.clone()));
        }
        if let Some(at) = new.as_ref().and_then(|plan| plan.recheck_at) {
            self.rechecks.insert((at, key.clone()));
        }
        if old == new.as_ref() {
            return;
        }
        let pair = new.as_ref().and_then(|plan| plan.pair.clone());
        if old.and_then(|plan| plan.pair.as_ref()) != pair.as_ref() {
            step.table.certificates.insert(key.to_string(), pair);
        }
        let served =
            |plan: Option<&CertificatePlan>| plan.map(|plan| (plan.served.clone(), plan.authority.clone()));
        if served(old) != served(new.as_ref()) {
            self.touch_readers_of_certificate(key);
        }
        self.world.dirty.insert(Unit::CertificateStatus(key.clone()));
        keep(&mut self.plans.certificates, key, new);
    }

    /// The copy of a Certificate for the nodes, with its key.
    fn copy_of(&self, certificate: &Certificate) -> Option<(&ObjectKey, &Secret)> {
        let key = self.world.index.copy_by_uid.get(&uid(certificate))?;
        Some((key, self.world.secrets.get(key)?))
    }

    /// What has to be written of the copy. One that somebody deleted is written again as it was, even where the source has gone bad
    /// since: it is what the nodes still serve.
    fn copy_changes(&self, key: &ObjectKey, plan: &CertificatePlan) -> Option<ObjectChanges> {
        let copy = self.copy_of(self.world.certificates.get(key)?);
        let lost = copy.filter(|(key, _)| self.world.lost_copies.contains(*key));
        let wish = plan.copy.clone().or_else(|| lost.map(|(_, secret)| copied_again(secret)))?;
        Some(match copy {
            Some(_) if lost.is_none() => ObjectChanges { update: vec![wish], ..Changes::default() },
            _ => ObjectChanges { create: vec![wish], ..Changes::default() },
        })
    }

    /// Marks the hosts whose own certificate this is, and if it is a domain's, every host.
    fn touch_readers_of_certificate(&mut self, key: &ObjectKey) {
        self.world.dirty_hosts_of_routes(self.world.index.routes_by_certificate.of(key).cloned().collect());
        let clusters = self.world.index.clusters_by_certificate.of(key).cloned();
        let clusters: Vec<_> = clusters.map(Unit::ClusterStatus).collect();
        if !clusters.is_empty() {
            self.world.dirty.extend(clusters);
            self.world.dirty.insert(Unit::DefaultCertificate);
            self.world.dirty.extend(self.world.index.routes_by_host.keys().cloned().map(Unit::Host));
        }
    }

    fn plan_default_certificate(&mut self, step: &mut Step) {
        let domain = self.plans.active.as_ref().and_then(|cluster| cluster.spec.default_domain());
        let reference = domain.and_then(|domain| domain.certificate.as_ref());
        let key = reference.map(|reference| ObjectKey::new(&reference.namespace, &reference.name));
        let is_served =
            |key: &ObjectKey| self.plans.certificates.get(key).is_some_and(|plan| plan.pair.is_some());
        let new = key.filter(is_served).map(|key| key.to_string());
        if new == self.plans.default_certificate {
            return;
        }
        if new.is_some() != self.plans.default_certificate.is_some() {
            self.world.dirty.extend(self.world.index.routes_by_host.keys().cloned().map(Unit::Host));
        }
        step.table.default_certificate = Some(new.clone());
        self.plans.default_certificate = new;
    }

    fn plan_host(&mut self, name: &HostName, step: &mut Step) {
        let keys: Vec<&ObjectKey> = self.world.index.routes_by_host.of(name).collect();
        let new = (!keys.is_empty()).then(|| crate::host(&self.host_inputs(name, &keys)));
        let old = self.plans.hosts.get(name);
        if old == new.as_ref() {
            return;
        }
        let entry = |plan: Option<&crate::HostPlan>| plan.and_then(|plan| plan.entry.clone());
        if entry(old) != entry(new.as_ref()) {
            step.table.hosts.insert(name.to_string(), entry(new.as_ref()));
            let apps = keys.iter().filter_map(|key| app_of(key, self.world.routes.get(*key)?));
            self.world.dirty.extend(apps.map(Unit::App).collect::<Vec<_>>());
        }
        let served =
            |plan: Option<&crate::HostPlan>| usize::from(plan.is_some_and(|plan| plan.entry.is_some()));
        let served_hosts = self.plans.served_hosts + served(new.as_ref()) - served(old);
        let routes = [old, new.as_ref()].into_iter().flatten().flat_map(|plan| plan.routes.keys());
        self.world.dirty.extend(routes.cloned().map(Unit::Route));
        self.plans.served_hosts = served_hosts;
        keep(&mut self.plans.hosts, name, new);
    }

    fn host_inputs<'a>(&'a self, host: &'a HostName, keys: &[&ObjectKey]) -> HostInputs<'a> {
        let routes: BTreeMap<ObjectKey, &crds::Route> = keys
            .iter()
            .filter_map(|key| Some(((*key).clone(), self.world.routes.get(*key)?.as_ref())))
            .collect();
        let apps = routes
            .iter()
            .filter_map(|(key, route)| Some(ObjectKey::new(&key.namespace, route.spec.app.as_ref()?)));
        let labels = keys.iter().filter_map(|key| {
            let (name, namespace) = self.world.namespaces.get_key_value(&key.namespace)?;
            Some((name.as_str(), namespace.metadata.labels.as_ref()?))
        });
        HostInputs {
            host,
            cluster: self.plans.active.as_ref().map(|cluster| &cluster.spec),
            namespace_labels: labels.collect(),
            apps: apps.filter(|app| self.world.apps.contains_key(app)).collect(),
            services: &self.plans.services,
            certificates: &self.plans.certificates,
            has_default_certificate: self.plans.default_certificate.is_some(),
            routes,
        }
    }
}

/// Puts the difference between two plans of a Service into the table's change.
fn table_services(key: &ObjectKey, old: Option<&ServicePlan>, new: Option<&ServicePlan>, step: &mut Step) {
    let none = BTreeMap::new();
    let (old, new) = (old.map_or(&none, |plan| &plan.ports), new.map_or(&none, |plan| &plan.ports));
    for number in old.keys().filter(|number| !new.contains_key(number)) {
        step.table.services.insert(router_service(key, *number), None);
    }
    for (number, port) in new {
        if old.get(number).map(|old| &old.endpoints) != Some(&port.endpoints) {
            let service = router_config::Service { endpoints: port.endpoints.iter().copied().collect() };
            step.table.services.insert(router_service(key, *number), Some(service));
        }
    }
}

/// The App that made a Route.
pub(super) fn app_of(key: &ObjectKey, route: &crds::Route) -> Option<ObjectKey> {
    route.labels().get(crds::names::APP).map(|app| ObjectKey::new(&key.namespace, app))
}

fn keep<K: Ord + Clone, P>(plans: &mut BTreeMap<K, P>, key: &K, plan: Option<P>) {
    match plan {
        Some(plan) => plans.insert(key.clone(), plan),
        None => plans.remove(key),
    };
}
