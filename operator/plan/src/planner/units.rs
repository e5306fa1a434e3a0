//! One function per unit: gather what it reads, plan it, keep the plan, and mark who reads it if it changed.
//! Here are the units that make the table; those that only the leader plans are in `leader.rs`.

use std::collections::BTreeMap;

use crds::Certificate;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Secret;
use kube::ResourceExt as _;

use super::{Planner, Role};
use crate::certificate::{CertificateInputs, Source, copied_again};
use crate::cookie_key::{cookie_key, secret_key};
use crate::host::status_hosts;
use crate::world::{source_secret, uid};
use crate::{
    CertificatePlan, Changes, Election, HostInputs, HostName, HostPlan, ObjectChanges, ObjectKey, RouterKey,
    ServiceInputs, ServicePlan, Step, Targets, Unit, Want, Wish, cluster,
};

impl Planner {
    pub(super) fn plan(&mut self, unit: &Unit, now: Timestamp, step: &mut Step) {
        match unit {
            Unit::Cluster => self.plan_cluster(step),
            Unit::Service(key) => self.plan_service(key, step),
            Unit::Certificate(key) => self.plan_certificate(key, now, step),
            Unit::DefaultCertificate => self.plan_default_certificate(step),
            Unit::CookieKey => self.plan_cookie_key(step),
            Unit::Host(name) => self.plan_host(name, step),
            Unit::Tcp(port) => self.plan_tcp(*port, step),
            _ if self.role == Role::Node => {}
            Unit::Cloud => self.plan_cloud(step),
            Unit::Blobstore(key) => self.plan_blobstore(key, now, step),
            Unit::GivenPort(key) => self.plan_given_port(key),
            Unit::OrphanedCopies => self.plan_orphaned_copies(step),
            Unit::Route(key) => self.plan_route(key, now, step),
            Unit::App(key) => self.plan_app(key, now, step),
            Unit::CertificateStatus(key) => self.plan_certificate_status(key, now, step),
            Unit::ClusterStatus(name) => self.plan_cluster_status(name, now, step),
        }
    }

    fn plan_cluster(&mut self, step: &mut Step) {
        let active = cluster::active(self.world.clusters.values()).cloned();
        let spec = |cluster: &Option<std::sync::Arc<crds::Cluster>>| {
            cluster.as_ref().map(|cluster| cluster.spec.clone())
        };
        let (old, new) = (spec(&self.plans.active), spec(&active));
        if old == new {
            self.plans.active = active;
            return;
        }
        // The status hosts of both, for what was served there has to go.
        self.touch_every_host();
        self.plans.active = active;
        self.touch_every_host();
        self.world.dirty_waiting_for_ports();
        self.touch_reachable();
        self.world.dirty.extend(self.world.apps.keys().cloned().map(Unit::App));
        self.world.dirty.extend(self.world.blobstores.keys().cloned().map(Unit::Blobstore));
        self.world.dirty.extend([Unit::Cloud, Unit::DefaultCertificate]);
        let page = |spec: Option<crds::ClusterSpec>| spec?.router?.unavailable_page;
        let (old, new) = (page(old), page(new));
        if old != new {
            step.table.unavailable_page = Some(new);
        }
    }

    /// Marks every host that is in the table or could be.
    fn touch_every_host(&mut self) {
        let routed = self.world.index.routes_by_host.keys().cloned();
        let active = self.plans.active.iter();
        let own = active.flat_map(|cluster| status_hosts(&cluster.spec).collect::<Vec<_>>());
        self.world.dirty.extend(routed.chain(own).map(Unit::Host).collect::<Vec<_>>());
    }

    fn plan_service(&mut self, key: &ObjectKey, step: &mut Step) {
        let wanted = self.world.index.routes_by_service.contains(key);
        let new = wanted.then(|| crate::service(&self.service_inputs(key)));
        let old = self.plans.services.get(key);
        if old == new.as_ref() {
            return;
        }
        table_services(old, new.as_ref(), step);
        if old.map(ServicePlan::shape) != new.as_ref().map(ServicePlan::shape) {
            self.world.dirty_places_of_routes(self.world.index.routes_by_service.of(key).cloned().collect());
        }
        keep(&mut self.plans.services, key, new);
    }

    fn service_inputs<'a>(&'a self, key: &'a ObjectKey) -> ServiceInputs<'a> {
        let slices = self.world.index.slices_by_service.of(key);
        let routes = self.world.index.routes_by_service.of(key);
        let wants: Vec<Want> =
            routes.filter_map(|route| Some(Want::of(self.world.routes.get(route)?))).collect();
        let asked = wants.iter().any(|want| want.leader);
        let pods = asked.then(|| self.world.pods_of(&key.namespace)).into_iter().flatten();
        ServiceInputs {
            key,
            service: self.world.services.get(key).map(AsRef::as_ref),
            slices: slices.filter_map(|slice| self.world.slices.get(slice)).map(AsRef::as_ref).collect(),
            election: Election { lease: self.world.leases.get(key).map(AsRef::as_ref), pods: pods.collect() },
            wants,
        }
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
            let (key, copy) = self.copy_of(certificate).unzip();
            let foreseen = key.and_then(|key| self.foreseen.get(key));
            crate::certificate(&CertificateInputs { certificate, source, copy, foreseen, now })
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
        self.world.dirty_places_of_routes(self.world.index.routes_by_certificate.of(key).cloned().collect());
        let clusters = self.world.index.clusters_by_certificate.of(key).cloned();
        let clusters: Vec<_> = clusters.map(Unit::ClusterStatus).collect();
        if !clusters.is_empty() {
            self.world.dirty.extend(clusters);
            self.world.dirty.insert(Unit::DefaultCertificate);
            self.touch_every_host();
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
            self.touch_every_host();
        }
        step.table.default_certificate = Some(new.clone());
        self.plans.default_certificate = new;
    }

