//! One value laid over another: nothing goes, and where both have a leaf, the one on top stays.
//!
//! A shared list keeps its order where the one on top says nothing else, and takes over the order of the entries that the one on
//! top has.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde_json::{Map, Value};

use super::key::element;
use super::{Atom, ListAtom, MapAtom, Type};
use crate::fields::PathElement;

/// Lays `top` over `bottom`.
pub(crate) fn merge(of: Type<'_>, bottom: &Value, top: &Value) -> Value {
    match (of.atom(top), bottom, top) {
        (Atom::Map(map), Value::Object(bottom), Value::Object(top)) if !map.atomic && !top.is_empty() => {
            Value::Object(maps(&map, bottom, top))
        }
        // What is on top of something is there, but has nothing in it to take the place of anything.
        (Atom::Map(map), Value::Object(entries), Value::Object(_) | Value::Null)
            if !map.atomic && !entries.is_empty() =>
        {
            bottom.clone()
        }
        (Atom::List(list), Value::Array(entries), Value::Array(top)) if !list.is_atomic() => {
            Value::Array(lists(&list, entries, top))
        }
        (Atom::List(list), Value::Array(entries), Value::Null)
            if !list.is_atomic() && !entries.is_empty() =>
        {
            bottom.clone()
        }
        _ => top.clone(),
    }
}

fn maps(map: &MapAtom<'_>, bottom: &Map<String, Value>, top: &Map<String, Value>) -> Map<String, Value> {
    let mut merged = bottom.clone();
    for (name, value) in top {
        let value = match bottom.get(name) {
            Some(below) => merge(map.entry(name), below, value),
            None => value.clone(),
        };
        merged.insert(name.clone(), value);
    }
    merged
}

/// Two lists that are merged, from their starts.
struct Lists<'a> {
    list: &'a ListAtom<'a>,
    bottom: VecDeque<(PathElement, &'a Value)>,
    top: VecDeque<(PathElement, &'a Value)>,
    /// The entries below that have one on top; a name that several have below is the name of none.
    below: BTreeMap<PathElement, Option<&'a Value>>,
    above: BTreeSet<PathElement>,
    /// What both have, in the order of the one on top.
    shared: VecDeque<PathElement>,
    taken: BTreeSet<PathElement>,
    merged: Vec<Value>,
}

fn lists(list: &ListAtom<'_>, bottom: &[Value], top: &[Value]) -> Vec<Value> {
    let bottom = with_elements(list, bottom);
    let top = with_elements(list, top);
    let mut below = BTreeMap::new();
    for (element, value) in &bottom {
        below.entry(element.clone()).and_modify(|value| *value = None).or_insert(Some(*value));
    }
    let shared = top
        .iter()
        .map(|(element, _)| element)
        .filter(|element| below.contains_key(element))
        .cloned()
        .collect();
    let above = top.iter().map(|(element, _)| element.clone()).collect();
    let lists = Lists { list, bottom, top, below, above, shared, taken: BTreeSet::new(), merged: Vec::new() };
    lists.merge()
}

fn with_elements<'a>(list: &ListAtom<'_>, entries: &'a [Value]) -> VecDeque<(PathElement, &'a Value)> {
    entries.iter().filter_map(|entry| Some((element(list, entry).ok()?, entry))).collect()
}

impl Lists<'_> {
    fn merge(mut self) -> Vec<Value> {
        while !self.bottom.is_empty() || !self.top.is_empty() {
            self.step();
        }
        self.merged
    }

    fn step(&mut self) {
        if let (Some((below, _)), Some((above, _))) = (self.bottom.front(), self.top.front()) {
            if below == above {
                self.bottom.pop_front();
                return self.take_top();
            }
            let is_later = self.shared.front().is_some_and(|next| next != below);
            if self.above.contains(below) && is_later {
                self.bottom.pop_front();
                return;
            }
        }
        if let Some((below, value)) = self.bottom.front() {
            if !self.above.contains(below) {
                self.merged.push((*value).clone());
                self.bottom.pop_front();
                return;
            }
            if self.taken.contains(below) {
                self.bottom.pop_front();
            }
        }
        self.take_top();
    }

    fn take_top(&mut self) {
        let Some((element, value)) = self.top.pop_front() else { return };
        let merged = match self.below.get(&element) {
            Some(Some(below)) => merge(self.list.items, below, value),
            Some(None) | None => value.clone(),
        };
        self.merged.push(merged);
        if self.shared.front() == Some(&element) {
            self.shared.pop_front();
        }
        self.taken.insert(element);
    }
}
