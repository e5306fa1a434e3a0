//! Who owns whom, by uid.
//!
//! In comes the metadata of every object as the watches tell it; out go the objects that a change gives reason to look
//! at. An owner that the graph does not know may exist all the same: only the API can tell.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};

use crate::key::ObjectKey;

/// The finalizer of an owner that waits for its dependents to be deleted.
pub(super) const FOREGROUND: &str = "foregroundDeletion";

/// The finalizer of an owner whose dependents are to be kept.
pub(super) const ORPHAN: &str = "orphan";

/// A kind, whatever its version.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct GroupKind {
    pub(super) group: String,
    pub(super) kind: String,
}

/// An object, as far as ownership goes.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Node {
    pub(super) kind: Arc<GroupKind>,
    pub(super) key: ObjectKey,
    pub(super) owners: Vec<OwnerReference>,
    pub(super) is_deleting: bool,
    /// Whether it has the finalizer [`FOREGROUND`].
    pub(super) is_foreground: bool,
    /// Whether it has the finalizer [`ORPHAN`].
    pub(super) is_orphaning: bool,
}

/// What the graph knows of an owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Owner {
    /// It exists, and nothing speaks against keeping its dependents.
    Solid,
    /// It is being deleted and waits for its dependents to go first.
    Waiting,
    /// The graph has none of that uid, kind and name.
    Unknown,
}

/// A dependent, as its owner sees it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Dependent {
    pub(super) uid: String,
    /// Whether its owner has to wait for it.
    pub(super) is_blocking: bool,
    /// Whether it waits for dependents of its own.
    pub(super) is_waiting: bool,
}

/// An object with its surroundings.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct View {
    pub(super) node: Node,
    pub(super) owners: Vec<Owner>,
    pub(super) dependents: Vec<Dependent>,
}

/// What follows from a change.
#[derive(Debug, Default, PartialEq)]
pub(super) struct News {
    /// The objects to look at.
    pub(super) look: BTreeSet<String>,
    /// The namespace that has lost its last object of the kind.
    pub(super) emptied: Option<String>,
}

/// Every object that exists.
#[derive(Debug, Default)]
pub(super) struct Graph {
    nodes: HashMap<String, Node>,
    dependents: HashMap<String, BTreeSet<String>>,
    population: BTreeMap<(Arc<GroupKind>, String), usize>,
}

impl Node {
    fn of(kind: &Arc<GroupKind>, meta: &ObjectMeta) -> Self {
        let has = |name: &str| meta.finalizers.iter().flatten().any(|finalizer| finalizer == name);
        Self {
            kind: Arc::clone(kind),
            key: ObjectKey::of(meta),
            owners: meta.owner_references.clone().unwrap_or_default(),
            is_deleting: meta.deletion_timestamp.is_some(),
            is_foreground: has(FOREGROUND),
            is_orphaning: has(ORPHAN),
        }
    }

    fn is_waiting(&self) -> bool {
        self.is_deleting && self.is_foreground
    }

    /// Whether a reference of an object in that namespace means this one, uid apart.
    fn is_meant_by(&self, reference: &OwnerReference, namespace: &str) -> bool {
        let group = reference.api_version.split_once('/').map_or("", |(group, _)| group);
        self.kind.kind == reference.kind
            && self.kind.group == group
            && self.key.name == reference.name
            && (self.key.namespace.is_empty() || self.key.namespace == namespace)
    }
}

impl Graph {
    /// Notes an object as it is now.
    pub(super) fn put(&mut self, kind: &Arc<GroupKind>, meta: &ObjectMeta) -> News {
        let uid = meta.uid.clone().unwrap_or_default();
        let node = Node::of(kind, meta);
        let before = self.nodes.insert(uid.clone(), node.clone());
        if before.as_ref() == Some(&node) {
            return News::default();
        }
        if before.is_none() {
            *self.population.entry((Arc::clone(kind), node.key.namespace.clone())).or_default() += 1;
        }
        let mut look = self.refer(&uid, before.as_ref().map_or(&[], |before| &before.owners), &node.owners);
        if !self.owners(&node).iter().all(|owner| *owner == Owner::Solid) || node.is_deleting {
            look.insert(uid.clone());
        }
        if node.is_waiting() || before.is_none() {
            look.extend(self.concerned(&uid, &node));
        }
        News { look, emptied: None }
    }

