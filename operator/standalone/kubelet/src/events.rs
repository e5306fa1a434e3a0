//! Events: what happens becomes an object that `kubectl describe` and `kubectl events` show.
//!
//! The same thing again becomes a higher count, and a thing that happens all the time is told less and less often. One task
//! writes them, in order; nothing ever waits for it.

use std::collections::HashMap;
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Event, EventSource, ObjectReference, Pod};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::api::{ObjectMeta, Patch, PatchParams, PostParams};
use kube::{Api, Client, ResourceExt as _};
use serde_json::json;
use tokio::sync::mpsc;
use tokio::time::Instant;

/// As many events of one object may come at once,
const BURST: u32 = 25;
/// and then one in this time.
const REFILL: Duration = Duration::from_secs(300);
/// As many different events are known; those after that are new ones again.
const KNOWN: usize = 1024;

/// Something that happened to an object.
#[derive(Clone, Debug)]
pub(crate) struct Happening {
    pub(crate) object: ObjectReference,
    pub(crate) component: String,
    pub(crate) warning: bool,
    pub(crate) reason: &'static str,
    pub(crate) message: String,
}

/// Tells of happenings.
#[derive(Clone, Debug)]
pub(crate) struct Recorder {
    happenings: mpsc::UnboundedSender<Happening>,
}

impl Recorder {
    /// A recorder, and the task that writes what it is told.
    pub(crate) fn new(client: Client, node_name: String) -> (Self, impl Future<Output = ()> + Send) {
        let (happenings, told) = mpsc::unbounded_channel();
        let writer = Writer { client, node_name, known: HashMap::new(), budgets: HashMap::new() };
        (Self { happenings }, writer.write(told))
    }

    pub(crate) fn tell(&self, happening: Happening) {
        // When the writer is gone, so is the API.
        let _ = self.happenings.send(happening);
    }
}

/// A Pod, or one of its containers, as an event refers to it.
pub(crate) fn reference(pod: &Pod, field_path: Option<String>) -> ObjectReference {
    ObjectReference {
        api_version: Some("v1".into()),
        kind: Some("Pod".into()),
        name: Some(pod.name_any()),
        namespace: pod.namespace(),
        uid: pod.uid(),
        resource_version: pod.resource_version(),
        field_path,
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Same {
    uid: Option<String>,
    field_path: Option<String>,
    reason: &'static str,
    message: String,
}

/// How much of an object may still be told.
#[derive(Clone, Copy, Debug)]
struct Budget {
    left: u32,
    since: Instant,
}

impl Budget {
    fn spend(&mut self, now: Instant) -> bool {
        let refilled = now.duration_since(self.since).as_secs() / REFILL.as_secs();
        if refilled > 0 {
            self.left = self.left.saturating_add(refilled.try_into().unwrap_or(BURST)).min(BURST);
            self.since = now;
        }
        let permitted = self.left > 0;
        self.left = self.left.saturating_sub(1);
        permitted
    }
}

struct Writer {
    client: Client,
    node_name: String,
    known: HashMap<Same, (String, i32)>,
    budgets: HashMap<Option<String>, Budget>,
}

impl Writer {
    async fn write(mut self, mut told: mpsc::UnboundedReceiver<Happening>) {
        while let Some(happening) = told.recv().await {
            if !self.permits(&happening) {
                continue;
            }
            let reason = happening.reason;
            if let Err(error) = self.write_one(happening).await {
                tracing::debug!(%error, reason, "an Event is lost");
            }
        }
    }

    fn permits(&mut self, happening: &Happening) -> bool {
        let now = Instant::now();
        if self.budgets.len() > KNOWN {
            self.budgets.clear();
        }
        let full = Budget { left: BURST, since: now };
        self.budgets.entry(happening.object.uid.clone()).or_insert(full).spend(now)
    }

    async fn write_one(&mut self, happening: Happening) -> kube::Result<()> {
        let same = Same {
            uid: happening.object.uid.clone(),
            field_path: happening.object.field_path.clone(),
            reason: happening.reason,
            message: happening.message.clone(),
        };
        let namespace = happening.object.namespace.clone().unwrap_or_default();
        let events: Api<Event> = Api::namespaced(self.client.clone(), &namespace);
        let now = Time(Timestamp::now());
        if let Some((name, count)) = self.known.get_mut(&same) {
            let patch = json!({"count": *count + 1, "lastTimestamp": now});
            match events.patch(name, &PatchParams::default(), &Patch::Merge(&patch)).await {
                Ok(_) => {
                    *count += 1;
                    return Ok(());
                }
                Err(kube::Error::Api(status)) if status.is_not_found() => {}
                Err(error) => return Err(error),
            }
        }
        let event = self.event(happening, namespace, now);
        let name = event.name_any();
        match events.create(&PostParams::default(), &event).await {
            Ok(_) => {}
            // A namespace that is being deleted takes none, and needs none.
            Err(kube::Error::Api(status)) if status.code == 403 => return Ok(()),
            Err(error) => return Err(error),
        }
        if self.known.len() > KNOWN {
            self.known.clear();
        }
        self.known.insert(same, (name, 1));
        Ok(())
    }

    fn event(&self, happening: Happening, namespace: String, now: Time) -> Event {
        let Happening { object, component, warning, reason, message } = happening;
        let about = object.name.as_deref().unwrap_or_default();
        let name = format!("{about}.{:016x}", fastrand::u64(..));
        Event {
            metadata: ObjectMeta { name: Some(name), namespace: Some(namespace), ..ObjectMeta::default() },
            involved_object: object,
            reason: Some(reason.to_owned()),
            message: Some(message),
            type_: Some(if warning { "Warning" } else { "Normal" }.to_owned()),
            count: Some(1),
            first_timestamp: Some(now.clone()),
            last_timestamp: Some(now),
            source: Some(EventSource {
                component: Some(component.clone()),
                host: Some(self.node_name.clone()),
            }),
            reporting_component: Some(component),
            reporting_instance: Some(self.node_name.clone()),
            ..Event::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thing_that_happens_all_the_time_is_told_less_often() {
        let begun = Instant::now();
        let mut budget = Budget { left: BURST, since: begun };
        assert_eq!((0..40).filter(|_| budget.spend(begun)).count(), 25);
        assert!(!budget.spend(begun + REFILL / 2));
        assert!(budget.spend(begun + REFILL));
        assert!(!budget.spend(begun + REFILL));
    }
}
