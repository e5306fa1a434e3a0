//! One turn of one Deployment: what the pure decisions say is written, in their order.
//!
//! A turn ends when the caches show what it wrote, so that the next one starts from there.

use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::api::apps::v1::{Deployment, DeploymentStatus, ReplicaSet};
use kube::Api;
use kube::api::Patch;
use serde_json::json;

use super::bounds::Bounds;
use super::fleet::{Fleet, is_of, replicas};
use super::rollout::{self, Resize};
use super::status::{self, Observed};
use super::{revision, scale};
use crate::claim::controller_of;
use crate::event::{Recorder, Severity};
use crate::key::ObjectKey;
use crate::queue::Again;
use crate::refusal;
use crate::world::World;
use crate::write::{self, deleted, on_version, patched, posted};

/// What a turn knows and has noted so far.
pub(super) struct Turn<'a> {
    world: &'a World,
    recorder: &'a Recorder,
    key: ObjectKey,
    /// The status that the API has.
    known: Option<DeploymentStatus>,
    /// The Deployment, with the conditions that this turn has noted.
    deployment: Deployment,
    fleet: Fleet,
    /// The revision, if it is not the one that the API has: it is written with the status.
    revision: Option<String>,
    bounds: Bounds,
    now: Timestamp,
}

impl<'a> Turn<'a> {
    pub(super) fn new(
        world: &'a World,
        recorder: &'a Recorder,
        deployment: &Deployment,
        sets: Vec<Arc<ReplicaSet>>,
    ) -> Self {
        let spec = deployment.spec.clone().unwrap_or_default();
        Self {
            world,
            recorder,
            key: ObjectKey::of(&deployment.metadata),
            known: deployment.status.clone(),
            deployment: deployment.clone(),
            fleet: Fleet::of(&spec.template, sets),
            revision: None,
            bounds: Bounds::of(&spec),
            now: Timestamp::now(),
        }
    }

    pub(super) async fn take(mut self) -> kube::Result<Again> {
        if self.deployment.metadata.deletion_timestamp.is_some() {
            self.write_status(status::counted(&self.observed())).await?;
            return Ok(None);
        }
        status::note_pause(&mut self.deployment, self.now);
        self.revise().await?;
        if self.is_paused() || self.is_resized() {
            self.scale().await?;
            self.write_status(status::counted(&self.observed())).await?;
            return Ok(None);
        }
        if self.step().await? == Step::Nothing && self.is_complete() {
            self.forget_old().await?;
        }
        let status = status::rolled(&self.observed());
        let again = status::next_look(&self.observed(), &status);
        self.write_status(status).await?;
        Ok(again)
    }

    /// Gives the ReplicaSet of the current template the highest revision, and the Deployment the same.
    async fn revise(&mut self) -> kube::Result<()> {
        let Some(new) = self.fleet.new.take() else { return Ok(()) };
        let annotations = new.metadata.annotations.clone().unwrap_or_default();
        let wanted = self.deployment.metadata.annotations.clone().unwrap_or_default();
        let missing = revision::missing(&wanted, &annotations, self.fleet.highest_old());
        let ready = self.deployment.spec.as_ref().and_then(|spec| spec.min_ready_seconds).unwrap_or_default();
        let known = new.spec.as_ref().and_then(|spec| spec.min_ready_seconds).unwrap_or_default();
        let new = if missing.is_empty() && ready == known {
            new
        } else {
            let patch = json!({"metadata": {"annotations": missing}, "spec": {"minReadySeconds": ready}});
            self.patch_set(&new, patch).await?
        };
        let name = new.metadata.name.clone().unwrap_or_default();
        status::note_found(&mut self.deployment, &name, self.now);
        self.note_revision(&new);
        self.fleet.new = Some(new);
        Ok(())
    }

    /// Notes that the revision of the Deployment is that of its current ReplicaSet.
    fn note_revision(&mut self, new: &ReplicaSet) {
        let number = revision::number(new).to_string();
        let annotations = self.deployment.metadata.annotations.as_ref();
        let is_known = annotations.and_then(|all| all.get(revision::REVISION)) == Some(&number);
        self.revision = (!is_known).then_some(number);
    }

