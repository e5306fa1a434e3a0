//! Who manages what after a write that is no apply: create, PUT and the patches.

mod empty;

use schema::Schema;
use serde_json::Value;

use crate::fields::FieldSet;
use crate::managed::{
    Entry, Managed, Manager, Operation, managed_fields, with_managed_fields, without_managed_fields,
};
use crate::typed::{Comparison, Type, compare, reconcile};

pub(crate) use empty::empty;

/// A write that is no apply.
#[derive(Debug, Clone, Copy)]
pub struct Update<'a> {
    /// What the object may look like.
    pub schema: &'a Schema,
    /// The object that is stored; none when it is being created.
    pub live: Option<&'a Value>,
    /// The object that is to be stored, patched and defaulted. Its `managedFields`, if it has any, take the place of the stored ones.
    pub new: &'a Value,
    /// `?fieldManager=`, or what the user agent begins with.
    pub manager: &'a str,
    /// Such as `status`; empty for the object itself.
    pub subresource: &'a str,
    /// Such as `apps/v1`.
    pub api_version: &'a str,
    /// Now: RFC 3339, in UTC, whole seconds.
    pub time: &'a str,
    /// What this endpoint does not write ([`reset_fields`](crate::reset_fields)).
    pub ignored: &'a [&'a str],
}

/// Fields that say what an object is, rather than how it should be: nobody manages them.
const STRIPPED: [&str; 11] = [
    "apiVersion",
    "kind",
    "metadata",
    "metadata.name",
    "metadata.namespace",
    "metadata.creationTimestamp",
    "metadata.selfLink",
    "metadata.uid",
    "metadata.generation",
    "metadata.managedFields",
    "metadata.resourceVersion",
];

/// Takes the stripped fields out of a set.
pub(crate) fn stripped(set: &FieldSet) -> FieldSet {
    set.difference(&FieldSet::from(STRIPPED))
}

/// The new object with the `metadata.managedFields` that it has after the write: who writes manages what it changes, and nobody
/// manages what is gone.
///
/// An object that has lost its managed fields stays without until someone applies to it.
#[must_use]
pub fn update(update: &Update<'_>) -> Value {
    let new = without_managed_fields(update.new);
    let managed = given(update);
    if managed.entries.is_empty() && update.live.is_some() {
        return new;
    }
    let live = match update.live {
        Some(live) => without_managed_fields(live),
        None => empty(update.schema, &new),
    };
    with_managed_fields(new.clone(), &after(update, managed, &live, &new))
}

/// What the managers are after a write that leads from one object to another, both without managed fields.
pub(crate) fn after(update: &Update<'_>, mut managed: Managed, live: &Value, new: &Value) -> Managed {
    let of = Type::Known(update.schema);
    for entry in managed.entries.values_mut() {
        entry.set = reconcile(of, &entry.set);
    }
    let comparison = compare(of, live, new).without(&update.ignored.iter().copied().collect());
    for entry in managed.entries.values_mut() {
        entry.set = left_to_others(&entry.set, &comparison);
    }
    managed.drop_empty();
    let changed = stripped(&comparison.changed());
    if !changed.is_empty() {
        let manager = Manager::new(update.manager, Operation::Update, update.api_version, update.subresource);
        let previous = managed.entries.remove(&manager).map(|entry| entry.set).unwrap_or_default();
        let (api_version, time) = (update.api_version.to_owned(), Some(update.time.to_owned()));
        managed.entries.insert(manager, Entry { api_version, set: previous.union(&changed), time });
    }
    managed.cap_updaters();
    managed
}

/// What a manager still manages after others changed or removed fields of its.
pub(crate) fn left_to_others(set: &FieldSet, comparison: &Comparison) -> FieldSet {
    set.difference(&comparison.changed()).difference(&comparison.removed)
}

/// The managers that the write starts from. A request can set them anew; one that knows nothing of them does not lose them, and an
/// empty list (or an empty entry) clears them. Through a subresource they cannot be set.
fn given(update: &Update<'_>) -> Managed {
    let live = || {
        let managed = update.live.map(managed_fields).map(Managed::decode);
        managed.and_then(Result::ok).unwrap_or_default()
    };
    let given = managed_fields(update.new);
    if !update.subresource.is_empty() {
        return live();
    }
    if is_reset(given) {
        return Managed::default();
    }
    match Managed::decode(given) {
        Ok(managed) if !managed.entries.is_empty() => managed,
        _ => live(),
    }
}

fn is_reset(managed_fields: &Value) -> bool {
    match managed_fields.as_array().map(Vec::as_slice) {
        Some([]) => true,
        Some([only]) => only.as_object().is_some_and(serde_json::Map::is_empty),
        _ => false,
    }
}
