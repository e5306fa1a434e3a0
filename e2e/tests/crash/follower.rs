//! A client that watches a kind, and keeps what the events make of it. When the API is back it resumes at the last version
//! that it saw; if that is too old, it begins again with a list, as every client does.

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context, Result, bail, ensure};
use futures::StreamExt;
use kube::api::{DynamicObject, WatchEvent, WatchParams};
use kube::{Client, Error};
use tokio::task::JoinHandle;

use super::object::{Kind, List, Stored};

const GONE: u16 = 410;

/// What a watch has told.
#[derive(Debug)]
pub(super) struct Follower {
    /// What it watches.
    pub(super) kind: Kind,
    /// Of the last event, or of the list that it began with.
    pub(super) version: u64,
    /// Where this round's events begin.
    pub(super) from: u64,
    /// This round's: the version, the name and the number of the write, which a deletion has not.
    pub(super) events: Vec<(u64, String, Option<u64>)>,
    /// How the API met this round's resumption, if it was there for long enough.
    pub(super) resumed: Option<Resumed>,
    state: BTreeMap<String, Stored>,
    /// What to begin with if the watch cannot be resumed.
    list: Option<List>,
}

/// How a watch went on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Resumed {
    /// With the next event.
    Continued,
    /// With 410 Gone.
    Gone,
}

/// One that watches.
pub(super) struct Following {
    shared: Arc<Mutex<Follower>>,
    task: JoinHandle<Result<()>>,
}

impl Follower {
    /// One that begins with a list.
    pub(super) fn of(kind: Kind, list: List) -> Self {
        let List { version, objects } = list;
        Self { kind, version, from: version, events: Vec::new(), resumed: None, state: objects, list: None }
    }

    /// What to begin with if the watch cannot be resumed.
    pub(super) fn relist(&mut self, list: List) {
        self.list = Some(list);
    }

    /// Watches until the API is killed.
    pub(super) fn start(mut self, client: &Client) -> Following {
        (self.from, self.resumed) = (self.version, None);
        self.events.clear();
        let (kind, client) = (self.kind, client.clone());
        let shared = Arc::new(Mutex::new(self));
        let task = tokio::spawn(follow(kind, client, Arc::clone(&shared)));
        Following { shared, task }
    }

    fn apply(&mut self, object: &DynamicObject, is_deletion: bool) -> Result<()> {
        let (name, stored) = self.kind.read(object)?;
        ensure!(stored.version > self.version, "{name}: version {} after {}", stored.version, self.version);
        if self.list.take().is_some() && self.resumed.is_none() {
            self.resumed = Some(Resumed::Continued);
        }
        self.version = stored.version;
        self.events.push((stored.version, name.clone(), (!is_deletion).then_some(stored.number)));
        match is_deletion {
            true => ensure!(self.state.remove(&name).is_some(), "{name} was deleted, but never told"),
            false => drop(self.state.insert(name, stored)),
        }
        Ok(())
    }

    /// Begins again with the list.
    fn begin_again(&mut self) -> Result<()> {
        let List { version, objects } = self.list.take().context("a list that was just made is too old")?;
        (self.version, self.from, self.state) = (version, version, objects);
        self.resumed = Some(Resumed::Gone);
        Ok(())
    }
}

impl Following {
    /// Fails unless the event of that version has come.
    pub(super) async fn has_seen(&self, version: u64) -> Result<()> {
        let seen = lock(&self.shared).version;
        ensure!(seen >= version, "it has seen {seen}, not {version}");
        Ok(())
    }

    /// What there is, by the events.
    pub(super) fn state(&self) -> BTreeMap<String, Stored> {
        lock(&self.shared).state.clone()
    }

    /// Waits until the API is killed.
    pub(super) async fn end(self) -> Result<Follower> {
        self.task.await??;
        let follower = Arc::into_inner(self.shared).context("its task has ended")?;
        Ok(follower.into_inner().unwrap_or_else(PoisonError::into_inner))
    }
}

async fn follow(kind: Kind, client: Client, shared: Arc<Mutex<Follower>>) -> Result<()> {
    loop {
        let from = lock(&shared).version.to_string();
        match events(kind, &client, &shared, &from).await? {
            Ended::Killed => return Ok(()),
            Ended::Gone => lock(&shared).begin_again()?,
        }
    }
}

/// Why a watch ended.
enum Ended {
    Killed,
    Gone,
}

async fn events(kind: Kind, client: &Client, shared: &Mutex<Follower>, from: &str) -> Result<Ended> {
    let api = kind.api(client);
    let mut events = match api.watch(&WatchParams::default(), from).await {
        Ok(events) => pin!(events),
        Err(Error::Api(refusal)) => bail!("{kind:?} cannot be watched: {refusal}"),
        Err(_) => return Ok(Ended::Killed),
    };
    while let Some(Ok(event)) = events.next().await {
        match event {
            WatchEvent::Added(object) | WatchEvent::Modified(object) => lock(shared).apply(&object, false)?,
            WatchEvent::Deleted(object) => lock(shared).apply(&object, true)?,
            WatchEvent::Bookmark(_) => {}
            WatchEvent::Error(status) if status.code == GONE => return Ok(Ended::Gone),
            WatchEvent::Error(status) => bail!("the watch of {kind:?} failed: {status:?}"),
        }
    }
    Ok(Ended::Killed)
}

fn lock(shared: &Mutex<Follower>) -> MutexGuard<'_, Follower> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
