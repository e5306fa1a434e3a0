//! Whose an object is: the selector proposes, the owner reference decides.
//!
//! An object without a controller that matches is adopted; one of ours that no longer matches is let go; one of another
//! controller is left alone.

use std::fmt::Debug;
use std::sync::Arc;

use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta, OwnerReference};
use kube::api::{Api, Patch};
use kube::core::{Selector, SelectorExt};
use kube::{Client, Resource};
use serde::de::DeserializeOwned;
use serde_json::json;

use crate::cache::Cache;
use crate::write::{on_version, patched};

/// What to do with an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Claim {
    /// It is ours and matches.
    Mine,
    /// Nobody's, and it matches.
    Adopt,
    /// It was ours and no longer matches.
    Release,
    /// It is no concern of ours.
    Other,
}

/// The table of the header.
pub(crate) fn claim(owner: &ObjectMeta, selector: &Selector, object: &ObjectMeta) -> Claim {
    let matches = object.labels.as_ref().is_some_and(|labels| selector.matches(labels));
    let owner_lives = owner.deletion_timestamp.is_none();
    match controller_of(object) {
        Some(controller) if Some(&controller.uid) != owner.uid.as_ref() => Claim::Other,
        Some(_) if matches => Claim::Mine,
        Some(_) if owner_lives => Claim::Release,
        Some(_) => Claim::Other,
        None if matches && owner_lives && object.deletion_timestamp.is_none() => Claim::Adopt,
        None => Claim::Other,
    }
}

/// The owner that manages the object, if there is one.
pub(crate) fn controller_of(object: &ObjectMeta) -> Option<&OwnerReference> {
    object.owner_references.iter().flatten().find(|reference| reference.controller == Some(true))
}

/// The controller of the object, if it is of that kind and group.
pub(crate) fn controller_of_kind<'a, O>(object: &'a ObjectMeta) -> Option<&'a OwnerReference>
where
    O: Resource<DynamicType = ()>,
{
    let group = |api_version: &'a str| api_version.split_once('/').map_or("", |(group, _)| group);
    controller_of(object)
        .filter(|reference| reference.kind == O::kind(&()) && group(&reference.api_version) == O::group(&()))
}

/// The reference of an object to the owner that manages it.
pub(crate) fn controller_reference<O: Resource<DynamicType = ()>>(owner: &O) -> OwnerReference {
    OwnerReference {
        api_version: O::api_version(&()).into_owned(),
        kind: O::kind(&()).into_owned(),
        name: owner.meta().name.clone().unwrap_or_default(),
        uid: owner.meta().uid.clone().unwrap_or_default(),
        controller: Some(true),
        block_owner_deletion: Some(true),
    }
}

/// A selector in the form that matches; an empty one, which would match everything, and a wrong one are none.
pub(crate) fn parsed(selector: &LabelSelector) -> Option<Selector> {
    let selector = Selector::try_from(selector.clone()).ok()?;
    (!selector.selects_all()).then_some(selector)
}

/// Adopts and releases among `candidates`, and returns those that belong to `owner`.
pub(crate) async fn settle<O, K>(
    client: &Client,
    owner: &O,
    selector: &Selector,
    cache: &Cache<K>,
    candidates: Vec<Arc<K>>,
) -> kube::Result<Vec<Arc<K>>>
where
    O: Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + DeserializeOwned + Debug,
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + DeserializeOwned + Debug,
{
    let namespace = owner.meta().namespace.as_deref().unwrap_or_default();
    let owners: Api<O> = Api::namespaced(client.clone(), namespace);
    let objects: Api<K> = Api::namespaced(client.clone(), namespace);
    let mut mine = Vec::new();
    for object in candidates {
        match claim(owner.meta(), selector, object.meta()) {
            Claim::Mine => mine.push(object),
            Claim::Adopt if still_exists(&owners, owner).await? => {
                mine.push(Arc::new(adopt(&objects, cache, owner, &object).await?));
            }
            Claim::Release => release(&objects, cache, owner, &object).await?,
            Claim::Adopt | Claim::Other => {}
        }
    }
    Ok(mine)
}

/// Asked of the API and not of a cache: who adopts for an owner that is gone makes garbage.
async fn still_exists<O>(owners: &Api<O>, owner: &O) -> kube::Result<bool>
where
    O: Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug,
{
    let name = owner.meta().name.as_deref().unwrap_or_default();
    let current = owners.get_metadata_opt(name).await?;
    Ok(current.is_some_and(|current| {
        current.metadata.uid == owner.meta().uid && current.metadata.deletion_timestamp.is_none()
    }))
}

async fn adopt<O, K>(objects: &Api<K>, cache: &Cache<K>, owner: &O, object: &K) -> kube::Result<K>
where
    O: Resource<DynamicType = ()>,
    K: Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug,
{
    let mut references = object.meta().owner_references.clone().unwrap_or_default();
    references.push(controller_reference(owner));
    refer(objects, cache, object, references).await
}

async fn release<O, K>(objects: &Api<K>, cache: &Cache<K>, owner: &O, object: &K) -> kube::Result<()>
where
    O: Resource<DynamicType = ()>,
    K: Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug,
{
    let mut references = object.meta().owner_references.clone().unwrap_or_default();
    references.retain(|reference| Some(&reference.uid) != owner.meta().uid.as_ref());
    refer(objects, cache, object, references).await.map(drop)
}

async fn refer<K>(
    objects: &Api<K>,
    cache: &Cache<K>,
    object: &K,
    references: Vec<OwnerReference>,
) -> kube::Result<K>
where
    K: Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug,
{
    let patch = on_version(object, json!({"metadata": {"ownerReferences": references}}));
    let name = object.meta().name.as_deref().unwrap_or_default();
    let written = objects.patch(name, &patched(), &Patch::Merge(patch)).await?;
    cache.shows(&written).await;
    Ok(written)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meta(value: serde_json::Value) -> ObjectMeta {
        serde_json::from_value(value).unwrap()
    }

    fn selector() -> Selector {
        Selector::from_iter([("app", "a")])
    }

    fn reference(uid: &str) -> serde_json::Value {
        json!([{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "r", "uid": uid, "controller": true}])
    }

    #[test]
    fn the_owner_reference_decides_before_the_selector() {
        let owner = meta(json!({"uid": "me"}));
        let dying = meta(json!({"uid": "me", "deletionTimestamp": "2026-01-01T00:00:00Z"}));
        let ours = json!({"app": "a"});
        let table = [
            (&owner, json!({"labels": ours, "ownerReferences": reference("me")}), Claim::Mine),
            (&owner, json!({"labels": ours, "ownerReferences": reference("other")}), Claim::Other),
            (&owner, json!({"labels": {}, "ownerReferences": reference("me")}), Claim::Release),
            (&dying, json!({"labels": {}, "ownerReferences": reference("me")}), Claim::Other),
            (&owner, json!({"labels": ours}), Claim::Adopt),
            (&dying, json!({"labels": ours}), Claim::Other),
            (&owner, json!({"labels": {"app": "b"}}), Claim::Other),
            (&owner, json!({"labels": ours, "deletionTimestamp": "2026-01-01T00:00:00Z"}), Claim::Other),
        ];
        for (owner, object, expected) in table {
            assert_eq!(claim(owner, &selector(), &meta(object.clone())), expected, "{object}");
        }
    }

    #[test]
    fn a_selector_of_everything_selects_nothing() {
        assert!(parsed(&LabelSelector::default()).is_none());
    }
}
