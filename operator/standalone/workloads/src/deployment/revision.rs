//! The history of a Deployment: which ReplicaSet was which revision.
//!
//! The ReplicaSet of the current template has the highest number. When an old template comes back, its ReplicaSet is
//! taken again: its number moves up, and the one it had goes into its history.

use std::collections::BTreeMap;

use k8s_openapi::api::apps::v1::ReplicaSet;

use super::bounds::Bounds;
use crate::slim::LAST_APPLIED;

pub(super) const REVISION: &str = "deployment.kubernetes.io/revision";
const HISTORY: &str = "deployment.kubernetes.io/revision-history";
const DESIRED: &str = "deployment.kubernetes.io/desired-replicas";
const HIGHEST: &str = "deployment.kubernetes.io/max-replicas";
const ROLLBACK: &str = "deprecated.deployment.rollback.to";

/// How long a history may become.
const LONGEST_HISTORY: usize = 2000;

pub(super) type Annotations = BTreeMap<String, String>;

/// The revision of a ReplicaSet; 0 if it has none.
pub(super) fn number(set: &ReplicaSet) -> i64 {
    annotation(set, REVISION).unwrap_or_default()
}

/// The replicas of the Deployment, and its most Pods, when this ReplicaSet was sized last.
pub(super) fn sized_for(set: &ReplicaSet) -> (Option<i32>, Option<i32>) {
    (annotation(set, DESIRED), annotation(set, HIGHEST))
}

/// What a ReplicaSet is told about the size that it gets.
pub(super) fn sizing(bounds: &Bounds) -> Annotations {
    Annotations::from([
        (DESIRED.to_owned(), bounds.replicas.to_string()),
        (HIGHEST.to_owned(), bounds.highest().to_string()),
    ])
}

/// Whether a ReplicaSet was told just that.
pub(super) fn is_told(set: &ReplicaSet, sizing: &Annotations) -> bool {
    let known = set.metadata.annotations.as_ref();
    sizing.iter().all(|(name, value)| known.and_then(|known| known.get(name)) == Some(value))
}

/// The annotations that the current ReplicaSet lacks or has otherwise: those of the Deployment, and its number, which
/// is above that of every old one.
pub(super) fn missing(deployment: &Annotations, set: &Annotations, old: i64) -> Annotations {
    let copied = deployment.iter().filter(|(name, _)| is_copied(name));
    let mut missing: Annotations = copied
        .filter(|(name, value)| set.get(*name) != Some(*value))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    let known = set.get(REVISION);
    let number = known.map_or(Ok(0), |number| number.parse::<i64>());
    if number.is_ok_and(|number| number <= old) {
        missing.insert(REVISION.to_owned(), (old + 1).to_string());
        if let Some(known) = known {
            missing.insert(HISTORY.to_owned(), history(set.get(HISTORY), known));
        }
    }
    missing
}

/// The history with one more entry; the oldest ones go when it gets too long.
fn history(history: Option<&String>, number: &str) -> String {
    let mut entries: Vec<&str> = history.iter().flat_map(|history| history.split(',')).collect();
    entries.retain(|entry| !entry.is_empty());
    entries.push(number);
    let mut length = entries.iter().map(|entry| entry.len() + 1).sum::<usize>();
    let mut first = 0;
    while length > LONGEST_HISTORY && first + 1 < entries.len() {
        length -= entries[first].len() + 1;
        first += 1;
    }
    entries[first..].join(",")
}

fn is_copied(annotation: &str) -> bool {
    ![LAST_APPLIED, REVISION, HISTORY, DESIRED, HIGHEST, ROLLBACK].contains(&annotation)
}

fn annotation<T: std::str::FromStr>(set: &ReplicaSet, name: &str) -> Option<T> {
    set.metadata.annotations.as_ref()?.get(name)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn annotations(entries: &[(&str, &str)]) -> Annotations {
        entries.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn the_first_revision_is_one() {
        assert_eq!(missing(&Annotations::new(), &Annotations::new(), 0), annotations(&[(REVISION, "1")]));
    }

    #[test]
    fn the_annotations_of_the_deployment_are_copied_except_for_bookkeeping() {
        let deployment = annotations(&[("cause", "why"), (REVISION, "7"), (LAST_APPLIED, "{}")]);
        let set = annotations(&[(REVISION, "7")]);
        assert_eq!(missing(&deployment, &set, 6), annotations(&[("cause", "why")]));
    }

    #[test]
    fn a_template_that_comes_back_moves_its_revision_up_and_remembers_the_old_one() {
        let set = annotations(&[(REVISION, "2")]);
        let expected = annotations(&[(REVISION, "5"), (HISTORY, "2")]);
        assert_eq!(missing(&Annotations::new(), &set, 4), expected);
        let set = annotations(&[(REVISION, "5"), (HISTORY, "2")]);
        let expected = annotations(&[(REVISION, "8"), (HISTORY, "2,5")]);
        assert_eq!(missing(&Annotations::new(), &set, 7), expected);
    }

    #[test]
    fn a_revision_never_goes_down() {
        let set = annotations(&[(REVISION, "5")]);
        assert_eq!(missing(&Annotations::new(), &set, 2), Annotations::new());
    }

    #[test]
    fn a_long_history_loses_its_oldest_entries() {
        let long = (0..600).map(|n| n.to_string()).collect::<Vec<_>>().join(",");
        let shorter = history(Some(&long), "600");
        assert!(shorter.len() <= LONGEST_HISTORY && shorter.ends_with(",599,600"));
    }
}
