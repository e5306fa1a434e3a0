//! What happens to an object, from what is known of its owners and its dependents.
//!
//! | the object | its owners | verdict |
//! | --- | --- | --- |
//! | is being deleted, waits for dependents | | is let go when none blocks, else they are looked at |
//! | is being deleted, keeps dependents | | they are disowned, then it is let go |
//! | is being deleted otherwise | | nothing: it goes anyway |
//! | lives | none, or all solid | nothing |
//! | lives | some solid | the others are struck off |
//! | lives, has dependents | gone, one waits | is deleted, and waits for its dependents in turn |
//! | lives | all gone or waiting | is deleted |

use super::graph::{Dependent, Owner, View};

/// What to do with an object whose own deletion has begun, or that has no reason to go.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum First {
    /// Nothing.
    Nothing,
    /// Disown its dependents, then take the finalizer away.
    Orphan,
    /// Take the finalizer away that waits for dependents.
    Release,
    /// Look at these, for which it waits.
    LookAt(Vec<String>),
    /// Ask the API for the owners that the graph does not know.
    AskForOwners,
}

/// What the API and the graph together say of an owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    Solid,
    Waiting,
    Gone,
}

/// What to do with an object once the fate of its owners is known.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Verdict {
    /// Nothing.
    Keep,
    /// Strike off those owners that are not solid.
    Disown,
    /// Delete it in the foreground; if a dependent waits too, its owners first stop waiting for it, since a circle
    /// would wait for ever.
    DeleteWithDependents { unblock: bool },
    /// Delete it.
    Delete,
}

/// The upper half of the table.
pub(super) fn first(view: &View) -> First {
    let node = &view.node;
    if node.is_deleting && node.is_foreground {
        let blocking: Vec<_> = view.dependents.iter().filter(|dependent| dependent.is_blocking).collect();
        if blocking.is_empty() {
            return First::Release;
        }
        let idle = blocking.into_iter().filter(|dependent| !dependent.is_waiting);
        return First::LookAt(idle.map(|dependent| dependent.uid.clone()).collect());
    }
    if node.is_deleting {
        return if node.is_orphaning { First::Orphan } else { First::Nothing };
    }
    if view.owners.iter().all(|owner| *owner == Owner::Solid) { First::Nothing } else { First::AskForOwners }
}

/// The lower half of the table, for an object that has owners.
pub(super) fn of(owners: &[Fate], dependents: &[Dependent]) -> Verdict {
    let any = |fate| owners.contains(&fate);
    if any(Fate::Solid) {
        return if any(Fate::Waiting) || any(Fate::Gone) { Verdict::Disown } else { Verdict::Keep };
    }
    if any(Fate::Waiting) && !dependents.is_empty() {
        return Verdict::DeleteWithDependents { unblock: dependents.iter().any(|one| one.is_waiting) };
    }
    Verdict::Delete
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::graph::{GroupKind, Node};
    use super::*;
    use crate::key::ObjectKey;

    fn dependent(uid: &str, is_blocking: bool, is_waiting: bool) -> Dependent {
        Dependent { uid: uid.into(), is_blocking, is_waiting }
    }

    fn view(finalizers: (bool, bool), is_deleting: bool, owners: &[Owner], dependents: &[Dependent]) -> View {
        let (is_foreground, is_orphaning) = finalizers;
        let kind = Arc::new(GroupKind { group: String::new(), kind: "Pod".into() });
        let key = ObjectKey::new("a", "x");
        let node = Node { kind, key, owners: Vec::new(), is_deleting, is_foreground, is_orphaning };
        View { node, owners: owners.to_vec(), dependents: dependents.to_vec() }
    }

    #[test]
    fn an_object_that_waits_is_released_when_nothing_blocks_it() {
        let waiting = (true, false);
        assert_eq!(first(&view(waiting, true, &[], &[])), First::Release);
        assert_eq!(first(&view(waiting, true, &[], &[dependent("d", false, false)])), First::Release);
        let blocked = [dependent("d", true, false), dependent("e", true, true)];
        assert_eq!(first(&view(waiting, true, &[], &blocked)), First::LookAt(vec!["d".into()]));
    }

    #[test]
    fn an_object_that_is_being_deleted_is_left_alone_but_for_its_orphans() {
        assert_eq!(first(&view((false, false), true, &[Owner::Unknown], &[])), First::Nothing);
        assert_eq!(first(&view((false, true), true, &[], &[])), First::Orphan);
        assert_eq!(first(&view((false, true), false, &[], &[])), First::Nothing);
    }

    #[test]
    fn only_an_owner_that_the_graph_does_not_vouch_for_is_asked_for() {
        assert_eq!(first(&view((false, false), false, &[Owner::Solid], &[])), First::Nothing);
        assert_eq!(first(&view((false, false), false, &[], &[])), First::Nothing);
        let table = [Owner::Unknown, Owner::Waiting];
        for owner in table {
            assert_eq!(first(&view((false, false), false, &[Owner::Solid, owner], &[])), First::AskForOwners);
        }
    }

    #[test]
    fn one_solid_owner_keeps_an_object() {
        let (keep, disown) = (Verdict::Keep, Verdict::Disown);
        assert_eq!(of(&[Fate::Solid], &[]), keep);
        assert_eq!(of(&[Fate::Solid, Fate::Gone], &[]), disown);
        assert_eq!(of(&[Fate::Waiting, Fate::Solid], &[]), disown);
    }

    #[test]
    fn without_a_solid_owner_an_object_goes_and_its_dependents_first_if_one_waits() {
        let dependents = [dependent("d", true, false)];
        let circle = [dependent("d", true, true)];
        assert_eq!(of(&[Fate::Gone], &[]), Verdict::Delete);
        assert_eq!(of(&[Fate::Gone], &dependents), Verdict::Delete);
        assert_eq!(of(&[Fate::Waiting], &[]), Verdict::Delete);
        assert_eq!(of(&[Fate::Waiting], &dependents), Verdict::DeleteWithDependents { unblock: false });
        assert_eq!(of(&[Fate::Waiting], &circle), Verdict::DeleteWithDependents { unblock: true });
    }
}
