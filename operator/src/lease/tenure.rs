//! For how long this process leads at least, as far as it knows: asked before each write to where no Lease is looked at.
//!
//! `lease.rs` says until when; whoever is about to write asks. Nobody is told when it ends: that is the Lease's one bit.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// A lead, from now to its end.
#[derive(Debug, Clone)]
pub(crate) struct Tenure(Option<Arc<Term>>);

#[derive(Debug)]
struct Term {
    /// How long a renewal lasts.
    duration: Duration,
    /// Until when, unless it is renewed; nothing while another leads.
    end: Mutex<Option<Instant>>,
}

impl Tenure {
    /// Of a process that is the only one.
    pub(crate) fn endless() -> Self {
        Self(None)
    }

    /// Of a candidate, who does not lead yet.
    pub(crate) fn none_yet(duration: Duration) -> Self {
        Self(Some(Arc::new(Term { duration, end: Mutex::default() })))
    }

    pub(super) fn set(&self, until: Option<Instant>) {
        if let Some(term) = &self.0 {
            *term.end.lock().unwrap_or_else(PoisonError::into_inner) = until;
        }
    }

    /// Whether it lasts so long, or half of what a renewal lasts: a lead that is renewed in time always has as much left, and what is still under
    /// way at its end is broken off.
    pub(crate) fn lasts(&self, time: Duration) -> bool {
        let Some(Term { duration, end }) = self.0.as_deref() else { return true };
        let end = *end.lock().unwrap_or_else(PoisonError::into_inner);
        end.is_some_and(|end| end.saturating_duration_since(Instant::now()) >= time.min(*duration / 2))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEASE: Duration = Duration::from_secs(15);

    #[tokio::test(start_paused = true)]
    async fn a_lead_lasts_no_longer_than_its_renewal() {
        let tenure = Tenure::none_yet(LEASE);
        assert!(!tenure.lasts(Duration::ZERO), "another leads");
        tenure.set(Some(Instant::now() + LEASE));
        assert!(tenure.lasts(Duration::from_secs(5)));
        tokio::time::advance(Duration::from_secs(11)).await;
        assert!(!tenure.lasts(Duration::from_secs(5)));
        tenure.set(Some(Instant::now() + LEASE));
        tenure.set(None);
        assert!(!tenure.lasts(Duration::from_secs(5)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_that_may_take_longer_than_a_lease_begins_in_its_first_half_only() {
        let tenure = Tenure::none_yet(LEASE);
        tenure.set(Some(Instant::now() + LEASE));
        tokio::time::advance(Duration::from_secs(7)).await;
        assert!(tenure.lasts(Duration::from_secs(60)));
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(!tenure.lasts(Duration::from_secs(60)));
    }

    #[tokio::test(start_paused = true)]
    async fn the_only_process_leads_for_ever() {
        assert!(Tenure::endless().lasts(Duration::MAX));
    }
}
