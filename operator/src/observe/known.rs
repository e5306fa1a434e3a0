//! What one watch has said so far, so that a list that is repeated turns into the difference to the first.
//!
//! In come the events of a watch; out go observations. After a watch has expired (410 Gone) the API server is asked for
//! everything again: what has not changed is not said again, and what is missing at the end has been deleted. Until that
//! end, nothing is taken away.

use std::collections::BTreeMap;

use kube::runtime::watcher::Event;
use plan::ObjectKey;

use super::version::parse;
use super::{Observation, Portion, Slim};

/// The objects of one kind that exist, as far as this watch knows.
#[derive(Debug, Default)]
pub(crate) struct Known {
    objects: BTreeMap<ObjectKey, Seen>,
    /// Those of the list that is coming in.
    listed: Option<BTreeMap<ObjectKey, Seen>>,
}

/// How an object was when it was last seen.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Seen {
    version: Option<String>,
    generation: Option<i64>,
}

impl Known {
    /// Takes in an event, and tells what of it is news.
    pub(crate) fn take<K: Slim>(&mut self, event: Event<K>) -> Vec<Observation> {
        match event {
            Event::Init => {
                self.listed = Some(BTreeMap::new());
                Vec::new()
            }
            Event::InitApply(object) => self.listed(object),
            Event::InitDone => self.done::<K>(),
            Event::Apply(object) => vec![self.put(object)],
            Event::Delete(object) => vec![self.delete(&object)],
        }
    }

    fn listed<K: Slim>(&mut self, object: K) -> Vec<Observation> {
        let (key, seen) = (ObjectKey::of(&object), Seen::of(&object));
        let unchanged = seen.version.is_some() && self.objects.get(&key) == Some(&seen);
        self.listed.get_or_insert_default().insert(key, seen);
        if unchanged { Vec::new() } else { vec![self.put(object)] }
    }

    /// Forgets everything, as if it were gone: nobody watches it any more.
    pub(crate) fn forget<K: Slim>(self) -> Vec<Observation> {
        let gone = self.objects.into_keys();
        gone.map(|key| Observation::Delete { kind: K::KIND, key, version: None }).collect()
    }

    fn done<K: Slim>(&mut self) -> Vec<Observation> {
        let kind = K::KIND;
        let listed = self.listed.take().unwrap_or_default();
        let before = std::mem::replace(&mut self.objects, listed);
        let gone = before.into_keys().filter(|key| !self.objects.contains_key(key));
        let mut news: Vec<_> = gone.map(|key| Observation::Delete { kind, key, version: None }).collect();
        news.push(Observation::Listed(Portion::whole(kind)));
        news
    }

    fn put<K: Slim>(&mut self, object: K) -> Observation {
        let seen = Seen::of(&object);
        let version = parse(seen.version.as_deref());
        let generation = seen.generation;
        let before = self.objects.insert(ObjectKey::of(&object), seen);
        let new_generation = generation.is_some() && before.and_then(|seen| seen.generation) != generation;
        Observation::Put { object: object.into(), version, new_generation }
    }

    fn delete<K: Slim>(&mut self, object: &K) -> Observation {
        let key = ObjectKey::of(object);
        self.objects.remove(&key);
        let version = parse(object.meta().resource_version.as_deref());
        Observation::Delete { kind: K::KIND, key, version }
    }
}

impl Seen {
    fn of<K: Slim>(object: &K) -> Self {
        let meta = object.meta();
        Self { version: meta.resource_version.clone(), generation: meta.generation }
    }
}

#[cfg(test)]
mod tests {
    use crds::Route;

    use super::*;

    fn route(name: &str, version: &str, generation: i64) -> Route {
        let mut route = Route::new(name, crds::RouteSpec::default());
        route.metadata.namespace = Some("a".into());
        route.metadata.resource_version = Some(version.into());
        route.metadata.generation = Some(generation);
        route
    }

    fn told(news: &[Observation]) -> Vec<String> {
        let tell = |observation: &Observation| match observation {
            Observation::Put { object, new_generation, .. } => {
                format!("put {}{}", object.key(), if *new_generation { " new" } else { "" })
            }
            Observation::Delete { key, .. } => format!("delete {key}"),
            Observation::Listed(portion) => format!("listed {}", portion.kind),
            Observation::Denied(kind, _) => format!("denied {kind}"),
        };
        news.iter().map(tell).collect()
    }

    fn list(known: &mut Known, routes: Vec<Route>) -> Vec<String> {
        let mut events = vec![Event::Init];
        events.extend(routes.into_iter().map(Event::InitApply));
        events.push(Event::InitDone);
        events.into_iter().flat_map(|event| told(&known.take(event))).collect()
    }

    #[test]
    fn a_repeated_list_tells_only_what_changed_and_what_vanished() {
        let mut known = Known::default();
        let first = list(&mut known, vec![route("x", "1", 1), route("y", "2", 1), route("z", "3", 1)]);
        assert_eq!(first, ["put a/x new", "put a/y new", "put a/z new", "listed Route"]);
        let second = list(&mut known, vec![route("x", "1", 1), route("y", "4", 2)]);
        assert_eq!(second, ["put a/y new", "delete a/z", "listed Route"]);
    }

    #[test]
    fn a_list_that_is_broken_off_takes_nothing_away() {
        let mut known = Known::default();
        list(&mut known, vec![route("x", "1", 1), route("y", "2", 1)]);
        assert!(known.take(Event::<Route>::Init).is_empty());
        assert!(known.take(Event::InitApply(route("x", "1", 1))).is_empty());
        let whole = list(&mut known, vec![route("x", "1", 1), route("y", "2", 1)]);
        assert_eq!(whole, ["listed Route"]);
    }

    #[test]
    fn an_object_that_was_deleted_before_a_repeated_list_is_not_deleted_twice() {
        let mut known = Known::default();
        list(&mut known, vec![route("x", "1", 1)]);
        assert_eq!(told(&known.take(Event::Delete(route("x", "5", 1)))), ["delete a/x"]);
        assert_eq!(list(&mut known, vec![]), ["listed Route"]);
    }

    #[test]
    fn a_status_write_is_no_new_generation() {
        let mut known = Known::default();
        list(&mut known, vec![route("x", "1", 1)]);
        assert_eq!(told(&known.take(Event::Apply(route("x", "2", 1)))), ["put a/x"]);
        assert_eq!(told(&known.take(Event::Apply(route("x", "3", 2)))), ["put a/x new"]);
    }
}