    async fn scale(&mut self) -> kube::Result<()> {
        let (new, old) = self.fleet.numbers();
        let pods = self.known.as_ref().and_then(|status| status.replicas).unwrap_or_default();
        self.resize(scale::scale(&self.bounds, new.as_ref(), &old, pods)).await?;
        if self.is_paused() {
            self.forget_old().await?;
        }
        Ok(())
    }

    async fn step(&mut self) -> kube::Result<Step> {
        let resizes = if self.bounds.rolling { self.roll().await? } else { self.replace().await? };
        self.resize(resizes).await
    }

    async fn roll(&mut self) -> kube::Result<Vec<Resize>> {
        if self.fleet.new.is_none() {
            self.create().await?;
        }
        let (new, old) = self.fleet.numbers();
        Ok(new.map(|new| rollout::rolling(&self.bounds, &new, &old)).unwrap_or_default())
    }

    async fn replace(&mut self) -> kube::Result<Vec<Resize>> {
        let (new, old) = self.fleet.numbers();
        let pods = self.world.pods.in_namespace(&self.key.namespace);
        let old_pods = self.fleet.has_old_pods(&pods);
        match rollout::recreate(&self.bounds, new.as_ref(), &old, old_pods) {
            Some(resizes) => {
                if resizes.is_empty() && self.fleet.new.is_none() {
                    self.create().await?;
                }
                Ok(resizes)
            }
            None => Ok(Vec::new()),
        }
    }

    /// Creates the ReplicaSet of the current template.
    async fn create(&mut self) -> kube::Result<()> {
        let set = self.fleet.missing(&self.deployment, &self.bounds, self.collisions());
        let name = set.metadata.name.clone().unwrap_or_default();
        let size = replicas(&set);
        match self.sets_api().create(&posted(), &set).await {
            Ok(created) => {
                self.world.replica_sets.shows(&created).await;
                if size > 0 {
                    self.scaled(&name, 0, size);
                }
                let message = format!("Created new replica set {name:?}");
                let reason = "NewReplicaSetCreated";
                status::note_progress(&mut self.deployment, "True", reason, message, self.now);
                self.note_revision(&created);
                self.fleet.new = Some(created);
                Ok(())
            }
            Err(error) if refusal::is_already_exists(&error) => self.taken(&name, error).await,
            Err(error) if refusal::is_namespace_terminating(&error) => Err(error),
            Err(error) => self.not_created(&name, error).await,
        }
    }

    /// The name is taken: by what was just created, which a cache did not show yet, or by another template.
    async fn taken(&mut self, name: &str, error: kube::Error) -> kube::Result<()> {
        let there = self.sets_api().get(name).await?;
        let ours =
            controller_of(&there.metadata).map(|owner| &owner.uid) == self.deployment.metadata.uid.as_ref();
        let template = self.deployment.spec.as_ref().map(|spec| &spec.template);
        if ours && template.is_some_and(|template| is_of(&there, template)) {
            self.fleet.new = Some(there);
            return Ok(());
        }
        let mut status = self.deployment.status.clone().unwrap_or_default();
        status.collision_count = Some(self.collisions() + 1);
        self.write_status(status).await?;
        Err(error)
    }

    async fn not_created(&mut self, name: &str, error: kube::Error) -> kube::Result<()> {
        let reason = "ReplicaSetCreateError";
        let message = format!("Failed to create new replica set {name:?}: {}", refusal::message(&error));
        self.recorder.record(&self.deployment, Severity::Warning, reason, message.clone());
        status::note_progress(&mut self.deployment, "False", reason, message, self.now);
        self.write_status(self.deployment.status.clone().unwrap_or_default()).await?;
        Err(error)
    }

