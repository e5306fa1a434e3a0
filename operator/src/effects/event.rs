//! Tells transitions as Kubernetes events, for `kubectl describe`.
//!
//! In come the conditions of an object that flipped; out goes one event for each. An event that cannot be written is lost,
//! because the condition says the same for longer.

use k8s_openapi::api::core::v1::ObjectReference;
use kube::runtime::events::{Event, EventType, Recorder, Reporter};
use kube::{Client, Resource};
use plan::{ObjectKey, StatusWrite, Transition};

use crds::{Cluster, names};

use crate::reason::root_cause;

/// The API refuses a longer note.
const LONGEST_NOTE: usize = 1024;

/// Writes events.
pub(crate) struct Events {
    client: Client,
    reporter: Reporter,
}

/// What an event is about.
pub(crate) struct Regarding(ObjectReference);

impl Regarding {
    /// A Cluster.
    pub(crate) fn cluster(name: &str, uid: &str) -> Self {
        Self::object::<Cluster>(&ObjectKey::new("", name), uid)
    }

    /// The object that a status was written to.
    pub(crate) fn of<K: Resource<DynamicType = ()>>(write: &StatusWrite) -> Self {
        let StatusWrite { kind: _, key, uid, status: _, events: _ } = write;
        Self::object::<K>(key, uid)
    }

    /// An object of this kind.
    pub(crate) fn object<K: Resource<DynamicType = ()>>(key: &ObjectKey, uid: &str) -> Self {
        Self(ObjectReference {
            api_version: Some(K::api_version(&()).into_owned()),
            kind: Some(K::kind(&()).into_owned()),
            name: Some(key.name.clone()),
            namespace: (!key.namespace.is_empty()).then(|| key.namespace.clone()),
            uid: Some(uid.to_owned()),
            ..ObjectReference::default()
        })
    }
}

impl Events {
    /// Events in the name of the operator; `instance` is the process.
    pub(crate) fn new(client: Client, instance: &str) -> Self {
        let reporter =
            Reporter { controller: names::OPERATOR.to_owned(), instance: Some(instance.to_owned()) };
        Self { client, reporter }
    }

    /// Writes one event for each transition.
    pub(crate) async fn publish(&self, regarding: &Regarding, transitions: &[Transition]) {
        // A recorder merges what looks alike to it, notes unread; a new one has nothing to merge with.
        let recorder = Recorder::new(self.client.clone(), self.reporter.clone());
        for transition in transitions {
            if let Err(error) = recorder.publish(&event(transition), &regarding.0).await {
                let name = regarding.0.name.as_deref().unwrap_or_default();
                tracing::debug!(name, cause = root_cause(&error), "an event was not written");
            }
        }
    }
}

fn event(transition: &Transition) -> Event {
    let Transition { condition, holds, reason, message } = transition;
    let mut note = match (holds, message.as_str()) {
        // The reason repeats the condition.
        (true, "") => "it holds".to_owned(),
        (true, message) => message.to_owned(),
        (false, "") => condition.to_string(),
        (false, message) => format!("{condition}: {message}"),
    };
    note.truncate(note.floor_char_boundary(LONGEST_NOTE));
    Event {
        type_: if *holds { EventType::Normal } else { EventType::Warning },
        reason: reason.to_string(),
        note: Some(note),
        action: condition.to_string(),
        secondary: None,
    }
}

#[cfg(test)]
mod tests {
    use crds::{ConditionType, Reason};

    use super::*;

    fn transition(holds: bool, message: &str) -> Transition {
        let condition = ConditionType::Accepted;
        Transition { condition, holds, reason: Reason::HostClaimed, message: message.into() }
    }

    #[test]
    fn an_event_says_which_condition_and_why() {
        let event = event(&transition(false, "a/www serves it"));
        assert_eq!(event.note.as_deref(), Some("Accepted: a/www serves it"));
        assert_eq!((event.type_, event.reason.as_str()), (EventType::Warning, "HostClaimed"));
    }

    #[test]
    fn a_note_is_cut_between_characters() {
        let note = event(&transition(true, &"é".repeat(2000))).note.unwrap();
        assert!(note.len() <= LONGEST_NOTE && note.len() > LONGEST_NOTE - 4);
    }
}
