//! What is told about routes and endpoints: what came, what went, and which endpoints have served their last request.
//!
//! In come changes, from under the writer's lock of `handle.rs`, in the order in which they were published; out go events
//! in Flynn's words, for as many streams as there are (`admin/stream.rs`). An endpoint that left is watched until it
//! serves nothing more: requests, upgrades and TCP connections alike. Never on the hot path.

mod news;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use tokio::sync::broadcast::{self, error::RecvError};
use tokio::time::{Instant, sleep};

use crate::handle::Handle;
use crate::metrics::Counters;
use crate::table::Endpoint;
pub(crate) use news::{Backend, Batch, News, Route, of_change};

/// What a stream can ask for, as it is called there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Kind {
    Set,
    Remove,
    BackendUp,
    BackendDown,
    BackendDrained,
}

/// One event.
#[derive(Debug)]
pub(crate) struct Told {
    /// Of the table that it came with. That of a drained endpoint is newer than any.
    pub(crate) generation: u64,
    pub(crate) kind: Kind,
    pub(crate) json: String,
}

/// Events that came at once.
pub(crate) type Telling = Arc<[Told]>;

/// Where streams listen.
#[derive(Debug, Clone)]
pub(crate) struct Hub(broadcast::Sender<Telling>);

#[derive(Serialize)]
struct Event<'a> {
    event: Kind,
    #[serde(skip_serializing_if = "Option::is_none")]
    backend: Option<&'a Backend>,
    #[serde(skip_serializing_if = "Option::is_none")]
    route: Option<&'a Route>,
}

/// How many changes a stream may be behind.
const BEHIND: usize = 1024;

/// How often endpoints that left are looked at. A request that was decided about by the table before is counted by then.
const LOOK: Duration = Duration::from_millis(20);

impl Kind {
    pub(crate) const ALL: [(&'static str, Self); 5] = [
        ("set", Self::Set),
        ("remove", Self::Remove),
        ("backend-up", Self::BackendUp),
        ("backend-down", Self::BackendDown),
        ("backend-drained", Self::BackendDrained),
    ];

    /// Those that a list with commas names; others are passed over, as in Flynn.
    pub(crate) fn parse(list: &str) -> BTreeSet<Self> {
        let named = |name: &str| Self::ALL.iter().find(|(known, _)| *known == name).map(|(_, kind)| *kind);
        list.split(',').filter_map(named).collect()
    }
}

impl Told {
    fn new(generation: u64, kind: Kind, backend: Option<&Backend>, route: Option<&Route>) -> Self {
        let event = Event { event: kind, backend, route };
        let json = serde_json::to_string(&event).expect("an event is strings, numbers and truth values");
        Self { generation, kind, json }
    }

    fn of(generation: u64, news: &News) -> Self {
        match news {
            News::Up(backend) => Self::new(generation, Kind::BackendUp, Some(backend), None),
            News::Down(backend, _) => Self::new(generation, Kind::BackendDown, Some(backend), None),
            News::Set(route) => Self::new(generation, Kind::Set, None, Some(route)),
            News::Removed(route) => Self::new(generation, Kind::Remove, None, Some(route)),
        }
    }
}

impl Hub {
    pub(crate) fn new() -> Self {
        Self(broadcast::Sender::new(BEHIND))
    }

    /// Everything from now on.
    pub(crate) fn listen(&self) -> broadcast::Receiver<Telling> {
        self.0.subscribe()
    }

    fn tell(&self, events: impl IntoIterator<Item = Told>) {
        // Nobody listens, often.
        let _ = self.0.send(events.into_iter().collect());
    }
}

/// The endpoints that are known now, as events for a stream that begins, and the table that they are of.
pub(crate) fn known(handle: &Handle) -> (u64, Vec<Told>) {
    let table = handle.table();
    let backends = table.services().flat_map(|service| {
        let told = service.told.as_ref();
        let endpoints = told.map_or(&[][..], |_| &service.endpoints);
        endpoints.iter().map(move |endpoint| {
            let instance = told.and_then(|told| told.get(&endpoint.address));
            Backend::new(&service.name, endpoint.address, instance)
        })
    });
    let mut backends: Vec<_> = backends.collect();
    backends.sort();
    let generation = table.generation;
    let up = |backend: &Backend| Told::new(generation, Kind::BackendUp, Some(backend), None);
    (generation, backends.iter().map(up).collect())
}

/// An endpoint that left.
struct Leaving {
    backend: Backend,
    endpoint: Arc<Endpoint>,
    since: Instant,
}

/// Passes news on, and tells when endpoints that left have served their last request. Ends with the handle.
pub(crate) async fn follow(mut news: broadcast::Receiver<Arc<Batch>>, hub: Hub, counters: Arc<Counters>) {
    let mut leaving: Vec<Leaving> = Vec::new();
    loop {
        let received = tokio::select! {
            batch = news.recv() => Some(batch),
            () = sleep(LOOK), if !leaving.is_empty() => None,
        };
        match received {
            Some(Ok(batch)) => {
                hub.tell(batch.news.iter().map(|news| Told::of(batch.generation, news)));
                let gone = batch.news.iter().filter_map(Leaving::of);
                leaving.extend(gone.inspect(|_| counters.drains_begun.add_one()));
            }
            // The streams would not know what they missed; a new one begins with what is there.
            Some(Err(RecvError::Lagged(_))) => hub.cut(),
            Some(Err(RecvError::Closed)) => return,
            None => {}
        }
        let drained: Vec<_> = leaving.extract_if(.., |leaving| leaving.is_drained()).collect();
        if !drained.is_empty() {
            drained.iter().for_each(|_| counters.drains_ended.add_one());
            let told = |gone: &Leaving| Told::new(u64::MAX, Kind::BackendDrained, Some(&gone.backend), None);
            hub.tell(drained.iter().map(told));
        }
    }
}

impl Leaving {
    fn of(news: &News) -> Option<Self> {
        match news {
            News::Down(backend, Some(endpoint)) => {
                Some(Self { backend: backend.clone(), endpoint: endpoint.clone(), since: Instant::now() })
            }
            _ => None,
        }
    }

    fn is_drained(&self) -> bool {
        self.endpoint.in_flight() == 0 && self.since.elapsed() >= LOOK
    }
}

impl Hub {
    /// Ends every stream: an empty telling is one that nobody can follow.
    pub(crate) fn cut(&self) {
        self.tell([]);
    }
}