    /// The leader also orders the key where sessions are wanted and none is there.
    fn plan_cookie_key(&mut self, step: &mut Step) {
        let secret = self.world.secrets.get(&secret_key());
        let is_wanted = !self.world.index.sticky_routes.is_empty();
        if self.role == Role::Leader && secret.is_none() && is_wanted {
            let create = vec![Wish::RouterKey(RouterKey::order())];
            step.objects.push((Unit::CookieKey, ObjectChanges { create, ..Changes::default() }));
        }
        let new = secret.map(|secret| cookie_key(secret));
        if new == self.plans.cookie_key {
            return;
        }
        let usable = |key: &Option<Result<_, _>>| key.as_ref().and_then(|key| key.as_ref().ok()).cloned();
        if usable(&new) != usable(&self.plans.cookie_key) {
            step.table.cookie_key = Some(usable(&new));
        }
        self.plans.cookie_key = new;
        self.world.dirty.extend(self.world.clusters.keys().cloned().map(Unit::ClusterStatus));
    }

    fn plan_host(&mut self, name: &HostName, step: &mut Step) {
        let keys: Vec<&ObjectKey> = self.world.index.routes_by_host.of(name).collect();
        let new = crate::host(&self.host_inputs(name, &keys));
        let none = HostPlan::default();
        let old = self.plans.hosts.get(name).unwrap_or(&none);
        if *old == new {
            return;
        }
        if old.entries != new.entries {
            table_hosts(old, &new, step);
            let apps = keys.iter().filter_map(|key| app_of(key, self.world.routes.get(*key)?));
            self.world.dirty.extend(apps.map(Unit::App).collect::<Vec<_>>());
        }
        let served_hosts = self.plans.served_hosts + new.entries.len() - old.entries.len();
        let routes = old.routes.keys().chain(new.routes.keys());
        self.world.dirty.extend(routes.cloned().map(Unit::Route));
        self.plans.served_hosts = served_hosts;
        keep(&mut self.plans.hosts, name, (new != none).then_some(new));
    }

    fn host_inputs<'a>(&'a self, host: &'a HostName, keys: &[&ObjectKey]) -> HostInputs<'a> {
        let routes = self.routes(keys);
        let labels = keys.iter().filter_map(|key| {
            let (name, namespace) = self.world.namespaces.get_key_value(&key.namespace)?;
            Some((name.as_str(), namespace.metadata.labels.as_ref()?))
        });
        HostInputs {
            host,
            cluster: self.plans.active.as_ref().map(|cluster| &cluster.spec),
            namespace_labels: labels.collect(),
            targets: self.targets(&routes),
            certificates: &self.plans.certificates,
            has_default_certificate: self.plans.default_certificate.is_some(),
            routes,
        }
    }

    pub(super) fn routes<'a>(&'a self, keys: &[&ObjectKey]) -> BTreeMap<ObjectKey, &'a crds::Route> {
        let routes = keys.iter().filter_map(|key| self.world.routes.get_key_value(*key));
        routes.map(|(key, route)| (key.clone(), route.as_ref())).collect()
    }

    pub(super) fn targets(&self, routes: &BTreeMap<ObjectKey, &crds::Route>) -> Targets<'_> {
        let apps = routes
            .iter()
            .filter_map(|(key, route)| Some(ObjectKey::new(&key.namespace, route.spec.app.as_ref()?)));
        Targets {
            apps: apps.filter(|app| self.world.apps.contains_key(app)).collect(),
            services: &self.plans.services,
        }
    }
}

/// Puts the difference between two plans of a Service into the table's change.
fn table_services(old: Option<&ServicePlan>, new: Option<&ServicePlan>, step: &mut Step) {
    let none = BTreeMap::new();
    let (old, new) = (old.map_or(&none, |plan| &plan.routers), new.map_or(&none, |plan| &plan.routers));
    step.table.services.extend(difference(old, new));
}

/// Puts the difference between two plans of a host into the table's change.
fn table_hosts(old: &HostPlan, new: &HostPlan, step: &mut Step) {
    step.table.hosts.extend(difference(&old.entries, &new.entries));
}

fn difference<T: Clone + PartialEq>(
    old: &BTreeMap<String, T>,
    new: &BTreeMap<String, T>,
) -> BTreeMap<String, Option<T>> {
    let gone = old.keys().filter(|name| !new.contains_key(*name)).map(|name| (name.clone(), None));
    let changed = new.iter().filter(|(name, entry)| old.get(*name) != Some(entry));
    gone.chain(changed.map(|(name, entry)| (name.clone(), Some(entry.clone())))).collect()
}

/// The App that made a Route.
pub(super) fn app_of(key: &ObjectKey, route: &crds::Route) -> Option<ObjectKey> {
    route.labels().get(crds::names::APP).map(|app| ObjectKey::new(&key.namespace, app))
}

pub(super) fn keep<K: Ord + Clone, P>(plans: &mut BTreeMap<K, P>, key: &K, plan: Option<P>) {
    match plan {
        Some(plan) => plans.insert(key.clone(), plan),
        None => plans.remove(key),
    };
}
