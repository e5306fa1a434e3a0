//! Writes statuses: each a whole one, by server-side apply on the status subresource, so that this operator owns every field
//! of it and restores what somebody blanks.
//!
//! In come status writes; out go requests, and after each that succeeded the events of its transitions. The uid goes along,
//! so that the status of an object that was deleted never lands on another one that got its name.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Mutex, PoisonError};

use crds::{App, Blobstore, Certificate, Cluster, Route, names};
use kube::api::{Patch, PatchParams};
use kube::{Api, Client, Resource};
use plan::{Kind, ObjectKey, StatusWrite, Unit};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::event::{Events, Regarding};
use super::writer::Write;
use crate::metrics::EffectMetrics;
use crate::reason::root_cause;
use crate::reconcile::Input;

/// Writes statuses, each object's in turn.
pub(crate) struct Statuses {
    client: Client,
    events: Events,
    inputs: mpsc::Sender<Input>,
    metrics: EffectMetrics,
    /// What was last written of each object, as a hash, so that a status that had to be restored is no news.
    told: Mutex<BTreeMap<(Kind, ObjectKey), u64>>,
}

/// What came of an attempt.
#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    Written,
    /// The object, or the one that was meant, is gone.
    Gone,
    Failed(String),
}

impl Statuses {
    pub(crate) fn new(
        client: Client,
        instance: &str,
        inputs: mpsc::Sender<Input>,
        metrics: EffectMetrics,
    ) -> Self {
        let events = Events::new(client.clone(), instance);
        Self { client, events, inputs, metrics, told: Mutex::default() }
    }

    async fn apply(&self, write: &StatusWrite) -> Outcome {
        let client = self.client.clone();
        match write.kind {
            Kind::Cluster => patch::<Cluster>(&Api::all(client), write).await,
            Kind::App => patch::<App>(&Api::namespaced(client, &write.key.namespace), write).await,
            Kind::Route => patch::<Route>(&Api::namespaced(client, &write.key.namespace), write).await,
            Kind::Certificate => {
                patch::<Certificate>(&Api::namespaced(client, &write.key.namespace), write).await
            }
            Kind::Blobstore => {
                patch::<Blobstore>(&Api::namespaced(client, &write.key.namespace), write).await
            }
            other => Outcome::Failed(format!("{other} objects get no status from here")),
        }
    }

    async fn tell(&self, write: &StatusWrite) {
        if !self.is_news(write) {
            return;
        }
        let regarding = match write.kind {
            Kind::Cluster => Regarding::of::<Cluster>(write),
            Kind::App => Regarding::of::<App>(write),
            Kind::Route => Regarding::of::<Route>(write),
            Kind::Blobstore => Regarding::of::<Blobstore>(write),
            _ => Regarding::of::<Certificate>(write),
        };
        self.events.publish(&regarding, &write.events).await;
    }

    fn is_news(&self, write: &StatusWrite) -> bool {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let hash = findings(write);
        told.insert((write.kind, write.key.clone()), hash) != Some(hash)
    }

    fn forget(&self, key: &(Kind, ObjectKey)) {
        self.told.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }
}

impl Write for Statuses {
    type Key = (Kind, ObjectKey);
    type Order = StatusWrite;

    async fn write(&self, key: &(Kind, ObjectKey), write: &StatusWrite) -> bool {
        let outcome = self.apply(write).await;
        self.metrics.wrote("status", !matches!(outcome, Outcome::Failed(_)));
        match outcome {
            Outcome::Written => self.tell(write).await,
            Outcome::Gone => self.forget(key),
            Outcome::Failed(cause) => {
                tracing::warn!(kind = %write.kind, key = %write.key, cause, "a status was not written and is tried again");
                return false;
            }
        }
        true
    }

    async fn again(&self, (kind, key): &(Kind, ObjectKey)) {
        if let Some(unit) = unit(*kind, key) {
            // It fails only when the process ends.
            let _ = self.inputs.send(Input::Retry(unit)).await;
        }
    }

    async fn timed_out(&self, (kind, key): &(Kind, ObjectKey)) {
        tracing::warn!(%kind, %key, "a status write took too long and is tried again");
    }
}

/// The unit whose plan is this object's status.
fn unit(kind: Kind, key: &ObjectKey) -> Option<Unit> {
    match kind {
        Kind::Cluster => Some(Unit::ClusterStatus(key.name.clone())),
        Kind::App => Some(Unit::App(key.clone())),
        Kind::Route => Some(Unit::Route(key.clone())),
        Kind::Certificate => Some(Unit::CertificateStatus(key.clone())),
        Kind::Blobstore => Some(Unit::Blobstore(key.clone())),
        _ => None,
    }
}

async fn patch<K>(api: &Api<K>, write: &StatusWrite) -> Outcome
where
    K: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned,
{
    let params = PatchParams::apply(names::OPERATOR).force();
    match api.patch_status(&write.key.name, &params, &Patch::Apply(body::<K>(write))).await {
        Ok(_) => Outcome::Written,
        // 409: the uid is another one's.
        Err(kube::Error::Api(status)) if status.is_not_found() || status.is_conflict() => Outcome::Gone,
        Err(error) => Outcome::Failed(root_cause(&error)),
    }
}

fn body<K: Resource<DynamicType = ()>>(write: &StatusWrite) -> Value {
    let StatusWrite { kind: _, key, uid, status, events: _ } = write;
    json!({
        "apiVersion": K::api_version(&()),
        "kind": K::kind(&()),
        "metadata": { "name": key.name, "uid": uid },
        "status": status,
    })
}

/// A hash of what a status says, apart from since when.
fn findings(write: &StatusWrite) -> u64 {
    let mut status = write.status.clone();
    for condition in status.get_mut("conditions").and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some(condition) = condition.as_object_mut() {
            condition.remove("lastTransitionTime");
        }
    }
    let mut hasher = DefaultHasher::new();
    (&write.uid, status.to_string()).hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(ready: &str, since: &str) -> StatusWrite {
        let condition = json!({"type": "Ready", "status": ready, "lastTransitionTime": since});
        StatusWrite {
            kind: Kind::Route,
            key: ObjectKey::new("a", "www"),
            uid: "u".into(),
            status: json!({"observedGeneration": 1, "conditions": [condition]}),
            events: Vec::new(),
        }
    }

    #[test]
    fn a_status_that_says_the_same_since_another_time_is_no_news() {
        assert_eq!(
            findings(&write("True", "2026-01-01T00:00:00Z")),
            findings(&write("True", "2026-01-02T00:00:00Z"))
        );
        assert_ne!(findings(&write("True", "")), findings(&write("False", "")));
    }

    #[test]
    fn a_status_goes_to_the_object_that_it_is_about_and_no_other() {
        let body = body::<Route>(&write("True", ""));
        assert_eq!(body["apiVersion"], "flynn.io/v1alpha1");
        assert_eq!(body["kind"], "Route");
        assert_eq!(body["metadata"], json!({"name": "www", "uid": "u"}));
    }
}
