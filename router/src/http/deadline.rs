//! One timer per connection, moved cheaply.
//!
//! A deadline moves several times per request and almost never passes, so that moving it must not touch the timer
//! wheel: a later deadline is only noted, and the timer looks again when it fires. Hot: [`Deadline::set`] is a store.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::{Instant, Sleep};

/// A point in time that can be moved.
pub(crate) struct Deadline {
    timer: Pin<Box<Sleep>>,
    /// `None`: never.
    at: Option<Instant>,
}

impl Deadline {
    pub(crate) fn after(time: Duration) -> Self {
        let at = Instant::now() + time;
        Self { timer: Box::pin(tokio::time::sleep_until(at)), at: Some(at) }
    }

    /// Moves it to `time` from now, or to never.
    pub(crate) fn set(&mut self, time: Option<Duration>) {
        self.at = time.map(|time| Instant::now() + time);
        if let Some(at) = self.at
            && (at < self.timer.deadline() || self.timer.is_elapsed())
        {
            self.timer.as_mut().reset(at);
        }
    }

    /// Ready once it has passed.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(at) = self.at else {
            return Poll::Pending;
        };
        while Instant::now() < at {
            ready!(self.timer.as_mut().poll(cx));
            self.timer.as_mut().reset(at);
        }
        Poll::Ready(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;

    /// Runs with real time, of which it needs little.
    fn run<F: Future>(future: F) -> F::Output {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(future)
    }

    #[test]
    fn a_deadline_passes_where_it_was_moved_to() {
        run(async {
            let start = Instant::now();
            let mut deadline = Deadline::after(Duration::from_millis(5));
            deadline.set(Some(Duration::from_millis(60)));
            poll_fn(|cx| deadline.poll(cx)).await;
            assert!(start.elapsed() >= Duration::from_millis(60));
            deadline.set(Some(Duration::from_millis(20)));
            poll_fn(|cx| deadline.poll(cx)).await;
            assert!(start.elapsed() >= Duration::from_millis(80));
        });
    }

    #[test]
    fn a_deadline_can_move_closer() {
        run(async {
            let mut deadline = Deadline::after(Duration::from_secs(3600));
            deadline.set(Some(Duration::from_millis(5)));
            poll_fn(|cx| deadline.poll(cx)).await;
        });
    }

    #[test]
    fn never_does_not_pass() {
        run(async {
            let mut deadline = Deadline::after(Duration::ZERO);
            deadline.set(None);
            assert!(poll_fn(|cx| Poll::Ready(deadline.poll(cx))).await.is_pending());
        });
    }
}
