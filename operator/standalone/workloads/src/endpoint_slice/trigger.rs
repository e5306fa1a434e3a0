//! When what a slice shows began to change: monitoring measures from there how long a change takes to be seen.
//!
//! A change is of the Service, which is as old as it is, or of a Pod, whose readiness has the time of its last change. The
//! earliest one since the pass before counts; a Service that was not looked at before counts from its creation.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Pod, Service};

use crate::key::ObjectKey;
use crate::pod::ready_condition;

/// The annotation of a slice that tells the time.
pub(super) const LAST_CHANGE: &str = "endpoints.kubernetes.io/last-change-trigger-time";

/// What was seen of every Service.
#[derive(Debug, Default)]
pub(super) struct Triggers(Mutex<BTreeMap<ObjectKey, Seen>>);

#[derive(Debug)]
struct Seen {
    service: Option<Timestamp>,
    /// By the name of the Pod.
    pods: BTreeMap<String, Timestamp>,
}

impl Triggers {
    /// Remembers what a pass sees; says when that began to change, if it did.
    pub(super) fn see(
        &self,
        key: &ObjectKey,
        service: &Service,
        pods: impl Iterator<Item = Arc<Pod>>,
    ) -> Option<String> {
        let now = Seen {
            service: service.metadata.creation_timestamp.as_ref().map(|time| time.0),
            pods: pods
                .filter_map(|pod| Some((pod.metadata.name.clone()?, readiness_changed(&pod)?)))
                .collect(),
        };
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let began = all.get(key).map_or(now.service, |before| now.earliest_since(before));
        all.insert(key.clone(), now);
        Some(began?.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
    }

    /// The Service is gone.
    pub(super) fn forget(&self, key: &ObjectKey) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }
}

impl Seen {
    fn earliest_since(&self, before: &Self) -> Option<Timestamp> {
        let service = self.service.filter(|_| self.service > before.service);
        let pods = self.pods.iter().filter(|(name, time)| before.pods.get(*name) < Some(*time));
        pods.map(|(_, time)| *time).chain(service).min()
    }
}

fn readiness_changed(pod: &Pod) -> Option<Timestamp> {
    Some(ready_condition(pod)?.last_transition_time.as_ref()?.0)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn service(created: &str) -> Service {
        serde_json::from_value(json!({"metadata": {"name": "web", "creationTimestamp": created}})).unwrap()
    }

    fn pod(name: &str, changed: &str) -> Arc<Pod> {
        let ready = json!({"type": "Ready", "status": "True", "lastTransitionTime": changed});
        let pod = json!({"metadata": {"name": name}, "status": {"conditions": [ready]}});
        Arc::new(serde_json::from_value(pod).unwrap())
    }

    #[test]
    fn a_new_service_counts_from_its_creation_and_then_the_earliest_change_does() {
        let (triggers, key) = (Triggers::default(), ObjectKey::new("a", "web"));
        let service = service("2026-01-01T00:00:00Z");
        let see = |pods: &[Arc<Pod>]| triggers.see(&key, &service, pods.iter().cloned());
        let [x, y] = [pod("x", "2026-01-01T00:00:05Z"), pod("y", "2026-01-01T00:00:07Z")];
        assert_eq!(see(std::slice::from_ref(&x)).as_deref(), Some("2026-01-01T00:00:00Z"));
        assert_eq!(see(&[x.clone(), y.clone()]).as_deref(), Some("2026-01-01T00:00:07Z"));
        assert_eq!(see(&[x, y]), None);
        let later = [pod("x", "2026-01-01T00:00:09Z"), pod("y", "2026-01-01T00:00:08Z")];
        assert_eq!(see(&later).as_deref(), Some("2026-01-01T00:00:08Z"));
        triggers.forget(&key);
        assert_eq!(see(&[]).as_deref(), Some("2026-01-01T00:00:00Z"));
    }
}
