//! Garbage: objects whose owners are gone, and the three ways in which dependents follow their owner.
//!
//! A watch of every kind, metadata only, builds the [`graph`]; a change in it leads to a look at the objects that it
//! concerns. [`verdict`] says what happens to one, [`look`] does it. Before anything is deleted, the API is asked
//! whether its owner is really gone: the graph may lag behind.

mod graph;
mod look;
mod verdict;

use std::collections::{BTreeSet, HashMap};
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::core::{DynamicObject, PartialObjectMeta};
use kube::runtime::watcher::{Event, watcher};
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::cache::Cache;
use crate::follow::follow;
use crate::kinds::{Kind, discover};
use crate::queue::{Again, Queue};
use crate::slim::Slim;
use crate::world::World;
use graph::{Graph, GroupKind, News};
use look::Look;

/// What a kind has to permit to be looked after.
const VERBS: [&str; 4] = ["delete", "list", "patch", "watch"];

/// Kinds that own nothing and are owned by nobody, and are many.
const IGNORED: [&str; 2] = ["events", "events.events.k8s.io"];

/// The kind whose changes change what is served.
const DEFINITIONS: &str = "customresourcedefinitions.apiextensions.k8s.io";

/// How long discovery may take to follow a CustomResourceDefinition, and the wait after it failed.
const DISCOVERY_WAIT: Duration = Duration::from_secs(2);

/// How long the first lists are waited for. A kind that cannot be listed does not hold up the others.
const PATIENCE: Duration = Duration::from_secs(30);

/// The garbage collector.
pub(crate) struct Garbage {
    world: Arc<World>,
    shared: Arc<Shared>,
    /// The kinds that the world watches already.
    known: Vec<GroupKind>,
}

/// What the watches fill and the looks read.
struct Shared {
    graph: Mutex<Graph>,
    queue: Queue<String>,
    kinds: Mutex<Vec<Arc<Kind>>>,
    /// How many kinds have been listed.
    listed: watch::Sender<usize>,
    /// Told when the kinds that the API serves may have changed.
    served: Notify,
    /// Told when a namespace has lost its last object of a kind.
    emptied: Box<dyn Fn(&str) + Send + Sync>,
}

impl Garbage {
    /// A collector that tells `emptied` each namespace that has lost its last object of a kind.
    pub(crate) fn new(world: &Arc<World>, emptied: impl Fn(&str) + Send + Sync + 'static) -> Self {
        let shared = Arc::new(Shared {
            graph: Mutex::default(),
            queue: Queue::default(),
            kinds: Mutex::default(),
            listed: watch::Sender::new(0),
            served: Notify::new(),
            emptied: Box::new(emptied),
        });
        let known = [
            share(&shared, &world.deployments),
            share(&shared, &world.replica_sets),
            share(&shared, &world.pods),
            share(&shared, &world.services),
            share(&shared, &world.endpoint_slices),
            share(&shared, &world.namespaces),
        ];
        let known = known.into_iter().flatten().collect();
        Self { world: Arc::clone(world), shared, known }
    }

    pub(crate) async fn run(self) -> Infallible {
        self.world.listed().await;
        let mut watches = HashMap::new();
        self.follow_served(&mut watches).await;
        let all_listed = async {
            let mut listed = self.shared.listed.subscribe();
            let count = watches.len();
            listed.wait_for(|listed| *listed >= count).await.map(drop)
        };
        if timeout(PATIENCE, all_listed).await.is_err() {
            tracing::warn!("not every kind could be listed; garbage is collected all the same");
        }
        let changes = async {
            loop {
                self.shared.served.notified().await;
                sleep(DISCOVERY_WAIT).await;
                self.follow_served(&mut watches).await;
            }
        };
        let look = Look { client: &self.world.client, shared: &self.shared };
        let looks = self.shared.queue.serve(async |uid| look.at(&uid).await.map(|()| Again::None));
        tokio::select! { never = changes => never, never = looks => never }
    }

    /// Watches every kind that is served now, and no other.
    async fn follow_served(&self, watches: &mut HashMap<Kind, JoinSet<()>>) {
        let kinds = self.served().await;
        watches.retain(|kind, _| kinds.iter().any(|served| **served == *kind));
        *self.shared.kinds.lock().unwrap_or_else(PoisonError::into_inner) = kinds.clone();
        for kind in kinds.into_iter().filter(|kind| !self.known.contains(&kind.identity())) {
            watches.entry((*kind).clone()).or_insert_with(|| self.follow(kind));
        }
        let unsettled = self.shared.with_graph(|graph| graph.unsettled());
        unsettled.into_iter().for_each(|uid| self.shared.queue.add(uid));
    }

