//! The leader's writes: steps of the plan come in, requests to the API server go out, their outcomes go back to the plan.
//!
//! ```text
//! Step -+- objects  --writer--> effects/object.rs --> server-side apply, delete --> Outcome, Retry
//!       |- statuses --writer--> effects/status.rs --> status, then effects/event.rs
//!       '- cloud    --cloud.rs--> effects/cloud.rs --> AWS --> Report
//! ```
//!
//! Nothing else in the operator writes, but a node its own RouterNode (`effects/report.rs`) and its own table
//! (`effects/route.rs`). Writing never holds up planning. All of it stops at once when [`Effects`] is dropped.

mod authority;
pub(crate) mod cloud;
pub(crate) mod event;
pub(crate) mod finalizer;
mod object;
mod queue;
pub(crate) mod report;
pub(crate) mod route;
mod router_key;
mod status;
mod writer;

use std::sync::Arc;

use kube::Client;
use plan::aws::Order;
use plan::{Kind, ObjectChanges, ObjectKey, StatusWrite, Step, Unit};
use tokio::sync::mpsc::{self, UnboundedSender};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::cloud::Leader;
use crate::lease::Tenure;
use crate::metrics::EffectMetrics;
use crate::metrics::cloud::CloudMetrics;
use crate::reconcile::Input;
use object::Objects;
use status::Statuses;

/// What the writers of a leader work with.
pub(crate) struct Tools {
    /// Of the API server.
    pub(crate) client: Client,
    /// The name of this process.
    pub(crate) identity: String,
    /// Where outcomes go.
    pub(crate) inputs: mpsc::Sender<Input>,
    /// What writes to the API count.
    pub(crate) metrics: EffectMetrics,
    /// What calls to AWS count.
    pub(crate) cloud_metrics: CloudMetrics,
    /// For how long this process leads.
    pub(crate) tenure: Tenure,
}

/// The running writers of a leader.
#[derive(Debug)]
pub(crate) struct Effects {
    objects: UnboundedSender<(Unit, ObjectChanges)>,
    statuses: UnboundedSender<((Kind, ObjectKey), StatusWrite)>,
    cloud: watch::Sender<Option<Arc<Order>>>,
    writers: JoinSet<()>,
}

impl Effects {
    /// Begins to write.
    pub(crate) fn start(tools: Tools) -> Self {
        let Tools { client, identity, inputs, metrics, cloud_metrics, tenure } = tools;
        let (objects, object_orders) = mpsc::unbounded_channel();
        let (statuses, status_orders) = mpsc::unbounded_channel();
        let (cloud, cloud_orders) = watch::channel(None);
        let mut writers = JoinSet::new();
        writers
            .spawn(writer::run(Objects::new(client.clone(), inputs.clone(), metrics.clone()), object_orders));
        let of_statuses = Statuses::new(client.clone(), &identity, inputs.clone(), metrics);
        writers.spawn(writer::run(of_statuses, status_orders));
        let leader = Leader::new(client, &identity, inputs, cloud_metrics, tenure);
        writers.spawn(crate::cloud::run(leader, cloud_orders));
        Self { objects, statuses, cloud, writers }
    }

    /// Has a step carried out. It returns at once.
    pub(crate) fn execute(&self, step: Step) {
        // The table is a node's, and the time of the next look is the reconciler's.
        let Step { table: _, objects, statuses, cloud, recheck_at: _ } = step;
        for order in objects {
            // A writer ends only by a bug, which `ended` reports.
            let _ = self.objects.send(order);
        }
        for status in statuses {
            let _ = self.statuses.send(((status.kind, status.key.clone()), status));
        }
        if let Some(order) = cloud {
            self.cloud.send_replace(order);
        }
    }

    /// Waits until a writer has ended, which none does by itself.
    pub(crate) async fn ended(&mut self) {
        if let Some(Err(panic)) = self.writers.join_next().await {
            tracing::error!(%panic, "a writer ended");
        }
    }
}
