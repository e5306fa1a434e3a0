//! A gate that calls wait at: a test learns that one has come, and lets all of them go on.

use tokio::sync::watch;

/// The gate.
#[derive(Debug)]
pub(super) struct Gate {
    waiting: watch::Sender<usize>,
    openings: watch::Sender<u64>,
}

/// A call at the gate. It counts for as long as it is there, also when its client goes away.
struct Waiting<'a>(&'a watch::Sender<usize>);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|waiting| *waiting -= 1);
    }
}

impl Gate {
    /// A gate where nobody waits.
    pub(super) fn new() -> Self {
        Self { waiting: watch::Sender::new(0), openings: watch::Sender::new(0) }
    }

    /// Waits until the gate opens the next time.
    pub(super) async fn pass(&self) {
        let mut openings = self.openings.subscribe();
        self.waiting.send_modify(|waiting| *waiting += 1);
        let _waiting = Waiting(&self.waiting);
        openings.changed().await.expect("the gate outlives those who wait at it");
    }

    /// Waits until as many calls are at the gate.
    pub(super) async fn held(&self, calls: usize) {
        let mut waiting = self.waiting.subscribe();
        waiting.wait_for(|waiting| *waiting >= calls).await.expect("the gate outlives those who wait at it");
    }

    /// Waits until no call is at the gate.
    pub(super) async fn empty(&self) {
        let mut waiting = self.waiting.subscribe();
        waiting.wait_for(|waiting| *waiting == 0).await.expect("the gate outlives those who wait at it");
    }

    /// Lets all calls at the gate go on.
    pub(super) fn open(&self) {
        self.openings.send_modify(|openings| *openings += 1);
    }
}
