//! A look at one object: asks the API what the graph does not know, and does what the verdict says.
//!
//! Every write holds only for the object as it was read just before; who loses that race looks again.

use std::sync::Arc;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use kube::api::{DeleteParams, Patch, Preconditions, PropagationPolicy};
use kube::core::DynamicObject;
use kube::{Api, Client};
use serde_json::{Value, json};

use super::Shared;
use super::graph::{FOREGROUND, Node, ORPHAN, Owner, View};
use super::verdict::{self, Fate, First, Verdict};
use crate::refusal;
use crate::write::patched;

/// What a look needs.
#[derive(Clone, Copy)]
pub(super) struct Look<'a> {
    pub(super) client: &'a Client,
    pub(super) shared: &'a Shared,
}

/// An object as the API has it at this moment.
struct Live {
    api: Api<DynamicObject>,
    meta: ObjectMeta,
}

impl Look<'_> {
    pub(super) async fn at(self, uid: &str) -> kube::Result<()> {
        let Some(view) = self.shared.with_graph(|graph| graph.view(uid)) else { return Ok(()) };
        match verdict::first(&view) {
            First::Nothing => Ok(()),
            First::Orphan => self.orphan(uid, &view).await,
            First::Release => self.unfinalize(uid, &view.node, FOREGROUND).await,
            First::LookAt(dependents) => {
                dependents.into_iter().for_each(|dependent| self.shared.queue.add(dependent));
                Ok(())
            }
            First::AskForOwners => self.judge(uid, &view).await,
        }
    }

    async fn judge(self, uid: &str, view: &View) -> kube::Result<()> {
        let Some(live) = self.live(uid, &view.node).await? else { return Ok(()) };
        if live.meta.owner_references.as_deref().unwrap_or_default() != view.node.owners {
            return Ok(()); // the watch is about to tell, and that leads here again
        }
        let mut fates = Vec::with_capacity(view.owners.len());
        for (reference, owner) in view.node.owners.iter().zip(&view.owners) {
            match self.fate(&view.node, reference, *owner).await? {
                Some(fate) => fates.push(fate),
                None => return Ok(()),
            }
        }
        match verdict::of(&fates, &view.dependents) {
            Verdict::Keep => Ok(()),
            Verdict::Disown => {
                let solid = view.node.owners.iter().zip(&fates).filter(|(_, fate)| **fate == Fate::Solid);
                let solid: Vec<_> = solid.map(|(reference, _)| reference).collect();
                live.patch(json!({"ownerReferences": solid})).await
            }
            Verdict::DeleteWithDependents { unblock: true } => {
                let mut references = view.node.owners.clone();
                references.iter_mut().for_each(|reference| reference.block_owner_deletion = Some(false));
                live.patch(json!({"ownerReferences": references})).await?;
                self.shared.queue.add(uid.to_owned());
                Ok(())
            }
            Verdict::DeleteWithDependents { unblock: false } => {
                live.delete(PropagationPolicy::Foreground).await
            }
            Verdict::Delete => live.delete(policy(&view.node)).await,
        }
    }

    /// What becomes of an owner; none if nobody can tell.
    async fn fate(self, node: &Node, reference: &OwnerReference, known: Owner) -> kube::Result<Option<Fate>> {
        match known {
            Owner::Solid => return Ok(Some(Fate::Solid)),
            Owner::Waiting => return Ok(Some(Fate::Waiting)),
            Owner::Unknown => {}
        }
        let Some(kind) = self.shared.kind(&reference.api_version, &reference.kind) else {
            tracing::debug!(kind = %reference.kind, object = %node.key, "an owner is of a kind that is not served");
            return Ok(None);
        };
        if kind.is_namespaced && node.key.namespace.is_empty() {
            tracing::debug!(object = %node.key, "a cluster-scoped object has an owner in a namespace");
            return Ok(None);
        }
        let owners = kind.api(self.client, &node.key.namespace);
        let owner = owners.get_metadata_opt(&reference.name).await?.map(|owner| owner.metadata);
        Ok(Some(match owner.filter(|owner| owner.uid.as_ref() == Some(&reference.uid)) {
            None => Fate::Gone,
            Some(owner) if owner.deletion_timestamp.is_some() && has(&owner, FOREGROUND) => Fate::Waiting,
            Some(_) => Fate::Solid,
        }))
    }

    async fn orphan(self, uid: &str, view: &View) -> kube::Result<()> {
        for dependent in &view.dependents {
            let node = self.shared.with_graph(|graph| graph.view(&dependent.uid)).map(|view| view.node);
            let Some(node) = node else { continue };
            if let Some(live) = self.live(&dependent.uid, &node).await? {
                let mut references = live.meta.owner_references.clone().unwrap_or_default();
                references.retain(|reference| reference.uid != uid);
                live.patch(json!({"ownerReferences": references})).await?;
            }
        }
        self.unfinalize(uid, &view.node, ORPHAN).await
    }

    async fn unfinalize(self, uid: &str, node: &Node, finalizer: &str) -> kube::Result<()> {
        let Some(live) = self.live(uid, node).await? else { return Ok(()) };
        let mut finalizers = live.meta.finalizers.clone().unwrap_or_default();
        finalizers.retain(|known| known != finalizer);
        live.patch(json!({"finalizers": finalizers})).await
    }

    /// The object, if it still is the one of that uid.
    async fn live(self, uid: &str, node: &Node) -> kube::Result<Option<Live>> {
        let kinds = self.shared.kinds.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
        let Some(kind) = kinds.iter().find(|kind| kind.identity() == *node.kind) else { return Ok(None) };
        let api = Arc::clone(kind).api(self.client, &node.key.namespace);
        let object = api.get_metadata_opt(&node.key.name).await?;
        let same = object.filter(|object| object.metadata.uid.as_deref() == Some(uid));
        Ok(same.map(|object| Live { api, meta: object.metadata }))
    }
}

impl Live {
    fn name(&self) -> &str {
        self.meta.name.as_deref().unwrap_or_default()
    }

    async fn patch(&self, mut metadata: Value) -> kube::Result<()> {
        metadata["uid"] = json!(self.meta.uid);
        metadata["resourceVersion"] = json!(self.meta.resource_version);
        let patch = Patch::Merge(json!({ "metadata": metadata }));
        refusal::unless_gone(self.api.patch_metadata(self.name(), &patched(), &patch).await).map(drop)
    }

    async fn delete(&self, policy: PropagationPolicy) -> kube::Result<()> {
        tracing::debug!(object = self.name(), ?policy, "its owners are gone");
        let parameters = DeleteParams {
            propagation_policy: Some(policy),
            preconditions: Some(Preconditions {
                uid: self.meta.uid.clone(),
                resource_version: self.meta.resource_version.clone(),
            }),
            ..DeleteParams::default()
        };
        refusal::unless_gone(self.api.delete(self.name(), &parameters).await).map(drop)
    }
}

/// Finalizers that are there already say what becomes of the dependents.
fn policy(node: &Node) -> PropagationPolicy {
    if node.is_orphaning {
        PropagationPolicy::Orphan
    } else if node.is_foreground {
        PropagationPolicy::Foreground
    } else {
        PropagationPolicy::Background
    }
}

fn has(meta: &ObjectMeta, finalizer: &str) -> bool {
    meta.finalizers.iter().flatten().any(|known| known == finalizer)
}
