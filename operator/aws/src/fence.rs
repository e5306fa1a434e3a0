//! The fence before each write: whether this process will still be the leader when the call ends.
//!
//! A Lease keeps nobody from writing: a process that was paused goes on where it was. So each attempt of a call that writes asks first, and is not made if
//! the lead could end before the call does. What slips through all the same is found by its marks.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// Lets a call that writes pass, or not.
#[derive(Clone)]
pub struct Fence(Arc<dyn Fn(Duration) -> bool + Send + Sync>);

impl Fence {
    /// Asks `leads_for` before each write whether this process leads for at least this time, which is the longest that the attempt can take.
    pub fn new(leads_for: impl Fn(Duration) -> bool + Send + Sync + 'static) -> Self {
        Self(Arc::new(leads_for))
    }

    /// Lets every call pass: for a process that is the only one.
    #[must_use]
    pub fn open() -> Self {
        Self::new(|_| true)
    }

    /// Lets no write pass: for a command that only looks.
    #[must_use]
    pub fn closed() -> Self {
        Self::new(|_| false)
    }

    /// Whether a write of this length may begin.
    pub(crate) fn lets_pass(&self, longest: Duration) -> bool {
        (self.0)(longest)
    }
}

impl fmt::Debug for Fence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fence")
    }
}
