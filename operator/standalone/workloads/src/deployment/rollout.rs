//! The next step from old Pods to new ones, without going above or below the bounds.
//!
//! In come the ReplicaSets of a Deployment in numbers; out go the sizes that they get now. What follows is decided
//! when the Pods have followed: this never waits and never looks ahead.

use super::bounds::Bounds;

/// One ReplicaSet in numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Set {
    pub(super) name: String,
    /// The Pods that it is to have.
    pub(super) replicas: i32,
    /// Those that can serve.
    pub(super) available: i32,
    /// The replicas of the Deployment when it was sized last.
    pub(super) desired_before: Option<i32>,
    /// The most Pods that the Deployment could have then.
    pub(super) highest_before: Option<i32>,
}

/// A new size of a ReplicaSet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Resize {
    pub(super) name: String,
    pub(super) replicas: i32,
}

impl Set {
    pub(super) fn resized(&self, replicas: i32) -> Resize {
        Resize { name: self.name.clone(), replicas }
    }
}

/// The size of the new ReplicaSet, of which `new` Pods are wanted yet, when all together have `all`.
pub(super) fn size_of_new(bounds: &Bounds, new: i32, all: i32) -> i32 {
    if !bounds.rolling || new > bounds.replicas {
        return bounds.replicas;
    }
    let room = (bounds.highest() - all).max(0);
    new + room.min(bounds.replicas - new)
}

/// A step of a rolling update. `old` is sorted by age, the oldest first.
pub(super) fn rolling(bounds: &Bounds, new: &Set, old: &[Set]) -> Vec<Resize> {
    let size = size_of_new(bounds, new.replicas, total(old) + new.replicas);
    if size != new.replicas {
        return vec![new.resized(size)];
    }
    shrink(bounds, new, old)
}

/// A step of a replacement: `None` while Pods of old ReplicaSets are still there.
pub(super) fn recreate(
    bounds: &Bounds,
    new: Option<&Set>,
    old: &[Set],
    old_pods: bool,
) -> Option<Vec<Resize>> {
    let running: Vec<_> = old.iter().filter(|set| set.replicas != 0).map(|set| set.resized(0)).collect();
    if !running.is_empty() {
        return Some(running);
    }
    if old_pods {
        return None;
    }
    let new = new.filter(|new| new.replicas != bounds.replicas);
    Some(new.map(|new| new.resized(bounds.replicas)).into_iter().collect())
}

/// Takes Pods from the old ReplicaSets: first those that serve nobody, then as many as the available ones permit.
fn shrink(bounds: &Bounds, new: &Set, old: &[Set]) -> Vec<Resize> {
    let missing_in_new = new.replicas - new.available;
    let spare = total(old) + new.replicas - bounds.lowest() - missing_in_new;
    if total(old) == 0 || spare <= 0 {
        return Vec::new();
    }
    let mut sizes: Vec<i32> = old.iter().map(|set| set.replicas).collect();
    take(&mut sizes, spare, |index, size| (size - old[index].available).max(0));
    let available: i32 = old.iter().map(|set| set.available).sum::<i32>() + new.available;
    take(&mut sizes, available - bounds.lowest(), |_, size| size);
    let changed = old.iter().zip(sizes).filter(|(set, size)| set.replicas != *size);
    changed.map(|(set, size)| set.resized(size)).collect()
}

/// Takes `budget` from the sizes in order, of each at most what `most` says.
fn take(sizes: &mut [i32], mut budget: i32, most: impl Fn(usize, i32) -> i32) {
    for (index, size) in sizes.iter_mut().enumerate() {
        let taken = most(index, *size).min(budget.max(0));
        *size -= taken;
        budget -= taken;
    }
}

