//! The leader's writes: steps of the plan come in, requests to the API server go out, their outcomes go back to the plan.
//!
//! ```text
//! Step -+- objects  --writer--> effects/object.rs --> server-side apply, delete --> Outcome, Retry
//!       '- statuses --writer--> effects/status.rs --> status, then effects/event.rs
//! ```
//!
//! Nothing else in the operator writes, but a node its own RouterNode (`effects/report.rs`) and its own table
//! (`effects/route.rs`). Writing never holds up planning. All of it stops at once when [`Effects`] is dropped.

mod authority;
mod event;
mod object;
mod queue;
pub(crate) mod report;
pub(crate) mod route;
mod router_key;
mod status;
mod writer;

use kube::Client;
use plan::{Kind, ObjectChanges, ObjectKey, StatusWrite, Step, Unit};
use tokio::sync::mpsc::{self, UnboundedSender};
use tokio::task::JoinSet;

use crate::metrics::EffectMetrics;
use crate::reconcile::Input;
use object::Objects;
use status::Statuses;

/// The running writers of a leader.
#[derive(Debug)]
pub(crate) struct Effects {
    objects: UnboundedSender<(Unit, ObjectChanges)>,
    statuses: UnboundedSender<((Kind, ObjectKey), StatusWrite)>,
    writers: JoinSet<()>,
}

impl Effects {
    /// Begins to write; `inputs` is where outcomes go.
    pub(crate) fn start(
        client: Client,
        instance: &str,
        inputs: mpsc::Sender<Input>,
        metrics: EffectMetrics,
    ) -> Self {
        let (objects, object_orders) = mpsc::unbounded_channel();
        let (statuses, status_orders) = mpsc::unbounded_channel();
        let mut writers = JoinSet::new();
        writers
            .spawn(writer::run(Objects::new(client.clone(), inputs.clone(), metrics.clone()), object_orders));
        writers.spawn(writer::run(Statuses::new(client, instance, inputs, metrics), status_orders));
        Self { objects, statuses, writers }
    }

    /// Has a step carried out. It returns at once.
    pub(crate) fn execute(&self, step: Step) {
        // The table is a node's, and the time of the next look is the reconciler's.
        let Step { table: _, objects, statuses, recheck_at: _ } = step;
        for order in objects {
            // A writer ends only by a bug, which `ended` reports.
            let _ = self.objects.send(order);
        }
        for status in statuses {
            let _ = self.statuses.send(((status.kind, status.key.clone()), status));
        }
    }

    /// Waits until a writer has ended, which none does by itself.
    pub(crate) async fn ended(&mut self) {
        if let Some(Err(panic)) = self.writers.join_next().await {
            tracing::error!(%panic, "a writer ended");
        }
    }
}
