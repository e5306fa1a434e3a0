//! The ReplicaSets of a Deployment: the one of the current template, and the old ones.

use std::sync::Arc;

use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet, ReplicaSetSpec};
use k8s_openapi::api::core::v1::{Pod, PodTemplateSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::bounds::Bounds;
use super::rollout::{self, Set};
use super::{revision, template};
use crate::claim::{controller_of, controller_reference};
use crate::pod::has_ended;

/// All ReplicaSets of a Deployment.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Fleet {
    /// That of the current template.
    pub(super) new: Option<ReplicaSet>,
    /// The others, the oldest first.
    pub(super) old: Vec<ReplicaSet>,
}

impl Fleet {
    /// Tells them apart. If several have the template, the oldest counts.
    pub(super) fn of(template: &PodTemplateSpec, sets: Vec<Arc<ReplicaSet>>) -> Self {
        let mut old: Vec<ReplicaSet> = sets.into_iter().map(Arc::unwrap_or_clone).collect();
        old.sort_by(|one, other| {
            let (one, other) = (&one.metadata, &other.metadata);
            (&one.creation_timestamp, &one.name).cmp(&(&other.creation_timestamp, &other.name))
        });
        let new = old.iter().position(|set| is_of(set, template)).map(|index| old.remove(index));
        Self { new, old }
    }

    /// The highest revision of an old one.
    pub(super) fn highest_old(&self) -> i64 {
        self.old.iter().map(revision::number).max().unwrap_or_default()
    }

    /// The current one and the old ones in numbers.
    pub(super) fn numbers(&self) -> (Option<Set>, Vec<Set>) {
        (self.new.as_ref().map(in_numbers), self.old.iter().map(in_numbers).collect())
    }

    pub(super) fn find(&mut self, name: &str) -> Option<&mut ReplicaSet> {
        let mut all = self.old.iter_mut().chain(&mut self.new);
        all.find(|set| set.metadata.name.as_deref() == Some(name))
    }

    /// The old ones without Pods that a history of that length has no room for, the oldest revision first.
    pub(super) fn beyond(&self, limit: usize) -> Vec<&ReplicaSet> {
        let alive = self.old.iter().filter(|set| set.metadata.deletion_timestamp.is_none());
        let mut alive: Vec<_> = alive.collect();
        alive.sort_by_key(|set| revision::number(set));
        let surplus = alive.len().saturating_sub(limit);
        alive.into_iter().take(surplus).filter(|set| is_empty(set)).collect()
    }

    /// Whether any of these Pods is of an old template and has not ended, or an old ReplicaSet says so.
    pub(super) fn has_old_pods(&self, pods: &[Arc<Pod>]) -> bool {
        let says_so = |set: &ReplicaSet| set.status.as_ref().is_some_and(|status| status.replicas > 0);
        let is_old = |pod: &Pod| {
            let owner = controller_of(&pod.metadata);
            owner
                .is_some_and(|owner| self.old.iter().any(|set| set.metadata.uid.as_ref() == Some(&owner.uid)))
        };
        self.old.iter().any(says_so) || pods.iter().any(|pod| is_old(pod) && !has_ended(pod))
    }

    /// The ReplicaSet that the current template needs.
    pub(super) fn missing(&self, deployment: &Deployment, bounds: &Bounds, collisions: i32) -> ReplicaSet {
        let spec = deployment.spec.clone().unwrap_or_default();
        let hash = template::hash(&spec.template, collisions);
        let label = (template::HASH_LABEL.to_owned(), hash.clone());
        let mut template = spec.template;
        let labels = template.metadata.get_or_insert_default().labels.get_or_insert_default();
        labels.extend([label.clone()]);
        let labels = labels.clone();
        let mut selector = spec.selector;
        selector.match_labels.get_or_insert_default().extend([label]);
        let wanted = deployment.metadata.annotations.clone().unwrap_or_default();
        let mut annotations = revision::missing(&wanted, &Default::default(), self.highest_old());
        annotations.extend(revision::sizing(bounds));
        let name = deployment.metadata.name.as_deref().unwrap_or_default();
        let others = self.old.iter().map(replicas).sum();
        ReplicaSet {
            metadata: ObjectMeta {
                name: Some(format!("{name}-{hash}")),
                namespace: deployment.metadata.namespace.clone(),
                labels: Some(labels),
                annotations: Some(annotations),
                owner_references: Some(vec![controller_reference(deployment)]),
                ..ObjectMeta::default()
            },
            spec: Some(ReplicaSetSpec {
                replicas: Some(rollout::size_of_new(bounds, 0, others)),
                min_ready_seconds: spec.min_ready_seconds,
                selector,
                template: Some(template),
            }),
            status: None,
        }
    }
}

/// Whether a ReplicaSet makes Pods of that template.
pub(super) fn is_of(set: &ReplicaSet, template: &PodTemplateSpec) -> bool {
    let known = set.spec.as_ref().and_then(|spec| spec.template.as_ref());
    known.is_some_and(|known| template::same(known, template))
}

/// The Pods that a ReplicaSet is to have.
pub(super) fn replicas(set: &ReplicaSet) -> i32 {
    set.spec.as_ref().and_then(|spec| spec.replicas).unwrap_or_default()
}

