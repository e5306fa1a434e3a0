//! Events are deleted some time after they were last written.
//!
//! Of an Event only the time of its end is kept.

use std::collections::{BTreeSet, HashMap};
use std::convert::Infallible;
use std::future::pending;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Event;
use kube::api::DeleteParams;
use kube::runtime::watcher::{self, watcher};
use kube::{Api, Client};

use crate::follow::follow;
use crate::key::ObjectKey;
use crate::queue::{Again, Queue};
use crate::refusal;

/// Deletes Events that are old.
pub(crate) struct EventExpiry {
    client: Client,
    /// How long an Event is kept.
    kept: Duration,
    queue: Queue<ObjectKey>,
    ends: Mutex<HashMap<ObjectKey, Timestamp>>,
}

impl EventExpiry {
    pub(crate) fn new(client: Client, kept: Duration) -> Arc<Self> {
        Arc::new(Self { client, kept, queue: Queue::default(), ends: Mutex::default() })
    }

    pub(crate) async fn run(self: Arc<Self>) -> Infallible {
        let events: Api<Event> = Api::all(self.client.clone());
        let mut listing = BTreeSet::new();
        let take = |event| self.take(event, &mut listing);
        let watch = follow("Event", |config| watcher(events.clone(), config), take);
        let deletions = self.queue.serve(|key| self.look(key));
        tokio::select! { () = watch => pending().await, never = deletions => never }
    }

    fn take(&self, event: watcher::Event<Event>, listing: &mut BTreeSet<ObjectKey>) {
        match event {
            watcher::Event::Init => listing.clear(),
            watcher::Event::InitApply(event) => {
                listing.insert(ObjectKey::of(&event.metadata));
                self.put(&event);
            }
            watcher::Event::InitDone => {
                self.ends().retain(|key, _| listing.contains(key));
                listing.clear();
            }
            watcher::Event::Apply(event) => self.put(&event),
            watcher::Event::Delete(event) => drop(self.ends().remove(&ObjectKey::of(&event.metadata))),
        }
    }

    fn put(&self, event: &Event) {
        let (key, end) = (ObjectKey::of(&event.metadata), end(event, self.kept));
        self.ends().insert(key.clone(), end);
        self.queue.add_after(key, until(end, Timestamp::now()));
    }

    async fn look(&self, key: ObjectKey) -> kube::Result<Again> {
        let Some(end) = self.ends().get(&key).copied() else { return Ok(None) };
        let left = until(end, Timestamp::now());
        if !left.is_zero() {
            return Ok(Some(left)); // it was written again
        }
        let events: Api<Event> = Api::namespaced(self.client.clone(), &key.namespace);
        refusal::unless_gone(events.delete(&key.name, &DeleteParams::default()).await)?;
        Ok(None)
    }

    fn ends(&self) -> MutexGuard<'_, HashMap<ObjectKey, Timestamp>> {
        self.ends.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// As long after the last of the times in an Event as it is kept.
fn end(event: &Event, kept: Duration) -> Timestamp {
    let times = [
        event.metadata.creation_timestamp.as_ref().map(|time| time.0),
        event.last_timestamp.as_ref().map(|time| time.0),
        event.event_time.as_ref().map(|time| time.0),
        event.series.as_ref().and_then(|series| series.last_observed_time.as_ref()).map(|time| time.0),
    ];
    let last = times.into_iter().flatten().max().unwrap_or_else(Timestamp::now);
    last.checked_add(kept).unwrap_or(Timestamp::MAX)
}

fn until(end: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(end.duration_since(now)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn event(value: serde_json::Value) -> Event {
        let mut event =
            json!({"metadata": {"creationTimestamp": "2026-01-01T00:00:00Z"}, "involvedObject": {}});
        event.as_object_mut().unwrap().extend(value.as_object().unwrap().clone());
        serde_json::from_value(event).unwrap()
    }

    #[test]
    fn an_event_is_kept_from_the_last_time_that_it_was_written() {
        let table = [
            (json!({}), "2026-01-01T01:00:00Z"),
            (json!({"lastTimestamp": "2026-01-01T00:10:00Z"}), "2026-01-01T01:10:00Z"),
            (json!({"eventTime": "2026-01-01T00:20:00.000000Z"}), "2026-01-01T01:20:00Z"),
            (
                json!({"series": {"count": 2, "lastObservedTime": "2026-01-01T00:30:00.000000Z"}}),
                "2026-01-01T01:30:00Z",
            ),
        ];
        for (more, expected) in table {
            let hour = Duration::from_secs(3600);
            assert_eq!(end(&event(more.clone()), hour), expected.parse().unwrap(), "{more}");
        }
    }

    #[test]
    fn what_is_over_is_not_waited_for() {
        let at = |second| Timestamp::from_second(second).unwrap();
        assert_eq!(until(at(10), at(3)), Duration::from_secs(7));
        assert_eq!(until(at(10), at(11)), Duration::ZERO);
    }
}
