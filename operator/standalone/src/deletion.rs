//! What a deletion does to an object: it goes at once, or it is marked and goes when its finalizers, its grace period
//! or its namespace's content have gone.

use jiff::{SignedDuration, Timestamp};
use schema::Resource;
use serde_json::Value;

use crate::admission::time;
use crate::query::{self, Query};
use crate::status::{Cause, Failure, Result};
use crate::{body, meta, strategy};

/// How an object is to be deleted (`DeleteOptions`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Options {
    pub(crate) dry_run: bool,
    grace: Option<i64>,
    propagation: Option<Propagation>,
    uid: Option<String>,
    resource_version: Option<String>,
}

/// What becomes of the objects that this one owns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Propagation {
    Background,
    Foreground,
    Orphan,
}

/// What is done.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Deletion {
    /// The object is removed.
    Now,
    /// The object is replaced by this one, which waits.
    Mark(Value),
    /// It waits already.
    Unchanged,
}

/// The finalizers by which the garbage collector keeps an owner until it has dealt with what it owns.
const FOREGROUND: &str = "foregroundDeletion";
const ORPHAN: &str = "orphan";

/// Refuses an option of another type: to take it as left out would delete what was not meant.
fn refuse_other_types(options: &Value) -> Result<()> {
    type Fits = fn(&Value) -> bool;
    let typed: [(&str, Fits, &str); 5] = [
        ("gracePeriodSeconds", Value::is_i64, "int64"),
        ("orphanDependents", Value::is_boolean, "bool"),
        ("propagationPolicy", Value::is_string, "v1.DeletionPropagation"),
        ("preconditions", Value::is_object, "v1.Preconditions"),
        ("dryRun", Value::is_array, "[]string"),
    ];
    for (field, fits, wanted) in typed {
        let found = match &options[field] {
            value if value.is_null() || fits(value) => continue,
            Value::String(_) => "string",
            Value::Number(_) => "number",
            Value::Bool(_) => "bool",
            Value::Array(_) => "array",
            _ => "object",
        };
        return Err(Failure::bad_request(format!(
            "json: cannot unmarshal {found} into Go struct field DeleteOptions.{field} of type {wanted}"
        )));
    }
    Ok(())
}