    /// Notes that an object is gone.
    pub(super) fn remove(&mut self, uid: &str) -> News {
        let Some(node) = self.nodes.remove(uid) else { return News::default() };
        let mut look = self.refer(uid, &node.owners, &[]);
        look.extend(self.dependents.get(uid).into_iter().flatten().cloned());
        let place = (node.kind, node.key.namespace);
        let left = self.population.get_mut(&place);
        let is_last = left.is_some_and(|left| {
            *left -= 1;
            *left == 0
        });
        let emptied = is_last.then(|| {
            self.population.remove(&place);
            place.1
        });
        News { look, emptied }
    }

    /// An object with its surroundings, if it is there.
    pub(super) fn view(&self, uid: &str) -> Option<View> {
        let node = self.nodes.get(uid)?.clone();
        let owners = self.owners(&node);
        let dependents = self.dependents.get(uid).into_iter().flatten();
        let dependents = dependents.filter_map(|dependent| {
            let known = self.nodes.get(dependent)?;
            let mut references = known.owners.iter().filter(|reference| reference.uid == uid);
            Some(Dependent {
                uid: dependent.clone(),
                is_blocking: references.any(|reference| reference.block_owner_deletion == Some(true)),
                is_waiting: known.is_waiting(),
            })
        });
        Some(View { owners, dependents: dependents.collect(), node })
    }

    /// The objects whose owners the graph does not all know.
    pub(super) fn unsettled(&self) -> Vec<String> {
        let unsettled = self.nodes.iter().filter(|(_, node)| self.owners(node).contains(&Owner::Unknown));
        unsettled.map(|(uid, _)| uid.clone()).collect()
    }

    /// The objects of a kind that are not among these.
    pub(super) fn others(&self, kind: &GroupKind, listed: &BTreeSet<String>) -> Vec<String> {
        let others = self.nodes.iter().filter(|(uid, node)| *node.kind == *kind && !listed.contains(*uid));
        others.map(|(uid, _)| uid.clone()).collect()
    }

    fn owners(&self, node: &Node) -> Vec<Owner> {
        let owner = |reference: &OwnerReference| match self.nodes.get(&reference.uid) {
            Some(owner) if !owner.is_meant_by(reference, &node.key.namespace) => Owner::Unknown,
            Some(owner) if owner.is_waiting() => Owner::Waiting,
            Some(_) => Owner::Solid,
            None => Owner::Unknown,
        };
        node.owners.iter().map(owner).collect()
    }

    /// Moves an object from its old owners to the new ones; an owner that waits no longer has to wait for it.
    fn refer(&mut self, uid: &str, before: &[OwnerReference], after: &[OwnerReference]) -> BTreeSet<String> {
        let mut released = BTreeSet::new();
        for reference in before {
            let dependents = self.dependents.get_mut(&reference.uid);
            if let Some(dependents) = dependents
                && dependents.remove(uid)
                && dependents.is_empty()
            {
                self.dependents.remove(&reference.uid);
            }
            let waits = self.nodes.get(&reference.uid).is_some_and(Node::is_waiting);
            if waits && !after.contains(reference) {
                released.insert(reference.uid.clone());
            }
        }
        for reference in after {
            self.dependents.entry(reference.uid.clone()).or_default().insert(uid.to_owned());
        }
        released
    }

