//! GET of a collection's changes: a stream of JSON lines that goes on until the client, the time or the server ends it.

mod event;
mod options;

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::Response;
use store::{Gone, Watch};
use tokio::sync::mpsc;
use tokio::time::{Instant, Interval, MissedTickBehavior};

use self::event::Events;
use self::options::{Options, Start};
use super::Call;
use crate::access::User;
use crate::answer::{self, Body};
use crate::api::Api;
use crate::metrics::Watcher;
use crate::negotiate;
use crate::selector::Selector;
use crate::status::{Failure, Result};
use crate::table::Include;
use crate::wire;

/// Pieces that wait for the socket; with [`PIECE`], what a slow client can make the server hold.
const QUEUE: usize = 8;

/// Events that happened together are sent together, up to this many bytes.
const PIECE: usize = 64 * 1024;

pub(super) fn watch(call: &Call) -> Result<Response<Body>> {
    let resource = Arc::clone(&call.request.resource);
    let format = negotiate::format(&call.headers)?;
    let include = Include::parse(call.request.query.text("includeObject"))?;
    let selector = Selector::parse(&resource, &call.request.query)?;
    let options = Options::parse(&call.request.query)?;
    let api = Arc::clone(&call.api);
    let permit = Arc::clone(&api.streams).try_acquire_owned().map_err(|_| Failure::too_many_requests())?;
    let (sender, receiver) = mpsc::channel(QUEUE);
    let stream = Stream {
        events: Events::new(resource, selector, format, include),
        namespace: call.request.namespace.as_deref().map(Arc::from),
        sender,
        _watcher: api.metrics.watcher(),
        user: Arc::clone(&call.user),
        options,
        api,
    };
    tokio::spawn(async move {
        stream.run().await;
        drop(permit);
    });
    let bytes =
        futures::stream::unfold(
            receiver,
            |mut receiver| async move { Some((receiver.recv().await?, receiver)) },
        );
    Ok(answer::stream("application/json", bytes))
}

/// A watch on its way to its client.
struct Stream {
    api: Arc<Api>,
    user: Arc<User>,
    namespace: Option<Arc<str>>,
    options: Options,
    events: Events,
    sender: mpsc::Sender<Bytes>,
    _watcher: Watcher,
}

/// Why a stream ended before it was asked to: the client has gone, or does not read.
struct Left;

impl Stream {
    async fn run(mut self) {
        let (api, user, sender) = (Arc::clone(&self.api), Arc::clone(&self.user), self.sender.clone());
        let deadline = Instant::now() + self.options.timeout;
        tokio::select! {
            _ = self.send_all() => {}
            () = api.end_of_stream(&user) => {}
            () = sender.closed() => {}
            () = tokio::time::sleep_until(deadline) => {}
        }
    }

    async fn send_all(&mut self) -> std::result::Result<(), Left> {
        let after = match self.options.start {
            Start::After(revision) => revision,
            Start::Next => self.api.store.revision(),
            Start::Now { bookmark } => self.send_present(bookmark).await?,
        };
        let collection = Arc::from(wire::collection(&self.events.resource));
        match self.api.store.watch(collection, self.namespace.clone(), after) {
            Ok(mut watch) => self.follow(&mut watch).await,
            Err(gone) => self.send_gone(after, gone).await,
        }
    }

    /// What there is, as if it had just been added; tells the revision of it.
    async fn send_present(&mut self, bookmark: bool) -> std::result::Result<u64, Left> {
        let snapshot = self.api.store.snapshot();
        let mut bytes = BytesMut::new();
        let collection = wire::collection(&self.events.resource);
        for object in snapshot.list(&collection, self.namespace.as_deref(), None) {
            self.events.present(object, &mut bytes);
            if bytes.len() >= PIECE {
                self.send(&mut bytes).await?;
            }
        }
        if bookmark {
            self.events.bookmark(snapshot.revision(), true, &mut bytes);
        }
        self.send(&mut bytes).await?;
        Ok(snapshot.revision())
    }

    async fn follow(&mut self, watch: &mut Watch) -> std::result::Result<(), Left> {
        let mut bookmarks = bookmarks(self.api.limits.bookmark_interval);
        let mut bytes = BytesMut::new();
        loop {
            tokio::select! {
                event = watch.next() => match event {
                    Ok(event) => self.events.change(&event, &mut bytes),
                    Err(gone) => return self.send_gone(watch.revision(), gone).await,
                },
                _ = bookmarks.tick(), if self.options.bookmarks => self.events.bookmark(watch.revision(), false, &mut bytes),
            }
            while bytes.len() < PIECE {
                match watch.advance() {
                    Ok(Some(event)) => self.events.change(&event, &mut bytes),
                    Ok(None) | Err(Gone { .. }) => break,
                }
            }
            self.send(&mut bytes).await?;
        }
    }

    async fn send_gone(&mut self, after: u64, gone: Gone) -> std::result::Result<(), Left> {
        let failure = Failure::expired(format!("too old resource version: {after} ({})", gone.oldest));
        let mut bytes = BytesMut::new();
        event::error(&failure, &mut bytes);
        self.send(&mut bytes).await
    }

    /// Hands a piece over. A client that has not read for the longest time allowed is let go.
    async fn send(&self, bytes: &mut BytesMut) -> std::result::Result<(), Left> {
        if bytes.is_empty() {
            return Ok(());
        }
        let sent = self.sender.send_timeout(bytes.split().freeze(), self.api.limits.write_timeout).await;
        sent.map_err(|_| Left)
    }
}

fn bookmarks(every: Duration) -> Interval {
    let mut interval = tokio::time::interval_at(Instant::now() + every, every);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    interval
}
