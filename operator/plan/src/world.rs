//! The objects as last seen, the reverse index over them, and the units that changed since they were last planned.
//!
//! In come objects and deletions, in any order and as often as the watches repeat them; out goes the set of dirty units.
//! An object that changed in nothing that a unit reads makes nothing dirty.

mod blobstores;
mod index;
mod multimap;
mod ports;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crds::{App, Blobstore, Certificate, Cluster, Route, RouterNode, names};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{Namespace, Node, Pod, Secret, Service};
use k8s_openapi::api::discovery::v1::EndpointSlice;

pub(crate) use index::{
    Index, blobstore_of, domain_certificates, host_of, source_secret, target_service, uid,
};
use ports::Ports;

use crate::cookie_key::secret_key;
use crate::service::holder;
use crate::{HostName, Kind, Object, ObjectKey, Unit};

/// Everything that a plan reads.
#[derive(Debug, Default)]
pub(crate) struct World {
    pub(crate) clusters: BTreeMap<String, Arc<Cluster>>,
    pub(crate) apps: BTreeMap<ObjectKey, Arc<App>>,
    pub(crate) routes: BTreeMap<ObjectKey, Arc<Route>>,
    pub(crate) certificates: BTreeMap<ObjectKey, Arc<Certificate>>,
    pub(crate) blobstores: BTreeMap<ObjectKey, Arc<Blobstore>>,
    pub(crate) router_nodes: BTreeMap<String, Arc<RouterNode>>,
    pub(crate) namespaces: BTreeMap<String, Arc<Namespace>>,
    pub(crate) services: BTreeMap<ObjectKey, Arc<Service>>,
    pub(crate) slices: BTreeMap<ObjectKey, Arc<EndpointSlice>>,
    pub(crate) secrets: BTreeMap<ObjectKey, Arc<Secret>>,
    pub(crate) deployments: BTreeMap<ObjectKey, Arc<Deployment>>,
    pub(crate) leases: BTreeMap<ObjectKey, Arc<Lease>>,
    pub(crate) pods: BTreeMap<ObjectKey, Arc<Pod>>,
    pub(crate) nodes: BTreeMap<String, Arc<Node>>,
    /// Copies of certificates that somebody deleted, while their Certificate is still there. They stay in `secrets`, and so in
    /// use, until the leader has written them again.
    pub(crate) lost_copies: BTreeSet<ObjectKey>,
    pub(crate) index: Index,
    pub(crate) ports: Ports,
    pub(crate) dirty: BTreeSet<Unit>,
}

impl World {
    /// Takes in an object as it is now.
    pub(crate) fn put(&mut self, object: Object) {
        let key = object.key();
        match object {
            Object::Cluster(object) => self.set_cluster(key.name, Some(object)),
            Object::App(object) => self.set_app(key, Some(object)),
            Object::Route(object) => self.set_route(key, Some(object)),
            Object::Certificate(object) => self.set_certificate(key, Some(object)),
            Object::Blobstore(object) => self.set_blobstore(key, Some(object)),
            Object::RouterNode(object) => self.set_router_node(key.name, Some(object)),
            Object::Namespace(object) => self.set_namespace(key.name, Some(object)),
            Object::Service(object) => self.set_service(key, Some(object)),
            Object::EndpointSlice(object) => self.set_slice(key, Some(object)),
            Object::Secret(object) => self.set_secret(key, Some(object)),
            Object::Deployment(object) => self.set_deployment(key, Some(object)),
            Object::Lease(object) => self.set_lease(key, Some(object)),
            Object::Pod(object) => self.set_pod(key, Some(object)),
            Object::Node(object) => self.set_node(key.name, Some(object)),
        }
    }

    /// Forgets an object that is gone.
    pub(crate) fn delete(&mut self, kind: Kind, key: &ObjectKey) {
        let key = key.clone();
        match kind {
            Kind::Cluster => self.set_cluster(key.name, None),
            Kind::App => self.set_app(key, None),
            Kind::Route => self.set_route(key, None),
            Kind::Certificate => self.set_certificate(key, None),
            Kind::Blobstore => self.set_blobstore(key, None),
            Kind::RouterNode => self.set_router_node(key.name, None),
            Kind::Namespace => self.set_namespace(key.name, None),
            Kind::Service => self.set_service(key, None),
            Kind::EndpointSlice => self.set_slice(key, None),
            Kind::Secret => self.set_secret(key, None),
            Kind::Deployment => self.set_deployment(key, None),
            Kind::Lease => self.set_lease(key, None),
            Kind::Pod => self.set_pod(key, None),
            Kind::Node => self.set_node(key.name, None),
        }
    }