fn in_numbers(set: &ReplicaSet) -> Set {
    let (desired_before, highest_before) = revision::sized_for(set);
    Set {
        name: set.metadata.name.clone().unwrap_or_default(),
        replicas: replicas(set),
        available: set.status.as_ref().and_then(|status| status.available_replicas).unwrap_or_default(),
        desired_before,
        highest_before,
    }
}

/// Whether a ReplicaSet wants no Pods, has none, and its status says so of its current spec.
fn is_empty(set: &ReplicaSet) -> bool {
    let status = set.status.clone().unwrap_or_default();
    replicas(set) == 0 && status.replicas == 0 && set.metadata.generation <= status.observed_generation
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn template(image: &str) -> Value {
        json!({
            "metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "c", "image": image}]}
        })
    }

    fn deployment(image: &str) -> Deployment {
        serde_json::from_value(json!({
            "metadata": {
                "namespace": "a", "name": "web", "uid": "u",
                "annotations": {"kubernetes.io/change-cause": "why"}
            },
            "spec": {
                "replicas": 3, "selector": {"matchLabels": {"app": "web"}}, "template": template(image)
            }
        }))
        .unwrap()
    }

    fn set(name: &str, image: &str, day: u32, revision: u32, replicas: i32) -> Arc<ReplicaSet> {
        let set = json!({
            "metadata": {
                "name": name, "generation": 1, "creationTimestamp": format!("2026-01-0{day}T00:00:00Z"),
                "annotations": {revision::REVISION: revision.to_string()}
            },
            "spec": {"replicas": replicas, "selector": {}, "template": template(image)},
            "status": {"replicas": replicas, "observedGeneration": 1}
        });
        Arc::new(serde_json::from_value(set).unwrap())
    }

    fn fleet(image: &str, sets: Vec<Arc<ReplicaSet>>) -> Fleet {
        Fleet::of(&deployment(image).spec.unwrap().template, sets)
    }

    fn names<'a>(sets: impl IntoIterator<Item = &'a ReplicaSet>) -> Vec<String> {
        sets.into_iter().map(|set| set.metadata.name.clone().unwrap()).collect()
    }

    #[test]
    fn the_oldest_of_the_template_is_the_current_one() {
        let sets = vec![set("b", "i:2", 3, 1, 1), set("a", "i:2", 2, 1, 1), set("c", "i:1", 1, 1, 1)];
        let fleet = fleet("i:2", sets);
        assert_eq!(names(&fleet.new), ["a"]);
        assert_eq!(names(&fleet.old), ["c", "b"]);
    }

    #[test]
    fn the_history_loses_the_oldest_revisions_that_have_no_pods() {
        let sets = vec![
            set("a", "i:1", 1, 4, 0),
            set("b", "i:2", 2, 2, 1),
            set("c", "i:3", 3, 1, 0),
            set("d", "i:4", 4, 3, 0),
        ];
        let fleet = fleet("i:9", sets);
        assert_eq!(
            names(fleet.beyond(1)),
            ["c", "d"],
            "revision 2 has Pods, revision 4 is the one that is kept"
        );
        assert!(fleet.beyond(9).is_empty());
    }

    #[test]
    fn an_old_pod_counts_until_it_has_ended() {
        let mut old = Arc::unwrap_or_clone(set("a", "i:1", 1, 1, 0));
        old.metadata.uid = Some("old".into());
        let fleet = fleet("i:2", vec![Arc::new(old)]);
        let pod = |owner: &str, phase: &str| {
            let pod = json!({
                "metadata": {"ownerReferences": [
                    {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "a", "uid": owner, "controller": true}
                ]},
                "status": {"phase": phase}
            });
            Arc::new(serde_json::from_value(pod).unwrap())
        };
        assert!(fleet.has_old_pods(&[pod("old", "Running")]));
        assert!(!fleet.has_old_pods(&[pod("old", "Failed"), pod("other", "Running")]));
    }

    #[test]
    fn a_new_one_has_the_hash_in_its_name_its_labels_and_its_selector() {
        let deployment = deployment("i:2");
        let bounds = Bounds::of(deployment.spec.as_ref().unwrap());
        let set = fleet("i:2", vec![set("a", "i:1", 1, 4, 3)]).missing(&deployment, &bounds, 0);
        let hash = set.metadata.labels.as_ref().unwrap()[template::HASH_LABEL].clone();
        assert_eq!(set.metadata.name, Some(format!("web-{hash}")));
        let spec = set.spec.as_ref().unwrap();
        assert_eq!(spec.selector.match_labels.as_ref().unwrap()[template::HASH_LABEL], hash);
        assert_eq!(spec.selector.match_labels.as_ref().unwrap()["app"], "web");
        assert!(is_of(&set, &deployment.spec.as_ref().unwrap().template));
        let annotations = set.metadata.annotations.as_ref().unwrap();
        assert_eq!(annotations[revision::REVISION], "5");
        assert_eq!(annotations["kubernetes.io/change-cause"], "why");
        assert_eq!(set.metadata.owner_references.as_ref().unwrap()[0].uid, "u");
    }
}
