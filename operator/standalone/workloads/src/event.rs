//! Events about objects, as `kubectl describe` and `kubectl get events` show them.
//!
//! Recording never waits and never fails: a task of its own writes them, one that repeats raises the count of the one
//! before. When there are more than can be written, the surplus is dropped.

use std::collections::{HashMap, VecDeque};
use std::convert::Infallible;
use std::future::pending;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Event, EventSource, ObjectReference};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use kube::api::{Api, Patch};
use kube::{Client, Resource};
use serde_json::json;
use tokio::sync::mpsc;

use crate::refusal;
use crate::write::{patched, posted};

/// How many may wait to be written.
const WAITING: usize = 1024;

/// How many of those written are remembered, to raise their counts.
const REMEMBERED: usize = 256;

/// Whether an event is as it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Severity {
    Normal,
    Warning,
}

/// What happened to an object.
#[derive(Debug, Clone, PartialEq)]
struct Happening {
    component: &'static str,
    about: ObjectReference,
    severity: Severity,
    reason: &'static str,
    message: String,
}

/// What makes two happenings the same.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Fingerprint {
    component: &'static str,
    uid: Option<String>,
    severity: Severity,
    reason: &'static str,
    message: String,
}

/// Records events in the name of one controller.
#[derive(Debug, Clone)]
pub(crate) struct Recorder {
    component: &'static str,
    sender: mpsc::Sender<Happening>,
}

impl Recorder {
    /// The same for another controller.
    pub(crate) fn named(&self, component: &'static str) -> Self {
        Self { component, sender: self.sender.clone() }
    }

    /// Records that this happened to `object` now.
    pub(crate) fn record<K: Resource<DynamicType = ()>>(
        &self,
        object: &K,
        severity: Severity,
        reason: &'static str,
        message: String,
    ) {
        let about = object.object_ref(&());
        let happening = Happening { component: self.component, about, severity, reason, message };
        if self.sender.try_send(happening).is_err() {
            tracing::debug!(reason, "an event was dropped");
        }
    }
}

/// Writes what the recorders record.
pub(crate) struct Writer {
    client: Client,
    receiver: mpsc::Receiver<Happening>,
    written: Written,
}

/// A recorder and the writer behind it.
pub(crate) fn recorder(client: Client) -> (Recorder, Writer) {
    let (sender, receiver) = mpsc::channel(WAITING);
    (Recorder { component: "", sender }, Writer { client, receiver, written: Written::default() })
}

impl Writer {
    /// Writes for as long as it is polled.
    pub(crate) async fn run(mut self) -> Infallible {
        while let Some(happening) = self.receiver.recv().await {
            if let Err(error) = self.write(&happening).await
                && !refusal::is_namespace_terminating(&error)
                && !refusal::is_not_found(&error)
            {
                tracing::debug!(reason = happening.reason, %error, "an event was not written");
            }
        }
        pending().await
    }

    async fn write(&mut self, happening: &Happening) -> kube::Result<()> {
        let now = second(Timestamp::now());
        let api = Api::<Event>::namespaced(self.client.clone(), namespace(&happening.about));
        let fingerprint = Fingerprint::of(happening);
        if let Some((name, count)) = self.written.again(&fingerprint) {
            let patch = json!({"count": count, "lastTimestamp": now});
            let patched = api.patch(&name, &patched(), &Patch::Merge(patch)).await;
            if refusal::unless_gone(patched)?.is_some() {
                return Ok(());
            }
        }
        let event = event(happening, Timestamp::now());
        let name = event.metadata.name.clone().unwrap_or_default();
        api.create(&posted(), &event).await?;
        self.written.remember(fingerprint, name);
        Ok(())
    }
}

impl Fingerprint {
    fn of(happening: &Happening) -> Self {
        Self {
            component: happening.component,
            uid: happening.about.uid.clone(),
            severity: happening.severity,
            reason: happening.reason,
            message: happening.message.clone(),
        }
    }
}

/// The events that were written last, with their counts.
#[derive(Debug, Default)]
struct Written {
    events: HashMap<Fingerprint, (String, i32)>,
    order: VecDeque<Fingerprint>,
}

impl Written {
    /// The name and the new count of an event that was written before.
    fn again(&mut self, fingerprint: &Fingerprint) -> Option<(String, i32)> {
        let (name, count) = self.events.get_mut(fingerprint)?;
        *count += 1;
        Some((name.clone(), *count))
    }

    fn remember(&mut self, fingerprint: Fingerprint, name: String) {
        if self.events.insert(fingerprint.clone(), (name, 1)).is_none() {
            self.order.push_back(fingerprint);
        }
        if self.order.len() > REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.events.remove(&oldest);
        }
    }
}

fn event(happening: &Happening, now: Timestamp) -> Event {
    let about = &happening.about;
    let name = format!("{}.{:x}", about.name.as_deref().unwrap_or_default(), now.as_nanosecond());
    let severity = match happening.severity {
        Severity::Normal => "Normal",
        Severity::Warning => "Warning",
    };
    Event {
        metadata: ObjectMeta {
            name: Some(name),
            namespace: Some(namespace(about).to_owned()),
            ..ObjectMeta::default()
        },
        involved_object: about.clone(),
        reason: Some(happening.reason.to_owned()),
        message: Some(happening.message.clone()),
        type_: Some(severity.to_owned()),
        count: Some(1),
        first_timestamp: Some(second(now)),
        last_timestamp: Some(second(now)),
        source: Some(EventSource { component: Some(happening.component.to_owned()), host: None }),
        reporting_component: Some(happening.component.to_owned()),
        reporting_instance: Some(String::new()),
        ..Event::default()
    }
}

/// Events about cluster-scoped objects are kept in the namespace `default`.
fn namespace(about: &ObjectReference) -> &str {
    about.namespace.as_deref().unwrap_or("default")
}

/// A time as API objects have it: in whole seconds.
pub(crate) fn second(time: Timestamp) -> Time {
    Time(Timestamp::from_second(time.as_second()).expect("a second of a timestamp is in its range"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fingerprint(message: &str) -> Fingerprint {
        let message = message.to_owned();
        Fingerprint { component: "c", uid: None, severity: Severity::Normal, reason: "R", message }
    }

    #[test]
    fn an_event_that_repeats_is_counted_and_old_ones_are_forgotten() {
        let mut written = Written::default();
        assert_eq!(written.again(&fingerprint("a")), None);
        written.remember(fingerprint("a"), "a.1".into());
        assert_eq!(written.again(&fingerprint("a")), Some(("a.1".into(), 2)));
        assert_eq!(written.again(&fingerprint("a")), Some(("a.1".into(), 3)));
        for n in 0..REMEMBERED {
            written.remember(fingerprint(&n.to_string()), "n".into());
        }
        assert_eq!(written.again(&fingerprint("a")), None);
        assert_eq!(written.events.len(), REMEMBERED);
    }
}