    async fn served(&self) -> Vec<Arc<Kind>> {
        loop {
            match discover(&self.world.client).await {
                Ok(kinds) => {
                    let wanted = |kind: &Kind| kind.can(&VERBS) && !IGNORED.contains(&&*kind.name());
                    return kinds.into_iter().filter(wanted).map(Arc::new).collect();
                }
                Err(error) => tracing::warn!(%error, "the kinds that the API serves are not known yet"),
            }
            sleep(DISCOVERY_WAIT).await;
        }
    }

    fn follow(&self, kind: Arc<Kind>) -> JoinSet<()> {
        let (api, shared) = (kind.everywhere(&self.world.client), Arc::clone(&self.shared));
        let mut watch = JoinSet::new();
        watch.spawn(async move {
            let name = kind.name();
            let mut watched = Watched {
                identity: kind.identity(),
                is_definitions: name == DEFINITIONS,
                listing: None,
                shared,
            };
            let take = |event| watched.take(event);
            follow(&name, |config| watcher(api.clone(), config), take).await;
        });
        watch
    }
}

impl Kind {
    fn identity(&self) -> GroupKind {
        GroupKind { group: self.resource.group.clone(), kind: self.resource.kind.clone() }
    }
}

impl Shared {
    fn put(&self, kind: &Arc<GroupKind>, meta: &ObjectMeta) {
        let news = self.with_graph(|graph| graph.put(kind, meta));
        self.tell(news);
    }

    fn remove(&self, uid: &str) {
        let news = self.with_graph(|graph| graph.remove(uid));
        self.tell(news);
    }

    fn tell(&self, news: News) {
        news.look.into_iter().for_each(|uid| self.queue.add(uid));
        if let Some(namespace) = news.emptied {
            (self.emptied)(&namespace);
        }
    }

    fn kind(&self, api_version: &str, kind: &str) -> Option<Arc<Kind>> {
        let kinds = self.kinds.lock().unwrap_or_else(PoisonError::into_inner);
        kinds.iter().find(|known| known.is(api_version, kind)).cloned()
    }

    fn with_graph<T>(&self, with: impl FnOnce(&mut Graph) -> T) -> T {
        with(&mut self.graph.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// One kind that only the collector watches.
struct Watched {
    identity: GroupKind,
    is_definitions: bool,
    /// The uids of the list that is coming in.
    listing: Option<BTreeSet<String>>,
    shared: Arc<Shared>,
}

impl Watched {
    fn take(&mut self, event: Event<PartialObjectMeta<DynamicObject>>) {
        let identity = Arc::new(self.identity.clone());
        if self.is_definitions && matches!(event, Event::Apply(_) | Event::Delete(_)) {
            self.shared.served.notify_one();
        }
        match event {
            Event::Init => self.listing = Some(BTreeSet::new()),
            Event::InitApply(object) => {
                self.listing.get_or_insert_default().extend(object.metadata.uid.clone());
                self.shared.put(&identity, &object.metadata);
            }
            Event::InitDone => {
                let listing = self.listing.take().unwrap_or_default();
                let gone = self.shared.with_graph(|graph| graph.others(&identity, &listing));
                gone.iter().for_each(|uid| self.shared.remove(uid));
                self.shared.listed.send_modify(|listed| *listed += 1);
            }
            Event::Apply(object) => self.shared.put(&identity, &object.metadata),
            Event::Delete(object) => self.shared.remove(object.metadata.uid.as_deref().unwrap_or_default()),
        }
    }
}

/// Has the graph learn from a cache that is kept anyway.
fn share<K: Slim>(shared: &Arc<Shared>, cache: &Arc<Cache<K>>) -> Option<GroupKind> {
    if !cache.is_wanted() {
        return None;
    }
    let kind = GroupKind { group: K::group(&()).into_owned(), kind: K::kind(&()).into_owned() };
    let (shared, identity) = (Arc::clone(shared), Arc::new(kind.clone()));
    cache.subscribe(move |change| {
        let before = change.before.as_ref().map(|object| object.meta());
        let after = change.after.as_ref().map(|object| object.meta());
        if let Some(before) = before.filter(|before| after.is_none_or(|after| after.uid != before.uid)) {
            shared.remove(before.uid.as_deref().unwrap_or_default());
        }
        if let Some(after) = after {
            shared.put(&identity, after);
        }
    });
    Some(kind)
}
