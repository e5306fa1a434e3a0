//! The units that only the leader plans: the objects of Apps, orphaned copies, and every status.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crds::{App, Cluster, ClusterSpec, ConditionType, Fault, Reason, Route, RouterNode};
use jiff::Timestamp;
use serde::Serialize;

use super::Planner;
use super::cloud::Told;
use super::ports::no_port_yet;
use super::units::app_of;
use crate::app::wanted_names;
use crate::certificate::orphaned_copies;
use crate::host::table_key;
use crate::programmed::{Programmed, programmed};
use crate::status::{self, ClusterFindings};
use crate::world::{blobstore_of, domain_certificates, host_of, uid};
use crate::{
    AppInputs, Changes, HostName, Kind, ObjectChanges, ObjectKey, Refusal, RouteVerdict, StatusWrite, Step,
    Transition, Unit, Verdict, cluster,
};

impl Planner {
    pub(super) fn plan_orphaned_copies(&mut self, step: &mut Step) {
        let copies = self.world.index.copy_by_uid.values().filter_map(|key| self.world.secrets.get(key));
        let certificates = &self.world.index.certificate_by_uid;
        let orphans = orphaned_copies(copies.map(AsRef::as_ref), |uid| certificates.contains_key(uid));
        if !orphans.is_empty() {
            let delete = orphans.into_iter().map(|key| (Kind::Secret, key)).collect();
            step.objects.push((Unit::OrphanedCopies, ObjectChanges { delete, ..Changes::default() }));
        }
    }

    pub(super) fn plan_route(&mut self, key: &ObjectKey, now: Timestamp, step: &mut Step) {
        let Some(route) = self.world.routes.get(key).cloned() else {
            self.plans.routes.remove(key);
            return;
        };
        let Some(verdict) = self.route_verdict(key, &route) else { return };
        let (subject, name) = self.fault_of(key, &route);
        let is_about = |fault: &Fault| fault.subject == subject && fault.name == name;
        let programmed =
            programmed(&self.world.router_nodes, Kind::Route, self.route_versions.of(key), is_about);
        let served =
            verdict.accepted.clone().and(verdict.resolved.clone()).and(programmed.clone().map(|_| ()));
        let port = self.world.ports.of(key).filter(|_| verdict.accepted.is_ok());
        let reachable = port.and_then(|port| self.reachable(&route, port));
        let (status, events) = status::route(&route, &verdict, programmed, port, reachable, now);
        push_status(Kind::Route, &*route, &status, route.status.as_ref(), events, step);

        if self.plans.routes.insert(key.clone(), served.clone()) != Some(served) {
            self.world.dirty.extend(app_of(key, &route).map(Unit::App));
        }
    }

    /// What the plan of its host or port says of a Route.
    fn route_verdict(&self, key: &ObjectKey, route: &Route) -> Option<RouteVerdict> {
        if let Some(host) = host_of(route) {
            return self.plans.hosts.get(&host)?.routes.get(key).cloned();
        }
        if let Some(port) = self.world.ports.of(key) {
            return self.plans.ports.get(&port)?.routes.get(key).cloned();
        }
        let waits = self.world.ports.waiting.contains(key);
        let accepted = Err(if waits { self.no_free_port() } else { no_port_yet() });
        let routes = BTreeMap::from([(key.clone(), route)]);
        let backend = self.targets(&routes).backend(key, route);
        Some(RouteVerdict { accepted, resolved: backend.resolved, target: backend.words })
    }

    /// How a node calls what it cannot serve of a Route.
    fn fault_of(&self, key: &ObjectKey, route: &Route) -> (&'static str, String) {
        match (&route.spec.http, self.world.ports.of(key)) {
            (Some(http), _) => ("host", table_key(&HostName::new(&http.host), http.port)),
            (None, port) => ("tcp", port.map(|port| port.to_string()).unwrap_or_default()),
        }
    }

    pub(super) fn plan_app(&mut self, key: &ObjectKey, now: Timestamp, step: &mut Step) {
        let Some(app) = self.world.apps.get(key).cloned() else {
            self.world.index.set_wishes(key, Vec::new());
            self.plans.apps.remove(key);
            return;
        };
        let active = self.plans.active.clone();
        let cluster = active.as_ref().map(|cluster| &cluster.spec);
        self.world.index.set_wishes(key, wanted_names(&app, cluster));
        let plan = crate::app(&self.app_inputs(key, &app, cluster));
        let url = plan.host.as_ref().and_then(|host| self.url(&ObjectKey::new(&key.namespace, host)));
        let routed = self.routed(&plan.default_routes);
        let (status, events) = status::app(&app, &plan, url, &routed, now);
        push_status(Kind::App, &*app, &status, app.status.as_ref(), events, step);
        if !plan.changes.is_empty() {
            step.objects.push((Unit::App(key.clone()), plan.changes.clone()));
        }
        self.plans.apps.insert(key.clone(), plan);
    }

