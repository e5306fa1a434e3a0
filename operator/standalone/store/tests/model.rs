//! Random writes, restarts, lists and watches against the simplest store that could be right: an ordered map.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeMap;
use std::sync::Arc;

use store::{Event, EventKind, Gone, Key, Limits, Object, Revision, Store, Watch, Write, WriteError};

type Objects = BTreeMap<Key, Arc<Object>>;

const RESOURCES: [&str; 3] = ["/pods", "apps/deployments", "/nodes"];

struct Model {
    random: fastrand::Rng,
    objects: Objects,
    /// Every event since the store was opened, and what was there before the first.
    events: Vec<Event>,
    opened_at: (Revision, Objects),
    watches: Vec<Told>,
}

/// A watch with what it should tell, and what it told.
struct Told {
    watch: Watch,
    resource: &'static str,
    namespace: Option<&'static str>,
    after: Revision,
    events: Vec<Event>,
}

#[tokio::test]
async fn a_store_is_as_its_model_through_writes_restarts_lists_and_watches() {
    for seed in 0..12 {
        println!("seed {seed}");
        let folder = tempfile::tempdir().unwrap();
        let mut model = Model {
            random: fastrand::Rng::with_seed(seed),
            objects: Objects::new(),
            events: Vec::new(),
            opened_at: (1, Objects::new()),
            watches: Vec::new(),
        };
        for _ in 0..model.random.u8(1..5) {
            let store = Store::open_with(folder.path(), &Limits::default()).unwrap();
            model.check_reopened(&store);
            for _ in 0..model.random.u16(..120) {
                model.act(&store).await;
            }
            model.check(&store);
        }
    }
}

impl Model {
    async fn act(&mut self, store: &Store) {
        match self.random.u8(..10) {
            0 => self.watch(store),
            1 => self.check_older(store),
            2 => self.check_pages(store),
            _ => self.write(store).await,
        }
        for told in &mut self.watches {
            for _ in 0..self.random.u8(..3) {
                told.events.extend(told.watch.advance().unwrap());
            }
        }
    }

    async fn write(&mut self, store: &Store) {
        let key = self.key();
        let json = format!("{}", self.random.u64(..)).into();
        let current = self.objects.get(&key).cloned();
        let right = current.as_ref().map_or(7, |current| current.revision);
        let expected = if self.random.u8(..5) == 0 { right + 1 } else { right };
        let write = match self.random.u8(..4) {
            0 | 1 => Write::Create { key: key.clone(), json },
            2 => Write::Update { key: key.clone(), json, expected },
            _ => Write::Delete { key: key.clone(), json, expected },
        };
        let before = store.revision();
        let answer = store.write(write.clone()).await;
        match (&write, current) {
            (Write::Create { .. }, Some(current)) => {
                assert!(matches!(answer, Err(WriteError::Exists(found)) if found == current));
            }
            (Write::Update { .. } | Write::Delete { .. }, None) => {
                assert!(matches!(answer, Err(WriteError::Missing)));
            }
            (Write::Update { .. } | Write::Delete { .. }, Some(current)) if expected != current.revision => {
                assert!(matches!(answer, Err(WriteError::Conflict(found)) if found == current));
            }
            (write, previous) => self.record(write, answer.unwrap(), previous, before),
        }
        assert_eq!(store.get(&key).as_ref(), self.objects.get(&key));
    }

    fn record(
        &mut self,
        write: &Write,
        object: Arc<Object>,
        previous: Option<Arc<Object>>,
        before: Revision,
    ) {
        let revision = object.revision;
        assert_eq!(revision, before + 1);
        let (kind, json) = match write {
            Write::Create { json, .. } => (EventKind::Added, json),
            Write::Update { json, .. } => (EventKind::Modified, json),
            Write::Delete { json, .. } => (EventKind::Deleted, json),
        };
        assert_eq!(&object.json, json);
        match kind {
            EventKind::Deleted => self.objects.remove(&object.key),
            _ => self.objects.insert(object.key.clone(), object.clone()),
        };
        self.events.push(Event { kind, object, previous, revision });
    }

