//! The reverse index: from what an event is about to the units that read it.

use std::collections::{BTreeMap, BTreeSet};

use crds::{App, Certificate, Cluster, Route, names};
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::api::discovery::v1::EndpointSlice;
use kube::{Resource, ResourceExt as _};

use super::multimap::MultiMap;
use crate::{HostName, Kind, ObjectKey, Want};

/// Who refers to whom. Kept in step with the objects by `World`, one `insert_*` for each `remove_*`.
#[derive(Debug, Default)]
pub(crate) struct Index {
    pub(crate) routes_by_host: MultiMap<HostName, ObjectKey>,
    pub(crate) routes_by_service: MultiMap<ObjectKey, ObjectKey>,
    pub(crate) routes_by_app: MultiMap<ObjectKey, ObjectKey>,
    pub(crate) routes_by_certificate: MultiMap<ObjectKey, ObjectKey>,
    pub(crate) certificates_by_secret: MultiMap<ObjectKey, ObjectKey>,
    pub(crate) certificate_by_uid: BTreeMap<String, ObjectKey>,
    pub(crate) copy_by_uid: BTreeMap<String, ObjectKey>,
    pub(crate) slices_by_service: MultiMap<ObjectKey, ObjectKey>,
    /// Objects that carry the label of an App.
    pub(crate) objects_by_app: MultiMap<ObjectKey, (Kind, ObjectKey)>,
    /// Apps that want an object of that name.
    pub(crate) apps_by_wish: MultiMap<(Kind, ObjectKey), ObjectKey>,
    pub(crate) apps_by_blobstore: MultiMap<ObjectKey, ObjectKey>,
    wishes: BTreeMap<ObjectKey, Vec<(Kind, ObjectKey)>>,
    pub(crate) clusters_by_certificate: MultiMap<ObjectKey, String>,
    /// Routes that lead to leaders, by their namespace.
    pub(crate) leader_routes: MultiMap<String, ObjectKey>,
    /// Routes whose clients stay with an endpoint.
    pub(crate) sticky_routes: BTreeSet<ObjectKey>,
}

impl Index {
    pub(crate) fn insert_route(&mut self, key: &ObjectKey, route: &Route) {
        if let Some(host) = host_of(route) {
            self.routes_by_host.insert(host, key.clone());
        }
        if Want::of(route).leader {
            self.leader_routes.insert(key.namespace.clone(), key.clone());
        }
        if is_sticky(route) {
            self.sticky_routes.insert(key.clone());
        }
        for (map, target) in self.route_references(key, route) {
            map.insert(target, key.clone());
        }
    }

    pub(crate) fn remove_route(&mut self, key: &ObjectKey, route: &Route) {
        if let Some(host) = host_of(route) {
            self.routes_by_host.remove(&host, key);
        }
        if Want::of(route).leader {
            self.leader_routes.remove(&key.namespace, key);
        }
        self.sticky_routes.remove(key);
        for (map, target) in self.route_references(key, route) {
            map.remove(&target, key);
        }
    }

    fn route_references(
        &mut self,
        key: &ObjectKey,
        route: &Route,
    ) -> Vec<(&mut MultiMap<ObjectKey, ObjectKey>, ObjectKey)> {
        let beside = |name: &str| ObjectKey::new(&key.namespace, name);
        let spec = &route.spec;
        let mut references = Vec::new();
        if let Some(service) = target_service(key, route) {
            references.push((&mut self.routes_by_service, service));
        }
        if let Some(app) = &spec.app {
            references.push((&mut self.routes_by_app, beside(app)));
        }
        if let Some(certificate) = spec.http.as_ref().and_then(|http| http.certificate.as_ref()) {
            references.push((&mut self.routes_by_certificate, beside(certificate)));
        }
        references
    }

    pub(crate) fn insert_certificate(&mut self, key: &ObjectKey, certificate: &Certificate) {
        if let Some(secret) = source_secret(key, certificate) {
            self.certificates_by_secret.insert(secret, key.clone());
        }
        self.certificate_by_uid.insert(uid(certificate), key.clone());
    }

    pub(crate) fn remove_certificate(&mut self, key: &ObjectKey, certificate: &Certificate) {
        if let Some(secret) = source_secret(key, certificate) {
            self.certificates_by_secret.remove(&secret, key);
        }
        self.certificate_by_uid.remove(&uid(certificate));
    }

    pub(crate) fn insert_secret(&mut self, key: &ObjectKey, secret: &Secret) {
        if let Some(uid) = copied_uid(key, secret) {
            self.copy_by_uid.insert(uid.to_owned(), key.clone());
        }
    }

    pub(crate) fn remove_secret(&mut self, key: &ObjectKey, secret: &Secret) {
        if let Some(uid) = copied_uid(key, secret) {
            self.copy_by_uid.remove(uid);
        }
    }

    pub(crate) fn insert_slice(&mut self, key: &ObjectKey, slice: &EndpointSlice) {
        if let Some(service) = service_of_slice(slice) {
            self.slices_by_service.insert(service, key.clone());
        }
    }

    pub(crate) fn remove_slice(&mut self, key: &ObjectKey, slice: &EndpointSlice) {
        if let Some(service) = service_of_slice(slice) {
            self.slices_by_service.remove(&service, key);
        }
    }

