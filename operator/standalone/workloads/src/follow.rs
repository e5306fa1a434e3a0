//! One watch of one kind, for as long as the process runs: its events go to whoever keeps them.
//!
//! The first list comes as a stream where the API server can do that, else in pages. A failure is logged and waited
//! out; it is never an end.

use std::fmt::Debug;
use std::pin::pin;
use std::time::Duration;

use futures::{Stream, StreamExt};
use kube::runtime::WatchStreamExt;
use kube::runtime::utils::Backoff;
use kube::runtime::watcher::{Config, Error, Event};

use crate::refusal::root_cause;

/// The waits between attempts: they double up to the longest.
const FIRST_WAIT: Duration = Duration::from_millis(200);
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// Hands every event of the watch that `open` opens to `take`.
pub(crate) async fn follow<T: Debug, S>(
    kind: &str,
    open: impl Fn(Config) -> S,
    mut take: impl FnMut(Event<T>),
) where
    S: Stream<Item = Result<Event<T>, Error>> + Send,
{
    if let End::NoStreaming = until_end(kind, open(Config::default().streaming_lists()), &mut take).await {
        tracing::debug!(kind, "the API server does not stream lists, so this one is paged");
        until_end(kind, open(Config::default()), &mut take).await;
    }
}

/// Why following a stream ended.
enum End {
    /// The API server cannot stream a list.
    NoStreaming,
    /// There are no more events.
    Over,
}

async fn until_end<T: Debug>(
    kind: &str,
    events: impl Stream<Item = Result<Event<T>, Error>> + Send,
    take: &mut impl FnMut(Event<T>),
) -> End {
    let mut events = pin!(events.backoff(Wait::default()));
    let mut failures = 0;
    while let Some(event) = events.next().await {
        match event {
            Ok(event) => {
                failures = 0;
                take(event);
            }
            Err(error) if cannot_stream(&error) => return End::NoStreaming,
            Err(error) => failed(kind, &error, &mut failures),
        }
    }
    End::Over
}

/// The first failure of a row is worth a warning; the others say nothing new.
fn failed(kind: &str, error: &Error, failures: &mut u32) {
    *failures += 1;
    let cause = root_cause(error);
    if *failures == 1 {
        tracing::warn!(kind, cause, "a watch broke and is taken up again");
    } else {
        tracing::debug!(kind, cause, failures, "a watch is still broken");
    }
}

/// Whether this is how an API server without streamed lists answers: it calls `sendInitialEvents` invalid.
fn cannot_stream(error: &Error) -> bool {
    match error {
        Error::WatchStartFailed(kube::Error::Api(status)) => matches!(status.code, 400 | 422),
        _ => false,
    }
}

#[derive(Default)]
struct Wait {
    failures: u32,
}

impl Iterator for Wait {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        let full = FIRST_WAIT.saturating_mul(1 << self.failures.min(10)).min(LONGEST_WAIT);
        self.failures += 1;
        Some(full.mul_f64(1.0 - fastrand::f64() / 2.0))
    }
}

impl Backoff for Wait {
    fn reset(&mut self) {
        self.failures = 0;
    }
}