    fn app_inputs<'a>(
        &'a self,
        key: &ObjectKey,
        app: &'a App,
        cluster: Option<&'a ClusterSpec>,
    ) -> AppInputs<'a> {
        let labelled = self.world.index.objects_by_app.of(key).cloned();
        let wishes = wanted_names(app, cluster);
        let names: BTreeSet<(Kind, ObjectKey)> =
            self.routes_around(key, &wishes).into_iter().chain(wishes).chain(labelled).collect();
        let of =
            |kind: Kind| names.iter().filter(move |(named, _)| *named == kind).map(|(_, key)| key.clone());
        AppInputs {
            app,
            platform: self.platform,
            cluster,
            blobstore: blobstore_of(key, app)
                .and_then(|blobstore| self.world.blobstores.get(&blobstore))
                .map(AsRef::as_ref),
            deployments: pick(of(Kind::Deployment), &self.world.deployments),
            services: pick(of(Kind::Service), &self.world.services),
            routes: pick(of(Kind::Route), &self.world.routes),
            outcome: self.failures.get(&Unit::App(key.clone())),
        }
    }

    /// The Routes that lead to an App or are on its default hosts, and the default Routes, which are named by their host, of those
    /// hosts.
    fn routes_around(&self, app: &ObjectKey, wishes: &[(Kind, ObjectKey)]) -> Vec<(Kind, ObjectKey)> {
        let beside = |name: &str| ObjectKey::new(&app.namespace, name);
        let targeting = self.world.index.routes_by_app.of(app);
        let defaults =
            wishes.iter().filter(|(kind, _)| *kind == Kind::Route).map(|(_, key)| HostName::new(&key.name));
        let on_defaults = defaults.flat_map(|host| self.world.index.routes_by_host.of(&host));
        let on_defaults = on_defaults.filter(|route| route.namespace == app.namespace);
        let hosts = targeting.clone().filter_map(|route| host_of(self.world.routes.get(route)?));
        let hosts = hosts.map(|host| beside(host.as_str()));
        targeting
            .cloned()
            .chain(on_defaults.cloned())
            .chain(hosts)
            .map(|route| (Kind::Route, route))
            .collect()
    }

    /// Where a default Route, which is named by its host, is served: over HTTPS where there is a certificate for it.
    fn url(&self, route: &ObjectKey) -> Option<String> {
        let plan = self.plans.hosts.get(&HostName::new(&route.name))?;
        plan.routes.get(route)?.accepted.as_ref().ok()?;
        let entry = plan.entries.get(&route.name)?;
        let secure = entry.certificate.is_some() || self.plans.default_certificate.is_some();
        Some(format!("{}://{}", if secure { "https" } else { "http" }, route.name))
    }

    /// What the default Routes of an App came to: the first that is not served, says why.
    fn routed(&self, routes: &[ObjectKey]) -> Verdict {
        for key in routes {
            match self.plans.routes.get(key) {
                Some(Ok(())) => {}
                Some(Err(Refusal {
                    reason: reason @ (Reason::HostClaimed | Reason::HostNotAllowed),
                    ..
                })) => {
                    let message = format!(
                        "the host {} is not this App's, its Route {} says why: rename the App, or set spec.routes to None",
                        key.name, key.name
                    );
                    return Err(Refusal::new(*reason, message));
                }
                Some(Err(fault)) => {
                    return Err(Refusal::new(fault.reason, format!("Route {}: {}", key.name, fault.message)));
                }
                None => {
                    return Err(Refusal::new(
                        Reason::Pending,
                        format!("the Route {} is being made", key.name),
                    ));
                }
            }
        }
        Ok(())
    }

    pub(super) fn plan_certificate_status(&mut self, key: &ObjectKey, now: Timestamp, step: &mut Step) {
        let Some(certificate) = self.world.certificates.get(key) else { return };
        let Some(plan) = self.plans.certificates.get(key) else { return };
        let copy = self.world.index.copy_by_uid.get(&uid(&**certificate));
        let served_version = copy.map_or(0, |copy| self.copy_versions.of(copy));
        let is_about = |fault: &Fault| fault.subject == "certificate" && fault.name == key.to_string();
        let programmed: Programmed =
            programmed(&self.world.router_nodes, Kind::Secret, served_version, is_about);
        let failed = self.failures.get(&Unit::Certificate(key.clone()));
        let name = copy.map(|copy| copy.name.clone());
        let (status, events) = status::certificate(certificate, plan, failed, programmed, name, now);
        push_status(Kind::Certificate, &**certificate, &status, certificate.status.as_ref(), events, step);
    }

    pub(super) fn plan_cluster_status(&mut self, name: &str, now: Timestamp, step: &mut Step) {
        let Some(cluster) = self.world.clusters.get(name) else { return };
        let Told::Now(cloud) = self.told_of_aws(cluster) else { return };
        let (nodes, count) = self.nodes_ready();
        let findings = ClusterFindings {
            accepted: cluster::accepted(cluster, self.plans.active.as_deref()),
            resolved: self.domains_resolved(cluster).and(self.cookie_key_resolved()),
            nodes,
            count,
            cloud: cloud.map(|report| *report),
            ca_bundle: self.ca_bundle(cluster),
        };
        let (status, events) = status::cluster(cluster, findings, now);
        push_status(Kind::Cluster, &**cluster, &status, cluster.status.as_ref(), events, step);
    }

    /// What clients of the Cluster's domains have to trust, each authority once.
    fn ca_bundle(&self, cluster: &Cluster) -> Option<String> {
        let plans = domain_certificates(cluster).filter_map(|key| self.plans.certificates.get(&key));
        let authorities: BTreeSet<&str> = plans.filter_map(|plan| plan.authority.as_deref()).collect();
        (!authorities.is_empty()).then(|| authorities.into_iter().collect())
    }

    fn domains_resolved(&self, cluster: &Cluster) -> Verdict {
        for key in domain_certificates(cluster) {
            match self.plans.certificates.get(&key) {
                Some(plan) if plan.pair.is_some() => {}
                Some(_) => {
                    let message = format!(
                        "the Certificate {key} has nothing to serve yet: look at `kubectl -n {} describe fcert {}`",
                        key.namespace, key.name
                    );
                    return Err(Refusal::new(Reason::CertificateNotReady, message));
                }
                None => {
                    let message = format!(
                        "the Certificate {key} does not exist: create it, or correct the domain's reference"
                    );
                    return Err(Refusal::new(Reason::CertificateNotFound, message));
                }
            }
        }
        Ok(())
    }

    fn cookie_key_resolved(&self) -> Verdict {
        match &self.plans.cookie_key {
            Some(Err(refusal)) => Err(refusal.clone()),
            _ => Ok(()),
        }
    }

    fn nodes_ready(&self) -> (status::Finding, String) {
        let nodes = &self.world.router_nodes;
        let is_ready = |node: &RouterNode| {
            let conditions = node.status.iter().flat_map(|status| &status.conditions);
            conditions.into_iter().any(|c| c.type_ == ConditionType::Ready.to_string() && c.status == "True")
        };
        let unready: Vec<&str> =
            nodes.iter().filter(|(_, node)| !is_ready(node)).map(|(name, _)| name.as_str()).collect();
        let count = format!("{}/{}", nodes.len() - unready.len(), nodes.len());
        let finding = if nodes.is_empty() {
            let message = "no router node runs: label a Node with flynn.io/router= to make it one";
            Err(Refusal::new(Reason::NoRouterNodes, message))
        } else if unready.is_empty() {
            Ok(format!("{count} nodes"))
        } else {
            Err(Refusal::new(Reason::Pending, format!("{count} nodes, waiting for {}", unready.join(", "))))
        };
        (finding, count)
    }
}

pub(super) fn push_status<K, S>(
    kind: Kind,
    object: &K,
    status: &S,
    observed: Option<&S>,
    events: Vec<Transition>,
    step: &mut Step,
) where
    K: kube::Resource,
    S: Serialize + PartialEq,
{
    if observed == Some(status) {
        return;
    }
    let status = serde_json::to_value(status).expect("a status has string keys only");
    step.statuses.push(StatusWrite { kind, key: ObjectKey::of(object), uid: uid(object), status, events });
}

fn pick<K>(
    keys: impl Iterator<Item = ObjectKey>,
    objects: &BTreeMap<ObjectKey, Arc<K>>,
) -> BTreeMap<ObjectKey, &K> {
    keys.filter_map(|key| objects.get(&key).map(|object| (key, object.as_ref()))).collect()
}
