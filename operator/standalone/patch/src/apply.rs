//! Server-side apply: a configuration is laid over the object, what its applier no longer wants goes, and what others want otherwise
//! is a conflict.

mod prune;

use schema::Schema;
use serde_json::{Value, json};

use crate::conflict::{Conflict, Conflicts};
use crate::fields::FieldSet;
use crate::last_applied;
use crate::managed::{
    DecodeError, Entry, Managed, Manager, Operation, managed_fields, with_managed_fields,
    without_managed_fields,
};
use crate::typed::{Type, compare, fields_of, merge, reconcile, validate};
use crate::update::{Update, after, empty, left_to_others, stripped};

/// A configuration that is applied.
#[derive(Debug, Clone, Copy)]
pub struct Apply<'a> {
    /// What the object may look like.
    pub schema: &'a Schema,
    /// The object that is stored; none when applying creates it.
    pub live: Option<&'a Value>,
    /// The configuration.
    pub applied: &'a Value,
    /// `?fieldManager=`.
    pub manager: &'a str,
    /// `?force=true`: conflicts are won.
    pub force: bool,
    /// Such as `status`; empty for the object itself.
    pub subresource: &'a str,
    /// Such as `apps/v1`.
    pub api_version: &'a str,
    /// Such as `Deployment`.
    pub kind: &'a str,
    /// Now: RFC 3339, in UTC, whole seconds.
    pub time: &'a str,
    /// What this endpoint does not write ([`reset_fields`](crate::reset_fields)).
    pub ignored: &'a [&'a str],
}

/// Why a configuration cannot be applied. The message is the `message` of the API's Status.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApplyError {
    /// Others want other values: 409, reason `Conflict`, with the causes.
    #[error(transparent)]
    Conflicts(#[from] Conflicts),
    /// The configuration is not one of this kind: 400, reason `BadRequest`.
    #[error("{0}")]
    BadRequest(String),
    /// The configuration does not fit the schema. A real server answers a 500 without a reason.
    #[error("{0}")]
    Internal(String),
}

impl From<DecodeError> for ApplyError {
    fn from(error: DecodeError) -> Self {
        Self::Internal(format!("failed to decode managed fields: {error}"))
    }
}

/// Applies a configuration.
///
/// The answer has its `metadata.managedFields`, and is not defaulted. Applying what is there changes nothing, not even a time.
///
/// # Errors
/// [`ApplyError`], which is what the API answers.
pub fn apply(apply: &Apply<'_>) -> Result<Value, ApplyError> {
    check_kind(apply)?;
    let live = apply.live.map_or_else(|| json!({}), without_managed_fields);
    let managed = managed_before(apply, &live)?;
    let (object, managed) = match with_force(apply, &live, managed.clone(), apply.force) {
        Err(ApplyError::Conflicts(conflicts)) => {
            let foreign = last_applied::foreign(apply, &live, conflicts);
            if !foreign.0.is_empty() {
                return Err(foreign.into());
            }
            with_force(apply, &live, managed, true)?
        }
        result => result?,
    };
    let object = last_applied::refresh(apply, object);
    Ok(with_managed_fields(object, &managed))
}

fn check_kind(apply: &Apply<'_>) -> Result<(), ApplyError> {
    let text = |field: &str| apply.applied[field].as_str().unwrap_or_default();
    if (text("apiVersion"), text("kind")) != (apply.api_version, apply.kind) {
        return Err(ApplyError::BadRequest(format!(
            "invalid object type: {}",
            group_version_kind(apply.applied)
        )));
    }
    Ok(())
}

fn group_version_kind(object: &Value) -> String {
    let text = |field: &str| object[field].as_str().unwrap_or_default();
    // A version of the core group is told with the group's empty name before it.
    let slash = if text("apiVersion").contains('/') { "" } else { "/" };
    format!("{slash}{}, Kind={}", text("apiVersion"), text("kind"))
}

/// The managers before the apply. Where nobody manages an object that is there, whoever wrote it is `before-first-apply`.
fn managed_before(apply: &Apply<'_>, live: &Value) -> Result<Managed, ApplyError> {
    let Some(stored) = apply.live else { return Ok(Managed::default()) };
    let managed = Managed::decode(managed_fields(stored))?;
    if !managed.entries.is_empty() {
        return Ok(managed);
    }
    let first = Update {
        schema: apply.schema,
        live: None,
        new: live,
        manager: "before-first-apply",
        subresource: apply.subresource,
        api_version: apply.api_version,
        time: apply.time,
        ignored: apply.ignored,
    };
    Ok(after(&first, managed, &empty(apply.schema, live), live))
}

fn with_force(
    apply: &Apply<'_>,
    live: &Value,
    mut managed: Managed,
    force: bool,
) -> Result<(Value, Managed), ApplyError> {
    check(apply)?;
    let of = Type::Known(apply.schema);
    let ignored: FieldSet = apply.ignored.iter().copied().collect();
    for entry in managed.entries.values_mut() {
        entry.set = reconcile(of, &entry.set);
    }
    let manager = Manager::new(apply.manager, Operation::Apply, apply.api_version, apply.subresource);
    let last = managed.entries.get(&manager).cloned();
    let mut entry = Entry {
        api_version: apply.api_version.to_owned(),
        set: fields_of(of, apply.applied).without(&ignored),
        time: last.as_ref().and_then(|last| last.time.clone()),
    };
    managed.entries.insert(manager.clone(), entry.clone());
    let merged = merge(of, live, apply.applied);
    let object = prune::prune(of, &merged, &managed.union(), last.as_ref().map(|last| &last.set));

    managed.entries.remove(&manager);
    let comparison = compare(of, live, &object).without(&ignored);
    let conflicts = conflicts(&managed, &comparison.changed());
    if !force && !conflicts.is_empty() {
        return Err(Conflicts(conflicts).into());
    }
    for other in managed.entries.values_mut() {
        other.set = left_to_others(&other.set, &comparison);
    }
    if apply.live.is_none() || !crate::fields::same(live, &object) {
        entry.time = Some(apply.time.to_owned());
    }
    entry.set = stripped(&entry.set);
    managed.entries.insert(manager, entry);
    managed.drop_empty();
    Ok((object, managed))
}

fn check(apply: &Apply<'_>) -> Result<(), ApplyError> {
    if !managed_fields(apply.applied).is_null() {
        return Err(ApplyError::BadRequest("metadata.managedFields must be nil".to_owned()));
    }
    validate(Type::Known(apply.schema), apply.applied).map_err(|what| {
        let name = |field: &str| apply.applied["metadata"][field].as_str().unwrap_or_default();
        let object = format!("{}/{}; {}", name("namespace"), name("name"), group_version_kind(apply.applied));
        ApplyError::Internal(format!("failed to create typed patch object ({object}): {what}"))
    })
}

fn conflicts(managed: &Managed, changed: &FieldSet) -> Vec<Conflict> {
    let conflicts = managed.entries.iter().flat_map(|(manager, entry)| {
        let paths = entry.set.intersection(changed).paths();
        paths.into_iter().map(|path| Conflict::new(manager, path))
    });
    conflicts.collect()
}
