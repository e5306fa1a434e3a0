//! What the status of a namespace says of what remains in it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{NamespaceCondition, NamespaceStatus};

use super::Remains;
use crate::event::second;

/// A condition: its type, whether it holds, its reason, its message.
type Said = (&'static str, bool, &'static str, String);

/// The status with its five conditions. A time moves only when a condition turns.
pub(super) fn told(before: &NamespaceStatus, remains: &Remains, now: Timestamp) -> NamespaceStatus {
    let mut status = before.clone();
    status.phase = Some("Terminating".to_owned());
    let conditions = status.conditions.get_or_insert_default();
    for (type_, holds, reason, message) in said(remains) {
        let value = if holds { "True" } else { "False" };
        let known = conditions.iter_mut().find(|condition| condition.type_ == type_);
        let turned = known.as_ref().is_none_or(|known| known.status != value);
        let since = known.as_ref().and_then(|known| known.last_transition_time.clone());
        let condition = NamespaceCondition {
            type_: type_.to_owned(),
            status: value.to_owned(),
            reason: Some(reason.to_owned()),
            message: Some(message),
            last_transition_time: if turned { Some(second(now)) } else { since },
        };
        match known {
            Some(known) => *known = condition,
            None => conditions.push(condition),
        }
    }
    status
}

fn said(remains: &Remains) -> [Said; 5] {
    let fine = |type_, reason, message: &str| (type_, false, reason, message.to_owned());
    [
        fine(
            "NamespaceDeletionDiscoveryFailure",
            "ResourcesDiscovered",
            "All resources successfully discovered",
        ),
        fine(
            "NamespaceDeletionGroupVersionParsingFailure",
            "ParsedGroupVersions",
            "All legacy kube types successfully parsed",
        ),
        deletion(&remains.failures),
        content(&remains.kinds),
        finalizers(&remains.finalizers),
    ]
}

fn deletion(failures: &[String]) -> Said {
    let type_ = "NamespaceDeletionContentFailure";
    if failures.is_empty() {
        let message = "All content successfully deleted, may be waiting on finalization".to_owned();
        return (type_, false, "ContentDeleted", message);
    }
    let (count, failures) = (failures.len(), failures.join(", "));
    let message = format!("Failed to delete all resource types, {count} remaining: {failures}");
    (type_, true, "ContentDeletionFailed", message)
}

fn content(kinds: &BTreeMap<String, usize>) -> Said {
    let type_ = "NamespaceContentRemaining";
    if kinds.is_empty() {
        return (type_, false, "ContentRemoved", "All content successfully removed".to_owned());
    }
    let kinds: Vec<_> =
        kinds.iter().map(|(kind, count)| format!("{kind} has {count} resource instances")).collect();
    (type_, true, "SomeResourcesRemain", format!("Some resources are remaining: {}", kinds.join(", ")))
}

fn finalizers(finalizers: &BTreeMap<String, usize>) -> Said {
    let type_ = "NamespaceFinalizersRemaining";
    if finalizers.is_empty() {
        let message = "All content-preserving finalizers finished".to_owned();
        return (type_, false, "ContentHasNoFinalizers", message);
    }
    let each = finalizers.iter().map(|(name, count)| format!("{name} in {count} resource instances"));
    let each: Vec<_> = each.collect();
    let message = format!("Some content in the namespace has finalizers remaining: {}", each.join(", "));
    (type_, true, "SomeFinalizersRemain", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn condition<'a>(status: &'a NamespaceStatus, type_: &str) -> &'a NamespaceCondition {
        status.conditions.as_ref().unwrap().iter().find(|condition| condition.type_ == type_).unwrap()
    }

    #[test]
    fn what_remains_is_named_and_counted() {
        let remains = Remains {
            kinds: [("pods.".to_owned(), 2), ("apps.flynn.io".to_owned(), 1)].into(),
            finalizers: [("flynn.io/x".to_owned(), 1)].into(),
            failures: vec![],
        };
        let status = told(&NamespaceStatus::default(), &remains, at(1));
        assert_eq!(
            condition(&status, "NamespaceContentRemaining").message.as_deref(),
            Some(
                "Some resources are remaining: apps.flynn.io has 1 resource instances, pods. has 2 resource instances"
            )
        );
        assert_eq!(
            condition(&status, "NamespaceFinalizersRemaining").message.as_deref(),
            Some(
                "Some content in the namespace has finalizers remaining: flynn.io/x in 1 resource instances"
            )
        );
        assert_eq!(status.conditions.unwrap().len(), 5);
    }

    #[test]
    fn a_time_moves_only_when_a_condition_turns() {
        let some = Remains { kinds: [("pods.".to_owned(), 2)].into(), ..Remains::default() };
        let fewer = Remains { kinds: [("pods.".to_owned(), 1)].into(), ..Remains::default() };
        let first = told(&NamespaceStatus::default(), &some, at(1));
        let second = told(&first, &fewer, at(2));
        let third = told(&second, &Remains::default(), at(3));
        let since = |status: &NamespaceStatus| {
            condition(status, "NamespaceContentRemaining").last_transition_time.clone().unwrap().0
        };
        assert_eq!([since(&first), since(&second), since(&third)], [at(1), at(1), at(3)]);
        assert_eq!(told(&third, &Remains::default(), at(4)), third);
    }
}