    async fn resize(&mut self, resizes: Vec<Resize>) -> kube::Result<Step> {
        let sizing = revision::sizing(&self.bounds);
        let mut step = Step::Nothing;
        for Resize { name, replicas: wanted } in resizes {
            let Some(set) = self.fleet.find(&name).cloned() else { continue };
            let before = replicas(&set);
            if before == wanted && revision::is_told(&set, &sizing) {
                continue;
            }
            let patch = json!({"metadata": {"annotations": sizing}, "spec": {"replicas": wanted}});
            let written = self.patch_set(&set, patch).await?;
            if let Some(slot) = self.fleet.find(&name) {
                *slot = written;
            }
            if before != wanted {
                step = Step::Taken;
                self.scaled(&name, before, wanted);
            }
        }
        Ok(step)
    }

    /// Deletes old ReplicaSets without Pods beyond the limit of the history.
    async fn forget_old(&self) -> kube::Result<()> {
        let limit = self.deployment.spec.as_ref().and_then(|spec| spec.revision_history_limit);
        let Some(limit) = limit.filter(|limit| *limit != i32::MAX) else { return Ok(()) };
        for set in self.fleet.beyond(usize::try_from(limit).unwrap_or_default()) {
            let key = ObjectKey::of(&set.metadata);
            refusal::unless_gone(self.sets_api().delete(&key.name, &deleted(set)).await)?;
            let uid = set.metadata.uid.as_deref().unwrap_or_default();
            self.world.replica_sets.shows_deleted(&key, uid).await;
        }
        Ok(())
    }

    async fn write_status(&self, status: DeploymentStatus) -> kube::Result<()> {
        if self.known.as_ref() == Some(&status) && self.revision.is_none() {
            return Ok(());
        }
        let mut patch = write::status(&self.deployment, self.known.as_ref(), &status);
        if let Some(revision) = &self.revision {
            patch["metadata"]["annotations"] = json!({ revision::REVISION: revision });
        }
        let written =
            self.deployments().patch_status(&self.key.name, &patched(), &Patch::Merge(patch)).await?;
        self.world.deployments.shows(&written).await;
        Ok(())
    }

    async fn patch_set(&self, set: &ReplicaSet, patch: serde_json::Value) -> kube::Result<ReplicaSet> {
        let name = set.metadata.name.as_deref().unwrap_or_default();
        let patch = Patch::Merge(on_version(set, patch));
        let written = self.sets_api().patch(name, &patched(), &patch).await?;
        self.world.replica_sets.shows(&written).await;
        Ok(written)
    }

    fn scaled(&self, name: &str, from: i32, to: i32) {
        let direction = if from < to { "up" } else { "down" };
        let message = format!("Scaled {direction} replica set {name} from {from} to {to}");
        self.recorder.record(&self.deployment, Severity::Normal, "ScalingReplicaSet", message);
    }

    fn observed(&self) -> Observed<'_> {
        Observed {
            deployment: &self.deployment,
            new: self.fleet.new.as_ref(),
            old: &self.fleet.old,
            now: self.now,
        }
    }

    fn is_paused(&self) -> bool {
        self.deployment.spec.as_ref().and_then(|spec| spec.paused).unwrap_or_default()
    }

    fn is_complete(&self) -> bool {
        self.known.as_ref().is_some_and(|known| status::is_complete(&self.observed(), known))
    }

    fn collisions(&self) -> i32 {
        self.known.as_ref().and_then(|status| status.collision_count).unwrap_or_default()
    }

    /// Whether the replicas were changed since the ReplicaSets were sized.
    fn is_resized(&self) -> bool {
        let (new, old) = self.fleet.numbers();
        scale::is_due(&self.bounds, old.iter().chain(&new))
    }

    fn deployments(&self) -> Api<Deployment> {
        Api::namespaced(self.world.client.clone(), &self.key.namespace)
    }

    fn sets_api(&self) -> Api<ReplicaSet> {
        Api::namespaced(self.world.client.clone(), &self.key.namespace)
    }
}

/// Whether a turn has changed the size of anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Taken,
    Nothing,
}
