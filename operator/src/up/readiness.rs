//! Whether what was applied is ready: one watch for each kind that says so.
//!
//! In come the objects as they change; out goes what each of them waits for. Kinds without a condition `Ready` are ready as
//! soon as they are there.

use std::collections::BTreeMap;

use crds::names::GROUP;
use futures::StreamExt as _;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::api::DynamicObject;
use kube::discovery::ApiResource;
use kube::runtime::watcher;
use kube::runtime::watcher::Event;
use kube::{Api, Client, ResourceExt};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::inventory::Id;

/// The kinds that people wait for.
const KINDS: [&str; 5] = ["App", "Blobstore", "Certificate", "Cluster", "Route"];

/// How far an object is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum State {
    Ready,
    /// It gets there by itself.
    Waiting(String),
    /// It does not, before a person changes something.
    Stalled {
        reason: String,
        message: String,
    },
}

/// What an object says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Seen {
    /// The generation that this is about.
    generation: i64,
    state: State,
    /// Of a Cluster: what clients of its domains have to trust.
    authority: Option<String>,
}

impl State {
    pub(super) fn is_stalled(&self) -> bool {
        matches!(self, Self::Stalled { .. })
    }
}

/// Follows every object of the kinds that people wait for.
pub(super) struct Readiness {
    states: BTreeMap<Id, Seen>,
    changes: mpsc::Receiver<(Id, Option<Seen>)>,
    _watches: JoinSet<()>,
}

impl Readiness {
    /// Begins to watch.
    pub(super) fn watch(client: &Client) -> Self {
        let (sender, changes) = mpsc::channel(256);
        let mut watches = JoinSet::new();
        for resource in resources() {
            watches.spawn(follow(client.clone(), resource, sender.clone()));
        }
        Self { states: BTreeMap::new(), changes, _watches: watches }
    }

    /// How far an object is in becoming what it was made at `generation`.
    pub(super) fn of(&self, id: &Id, generation: i64) -> State {
        if !id.api_version.starts_with(GROUP) || !KINDS.contains(&id.kind.as_str()) {
            return State::Ready;
        }
        match self.states.get(id) {
            Some(seen) if seen.generation >= generation => seen.state.clone(),
            _ => State::Waiting("nothing has looked at it yet".to_owned()),
        }
    }

    /// What clients of the Cluster's domains have to trust beside what they know.
    pub(super) fn authority(&self) -> Option<&str> {
        self.states.values().find_map(|seen| seen.authority.as_deref())
    }

    /// The next object whose state changed. Cancel safe.
    pub(super) async fn changed(&mut self) -> Id {
        while let Some((id, state)) = self.changes.recv().await {
            let is_known = match state {
                Some(seen) => self.states.insert(id.clone(), seen.clone()) == Some(seen),
                None => self.states.remove(&id).is_none(),
            };
            if !is_known {
                return id;
            }
        }
        // The watches begin again by themselves for as long as there is a receiver.
        std::future::pending().await
    }
}

fn resources() -> impl Iterator<Item = ApiResource> {
    let ours = crds::all().into_iter().filter(|crd| KINDS.contains(&crd.spec.names.kind.as_str()));
    ours.map(|crd| ApiResource {
        api_version: format!("{}/v1alpha1", crd.spec.group),
        group: crd.spec.group,
        version: "v1alpha1".to_owned(),
        kind: crd.spec.names.kind,
        plural: crd.spec.names.plural,
    })
}

async fn follow(client: Client, resource: ApiResource, changes: mpsc::Sender<(Id, Option<Seen>)>) {
    let api: Api<DynamicObject> = Api::all_with(client, &resource);
    let mut events = watcher(api, watcher::Config::default()).boxed();
    while let Some(event) = events.next().await {
        let change = match event {
            Ok(Event::Apply(object) | Event::InitApply(object)) => {
                (id(&resource, &object), Some(Seen::of(&object)))
            }
            Ok(Event::Delete(object)) => (id(&resource, &object), None),
            Ok(Event::Init | Event::InitDone) => continue,
            Err(error) => {
                tracing::debug!(kind = resource.kind, %error, "a watch begins again");
                continue;
            }
        };
        if changes.send(change).await.is_err() {
            return;
        }
    }
}

fn id(resource: &ApiResource, object: &DynamicObject) -> Id {
    Id {
        api_version: resource.api_version.clone(),
        kind: resource.kind.clone(),
        namespace: object.namespace().unwrap_or_default(),
        name: object.name_any(),
    }
}

impl Seen {
    fn of(object: &DynamicObject) -> Self {
        let status = &object.data["status"];
        Self {
            generation: status["observedGeneration"].as_i64().unwrap_or_default(),
            state: state(object),
            authority: status["caBundle"].as_str().map(str::to_owned),
        }
    }
}

fn state(object: &DynamicObject) -> State {
    let conditions = &object.data["status"]["conditions"];
    let conditions: Vec<Condition> = serde_json::from_value(conditions.clone()).unwrap_or_default();
    let is = |type_: &str, status: &str| conditions.iter().find(|c| c.type_ == type_ && c.status == status);
    if is("Ready", "True").is_some() {
        return State::Ready;
    }
    // `Ready` repeats the first that is not met; that one has the sentence.
    let first = |status: &str| {
        conditions.iter().find(|c| c.status == status && c.type_ != "Ready" && c.type_ != "Stalled")
    };
    let unmet = first("False").or_else(|| first("Unknown")).or_else(|| is("Ready", "False"));
    let message = unmet.map_or_else(|| "nothing has looked at it yet".to_owned(), |c| c.message.clone());
    match (is("Stalled", "True"), unmet) {
        (Some(stalled), _) => State::Stalled { reason: stalled.reason.clone(), message },
        (None, _) => State::Waiting(message),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn state_of(conditions: &Value) -> State {
        let object = json!({"apiVersion": "flynn.io/v1alpha1", "kind": "App", "metadata": {"name": "a"},
            "status": {"conditions": conditions}});
        state(&serde_json::from_value(object).unwrap())
    }

    fn condition(type_: &str, status: &str, reason: &str, message: &str) -> Value {
        json!({"type": type_, "status": status, "reason": reason, "message": message,
            "lastTransitionTime": "2026-01-01T00:00:00Z"})
    }

    #[test]
    fn what_it_waits_for_is_the_first_condition_that_is_not_met() {
        let accepted = condition("Accepted", "True", "Accepted", "");
        let available = condition("Available", "False", "Progressing", "web has 0 of 1 replicas available");
        let ready = condition("Ready", "False", "Progressing", "see Available");
        let waiting = State::Waiting("web has 0 of 1 replicas available".into());
        assert_eq!(state_of(&json!([accepted, available, ready])), waiting);
        assert_eq!(state_of(&json!([accepted, condition("Ready", "True", "Ready", "")])), State::Ready);
        assert_eq!(state_of(&json!([])), State::Waiting("nothing has looked at it yet".into()));
    }

    #[test]
    fn what_only_a_person_can_mend_is_stalled() {
        let refused = condition("Accepted", "False", "CommandRequired", "set a command");
        let stalled = condition("Stalled", "True", "CommandRequired", "");
        let expected = State::Stalled { reason: "CommandRequired".into(), message: "set a command".into() };
        assert_eq!(state_of(&json!([refused, stalled])), expected);
    }
}
