//! Containers of this machine, without Kubernetes: what they share, and the handle on each.

use std::io;
use std::path::Path;
use std::sync::Arc;

use tokio::sync::{Notify, mpsc, watch};
use tokio::task::JoinHandle;

use crate::cgroup::Cgroups;
use crate::container::{Container, Life, Notice, Source, State, Stop};
use crate::leftovers::Leftovers;
use crate::logs::LogStore;
use crate::shim::Shim;

/// What the containers of a kubelet share.
#[derive(Debug)]
pub struct Supervisor {
    pub(crate) shim: Shim,
    pub(crate) leftovers: Leftovers,
    pub(crate) logs: LogStore,
    pub(crate) cgroups: Cgroups,
}

/// A container that is supervised. Dropping it kills.
#[derive(Debug)]
pub struct Supervised {
    /// What it is doing.
    pub state: watch::Receiver<State>,
    orders: watch::Sender<Option<Stop>>,
    life: JoinHandle<()>,
}

impl Supervisor {
    /// Uses this folder for logs and records, and kills what an earlier run that used it left.
    pub fn open(folder: &Path, shim: Shim) -> io::Result<Self> {
        let logs = LogStore::open(folder.join("logs"))?;
        let leftovers = Leftovers::open(folder.join("processes"))?;
        let cgroups = Cgroups::find(format!("flynn-{:016x}-", fingerprint(folder)));
        Ok(Self { shim, leftovers, logs, cgroups })
    }

    /// What containers print.
    #[must_use]
    pub fn logs(&self) -> &LogStore {
        &self.logs
    }

    /// Starts a container and goes on until it is over. `changed` is told of each new state, `notices` of what happens.
    pub fn supervise(
        self: &Arc<Self>,
        container: Container,
        source: Arc<dyn Source>,
        changed: Arc<Notify>,
        notices: mpsc::UnboundedSender<Notice>,
    ) -> Supervised {
        let (orders, ordered) = watch::channel(None);
        let (told, state) = watch::channel(State::first(container.earlier.as_ref()));
        let supervisor = Arc::clone(self);
        let life = Life { supervisor, container, source, orders: ordered, state: told, changed, notices };
        Supervised { state, orders, life: tokio::spawn(life.live()) }
    }
}

impl Supervised {
    /// Tells it to end. A later order may shorten the grace period.
    pub fn stop(&self, stop: Stop) {
        self.orders.send_if_modified(|order| {
            let shortens = order.is_none_or(|earlier| stop.grace < earlier.grace);
            if shortens {
                *order = Some(stop);
            }
            shortens
        });
    }

    /// Whether nothing of it is left.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.state.borrow().over
    }

    /// Waits until nothing of it is left.
    pub async fn over(&mut self) {
        // If the sender is gone, so is everything else.
        let _ = self.state.wait_for(|state| state.over).await;
    }
}

impl Drop for Supervised {
    fn drop(&mut self) {
        self.life.abort();
    }
}

/// Tells the control groups of one kubelet from those of another one on the same machine.
fn fingerprint(folder: &Path) -> u64 {
    use std::hash::{DefaultHasher, Hash as _, Hasher as _};
    let mut hasher = DefaultHasher::new();
    folder.canonicalize().unwrap_or_else(|_| folder.to_owned()).hash(&mut hasher);
    hasher.finish()
}
