//! Whether every router node serves something, from what the nodes report.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crds::{Fault, Reason, RouterNode};

use crate::world::uid;
use crate::{Kind, ObjectKey, Refusal};

/// How many nodes serve it, in words, or why not all do.
pub(crate) type Programmed = Result<String, Refusal>;

/// Compares what the nodes have applied of `kind` with the version that must be served.
pub(crate) fn programmed(
    nodes: &BTreeMap<String, Arc<RouterNode>>,
    kind: Kind,
    version: u64,
    is_about: impl Fn(&Fault) -> bool,
) -> Programmed {
    if nodes.is_empty() {
        let message = "no router node runs: label a Node with flynn.io/router= to make it one";
        return Err(Refusal::new(Reason::NoRouterNodes, message));
    }
    for (name, node) in nodes {
        if let Some(fault) =
            node.status.iter().flat_map(|status| &status.faults).find(|fault| is_about(fault))
        {
            return Err(Refusal::new(Reason::NodeFault, format!("{name}: {}", fault.message)));
        }
    }
    let behind: Vec<&str> = nodes
        .iter()
        .filter(|(_, node)| applied(node, kind) < version)
        .map(|(name, _)| name.as_str())
        .collect();
    let count = format!("{}/{} nodes", nodes.len() - behind.len(), nodes.len());
    match behind.as_slice() {
        [] => Ok(count),
        names => {
            let message =
                format!("{count}, waiting for {}: look at `kubectl describe frn`", shortened(names));
            Err(Refusal::new(Reason::Pending, message))
        }
    }
}

/// The highest resourceVersion of `kind` that a node has in its table; 0 before its first report.
pub(crate) fn applied(node: &RouterNode, kind: Kind) -> u64 {
    let status = node.status.as_ref();
    let version = status.and_then(|status| status.applied.get(&kind.to_string()));
    version.and_then(|version| version.parse().ok()).unwrap_or(0)
}

/// The resourceVersion of an object as a number; comparable within a kind (Kubernetes 1.35, KEP-5504).
pub(crate) fn version<K: kube::Resource>(object: &K) -> u64 {
    object.meta().resource_version.as_ref().and_then(|version| version.parse().ok()).unwrap_or(0)
}

fn shortened(names: &[&str]) -> String {
    match names {
        [a, b, c, rest @ ..] if !rest.is_empty() => format!("{a}, {b}, {c} and {} more", rest.len()),
        names => names.join(", "),
    }
}

/// For each object of a kind, the resourceVersion with which what the nodes read of it was first seen. A node that has applied
/// that one serves it; later versions of the object differ in its status only, and wait for nobody.
#[derive(Debug, Default)]
pub(crate) struct Versions {
    first_seen: BTreeMap<ObjectKey, Seen>,
    by_version: BTreeSet<(u64, ObjectKey)>,
}

#[derive(Debug)]
struct Seen {
    uid: String,
    generation: u64,
    given: Option<u16>,
    version: u64,
}

impl Versions {
    /// Takes note of an object. A kind without generations has a new one with every version. `given` is what nodes read of its
    /// status: a TCP port.
    pub(crate) fn put<K: kube::Resource>(&mut self, key: &ObjectKey, object: &K, given: Option<u16>) {
        let (uid, version) = (uid(object), version(object));
        let declared = object.meta().generation.and_then(|generation| u64::try_from(generation).ok());
        let generation = declared.unwrap_or(version);
        if let Some(seen) = self.first_seen.get(key)
            && seen.uid == uid
            && (seen.generation, seen.given) == (generation, given)
        {
            return;
        }
        self.delete(key);
        self.by_version.insert((version, key.clone()));
        self.first_seen.insert(key.clone(), Seen { uid, generation, given, version });
    }

    /// Forgets an object.
    pub(crate) fn delete(&mut self, key: &ObjectKey) {
        if let Some(seen) = self.first_seen.remove(key) {
            self.by_version.remove(&(seen.version, key.clone()));
        }
    }

    /// The version that an object's present generation came with; 0 for one that is not there.
    pub(crate) fn of(&self, key: &ObjectKey) -> u64 {
        self.first_seen.get(key).map_or(0, |seen| seen.version)
    }

    /// The objects that a node which went from one version to another has just begun, or ceased, to serve.
    pub(crate) fn between(&self, a: u64, b: u64) -> impl Iterator<Item = &ObjectKey> {
        let (low, high) = (a.min(b), a.max(b));
        let first = (low.saturating_add(1), ObjectKey::cluster_scoped(""));
        let within = self.by_version.range(first..).take_while(move |(version, _)| *version <= high);
        within.map(|(_, key)| key)
    }
}
