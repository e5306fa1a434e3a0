//! What all objects of an App have in common: labels, the owner reference that makes them ours, and how they are compared.

use std::collections::BTreeMap;

use crds::{App, Route, names};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Service;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::core::ObjectMeta;
use kube::{Resource, ResourceExt as _};

use super::AppInputs;
use crate::{Kind, ObjectKey, Wish, subset};

/// An object that exists, of a kind that an App makes.
#[derive(Debug, Clone, Copy)]
pub(super) enum Observed<'a> {
    Deployment(&'a Deployment),
    Service(&'a Service),
    Route(&'a Route),
}

impl Observed<'_> {
    /// Whether the App made it.
    pub(super) fn belongs_to(&self, app: &App) -> bool {
        match self {
            Self::Deployment(object) => is_ours(app, *object),
            Self::Service(object) => is_ours(app, *object),
            Self::Route(object) => is_ours(app, *object),
        }
    }

    /// Whether anything that `wish` decides is not so.
    pub(super) fn differs(wish: &Wish, observed: &Self) -> bool {
        let equal = match (wish, observed) {
            (Wish::Deployment(wish), Self::Deployment(object)) => subset::holds(&**wish, *object),
            (Wish::Service(wish), Self::Service(object)) => subset::holds(&**wish, *object),
            (Wish::Route(wish), Self::Route(object)) => subset::holds(&**wish, *object),
            _ => false,
        };
        !equal
    }
}

/// Every object around the App, by kind and name.
pub(super) fn observed<'a>(inputs: &AppInputs<'a>) -> BTreeMap<(Kind, ObjectKey), Observed<'a>> {
    let deployments = inputs
        .deployments
        .iter()
        .map(|(key, object)| ((Kind::Deployment, key.clone()), Observed::Deployment(object)));
    let services =
        inputs.services.iter().map(|(key, object)| ((Kind::Service, key.clone()), Observed::Service(object)));
    let routes =
        inputs.routes.iter().map(|(key, object)| ((Kind::Route, key.clone()), Observed::Route(object)));
    deployments.chain(services).chain(routes).collect()
}

/// The object of that name, if the App made it.
pub(super) fn own<'a, K: Resource>(
    app: &App,
    objects: &BTreeMap<ObjectKey, &'a K>,
    key: &ObjectKey,
) -> Option<&'a K> {
    objects.get(key).copied().filter(|object| is_ours(app, *object))
}

/// Whether the App made the object: it carries an owner reference with the App's uid.
pub(super) fn is_ours<K: Resource>(app: &App, object: &K) -> bool {
    let uid = app.metadata.uid.as_deref().filter(|uid| !uid.is_empty());
    let owners = object.meta().owner_references.as_deref().unwrap_or_default();
    uid.is_some_and(|uid| owners.iter().any(|owner| owner.uid == uid))
}

/// The metadata of an object that the App makes: in its namespace, labelled, and deleted with it.
pub(super) fn metadata(app: &App, key: ObjectKey, labels: BTreeMap<String, String>) -> ObjectMeta {
    let managed_by = (names::MANAGED_BY.to_owned(), names::OPERATOR.to_owned());
    ObjectMeta {
        namespace: Some(key.namespace),
        name: Some(key.name),
        labels: Some(labels.into_iter().chain([managed_by]).collect()),
        owner_references: Some(vec![owner(app)]),
        ..ObjectMeta::default()
    }
}

/// The labels by which the Pods of a process are found. A Deployment's selector can never change, so these may not either.
pub(super) fn selector_labels(app: &App, process: &str) -> BTreeMap<String, String> {
    let labels = [(names::APP, app.name_any()), (names::PROCESS, process.to_owned())];
    labels.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn owner(app: &App) -> OwnerReference {
    OwnerReference {
        api_version: App::api_version(&()).into_owned(),
        kind: App::kind(&()).into_owned(),
        name: app.name_any(),
        uid: app.uid().unwrap_or_default(),
        controller: Some(true),
        block_owner_deletion: Some(true),
    }
}