fn total(sets: &[Set]) -> i32 {
    sets.iter().map(|set| set.replicas).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is tried, the bounds, the new and the old ones as (wanted, available), and the sizes that follow.
    type Case = (&'static str, Bounds, (i32, i32), &'static [(i32, i32)], &'static [(&'static str, i32)]);

    fn bounds(replicas: i32, surge: i32, unavailable: i32) -> Bounds {
        Bounds { replicas, surge, unavailable, rolling: true }
    }

    fn set(name: &str, replicas: i32, available: i32) -> Set {
        Set { name: name.into(), replicas, available, ..Set::default() }
    }

    fn step(bounds: Bounds, new: (i32, i32), old: &[(i32, i32)]) -> Vec<(String, i32)> {
        let new = set("new", new.0, new.1);
        let old: Vec<_> = old.iter().enumerate().map(|(n, (r, a))| set(&format!("old{n}"), *r, *a)).collect();
        rolling(&bounds, &new, &old).into_iter().map(|resize| (resize.name, resize.replicas)).collect()
    }

    fn sizes(expected: &[(&str, i32)]) -> Vec<(String, i32)> {
        expected.iter().map(|(name, size)| ((*name).to_owned(), *size)).collect()
    }

    #[test]
    fn a_rolling_update_goes_by_the_table() {
        let table: [Case; 10] = [
            ("the first Pods come at once", bounds(3, 1, 0), (0, 0), &[], &[("new", 3)]),
            ("the surge comes first", bounds(3, 1, 0), (0, 0), &[(3, 3)], &[("new", 1)]),
            ("nothing goes before that is ready", bounds(3, 1, 0), (1, 0), &[(3, 3)], &[]),
            ("then one old one goes", bounds(3, 1, 0), (1, 1), &[(3, 3)], &[("old0", 2)]),
            ("which makes room for the next", bounds(3, 1, 0), (1, 1), &[(2, 2)], &[("new", 2)]),
            ("the last old one", bounds(3, 1, 0), (3, 3), &[(1, 1)], &[("old0", 0)]),
            ("and that is the end", bounds(3, 1, 0), (3, 3), &[(0, 0)], &[]),
            ("what may be missing goes at once", bounds(10, 0, 2), (0, 0), &[(10, 10)], &[("old0", 8)]),
            ("an old one that serves nobody goes first", bounds(3, 1, 1), (1, 0), &[(3, 2)], &[("old0", 2)]),
            ("too many new ones", bounds(2, 1, 0), (5, 5), &[], &[("new", 2)]),
        ];
        for (case, bounds, new, old, expected) in table {
            assert_eq!(step(bounds, new, old), sizes(expected), "{case}");
        }
    }

    #[test]
    fn new_pods_that_never_get_ready_leave_the_old_ones_in_place() {
        assert_eq!(step(bounds(10, 3, 2), (5, 0), &[(8, 8)]), []);
        assert_eq!(step(bounds(10, 3, 2), (5, 0), &[(8, 7)]), []);
    }

    #[test]
    fn the_oldest_is_emptied_first() {
        assert_eq!(step(bounds(4, 2, 0), (4, 3), &[(1, 1), (1, 1)]), sizes(&[("old0", 0)]));
    }

    #[test]
    fn a_replacement_waits_for_the_last_old_pod() {
        let bounds = Bounds { replicas: 2, surge: 0, unavailable: 0, rolling: false };
        let new = set("new", 0, 0);
        let two = [set("old", 2, 2)];
        let none = [set("old", 0, 0)];
        assert_eq!(recreate(&bounds, Some(&new), &two, true), Some(vec![two[0].resized(0)]));
        assert_eq!(recreate(&bounds, Some(&new), &none, true), None);
        assert_eq!(recreate(&bounds, Some(&new), &none, false), Some(vec![new.resized(2)]));
        assert_eq!(recreate(&bounds, None, &none, false), Some(vec![]));
    }

    #[test]
    fn every_rollout_ends_and_stays_within_its_bounds() {
        for (replicas, surge, unavailable) in [(1, 1, 0), (3, 1, 0), (10, 3, 2), (5, 0, 1), (7, 7, 7)] {
            let bounds = bounds(replicas, surge, unavailable.min(replicas));
            let (mut new, mut old) = (set("new", 0, 0), [set("old", replicas, replicas)]);
            for _ in 0..100 {
                for resize in rolling(&bounds, &new, &old) {
                    let target = if resize.name == "new" { &mut new } else { &mut old[0] };
                    target.replicas = resize.replicas;
                    target.available = target.available.min(resize.replicas);
                    assert!(new.replicas + old[0].replicas <= bounds.highest());
                    assert!(new.available + old[0].available >= bounds.lowest());
                }
                new.available = (new.available + 1).min(new.replicas);
            }
            assert_eq!((new.replicas, old[0].replicas), (replicas, 0));
        }
    }
}