    fn watch(&mut self, store: &Store) {
        let (resource, namespace) = (self.resource(), self.random.bool().then(|| self.namespace()));
        let after = self.revision(store);
        let watch = store.watch(resource.into(), namespace.map(Into::into), after).unwrap();
        self.watches.push(Told { watch, resource, namespace, after, events: Vec::new() });
        if self.opened_at.0 > 1 {
            let oldest = self.opened_at.0;
            assert_eq!(store.watch(resource.into(), None, oldest - 1).unwrap_err(), Gone { oldest });
        }
    }

    /// Any state since the store was opened can be had again.
    fn check_older(&mut self, store: &Store) {
        let revision = self.revision(store);
        let mut objects = self.opened_at.1.clone();
        for Event { kind, object, .. } in self.events.iter().filter(|event| event.revision <= revision) {
            match kind {
                EventKind::Deleted => objects.remove(&object.key),
                _ => objects.insert(object.key.clone(), object.clone()),
            };
        }
        let snapshot = store.snapshot_at(revision).unwrap();
        assert_eq!(snapshot.revision(), revision);
        for resource in RESOURCES {
            let expected: Vec<_> =
                objects.values().filter(|object| *object.key.resource == *resource).collect();
            assert_eq!(snapshot.list(resource, None, None).collect::<Vec<_>>(), expected);
        }
    }

    /// Pages, of any size and each from its own snapshot of the revision, are the list.
    fn check_pages(&mut self, store: &Store) {
        let (resource, namespace) = (self.resource(), self.random.bool().then(|| self.namespace()));
        let revision = store.revision();
        let mut paged: Vec<Arc<Object>> = Vec::new();
        loop {
            let last = paged.last().cloned();
            let after = last.as_ref().map(|object| (&*object.key.namespace, &*object.key.name));
            let size = self.random.usize(1..5);
            let snapshot = store.snapshot_at(revision).unwrap();
            let page: Vec<_> = snapshot.list(resource, namespace, after).take(size).cloned().collect();
            if page.is_empty() {
                break;
            }
            paged.extend(page);
        }
        let wanted = |key: &Key| {
            *key.resource == *resource && namespace.is_none_or(|wanted| *key.namespace == *wanted)
        };
        let expected: Vec<_> = self.objects.values().filter(|object| wanted(&object.key)).cloned().collect();
        assert_eq!(paged, expected);
    }

    /// Every watch told each of its events once, in order.
    fn check(&mut self, store: &Store) {
        for mut told in self.watches.drain(..) {
            // One that repeats itself would not end.
            while let (Some(event), true) =
                (told.watch.advance().unwrap(), told.events.len() <= self.events.len())
            {
                told.events.push(event);
            }
            let wanted = |event: &&Event| {
                event.revision > told.after
                    && *event.object.key.resource == *told.resource
                    && told.namespace.is_none_or(|namespace| *event.object.key.namespace == *namespace)
            };
            let expected: Vec<_> = self.events.iter().filter(wanted).cloned().collect();
            assert_eq!(told.events, expected);
            assert_eq!(told.watch.revision(), store.revision());
        }
    }

    fn check_reopened(&mut self, store: &Store) {
        for resource in RESOURCES {
            let expected: Vec<_> =
                self.objects.values().filter(|object| *object.key.resource == *resource).collect();
            assert_eq!(store.snapshot().list(resource, None, None).collect::<Vec<_>>(), expected);
        }
        let last = self.events.last().map_or(self.opened_at.0, |event| event.revision);
        assert_eq!(store.revision(), last);
        self.events.clear();
        self.opened_at = (last, self.objects.clone());
    }

    fn key(&mut self) -> Key {
        let (resource, namespace) = (self.resource(), self.namespace());
        Key::new(resource, namespace, ["x", "x-1", "x.y", "y"][self.random.usize(..4)])
    }

    fn resource(&mut self) -> &'static str {
        RESOURCES[self.random.usize(..3)]
    }

    fn namespace(&mut self) -> &'static str {
        ["", "a", "a-b", "b"][self.random.usize(..4)]
    }

    fn revision(&mut self, store: &Store) -> Revision {
        self.random.u64(self.opened_at.0..=store.revision())
    }
}
