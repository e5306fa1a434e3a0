//! What applying the manifests would come to: the cluster as it is, settled, compared with the same plus the manifests.
//!
//! In come the objects that exist and those that are declared; out goes a value to print. It is made by the very planner
//! that the controller runs, whose wishes are taken as carried out.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use plan::{Kind, Object, ObjectKey, Platform, Refusal, Simulation, Wish, Write};
use router_config::{Config, Delta};
use serde::Serialize;

use super::Objects;
use super::declared::Ignored;
use super::overlay::{is_so_already, laid_over};

/// The answer.
#[derive(Debug, Serialize)]
pub(super) struct Answer {
    /// Whether anything would change.
    pub(super) difference: bool,
    /// The objects that would be written.
    pub(super) objects: Vec<Change>,
    /// What would change in the router's table.
    pub(super) table: Delta,
    /// The table before.
    #[serde(skip)]
    pub(super) before: Config,
    /// What would not be as declared until a person changes something.
    pub(super) refusals: Vec<Refused>,
    /// Documents that have no part in it.
    pub(super) ignored: Vec<Ignored>,
}

/// An object that would be written.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct Change {
    /// What would happen to it.
    pub(super) change: Write,
    /// Its kind.
    pub(super) kind: Kind,
    /// Its key.
    pub(super) name: ObjectKey,
    /// Whose write it would be.
    pub(super) by: Author,
    /// As the operator would write it, keys left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) object: Option<Wish>,
}

/// Whose write it would be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Author {
    /// The person's, by applying the manifest.
    Manifest,
    /// The operator's, because of the manifests.
    Operator,
}

/// Something that would not be as declared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Refused {
    /// Its kind.
    pub(super) kind: Kind,
    /// Its key.
    pub(super) name: ObjectKey,
    /// Why.
    #[serde(flatten)]
    pub(super) refusal: Refusal,
}

impl Answer {
    /// Finds it, for the instant `now`.
    pub(super) fn find(
        existing: Objects,
        declared: Vec<Object>,
        ignored: Vec<Ignored>,
        now: Timestamp,
        platform: Platform,
    ) -> Self {
        let mut simulation = Simulation::new(now).on(platform);
        existing.values().cloned().for_each(|object| simulation.put(object));
        simulation.settle();
        let (before, refused_before) = (simulation.table().clone(), simulation.refusals());
        simulation.forget_writes();

        let names: BTreeSet<_> = declared.iter().map(|object| (object.kind(), object.key())).collect();
        let mut objects = put_declared(&mut simulation, &existing, declared);
        simulation.settle();
        objects.extend(written(&simulation, &names));
        let table = before.diff(simulation.table());
        let refusals = simulation.refusals().into_iter().filter(|refused| {
            let (kind, name, _) = refused;
            names.contains(&(*kind, name.clone())) || !refused_before.contains(refused)
        });
        let refusals = refusals.map(|(kind, name, refusal)| Refused { kind, name, refusal }).collect();
        let difference = !objects.is_empty() || !table.is_empty();
        Self { difference, objects, table, before, refusals, ignored }
    }
}

/// Puts what is declared into the world, and tells what of it is new.
fn put_declared(simulation: &mut Simulation, existing: &Objects, declared: Vec<Object>) -> Vec<Change> {
    let mut changes = Vec::new();
    for object in declared {
        let (kind, name) = (object.kind(), object.key());
        let change = match existing.get(&(kind, name.clone())) {
            Some(before) if is_so_already(before, &object) => continue,
            Some(before) => {
                simulation.put(laid_over(before, &object));
                Write::Update
            }
            None => {
                simulation.put(object);
                Write::Create
            }
        };
        changes.push(Change { change, kind, name, by: Author::Manifest, object: None });
    }
    changes
}

/// What the operator would write because of that, but to the declared objects themselves.
fn written(simulation: &Simulation, declared: &BTreeSet<(Kind, ObjectKey)>) -> Vec<Change> {
    let wishes: BTreeMap<_, _> = simulation.wishes().map(|wish| (wish.key(), wish)).collect();
    let writes = simulation.writes().filter(|(kind, name, _)| !declared.contains(&(*kind, (*name).clone())));
    let change = |(kind, name, change): (Kind, &ObjectKey, Write)| {
        let object = wishes.get(&(kind, name.clone())).map(|wish| (*wish).clone());
        Change { change, kind, name: name.clone(), by: Author::Operator, object }
    };
    writes.map(change).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::Source;
    use crate::plan_command::declared::parse;

    const QUICKSTART: &str = "
apiVersion: flynn.io/v1alpha1
kind: Cluster
metadata: {name: site}
spec: {domains: [{name: site.com}]}
---
apiVersion: flynn.io/v1alpha1
kind: App
metadata: {name: www}
spec: {image: 'www:1'}
";

    fn objects(text: &str) -> Vec<Object> {
        let manifests = parse(&[Source { name: "a".into(), text: text.into() }], "default");
        assert!(manifests.problems.is_empty(), "{:?}", manifests.problems);
        manifests.objects
    }

    fn answer(existing: &str, declared: &str) -> Answer {
        let existing = objects(existing).into_iter().map(|object| ((object.kind(), object.key()), object));
        Answer::find(
            existing.collect(),
            objects(declared),
            Vec::new(),
            Timestamp::UNIX_EPOCH,
            Platform::Kubernetes,
        )
    }

    #[test]
    fn an_app_brings_its_objects_and_its_host() {
        let answer = answer("", QUICKSTART);
        let told: Vec<_> = answer
            .objects
            .iter()
            .map(|change| format!("{:?} {} {}", change.by, change.kind, change.name))
            .collect();
        assert_eq!(
            told,
            [
                "Manifest Cluster site",
                "Manifest App default/www",
                "Operator Route default/www.site.com",
                "Operator Service default/www-web",
                "Operator Deployment default/www-web",
            ]
        );
        assert!(answer.difference && answer.table.hosts.contains_key("www.site.com"));
    }

    #[test]
    fn what_exists_already_is_no_difference() {
        let answer = answer(QUICKSTART, QUICKSTART);
        assert!(!answer.difference, "{answer:?}");
    }

    #[test]
    fn a_refusal_of_something_declared_is_told() {
        let route = "apiVersion: flynn.io/v1alpha1\nkind: Route\nmetadata: {name: a}\nspec: {app: missing, http: {host: a.site.com}}\n";
        let answer = answer(QUICKSTART, route);
        assert_eq!(answer.refusals.len(), 1, "{:?}", answer.refusals);
        assert_eq!(answer.refusals[0].refusal.reason, crds::Reason::AppNotFound);
    }
}
