//! One watch of one kind: asks, follows, and asks again for as long as the process runs.
//!
//! The first list comes as a stream where the API server can do that, else in pages. A failure is logged, counted and
//! waited out; it is never an end. Only a refusal of the permission before anything was seen is passed on, because a
//! role that may not watch can do nothing at all.

use std::pin::pin;

use futures::StreamExt;
use kube::Api;
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{self, Config, Event};
use prometheus_client::metrics::counter::Counter;
use tokio::sync::{Notify, mpsc};

use super::known::Known;
use super::{Observation, Portion, Slim};
use crate::backoff::WatchBackoff;
use crate::reason::{self, root_cause};
use crate::reconcile::Input;

/// How long a watch may stay open, the first list included. It is resumed where it ended, which costs next to nothing; one
/// whose connection died in silence, as with a machine that lost its power, is given up a few seconds later.
const WATCH_SECONDS: u32 = 60;

/// What to watch, and where to tell.
pub(crate) struct Watch<K> {
    pub(crate) api: Api<K>,
    pub(crate) fields: Option<String>,
    pub(crate) portion: Portion,
    pub(crate) inputs: mpsc::Sender<Input>,
    pub(crate) restarts: Counter,
}

/// How the first list is asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum FirstList {
    Streamed,
    Paged,
}

/// Why following a stream ended.
enum End {
    /// The API server cannot stream a list.
    NoStreaming,
    /// Nobody listens any more.
    Closed,
}

impl<K: Slim> Watch<K> {
    /// Watches until nobody listens any more.
    pub(crate) async fn run(self) {
        self.watch(&mut Known::default(), &Notify::new()).await;
    }

    /// Watches until `ended`, and then says that everything is gone. `first` is told when everything has been said once.
    pub(crate) async fn run_until(self, ended: impl Future<Output = ()>, first: &Notify) {
        let mut known = Known::default();
        tokio::select! {
            () = self.watch(&mut known, first) => {}
            () = ended => {
                for observation in known.forget::<K>() {
                    // It fails only when the process ends.
                    let _ = self.inputs.send(Input::Observed(observation)).await;
                }
            }
        }
    }

    async fn watch(&self, known: &mut Known, first: &Notify) {
        let mut listed = false;
        if let End::NoStreaming = self.follow(FirstList::Streamed, known, &mut listed, first).await {
            tracing::debug!(kind = %K::KIND, "the API server does not stream lists, so this one is paged");
            self.follow(FirstList::Paged, known, &mut listed, first).await;
        }
    }

    async fn follow(&self, form: FirstList, known: &mut Known, listed: &mut bool, first: &Notify) -> End {
        let events = K::events(self.api.clone(), self.config(form)).backoff(WatchBackoff::default());
        let mut events = pin!(events);
        while let Some(event) = events.next().await {
            let news = match event {
                Ok(event) => {
                    if *listed && matches!(event, Event::Init) {
                        self.restarts.inc();
                    }
                    known.take(event.modify(K::slim))
                }
                Err(error) if form == FirstList::Streamed && cannot_stream(&error) => {
                    return End::NoStreaming;
                }
                Err(error) => self.failed(&error, *listed),
            };
            for observation in news {
                let is_end = matches!(observation, Observation::Listed(_));
                *listed |= is_end;
                if self.inputs.send(Input::Observed(observation.of(&self.portion))).await.is_err() {
                    return End::Closed;
                }
                if is_end {
                    first.notify_one();
                }
            }
        }
        End::Closed
    }

    fn config(&self, first: FirstList) -> Config {
        let config = Config::default().timeout(WATCH_SECONDS);
        let config = match first {
            FirstList::Streamed => config.streaming_lists(),
            FirstList::Paged => config,
        };
        match &self.fields {
            Some(fields) => config.fields(fields),
            None => config,
        }
    }

    fn failed(&self, error: &watcher::Error, listed: bool) -> Vec<Observation> {
        match refusal(error) {
            Some(status) if !listed && status.is_forbidden() => {
                vec![Observation::Denied(K::KIND, reason::of_status(status))]
            }
            _ => {
                self.restarts.inc();
                tracing::warn!(kind = %K::KIND, cause = root_cause(error), "a watch broke and is taken up again");
                Vec::new()
            }
        }
    }
}

/// Whether this is how an API server without streamed lists answers: it calls `sendInitialEvents` invalid, or forbids it.
fn cannot_stream(error: &watcher::Error) -> bool {
    match error {
        watcher::Error::WatchStartFailed(_) => {
            refusal(error).is_some_and(|status| status.is_invalid() || status.code == 400)
        }
        _ => false,
    }
}

fn refusal(error: &watcher::Error) -> Option<&kube::error::Status> {
    match error {
        watcher::Error::InitialListFailed(kube::Error::Api(status))
        | watcher::Error::WatchStartFailed(kube::Error::Api(status))
        | watcher::Error::WatchFailed(kube::Error::Api(status))
        | watcher::Error::WatchError(status) => Some(status),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use kube::error::Status;

    use super::*;

    fn start_failed(code: u16, reason: &str) -> watcher::Error {
        let status = Status::failure("sendInitialEvents is forbidden", reason).with_code(code);
        watcher::Error::WatchStartFailed(kube::Error::Api(status.boxed()))
    }

    #[test]
    fn an_api_server_that_calls_a_streamed_list_invalid_is_asked_for_pages() {
        assert!(cannot_stream(&start_failed(422, "Invalid")));
        assert!(!cannot_stream(&start_failed(403, "Forbidden")));
        assert!(!cannot_stream(&start_failed(410, "Expired")));
    }
}