    pub(crate) fn insert_cluster(&mut self, cluster: &Cluster) {
        for certificate in domain_certificates(cluster) {
            self.clusters_by_certificate.insert(certificate, cluster.name_any());
        }
    }

    pub(crate) fn remove_cluster(&mut self, cluster: &Cluster) {
        for certificate in domain_certificates(cluster) {
            self.clusters_by_certificate.remove(&certificate, &cluster.name_any());
        }
    }

    pub(crate) fn insert_labelled<K: Resource>(&mut self, kind: Kind, key: &ObjectKey, object: &K) {
        if let Some(app) = labelled_app(key, object) {
            self.objects_by_app.insert(app, (kind, key.clone()));
        }
    }

    pub(crate) fn remove_labelled<K: Resource>(&mut self, kind: Kind, key: &ObjectKey, object: &K) {
        if let Some(app) = labelled_app(key, object) {
            self.objects_by_app.remove(&app, &(kind, key.clone()));
        }
    }

    /// Records which Blobstore an App names, in place of the one that it named before.
    pub(crate) fn set_blobstore(&mut self, app: &ObjectKey, old: Option<&App>, new: Option<&App>) {
        if let Some(blobstore) = old.and_then(|old| blobstore_of(app, old)) {
            self.apps_by_blobstore.remove(&blobstore, app);
        }
        if let Some(blobstore) = new.and_then(|new| blobstore_of(app, new)) {
            self.apps_by_blobstore.insert(blobstore, app.clone());
        }
    }

    /// Records which names an App lays claim to, in place of those it did before.
    pub(crate) fn set_wishes(&mut self, app: &ObjectKey, wishes: Vec<(Kind, ObjectKey)>) {
        for wish in self.wishes.remove(app).unwrap_or_default() {
            self.apps_by_wish.remove(&wish, app);
        }
        for wish in &wishes {
            self.apps_by_wish.insert(wish.clone(), app.clone());
        }
        if !wishes.is_empty() {
            self.wishes.insert(app.clone(), wishes);
        }
    }

    /// The Apps that an object of this kind and name, or with this label, is about.
    pub(crate) fn apps_of<K: Resource>(&self, kind: Kind, key: &ObjectKey, object: &K) -> Vec<ObjectKey> {
        let wishing = self.apps_by_wish.of(&(kind, key.clone())).cloned();
        wishing.chain(labelled_app(key, object)).collect()
    }
}

/// The host of a Route for HTTP.
pub(crate) fn host_of(route: &Route) -> Option<HostName> {
    route.spec.http.as_ref().map(|http| HostName::new(&http.host))
}

fn is_sticky(route: &Route) -> bool {
    route.spec.http.as_ref().is_some_and(|http| http.sticky)
}

/// The Kubernetes Service that a Route sends its requests to; an App's is that of its web process.
pub(crate) fn target_service(key: &ObjectKey, route: &Route) -> Option<ObjectKey> {
    match (&route.spec.app, &route.spec.service) {
        (Some(app), _) => Some(ObjectKey::new(&key.namespace, format!("{app}-{}", crds::WEB))),
        (None, Some(service)) => Some(ObjectKey::new(&key.namespace, &service.name)),
        (None, None) => None,
    }
}

/// The Blobstore that an App names.
pub(crate) fn blobstore_of(key: &ObjectKey, app: &App) -> Option<ObjectKey> {
    app.spec.blobstore.as_ref().map(|name| ObjectKey::new(&key.namespace, name))
}

/// The Secret that a Certificate is made from, if somebody else makes its pair.
pub(crate) fn source_secret(key: &ObjectKey, certificate: &Certificate) -> Option<ObjectKey> {
    certificate.spec.secret.as_ref().map(|name| ObjectKey::new(&key.namespace, name))
}

/// The Certificates that a Cluster's domains name.
pub(crate) fn domain_certificates(cluster: &Cluster) -> impl Iterator<Item = ObjectKey> {
    let references = cluster.spec.domains.iter().filter_map(|domain| domain.certificate.as_ref());
    references.map(|reference| ObjectKey::new(&reference.namespace, &reference.name))
}

pub(crate) fn uid<K: Resource>(object: &K) -> String {
    object.meta().uid.clone().unwrap_or_default()
}

/// The uid of the Certificate whose copy this Secret is. Elsewhere than in the system namespace the label means nothing: any
/// user could set it.
fn copied_uid<'a>(key: &ObjectKey, secret: &'a Secret) -> Option<&'a str> {
    if key.namespace != names::SYSTEM_NAMESPACE {
        return None;
    }
    secret.labels().get(names::CERTIFICATE_UID).map(String::as_str)
}

fn service_of_slice(slice: &EndpointSlice) -> Option<ObjectKey> {
    let service = slice.labels().get(super::SERVICE_NAME)?;
    Some(ObjectKey::new(slice.namespace().unwrap_or_default(), service))
}

fn labelled_app<K: Resource>(key: &ObjectKey, object: &K) -> Option<ObjectKey> {
    let app = object.meta().labels.as_ref()?.get(names::APP)?;
    Some(ObjectKey::new(&key.namespace, app))
}
