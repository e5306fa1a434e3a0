//! Sets of fields: which parts of an object someone owns.
//!
//! A set is a tree of path elements. An element may be a member (the field itself is owned), have members below it, or both; one that
//! is neither is never kept, so equal sets are equal values. `fields/codec.rs` reads and writes the `FieldsV1` form.

mod codec;
mod path;

use std::collections::BTreeMap;

pub use codec::FieldsError;
pub(crate) use codec::go_json;
pub(crate) use path::same;
pub use path::{Literal, Path, PathElement};

/// A set of fields of one object.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FieldSet {
    nodes: BTreeMap<PathElement, Node>,
}

/// One path element of a set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Node {
    member: bool,
    below: FieldSet,
}

impl Node {
    fn is_empty(&self) -> bool {
        !self.member && self.below.is_empty()
    }
}

impl FieldSet {
    /// The set of nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether it has no member.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// Adds the field at a path, and not its parents. The object as a whole (the empty path) belongs to nobody.
    pub fn insert(&mut self, path: &[PathElement]) {
        match path {
            [] => {}
            [last] => self.nodes.entry(last.clone()).or_default().member = true,
            [first, rest @ ..] => self.nodes.entry(first.clone()).or_default().below.insert(rest),
        }
    }

    /// Whether the field at a path is a member.
    #[must_use]
    pub fn contains(&self, path: &[PathElement]) -> bool {
        match path {
            [] => false,
            [last] => self.nodes.get(last).is_some_and(|node| node.member),
            [first, rest @ ..] => self.nodes.get(first).is_some_and(|node| node.below.contains(rest)),
        }
    }

    /// The part of the set below an element, if there is any.
    #[must_use]
    pub fn below(&self, element: &PathElement) -> Option<&Self> {
        self.nodes.get(element).map(|node| &node.below).filter(|below| !below.is_empty())
    }

    /// What is in either.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        let mut union = self.clone();
        for (element, theirs) in &other.nodes {
            let node = union.nodes.entry(element.clone()).or_default();
            node.member |= theirs.member;
            node.below = node.below.union(&theirs.below);
        }
        union
    }

    /// What is in both.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        self.filter(|element, node| {
            let theirs = other.nodes.get(element)?;
            let below = node.below.intersection(&theirs.below);
            Some(Node { member: node.member && theirs.member, below })
        })
    }

    /// What is in this set only. A field that goes does not take along the fields below it.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Self {
        self.filter(|element, node| {
            let Some(theirs) = other.nodes.get(element) else { return Some(node.clone()) };
            let below = node.below.difference(&theirs.below);
            Some(Node { member: node.member && !theirs.member, below })
        })
    }

    /// What is in this set and neither in the other nor below a member of it.
    #[must_use]
    pub fn without(&self, other: &Self) -> Self {
        self.filter(|element, node| {
            let Some(theirs) = other.nodes.get(element) else { return Some(node.clone()) };
            (!theirs.member).then(|| Node { member: node.member, below: node.below.without(&theirs.below) })
        })
    }

    /// Every member, parents first, in the order of a conflict's report: the members of a level, then what is below them.
    #[must_use]
    pub fn paths(&self) -> Vec<Path> {
        let mut paths = Vec::new();
        self.collect(&Path::default(), &mut paths);
        paths
    }

    fn collect(&self, prefix: &Path, paths: &mut Vec<Path>) {
        paths.extend(
            self.nodes.iter().filter(|(_, node)| node.member).map(|(element, _)| prefix.child(element)),
        );
        for (element, node) in &self.nodes {
            node.below.collect(&prefix.child(element), paths);
        }
    }

    /// Calls `visit` for the elements of this level: whether each is a member, and the set below it.
    pub(crate) fn level(&self) -> impl Iterator<Item = (&PathElement, bool, &Self)> {
        self.nodes.iter().map(|(element, node)| (element, node.member, &node.below))
    }

    /// Puts a whole level together; elements without any member are left out.
    pub(crate) fn from_level(level: impl IntoIterator<Item = (PathElement, bool, Self)>) -> Self {
        let nodes = level
            .into_iter()
            .map(|(element, member, below)| (element, Node { member, below }))
            .filter(|(_, node)| !node.is_empty())
            .collect();
        Self { nodes }
    }

    fn filter(&self, keep: impl Fn(&PathElement, &Node) -> Option<Node>) -> Self {
        let nodes = self
            .nodes
            .iter()
            .filter_map(|(element, node)| Some((element.clone(), keep(element, node)?)))
            .filter(|(_, node)| !node.is_empty())
            .collect();
        Self { nodes }
    }
}

impl<const N: usize> From<[&str; N]> for FieldSet {
    /// A set of dotted paths of plain field names, such as `metadata.name`.
    fn from(dotted: [&str; N]) -> Self {
        dotted.into_iter().collect()
    }
}

impl<'a> FromIterator<&'a str> for FieldSet {
    fn from_iter<I: IntoIterator<Item = &'a str>>(dotted: I) -> Self {
        let mut set = Self::new();
        for path in dotted {
            set.insert(&Path::from(path));
        }
        set
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_keeps_what_is_below_and_a_without_does_not() {
        let ours = FieldSet::from(["spec", "spec.replicas", "status"]);
        let theirs = FieldSet::from(["spec"]);
        assert_eq!(ours.difference(&theirs), FieldSet::from(["spec.replicas", "status"]));
        assert_eq!(ours.without(&theirs), FieldSet::from(["status"]));
    }

    #[test]
    fn sets_that_lose_their_members_are_empty() {
        let ours = FieldSet::from(["a.b.c"]);
        assert!(ours.difference(&ours).is_empty());
        assert!(ours.intersection(&FieldSet::from(["a.b"])).is_empty());
    }

    #[test]
    fn paths_are_told_level_by_level() {
        let paths = FieldSet::from(["b", "a.c", "d"]).paths();
        let told: Vec<String> = paths.iter().map(ToString::to_string).collect();
        assert_eq!(told, [".b", ".d", ".a.c"]);
    }
}
