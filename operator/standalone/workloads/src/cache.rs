//! What a watch has said of one kind, shared by all who read it.
//!
//! In come the events of a watch; out go snapshots, and a call to each subscriber per change. A list that is repeated
//! after a watch has expired turns into its difference to what was known. A writer waits here until the cache shows
//! what it wrote: so nobody decides twice from the same old state.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use kube::Resource;
use kube::runtime::watcher::Event;
use tokio::sync::watch;
use tokio::time::timeout;

use crate::key::ObjectKey;

/// How long a writer waits for its own write to come back. A watch that is slower than that is broken, and a conflict on
/// the resource version of the next write keeps things right until it works again.
const PATIENCE: Duration = Duration::from_secs(10);

/// An object as it was and as it is.
#[derive(Debug)]
pub(crate) struct Change<K> {
    pub(crate) before: Option<Arc<K>>,
    pub(crate) after: Option<Arc<K>>,
}

impl<K> Change<K> {
    /// The object as it was and as it is, as far as it existed.
    pub(crate) fn both(&self) -> impl Iterator<Item = &Arc<K>> {
        self.before.iter().chain(self.after.iter())
    }
}

type Subscriber<K> = Box<dyn Fn(&Change<K>) + Send + Sync>;

/// The objects of one kind that exist.
pub(crate) struct Cache<K> {
    state: RwLock<State<K>>,
    subscribers: RwLock<Vec<Subscriber<K>>>,
    /// Moves on with every event.
    progress: watch::Sender<()>,
}

struct State<K> {
    objects: BTreeMap<ObjectKey, Arc<K>>,
    /// Those of the list that is coming in.
    listing: Option<BTreeSet<ObjectKey>>,
    listed: bool,
    /// The highest resource version that an event had.
    version: u64,
}

impl<K> Default for Cache<K> {
    fn default() -> Self {
        let state = State { objects: BTreeMap::new(), listing: None, listed: false, version: 0 };
        Self {
            state: RwLock::new(state),
            subscribers: RwLock::new(Vec::new()),
            progress: watch::Sender::new(()),
        }
    }
}

impl<K: Resource<DynamicType = ()>> Cache<K> {
    /// Calls `subscriber` on each change, in order, from the task of the watch: it must be quick.
    pub(crate) fn subscribe(&self, subscriber: impl Fn(&Change<K>) + Send + Sync + 'static) {
        let mut subscribers = self.subscribers.write().unwrap_or_else(PoisonError::into_inner);
        subscribers.push(Box::new(subscriber));
    }

    /// Whether anybody wants this kind to be watched.
    pub(crate) fn is_wanted(&self) -> bool {
        !self.subscribers.read().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    pub(crate) fn get(&self, key: &ObjectKey) -> Option<Arc<K>> {
        self.read(|state| state.objects.get(key).cloned())
    }

    /// Every object.
    pub(crate) fn all(&self) -> Vec<Arc<K>> {
        self.read(|state| state.objects.values().cloned().collect())
    }

    /// Every object of a namespace, by name.
    pub(crate) fn in_namespace(&self, namespace: &str) -> Vec<Arc<K>> {
        let from = Bound::Included(ObjectKey::new(namespace, ""));
        self.read(|state| {
            let onwards = state.objects.range((from, Bound::Unbounded));
            let inside = onwards.take_while(|(key, _)| key.namespace == namespace);
            inside.map(|(_, object)| Arc::clone(object)).collect()
        })
    }

    /// Waits for the first complete list.
    pub(crate) async fn listed(&self) {
        self.until(|state| state.listed).await;
    }

    /// Waits until the event of a write that was answered with this metadata has come in.
    pub(crate) async fn shows(&self, written: &K) {
        let Some(version) = version_of(written) else { return };
        self.soon(|state| state.version >= version).await;
    }

    /// Waits until the object with this uid is gone or on its way out.
    pub(crate) async fn shows_deleted(&self, key: &ObjectKey, uid: &str) {
        self.soon(|state| {
            let current = state.objects.get(key).map(|object| object.meta());
            current.is_none_or(|meta| meta.uid.as_deref() != Some(uid) || meta.deletion_timestamp.is_some())
        })
        .await;
    }

    /// Takes in what the watch says.
    pub(crate) fn take(&self, event: Event<K>) {
        for change in self.write(|state| state.take(event)) {
            for subscriber in self.subscribers.read().unwrap_or_else(PoisonError::into_inner).iter() {
                subscriber(&change);
            }
        }
        self.progress.send_replace(());
    }

    async fn soon(&self, reached: impl Fn(&State<K>) -> bool) {
        if timeout(PATIENCE, self.until(reached)).await.is_err() {
            tracing::warn!(kind = %K::kind(&()), "a write did not come back through the watch in time");
        }
    }

    async fn until(&self, reached: impl Fn(&State<K>) -> bool) {
        let mut progress = self.progress.subscribe();
        while !self.read(&reached) {
            progress.changed().await.expect("the sender is a field of this cache");
        }
    }

    fn read<T>(&self, with: impl FnOnce(&State<K>) -> T) -> T {
        with(&self.state.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn write<T>(&self, with: impl FnOnce(&mut State<K>) -> T) -> T {
        with(&mut self.state.write().unwrap_or_else(PoisonError::into_inner))
    }
}

impl<K: Resource<DynamicType = ()>> State<K> {
    fn take(&mut self, event: Event<K>) -> Vec<Change<K>> {
        match event {
            Event::Init => {
                self.listing = Some(BTreeSet::new());
                Vec::new()
            }
            Event::InitApply(object) => {
                self.listing.get_or_insert_default().insert(ObjectKey::of(object.meta()));
                self.put(object).into_iter().collect()
            }
            Event::InitDone => self.complete(),
            Event::Apply(object) => {
                self.version = self.version.max(version_of(&object).unwrap_or_default());
                self.put(object).into_iter().collect()
            }
            Event::Delete(object) => {
                self.version = self.version.max(version_of(&object).unwrap_or_default());
                self.remove(&ObjectKey::of(object.meta())).into_iter().collect()
            }
        }
    }

    fn put(&mut self, object: K) -> Option<Change<K>> {
        let key = ObjectKey::of(object.meta());
        let version = version_of(&object);
        let unchanged =
            version.is_some() && self.objects.get(&key).is_some_and(|known| version_of(&**known) == version);
        if unchanged {
            return None;
        }
        let after = Arc::new(object);
        let before = self.objects.insert(key, Arc::clone(&after));
        Some(Change { before, after: Some(after) })
    }

    fn remove(&mut self, key: &ObjectKey) -> Option<Change<K>> {
        self.objects.remove(key).map(|before| Change { before: Some(before), after: None })
    }

    fn complete(&mut self) -> Vec<Change<K>> {
        let listing = self.listing.take().unwrap_or_default();
        let gone: Vec<_> = self.objects.keys().filter(|key| !listing.contains(*key)).cloned().collect();
        let changes = gone.iter().filter_map(|key| self.remove(key)).collect();
        let highest = self.objects.values().filter_map(|object| version_of(&**object)).max();
        self.version = self.version.max(highest.unwrap_or_default());
        self.listed = true;
        changes
    }
}

/// Resource versions of one kind are decimal numbers that grow.
fn version_of<K: Resource>(object: &K) -> Option<u64> {
    object.meta().resource_version.as_ref()?.parse().ok()
}

#[cfg(test)]
mod tests;