    fn set_cluster(&mut self, name: String, new: Option<Arc<Cluster>>) {
        let old = replace(&mut self.clusters, &name, new.clone());
        if let Some(old) = &old {
            self.index.remove_cluster(old);
        }
        if let Some(new) = &new {
            self.index.insert_cluster(new);
        }
        if same(old.as_ref(), new.as_ref(), |c| (&c.metadata.uid, &c.metadata.creation_timestamp, &c.spec)) {
            // Whether it is being deleted, and what its annotations ask for, is for AWS only.
            self.dirty.extend([Unit::Cloud, Unit::ClusterStatus(name)]);
            return;
        }
        // Another Cluster may become the active one, and each says so in its status.
        self.dirty.extend(self.clusters.keys().cloned().map(Unit::ClusterStatus));
        self.dirty.extend([Unit::Cluster, Unit::ClusterStatus(name)]);
    }

    fn set_app(&mut self, key: ObjectKey, new: Option<Arc<App>>) {
        let old = replace(&mut self.apps, &key, new.clone());
        self.index.set_blobstore(&key, old.as_deref(), new.as_deref());
        if old.is_some() != new.is_some() {
            self.dirty_places_of_routes(self.index.routes_by_app.of(&key).cloned().collect());
        }
        self.dirty.insert(Unit::App(key));
    }

    fn set_route(&mut self, key: ObjectKey, new: Option<Arc<Route>>) {
        let old = replace(&mut self.routes, &key, new.clone());
        for (object, now) in [(&old, false), (&new, true)] {
            let Some(route) = object else { continue };
            self.touch_apps_of_route(&key, route);
            if now {
                self.index.insert_route(&key, route);
                self.index.insert_labelled(Kind::Route, &key, &**route);
            } else {
                self.index.remove_route(&key, route);
                self.index.remove_labelled(Kind::Route, &key, &**route);
            }
        }
        let unchanged = same(old.as_ref(), new.as_ref(), |route| {
            (&route.metadata.uid, &route.metadata.creation_timestamp, &route.spec)
        });
        if !unchanged {
            for route in [&old, &new].into_iter().flatten() {
                self.dirty.extend(host_of(route).map(Unit::Host));
                self.dirty.extend(target_service(&key, route).map(Unit::Service));
            }
            self.dirty.insert(Unit::CookieKey);
        }
        let tcp = |route: Option<&Arc<Route>>| route.and_then(|route| route.status.as_ref()?.tcp);
        self.set_port(&key, new.as_deref(), unchanged && tcp(old.as_ref()) == tcp(new.as_ref()));
        self.dirty.insert(Unit::Route(key));
    }

    /// Marks the TCP ports that a Route was and is about. A port that becomes free is for those that wait.
    fn set_port(&mut self, key: &ObjectKey, route: Option<&Route>, unchanged: bool) {
        let (before, now) = self.ports.set(key, route);
        if !unchanged || before != now {
            self.dirty.extend(before.into_iter().chain(now).map(Unit::Tcp));
        }
        if before.is_some() && before != now {
            self.dirty_waiting_for_ports();
        }
        if now.is_none() && route.is_some_and(|route| route.spec.tcp.is_some()) {
            self.dirty.insert(Unit::GivenPort(key.clone()));
        }
    }

    /// Marks the Routes for which there was no free TCP port.
    pub(crate) fn dirty_waiting_for_ports(&mut self) {
        self.dirty.extend(self.ports.waiting.iter().cloned().map(Unit::GivenPort));
    }

    /// Marks the Apps that read a Route: those that it concerns by name or label, the one that it leads to, the one whose default
    /// host it is on, and those with a Route on the host that it is named by.
    fn touch_apps_of_route(&mut self, key: &ObjectKey, route: &Route) {
        let beside = |name: &String| ObjectKey::new(&key.namespace, name);
        let targeted = route.spec.app.iter().map(beside);
        let host = route.spec.http.as_ref().map(|http| (Kind::Route, beside(&http.host)));
        let hosting = host.into_iter().flat_map(|wish| self.index.apps_by_wish.of(&wish));
        let namesakes = self.index.routes_by_host.of(&HostName::new(&key.name));
        let on_host = namesakes.filter_map(|route| self.routes.get(route)?.spec.app.as_ref()).map(beside);
        let apps = self.index.apps_of(Kind::Route, key, route).into_iter();
        let apps: Vec<_> =
            apps.chain(targeted).chain(hosting.cloned()).chain(on_host).map(Unit::App).collect();
        self.dirty.extend(apps);
    }

