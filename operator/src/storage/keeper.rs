//! Keeps one Blobstore as it is ordered: pass after pass, until nobody orders it any more.
//!
//! | it looks again                                   | because                                                             |
//! |--------------------------------------------------|---------------------------------------------------------------------|
//! | at once, up to ten times in a row                | a call of the pass succeeded, and the next may depend on it         |
//! | when the order changes                           | the spec was edited, a new key or a look asked for                  |
//! | when the plan says so                            | a wait of its own ends, or a key is old enough                      |
//! | every minute                                     | somebody else may have changed something, or Pods have the new key  |
//! | 1 s, 2 s, 4 s ... up to a minute after a failure | what could not be read or written is tried again                    |

use std::sync::Arc;
use std::time::Duration;

use crds::AwsMode;
use plan::Refusal;
use plan::aws::Failure;
use plan::aws::storage::{StorageCall, StorageObserved, StorageOrder, StorageOutcome};
use plan::blobstore::{BlobstorePlan, StorageHistory, StorageReport, plan};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};

use super::observe::{self, Sight};
use super::{Clients, Desk, Surroundings};
use crate::effects::storage::Hand;
use crate::pacing::{BREATH, MOST_PASSES, Pass, Patience, Warned, is_kept_back, is_over, until};

type Orders = watch::Receiver<Arc<StorageOrder>>;

/// What is remembered of one Blobstore.
pub(super) struct Keeper<S> {
    desk: Arc<Desk<S>>,
    uid: String,
    history: StorageHistory,
    /// The generation for which there is no user beside a role, and no role beside a user.
    alone: Option<i64>,
    warned: Warned,
    patience: Patience,
}

impl<S: Surroundings> Keeper<S> {
    /// Begins with no memory.
    pub(super) fn new(desk: Arc<Desk<S>>) -> Self {
        Self {
            desk,
            uid: String::new(),
            history: StorageHistory::default(),
            alone: None,
            warned: Warned::default(),
            patience: Patience::default(),
        }
    }

    /// Keeps to the orders until none can come any more.
    pub(super) async fn keep(mut self, mut orders: Orders) {
        loop {
            let order = orders.borrow_and_update().clone();
            if order.uid != self.uid {
                self = Self { uid: order.uid.clone(), ..Self::new(self.desk) };
            }
            let began = Instant::now();
            let wait = self.settle(&order, &orders).await;
            tokio::select! {
                changed = orders.changed() => if changed.is_err() {
                    return;
                },
                () = sleep(wait) => {}
            }
            sleep_until(began + BREATH).await;
        }
    }

    /// Passes until nothing can be done now, and tells for how long.
    async fn settle(&mut self, order: &StorageOrder, orders: &Orders) -> Duration {
        let mut passes = 1;
        loop {
            let pass = self.pass(order, orders).await;
            let is_last = !pass.changed || pass.failed || is_over(orders);
            // A bucket is emptied a thousand objects at a time, for as long as it takes.
            if is_last || passes == MOST_PASSES && order.deleted_at.is_none() {
                return self.patience.after(&pass);
            }
            passes += 1;
        }
    }

    async fn pass(&mut self, order: &StorageOrder, orders: &Orders) -> Pass {
        let (clients, sight) = match self.look(order).await {
            Ok(seen) => seen,
            Err(failure) => return self.in_the_dark(order, &failure).await,
        };
        let now = self.desk.surroundings.now();
        let BlobstorePlan { calls, report, history, recheck_at } =
            plan(order, &sight.observed, &self.history, now);
        self.history = history;
        self.remember_alone(order, &sight.observed);
        let is_whole = observe::failures(&sight.observed).next().is_none();
        let (drift, undone) = (report.drift.clone(), report.undone);
        let has_to_be_held = !calls.is_empty() || matches!(report.bucket, Some(Ok(_)));
        self.warn(order, &report.warnings).await;
        self.desk.surroundings.report(report).await;

        let is_held = !has_to_be_held || !may_write(order) || self.is_held(order).await;
        let mut outcomes = match clients.filter(|_| is_held && may_write(order)) {
            Some(clients) => self.carry_out(&clients, order, calls, sight.version, orders).await,
            None => Vec::new(),
        };
        let changed = outcomes.iter().any(|outcome| outcome.result.is_ok());
        let mut failed = !is_whole || !is_held || outcomes.iter().any(|outcome| outcome.result.is_err());
        // What the fence kept back was never tried.
        outcomes.retain(|outcome| !is_kept_back(&outcome.result));
        self.history.take(&outcomes, self.desk.surroundings.now());
        if changed && !drift.is_empty() {
            self.desk.surroundings.tell_drift(order, &drift).await;
        }
        if undone {
            failed |= !self.desk.surroundings.let_go(order).await;
        }
        Pass { changed, failed, recheck_in: recheck_at.map(|at| until(at, now)) }
    }

    /// Reads what the order is about: nothing, and from nobody, where no Cluster declares AWS.
    async fn look(&self, order: &StorageOrder) -> Result<(Option<Clients>, Sight), Failure> {
        let Some(account) = &order.account else {
            return Ok((None, Sight { observed: StorageObserved::default(), version: None }));
        };
        let clients = self.desk.clients(&account.region).await;
        let both = order.deleted_at.is_some() || self.alone != Some(order.generation);
        let sight = observe::storage(&self.desk.surroundings, &clients, order, both).await?;
        Ok((Some(clients), sight))
    }

    /// The API server did not tell what it has to be asked: nothing is planned.
    async fn in_the_dark(&self, order: &StorageOrder, failure: &Failure) -> Pass {
        tracing::warn!(blobstore = %order.key(), %failure, "the Secret of a Blobstore or the Pods that use it cannot be read");
        self.desk.surroundings.report(StorageReport::in_the_dark(order, failure)).await;
        Pass { changed: false, failed: true, recheck_in: None }
    }

    fn remember_alone(&mut self, order: &StorageOrder, observed: &StorageObserved) {
        let other = match order.spec.credentials.role {
            None => &observed.role,
            Some(_) => &observed.user,
        };
        self.alone = matches!(other, Ok(None)).then_some(order.generation);
    }

    /// Tells what is new of what should be known.
    async fn warn(&mut self, order: &StorageOrder, warnings: &[Refusal]) {
        let new = self.warned.news(warnings);
        if !new.is_empty() {
            self.desk.surroundings.warn(order, &new).await;
        }
    }

    /// Makes the calls in their order up to the first that fails. A newer order ends it, because it may not want them any more.
    async fn carry_out(
        &self,
        clients: &Clients,
        order: &StorageOrder,
        calls: Vec<StorageCall>,
        version: Option<String>,
        orders: &Orders,
    ) -> Vec<StorageOutcome> {
        let mut outcomes = Vec::new();
        let mut hand = Hand::new(clients, &self.desk.surroundings, order, version);
        for call in calls {
            if is_over(orders) {
                break;
            }
            let result = hand.make(&call).await;
            let is_end = result.is_err();
            outcomes.push(StorageOutcome { call, result });
            if is_end {
                break;
            }
        }
        outcomes
    }

    /// Whether the API keeps the Blobstore until everything is undone, which it has to before the first write. One that is being deleted
    /// takes no finalizer any more.
    async fn is_held(&self, order: &StorageOrder) -> bool {
        order.has_finalizer || order.deleted_at.is_some() || self.desk.surroundings.hold(order).await
    }
}

fn may_write(order: &StorageOrder) -> bool {
    order.account.as_ref().is_some_and(|account| account.mode == AwsMode::Apply)
}