    /// The dependents that an owner concerns: all, if it waits for them, else those that mean another one by its uid.
    fn concerned(&self, uid: &str, owner: &Node) -> Vec<String> {
        let dependents = self.dependents.get(uid).into_iter().flatten();
        let concerned = dependents.filter(|dependent| {
            let Some(known) = self.nodes.get(*dependent) else { return false };
            let mut references = known.owners.iter().filter(|reference| reference.uid == uid);
            owner.is_waiting()
                || references.any(|reference| !owner.is_meant_by(reference, &known.key.namespace))
        });
        concerned.cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn kind(kind: &str) -> Arc<GroupKind> {
        Arc::new(GroupKind { group: String::new(), kind: kind.into() })
    }

    fn meta(uid: &str, more: Value) -> ObjectMeta {
        let mut meta = json!({"namespace": "a", "name": format!("n-{uid}"), "uid": uid});
        meta.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        serde_json::from_value(meta).unwrap()
    }

    fn owned_by(uid: &str) -> Value {
        json!({"ownerReferences": [{
            "apiVersion": "v1", "kind": "Service", "name": format!("n-{uid}"), "uid": uid,
            "blockOwnerDeletion": true
        }]})
    }

    fn look(news: News) -> Vec<String> {
        news.look.into_iter().collect()
    }

    #[test]
    fn a_dependent_whose_owner_is_known_is_left_in_peace() {
        let mut graph = Graph::default();
        graph.put(&kind("Service"), &meta("o", json!({})));
        assert_eq!(look(graph.put(&kind("Pod"), &meta("d", owned_by("o")))), [""; 0]);
        assert_eq!(graph.view("d").unwrap().owners, [Owner::Solid]);
        assert_eq!(look(graph.remove("o")), ["d"]);
        assert_eq!(graph.view("d").unwrap().owners, [Owner::Unknown]);
    }

    #[test]
    fn an_owner_of_another_name_kind_or_namespace_is_none() {
        let mut graph = Graph::default();
        graph.put(&kind("Service"), &meta("o", json!({"name": "other"})));
        assert_eq!(look(graph.put(&kind("Pod"), &meta("d", owned_by("o")))), ["d"]);
        let mut graph = Graph::default();
        graph.put(&kind("Secret"), &meta("o", json!({})));
        assert_eq!(look(graph.put(&kind("Pod"), &meta("d", owned_by("o")))), ["d"]);
        let mut graph = Graph::default();
        graph.put(&kind("Pod"), &meta("d", owned_by("o")));
        assert_eq!(look(graph.put(&kind("Service"), &meta("o", json!({"namespace": "b"})))), ["d"]);
    }

    #[test]
    fn an_owner_that_waits_has_its_dependents_looked_at_and_is_looked_at_after_each() {
        let mut graph = Graph::default();
        graph.put(&kind("Service"), &meta("o", json!({})));
        graph.put(&kind("Pod"), &meta("d", owned_by("o")));
        let waiting = json!({"deletionTimestamp": "2026-01-01T00:00:00Z", "finalizers": [FOREGROUND]});
        assert_eq!(look(graph.put(&kind("Service"), &meta("o", waiting))), ["d", "o"]);
        assert_eq!(graph.view("d").unwrap().owners, [Owner::Waiting]);
        assert!(graph.view("o").unwrap().dependents[0].is_blocking);
        assert_eq!(look(graph.remove("d")), ["o"]);
        assert!(graph.view("o").unwrap().dependents.is_empty());
    }

    #[test]
    fn a_namespace_that_loses_its_last_object_of_a_kind_is_told() {
        let mut graph = Graph::default();
        graph.put(&kind("Pod"), &meta("x", json!({})));
        graph.put(&kind("Pod"), &meta("x", json!({"labels": {"a": "b"}})));
        graph.put(&kind("Pod"), &meta("y", json!({})));
        assert_eq!(graph.remove("x").emptied, None);
        assert_eq!(graph.remove("y").emptied.as_deref(), Some("a"));
        assert!(graph.population.is_empty() && graph.dependents.is_empty());
    }

    #[test]
    fn what_a_repeated_list_lacks_is_found() {
        let mut graph = Graph::default();
        for uid in ["x", "y"] {
            graph.put(&kind("Pod"), &meta(uid, json!({})));
        }
        graph.put(&kind("Secret"), &meta("z", json!({})));
        assert_eq!(graph.others(&kind("Pod"), &BTreeSet::from(["x".to_owned()])), ["y"]);
    }
}