impl Options {
    /// Reads the body, or the query where there is none.
    pub(crate) fn parse(content_type: &str, bytes: &[u8], query: &Query) -> Result<Self> {
        let text = |name: &str| query.text(name).map(str::to_owned);
        let dry_run = query.dry_run("DeleteOptions")?;
        if bytes.is_empty() {
            let propagation = propagation(text("propagationPolicy").as_deref(), orphan(query))?;
            return Ok(Self {
                dry_run,
                grace: query.number("gracePeriodSeconds")?,
                propagation,
                ..Self::default()
            });
        }
        let options = body::read("DeleteOptions", content_type, bytes)?.value;
        if let Some(kind) = options["kind"].as_str().filter(|kind| !matches!(*kind, "" | "DeleteOptions")) {
            let version = options["apiVersion"].as_str().unwrap_or("meta.k8s.io/v1");
            let why = format!(
                "no kind {kind:?} is registered for version {version:?} in scheme \"pkg/runtime/scheme.go:111\""
            );
            return Err(Failure::bad_request(why));
        }
        refuse_other_types(&options)?;
        let precondition = |name: &str| options["preconditions"][name].as_str().map(str::to_owned);
        let dry_runs = options["dryRun"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let dry_runs = query::dry_run("DeleteOptions", &dry_runs.collect::<Vec<_>>())?;
        Ok(Self {
            dry_run: dry_run || dry_runs,
            grace: options["gracePeriodSeconds"].as_i64(),
            propagation: propagation(
                options["propagationPolicy"].as_str(),
                options["orphanDependents"].as_bool(),
            )?,
            uid: precondition("uid"),
            resource_version: precondition("resourceVersion"),
        })
    }

    /// Refuses an object that is another one, or in another state, than the client means.
    pub(crate) fn check(&self, resource: &Resource, live: &Value) -> Result<()> {
        let name = meta::name(live);
        let (uid, version) = (meta::uid(live), meta::resource_version(live));
        if let Some(wanted) = self.uid.as_deref().filter(|wanted| *wanted != uid) {
            let why = format!(
                "the UID in the precondition ({wanted}) does not match the UID in record ({uid}). \
                 The object might have been deleted and then recreated"
            );
            return Err(Failure::precondition(resource, name, &why));
        }
        if let Some(wanted) = self.resource_version.as_deref().filter(|wanted| *wanted != version) {
            let why = format!(
                "the ResourceVersion in the precondition ({wanted}) does not match the ResourceVersion in record ({version}). \
                 The object might have been modified"
            );
            return Err(Failure::precondition(resource, name, &why));
        }
        Ok(())
    }

    /// What deleting the object does.
    pub(crate) fn delete(&self, resource: &Resource, live: &Value, now: Timestamp) -> Deletion {
        let mut new = live.clone();
        let grace = if strategy::is(resource, "", "pods") { self.pod_grace(live) } else { 0 };
        let finalizers = self.finalizers(meta::finalizers(live));
        meta::set_finalizers(&mut new, finalizers.clone());
        if strategy::is(resource, "", "namespaces") && strategy::is_finalizing(live) {
            mark(&mut new, None, now);
            new["status"]["phase"] = "Terminating".into();
        } else if grace > 0 {
            mark(&mut new, Some(grace), now);
        } else if !finalizers.is_empty() {
            mark(&mut new, Some(0), now);
        } else {
            return Deletion::Now;
        }
        if new == *live { Deletion::Unchanged } else { Deletion::Mark(new) }
    }

    fn finalizers(&self, mut finalizers: Vec<String>) -> Vec<String> {
        let wanted = match self.propagation {
            None => return finalizers,
            Some(Propagation::Background) => None,
            Some(Propagation::Foreground) => Some(FOREGROUND),
            Some(Propagation::Orphan) => Some(ORPHAN),
        };
        finalizers
            .retain(|known| !matches!(known.as_str(), FOREGROUND | ORPHAN) || Some(known.as_str()) == wanted);
        if let Some(wanted) = wanted.filter(|wanted| !finalizers.iter().any(|known| known == wanted)) {
            finalizers.push(wanted.to_owned());
        }
        finalizers
    }

    /// A Pod that runs nowhere, or not any more, waits for nobody.
    fn pod_grace(&self, pod: &Value) -> i64 {
        let is_placed = pod["spec"]["nodeName"].as_str().is_some_and(|node| !node.is_empty());
        if !is_placed || matches!(pod["status"]["phase"].as_str(), Some("Succeeded" | "Failed")) {
            return 0;
        }
        let running = pod["metadata"]["deletionGracePeriodSeconds"].as_i64();
        let grace = self.grace.or(running).or_else(|| pod["spec"]["terminationGracePeriodSeconds"].as_i64());
        let grace = grace.unwrap_or(30);
        let grace = if grace < 0 { 1 } else { grace };
        running.map_or(grace, |running| running.min(grace))
    }
}

/// Sets the times of a deletion that waits; one that waits already is only made shorter. The generation counts that it
/// began.
fn mark(object: &mut Value, grace: Option<i64>, now: Timestamp) {
    let before = &object["metadata"]["deletionGracePeriodSeconds"];
    let is_sooner = matches!((before.as_i64(), grace), (Some(before), Some(grace)) if grace < before);
    let is_first = !meta::is_terminating(object);
    if !is_first && !is_sooner {
        return;
    }
    let began = match (meta::text(object, "deletionTimestamp").parse::<Timestamp>(), before.as_i64()) {
        (Ok(deadline), Some(before)) => deadline - SignedDuration::from_secs(before),
        _ => now,
    };
    meta::set(
        object,
        "deletionTimestamp",
        time(began + SignedDuration::from_secs(grace.unwrap_or(0))).into(),
    );
    if let Some(grace) = grace {
        meta::set(object, "deletionGracePeriodSeconds", grace.into());
    }
    if let Some(generation) = meta::generation(object).filter(|generation| *generation > 0 && is_first) {
        meta::set(object, "generation", (generation + 1).into());
    }
}

/// Whether a write to an object that is being deleted removed the last thing that it waited for.
pub(crate) fn is_done(resource: &Resource, live: &Value, new: &Value) -> bool {
    let grace = live["metadata"]["deletionGracePeriodSeconds"].as_i64().unwrap_or(0);
    let is_finalizing = strategy::is(resource, "", "namespaces") && strategy::is_finalizing(new);
    meta::is_terminating(live) && grace == 0 && meta::finalizers(new).is_empty() && !is_finalizing
}

fn orphan(query: &Query) -> Option<bool> {
    query.text("orphanDependents").map(|_| query.flag("orphanDependents"))
}

fn propagation(policy: Option<&str>, orphan: Option<bool>) -> Result<Option<Propagation>> {
    let refused = |reason: &str, message: String| {
        Err(Failure::invalid_options("DeleteOptions", &[Cause::new(reason, "propagationPolicy", message)]))
    };
    let policy = match policy {
        None | Some("") => None,
        Some("Background") => Some(Propagation::Background),
        Some("Foreground") => Some(Propagation::Foreground),
        Some("Orphan") => Some(Propagation::Orphan),
        Some(other) => {
            let supported = r#""Foreground", "Background", "Orphan", "nil""#;
            let message = format!("Unsupported value: {other:?}: supported values: {supported}");
            return refused("FieldValueNotSupported", message);
        }
    };
    match (policy, orphan) {
        (Some(policy), Some(_)) => {
            let why = "orphanDependents and deletionPropagation cannot be both set";
            refused("FieldValueInvalid", format!("Invalid value: \"{policy:?}\": {why}"))
        }
        (policy, None) => Ok(policy),
        (None, Some(true)) => Ok(Some(Propagation::Orphan)),
        (None, Some(false)) => Ok(Some(Propagation::Background)),
    }
}

#[cfg(test)]
mod tests;
