//! A change of the replicas while a rollout is under way, or while it is paused.
//!
//! The difference is spread over the ReplicaSets in proportion to their sizes, so that scaling neither speeds a rollout
//! up nor lets a broken new version take over.

use std::cmp::Reverse;

use super::bounds::Bounds;
use super::rollout::{Resize, Set};

/// Whether the replicas have changed since the ReplicaSets were sized.
pub(super) fn is_due<'a>(bounds: &Bounds, sets: impl IntoIterator<Item = &'a Set>) -> bool {
    let mut active = sets.into_iter().filter(|set| set.replicas > 0);
    active.any(|set| set.desired_before.is_some_and(|desired| desired != bounds.replicas))
}

/// The sizes that follow from the replicas alone. `old` is sorted by age, the oldest first; `pods` is how many Pods the
/// Deployment had last.
pub(super) fn scale(bounds: &Bounds, new: Option<&Set>, old: &[Set], pods: i32) -> Vec<Resize> {
    let mut active: Vec<_> = old.iter().chain(new).filter(|set| set.replicas > 0).collect();
    match active.as_slice() {
        [] => new.or(old.last()).map(|set| set.resized(bounds.replicas)).into_iter().collect(),
        [only] => vec![only.resized(bounds.replicas)],
        _ if new.is_some_and(|new| is_saturated(bounds, new)) => {
            let running = old.iter().filter(|set| set.replicas > 0);
            running.map(|set| set.resized(0)).collect()
        }
        _ if bounds.rolling => proportional(bounds, &mut active, pods),
        _ => Vec::new(),
    }
}

fn is_saturated(bounds: &Bounds, new: &Set) -> bool {
    new.replicas == bounds.replicas
        && new.desired_before == Some(bounds.replicas)
        && new.available == bounds.replicas
}

/// `active` comes in by age, the oldest first.
fn proportional(bounds: &Bounds, active: &mut [&Set], pods: i32) -> Vec<Resize> {
    let allowed = if bounds.replicas > 0 { bounds.highest() } else { 0 };
    let to_add = allowed - active.iter().map(|set| set.replicas).sum::<i32>();
    if to_add > 0 {
        active.reverse(); // of two of a size, the newer grows first
    }
    active.sort_by_key(|set| Reverse(set.replicas));
    let mut left = to_add;
    let mut sizes: Vec<i32> = Vec::with_capacity(active.len());
    for set in active.iter() {
        let share = share(bounds, set, pods);
        let change = if to_add > 0 { share.clamp(0, left) } else { share.clamp(left, 0) };
        left -= change;
        sizes.push(set.replicas + change);
    }
    if let Some(largest) = sizes.first_mut() {
        *largest = (*largest + left).max(0);
    }
    active.iter().zip(sizes).map(|(set, size)| set.resized(size)).collect()
}

/// By how much a ReplicaSet changes if it keeps its part of the whole.
fn share(bounds: &Bounds, set: &Set, pods: i32) -> i32 {
    if bounds.replicas == 0 {
        return -set.replicas;
    }
    let before = set.highest_before.filter(|highest| *highest != 0).unwrap_or(pods);
    if before == 0 {
        return 0;
    }
    let size = f64::from(set.replicas) * f64::from(bounds.highest()) / f64::from(before);
    size.round() as i32 - set.replicas
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bounds(replicas: i32, surge: i32) -> Bounds {
        Bounds { replicas, surge, unavailable: 0, rolling: true }
    }

    fn set(name: &str, replicas: i32, before: (i32, i32)) -> Set {
        Set {
            name: name.into(),
            replicas,
            available: replicas,
            desired_before: Some(before.0),
            highest_before: Some(before.1),
        }
    }

    fn sizes(bounds: Bounds, new: Option<Set>, old: &[Set]) -> Vec<(String, i32)> {
        let mut sizes: Vec<_> = scale(&bounds, new.as_ref(), old, 0)
            .into_iter()
            .map(|resize| (resize.name, resize.replicas))
            .collect();
        sizes.sort();
        sizes
    }

    fn expect(expected: &[(&str, i32)]) -> Vec<(String, i32)> {
        expected.iter().map(|(name, size)| ((*name).to_owned(), *size)).collect()
    }

    #[test]
    fn scaling_is_due_when_the_replicas_are_not_those_of_the_last_sizing() {
        assert!(!is_due(&bounds(3, 1), [&set("a", 3, (3, 4))]));
        assert!(is_due(&bounds(5, 1), [&set("a", 3, (3, 4))]));
        assert!(!is_due(&bounds(5, 1), [&set("a", 0, (3, 4))]), "one without Pods says nothing");
    }

    #[test]
    fn a_single_active_set_takes_it_all() {
        assert_eq!(sizes(bounds(5, 1), Some(set("new", 3, (3, 4))), &[]), expect(&[("new", 5)]));
        let old = [set("old", 3, (3, 4))];
        assert_eq!(sizes(bounds(5, 1), Some(set("new", 0, (3, 4))), &old), expect(&[("old", 5)]));
        assert_eq!(sizes(bounds(2, 1), Some(set("new", 0, (0, 0))), &[]), expect(&[("new", 2)]));
    }

    #[test]
    fn the_difference_is_spread_in_proportion() {
        let old = [set("old", 8, (10, 12))];
        let new = set("new", 4, (10, 12));
        assert_eq!(sizes(bounds(20, 4), Some(new.clone()), &old), expect(&[("new", 8), ("old", 16)]));
        assert_eq!(sizes(bounds(5, 1), Some(new.clone()), &old), expect(&[("new", 2), ("old", 4)]));
        assert_eq!(sizes(bounds(0, 0), Some(new), &old), expect(&[("new", 0), ("old", 0)]));
    }

    #[test]
    fn what_rounding_leaves_goes_to_the_largest_and_of_equals_to_the_newest() {
        let old = [set("older", 3, (9, 9)), set("old", 3, (9, 9))];
        let new = set("new", 3, (9, 9));
        assert_eq!(sizes(bounds(10, 0), Some(new), &old), expect(&[("new", 4), ("old", 3), ("older", 3)]));
        let old = [set("older", 4, (10, 10)), set("old", 3, (10, 10))];
        assert_eq!(
            sizes(bounds(11, 0), Some(set("new", 3, (10, 10))), &old),
            expect(&[("new", 3), ("old", 3), ("older", 5)])
        );
    }

    #[test]
    fn old_sets_are_emptied_when_the_new_one_is_all_there() {
        let old = [set("old", 2, (3, 4))];
        assert_eq!(sizes(bounds(3, 1), Some(set("new", 3, (3, 4))), &old), expect(&[("old", 0)]));
    }
}
