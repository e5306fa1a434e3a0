//! Plans one App: a Deployment and a Service for each process, its default Routes, and how it fares.
//!
//! In come the App, the active Cluster's spec and the objects around the App; out go the objects to write and the verdicts.
//! An object that another made is never taken over, and what one object lacks never keeps the others from being written.
//! Read next: `app/deployment.rs`, `app/service.rs` and `app/routes.rs`, one for each kind of object.

mod blobstore;
mod deployment;
mod image;
mod object;
mod routes;
mod service;
mod verdict;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use crds::{App, Blobstore, ClusterSpec, DefaultRoutes, Route, WEB};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Service;
use serde::Serialize;

use crate::{Changes, Kind, ObjectChanges, ObjectKey, Platform, Refusal, Verdict, Wish};

use image::image;
use object::Observed;

/// Everything that the plan of one App depends on. The objects are those in the App's namespace.
#[derive(Debug, Clone)]
pub struct AppInputs<'a> {
    /// The App.
    pub app: &'a App,
    /// What is to run it.
    pub platform: Platform,
    /// The active Cluster's spec.
    pub cluster: Option<&'a ClusterSpec>,
    /// The Blobstore that the App names, if there is one of that name.
    pub blobstore: Option<&'a Blobstore>,
    /// The Deployments that the App wants or owns.
    pub deployments: BTreeMap<ObjectKey, &'a Deployment>,
    /// The Services that the App wants or owns.
    pub services: BTreeMap<ObjectKey, &'a Service>,
    /// The Routes that the App wants or owns, those that lead to it or are on one of its default hosts, and those that are named by
    /// the host of one of these.
    pub routes: BTreeMap<ObjectKey, &'a Route>,
    /// Why the last write for this App failed, if it did.
    pub outcome: Option<&'a Refusal>,
}

/// What should be for one App.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AppPlan {
    /// The objects to write.
    pub changes: ObjectChanges,
    /// Whether everything that the App asks for can be asked for here.
    pub accepted: Verdict,
    /// Whether the Blobstore that the App names has credentials; nothing if it names none.
    pub resolved: Option<Verdict>,
    /// Whether every process has the replicas that it asks for.
    pub available: Verdict,
    /// The App's Routes for `<app>.<domain>`, under the default domain and under those that were it before.
    pub default_routes: Vec<ObjectKey>,
    /// The host under the default domain, if the App has its default Route there.
    pub host: Option<String>,
    /// How many replicas of `web` there are.
    pub replicas: i32,
    /// The label selector of the Pods of `web`.
    pub selector: Option<String>,
}

/// Plans one App.
///
/// | the App             | its objects                                                                      |
/// |---------------------|----------------------------------------------------------------------------------|
/// | is being deleted    | are left to the garbage collector                                                |
/// | cannot be run here  | are left as they are, and none is made                                           |
/// | lacks its Blobstore | are made, mended and deleted, but a Deployment that never had its variables waits |
/// | can be run          | are made, mended and, where nothing wishes for them any more, deleted            |
#[must_use]
pub fn app(inputs: &AppInputs<'_>) -> AppPlan {
    let observed = object::observed(inputs);
    let desired = desired(inputs);
    let changes = changes(inputs, &desired, &observed);
    let default_routes = routes::defaults(inputs, &desired);
    AppPlan {
        accepted: verdict::accepted(inputs, &changes),
        resolved: blobstore::resolved(inputs),
        available: verdict::available(inputs, &changes),
        host: host(inputs, &default_routes),
        replicas: replicas(inputs),
        selector: inputs.app.spec.processes.contains_key(WEB).then(|| web_selector(inputs.app)),
        default_routes,
        changes,
    }
}

/// The names that an App lays claim to: what of them is made, changed or deleted concerns it.
#[must_use]
pub fn wanted_names(app: &App, cluster: Option<&ClusterSpec>) -> Vec<(Kind, ObjectKey)> {
    let processes = app.spec.processes.keys().map(|process| process_key(app, process));
    let objects = processes.flat_map(|key| [(Kind::Deployment, key.clone()), (Kind::Service, key)]);
    let routes = cluster.into_iter().filter(|_| has_routes(app)).flat_map(|cluster| &cluster.domains);
    let routes = routes.map(|domain| (Kind::Route, routes::default_key(app, &domain.name)));
    objects.chain(routes).collect()
}

fn desired(inputs: &AppInputs<'_>) -> BTreeMap<(Kind, ObjectKey), Wish> {
    let Some(image) = image(inputs).ok().filter(|_| is_live(inputs.app)) else {
        return BTreeMap::new();
    };
    let processes = inputs.app.spec.processes.iter().flat_map(|(name, process)| {
        let deployment = blobstore::attachment(inputs, name)
            .map(|attachment| deployment::wish(inputs, image, name, process, attachment));
        let service = service::wish(inputs.app, name, process);
        deployment.into_iter().chain(service)
    });
    let wishes = processes.chain(routes::wishes(inputs));
    wishes.map(|wish| (wish.key(), wish)).collect()
}

fn changes(
    inputs: &AppInputs<'_>,
    desired: &BTreeMap<(Kind, ObjectKey), Wish>,
    observed: &BTreeMap<(Kind, ObjectKey), Observed<'_>>,
) -> ObjectChanges {
    if image(inputs).is_err() || !is_live(inputs.app) {
        return Changes::default();
    }
    let concerned = observed.iter().filter(|(key, object)| match object {
        Observed::Route(route) => desired.contains_key(*key) || routes::is_stale(inputs, route),
        Observed::Deployment(_) => desired.contains_key(*key) || !is_process(inputs.app, &key.1),
        Observed::Service(_) => true,
    });
    let concerned = concerned.map(|(key, object)| (key.clone(), *object)).collect();
    Changes::between(desired, &concerned, |object| object.belongs_to(inputs.app), Observed::differs)
}

/// Whether a Deployment is that of a declared process, which may have to wait but is never deleted.
fn is_process(app: &App, key: &ObjectKey) -> bool {
    app.spec.processes.keys().any(|process| process_key(app, process) == *key)
}

fn host(inputs: &AppInputs<'_>, default_routes: &[ObjectKey]) -> Option<String> {
    let domain = inputs.cluster?.default_domain()?;
    let key = routes::default_key(inputs.app, &domain.name);
    default_routes.contains(&key).then_some(key.name)
}

fn replicas(inputs: &AppInputs<'_>) -> i32 {
    let web = object::own(inputs.app, &inputs.deployments, &process_key(inputs.app, WEB));
    web.and_then(|deployment| deployment.status.as_ref()?.replicas).unwrap_or(0)
}

fn web_selector(app: &App) -> String {
    let labels = object::selector_labels(app, WEB);
    let terms: Vec<_> = labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
    terms.join(",")
}

/// Whether the App gets Routes by itself. They lead to `web`, so that an App without it gets none.
fn has_routes(app: &App) -> bool {
    app.spec.routes == DefaultRoutes::Default && app.spec.processes.contains_key(WEB)
}

/// An App that is being deleted in the foreground waits for its objects to go: making them again would hold it up forever.
fn is_live(app: &App) -> bool {
    app.metadata.deletion_timestamp.is_none()
}

fn process_key(app: &App, process: &str) -> ObjectKey {
    let ObjectKey { namespace, name } = ObjectKey::of(app);
    ObjectKey::new(namespace, format!("{name}-{process}"))
}