    fn set_certificate(&mut self, key: ObjectKey, new: Option<Arc<Certificate>>) {
        let old = replace(&mut self.certificates, &key, new.clone());
        if let Some(old) = &old {
            self.index.remove_certificate(&key, old);
        }
        if let Some(new) = &new {
            self.index.insert_certificate(&key, new);
        }
        if old.as_ref().map(|old| uid(&**old)) != new.as_ref().map(|new| uid(&**new)) {
            self.dirty.insert(Unit::OrphanedCopies);
            let copy = old.and_then(|old| self.index.copy_by_uid.get(&uid(&*old)).cloned());
            if let Some(copy) = copy.filter(|copy| self.lost_copies.contains(copy)) {
                self.set_secret(copy, None);
            }
        }
        self.dirty.extend([Unit::Certificate(key.clone()), Unit::CertificateStatus(key)]);
    }

    fn set_secret(&mut self, key: ObjectKey, new: Option<Arc<Secret>>) {
        if new.is_none()
            && let Some(certificate) = self.certificate_of_copy(&key).cloned()
        {
            self.dirty.insert(Unit::Certificate(certificate));
            self.lost_copies.insert(key);
            return;
        }
        self.lost_copies.remove(&key);
        if key == secret_key() {
            self.dirty.insert(Unit::CookieKey);
        }
        let old = replace(&mut self.secrets, &key, new.clone());
        for (object, now) in [(&old, false), (&new, true)] {
            let Some(secret) = object else { continue };
            if now {
                self.index.insert_secret(&key, secret);
            } else {
                self.index.remove_secret(&key, secret);
            }
            self.touch_copied(secret);
        }
        if key.namespace == names::SYSTEM_NAMESPACE {
            self.dirty.insert(Unit::OrphanedCopies);
        }
        let sources = self.index.certificates_by_secret.of(&key).cloned();
        self.dirty.extend(sources.map(Unit::Certificate));
    }

    fn touch_copied(&mut self, secret: &Secret) {
        let labels = secret.metadata.labels.as_ref();
        let uid = labels.and_then(|labels| labels.get(names::CERTIFICATE_UID));
        if let Some(certificate) = uid.and_then(|uid| self.index.certificate_by_uid.get(uid)) {
            let certificate = certificate.clone();
            self.dirty.extend([Unit::Certificate(certificate.clone()), Unit::CertificateStatus(certificate)]);
        }
    }

    fn set_router_node(&mut self, name: String, new: Option<Arc<RouterNode>>) {
        let old = replace(&mut self.router_nodes, &name, new.clone());
        if same(old.as_ref(), new.as_ref(), |node| &node.status) {
            return;
        }
        self.dirty.extend(self.clusters.keys().cloned().map(Unit::ClusterStatus));
        if old.is_none() || new.is_none() {
            self.dirty.extend(self.routes.keys().cloned().map(Unit::Route));
            self.dirty.extend(self.certificates.keys().cloned().map(Unit::CertificateStatus));
        }
        // Which Routes and Certificates a later report is about, the planner knows: it has their versions.
    }

    /// The Certificate whose copy a Secret of the system namespace is.
    pub(crate) fn certificate_of_copy(&self, copy: &ObjectKey) -> Option<&ObjectKey> {
        let labels = self.secrets.get(copy)?.metadata.labels.as_ref()?;
        self.index.certificate_by_uid.get(labels.get(names::CERTIFICATE_UID)?)
    }

    fn set_namespace(&mut self, name: String, new: Option<Arc<Namespace>>) {
        let old = replace(&mut self.namespaces, &name, new.clone());
        if !same(old.as_ref(), new.as_ref(), |namespace| &namespace.metadata.labels) {
            let first = ObjectKey::new(&name, "");
            let routes = self.routes.range(first..).take_while(|(key, _)| key.namespace == name);
            let hosts = routes.filter_map(|(_, route)| host_of(route).map(Unit::Host));
            self.dirty.extend(hosts);
        }
        self.touch_blobstores_of_installation(&name, old.as_ref(), new.as_ref());
    }

    fn set_service(&mut self, key: ObjectKey, new: Option<Arc<Service>>) {
        let old = replace(&mut self.services, &key, new.clone());
        for (object, now) in [(&old, false), (&new, true)] {
            let Some(service) = object else { continue };
            let apps = self.index.apps_of(Kind::Service, &key, &**service);
            self.dirty.extend(apps.into_iter().map(Unit::App));
            if now {
                self.index.insert_labelled(Kind::Service, &key, &**service);
            } else {
                self.index.remove_labelled(Kind::Service, &key, &**service);
            }
        }
        self.touch_service(key);
    }

    fn set_slice(&mut self, key: ObjectKey, new: Option<Arc<EndpointSlice>>) {
        let old = replace(&mut self.slices, &key, new.clone());
        for (object, now) in [(old, false), (new, true)] {
            let Some(slice) = object else { continue };
            if now {
                self.index.insert_slice(&key, &slice);
            } else {
                self.index.remove_slice(&key, &slice);
            }
            let labels = slice.metadata.labels.as_ref();
            if let Some(service) = labels.and_then(|labels| labels.get(SERVICE_NAME)) {
                self.touch_service(ObjectKey::new(&key.namespace, service));
            }
        }
    }

    /// A Service that no Route names is of no interest.
    fn touch_service(&mut self, key: ObjectKey) {
        if self.index.routes_by_service.contains(&key) {
            self.dirty.insert(Unit::Service(key));
        }
    }

    fn set_deployment(&mut self, key: ObjectKey, new: Option<Arc<Deployment>>) {
        let old = replace(&mut self.deployments, &key, new.clone());
        for (object, now) in [(old, false), (new, true)] {
            let Some(deployment) = object else { continue };
            let apps = self.index.apps_of(Kind::Deployment, &key, &*deployment);
            self.dirty.extend(apps.into_iter().map(Unit::App));
            if now {
                self.index.insert_labelled(Kind::Deployment, &key, &*deployment);
            } else {
                self.index.remove_labelled(Kind::Deployment, &key, &*deployment);
            }
        }
    }

    /// Who holds a Lease is all that matters of it.
    fn set_lease(&mut self, key: ObjectKey, new: Option<Arc<Lease>>) {
        let old = replace(&mut self.leases, &key, new.clone());
        if !same(old.as_ref(), new.as_ref(), holder) {
            self.touch_service(key);
        }
    }

    /// A Pod's age may decide on the leader of any Service of its namespace.
    fn set_pod(&mut self, key: ObjectKey, new: Option<Arc<Pod>>) {
        let old = replace(&mut self.pods, &key, new.clone());
        if !same(old.as_ref(), new.as_ref(), |pod| &pod.metadata.creation_timestamp) {
            let routes = self.index.leader_routes.of(&key.namespace);
            let services = routes.filter_map(|route| target_service(route, self.routes.get(route)?));
            self.dirty.extend(services.map(Unit::Service));
        }
    }

    fn set_node(&mut self, name: String, new: Option<Arc<Node>>) {
        replace(&mut self.nodes, &name, new);
        self.dirty.insert(Unit::Cloud);
    }

    /// The Pods of a namespace, by name.
    pub(crate) fn pods_of<'a>(&'a self, namespace: &'a str) -> impl Iterator<Item = (&'a str, &'a Pod)> {
        let pods = self.pods.range(ObjectKey::new(namespace, "")..);
        let pods = pods.take_while(move |(key, _)| key.namespace == namespace);
        pods.map(|(key, pod)| (key.name.as_str(), pod.as_ref()))
    }

    /// Marks what these Routes are for: hosts and TCP ports. One that waits for a port has no place, and is marked itself.
    pub(crate) fn dirty_places_of_routes(&mut self, routes: Vec<ObjectKey>) {
        for key in routes {
            if self.ports.waiting.contains(&key) {
                self.dirty.insert(Unit::Route(key));
                continue;
            }
            self.dirty.extend(self.routes.get(&key).and_then(|route| host_of(route)).map(Unit::Host));
            self.dirty.extend(self.ports.of(&key).map(Unit::Tcp));
        }
    }

    /// Marks every unit that exists.
    pub(crate) fn dirty_all(&mut self) {
        self.dirty.extend([Unit::Cluster, Unit::Cloud, Unit::OrphanedCopies]);
        self.dirty.extend([Unit::DefaultCertificate, Unit::CookieKey]);
        self.dirty.extend(self.index.routes_by_service.keys().cloned().map(Unit::Service));
        self.dirty.extend(self.certificates.keys().cloned().map(Unit::Certificate));
        self.dirty.extend(self.index.routes_by_host.keys().cloned().map(Unit::Host));
        self.dirty.extend(self.ports.by_port.keys().copied().map(Unit::Tcp));
        self.dirty_waiting_for_ports();
        self.dirty.extend(self.blobstores.keys().cloned().map(Unit::Blobstore));
        self.dirty.extend(self.routes.keys().cloned().map(Unit::Route));
        self.dirty.extend(self.apps.keys().cloned().map(Unit::App));
        self.dirty.extend(self.certificates.keys().cloned().map(Unit::CertificateStatus));
        self.dirty.extend(self.clusters.keys().cloned().map(Unit::ClusterStatus));
    }
}

const SERVICE_NAME: &str = "kubernetes.io/service-name";

fn replace<K: Ord + Clone, V>(map: &mut BTreeMap<K, V>, key: &K, new: Option<V>) -> Option<V> {
    match new {
        Some(new) => map.insert(key.clone(), new),
        None => map.remove(key),
    }
}

/// Whether two versions of an object agree in what `view` shows of them.
fn same<'a, K, V: PartialEq>(
    old: Option<&'a Arc<K>>,
    new: Option<&'a Arc<K>>,
    view: impl Fn(&'a K) -> V,
) -> bool {
    old.map(|object| view(object)) == new.map(|object| view(object))
}
