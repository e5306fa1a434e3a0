//! Keeps AWS as one Cluster orders it: pass after pass, until the order is another Cluster's or region's.
//!
//! | it looks again                                   | because                                                             |
//! |--------------------------------------------------|---------------------------------------------------------------------|
//! | at once, up to ten times in a row                | a call of the pass succeeded, and the next may depend on it         |
//! | when the order changes                           | a node was cordoned, the spec edited, a look asked for              |
//! | when a probe or a checker changes its mind       | an address may enter or has to leave DNS                            |
//! | when Route 53 has a change on every name server  | what has to wait for that can go on                                 |
//! | when the plan says so                            | a wait of its own ends                                              |
//! | every minute                                     | somebody else may have changed something                            |
//! | 1 s, 2 s, 4 s ... up to a minute after a failure | what could not be read or written is tried again                    |

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use aws::Zones;
use crds::{Aws, AwsMode};
use plan::Refusal;
use plan::aws::{Call, ChangeId, Fault, History, Observed, Order, Outcome, Plan, plan};
use tokio::time::{Instant, sleep, sleep_until};

use super::checkers::Checkers;
use super::probe::{Prober, Targets};
use super::{Clients, Orders, Surroundings, is_given_up, observe};
use crate::effects::cloud::make;
use crate::pacing::{BREATH, MOST_PASSES, Pass, Patience, RESYNC, Warned, is_kept_back, is_over, until};

/// How often Route 53 is asked about a change that is on its way: first so, then half as often each time.
const FIRST_POLL: Duration = Duration::from_millis(200);
const SLOWEST_POLL: Duration = Duration::from_secs(2);

/// The state of one Cluster's AWS, as far as it is remembered.
pub(super) struct Keeper<S> {
    surroundings: Arc<S>,
    clients: Clients,
    uid: String,
    region: String,
    history: History,
    /// Those of the changes on their way of which Route 53 said that they have arrived.
    in_sync: BTreeSet<ChangeId>,
    prober: Prober,
    checkers: Checkers,
    warned: Warned,
    /// Drift that was found and not put right yet, since a newer order or a failure ended the pass: the plan says it once.
    untold: Vec<String>,
    patience: Patience,
}

impl<S: Surroundings> Keeper<S> {
    /// Begins with no memory.
    pub(super) async fn begin(surroundings: Arc<S>, order: &Order) -> Self {
        let region = aws_of(order).map(|aws| aws.region.clone()).unwrap_or_default();
        let clients = surroundings.connect(&region).await;
        Self {
            prober: Prober::start(Arc::clone(&surroundings)),
            checkers: Checkers::start(Arc::clone(&clients.cloud.health_checks)),
            surroundings,
            clients,
            uid: order.owner.uid.clone(),
            region,
            history: History::default(),
            in_sync: BTreeSet::new(),
            warned: Warned::default(),
            untold: Vec::new(),
            patience: Patience::default(),
        }
    }

    /// Keeps to the orders as long as they are of this Cluster and region.
    pub(super) async fn keep(mut self, orders: &mut Orders) {
        loop {
            let order = orders.borrow_and_update().clone();
            let Some(order) = order.filter(|order| self.is_for(order)) else {
                orders.mark_changed();
                return;
            };
            let began = Instant::now();
            let wait = self.settle(&order, orders).await;
            let pending = &self.history.changes_on_their_way() - &self.in_sync;
            tokio::select! {
                changed = orders.changed() => if changed.is_err() {
                    return;
                },
                () = sleep(wait) => {}
                () = self.prober.changed() => {}
                () = self.checkers.changed() => {}
                arrived = arrival(&*self.clients.cloud.zones, pending) => {
                    self.in_sync.insert(arrived);
                }
            }
            sleep_until(began + BREATH).await;
        }
    }

    fn is_for(&self, order: &Order) -> bool {
        let region = aws_of(order).map(|aws| aws.region.as_str());
        !is_given_up(order) && order.owner.uid == self.uid && region == Some(&self.region)
    }

    /// Passes until nothing can be done now, and tells for how long.
    async fn settle(&mut self, order: &Order, orders: &Orders) -> Duration {
        let mut passes = 1;
        loop {
            let pass = self.pass(order, orders).await;
            if !pass.changed || pass.failed || passes == MOST_PASSES || is_over(orders) {
                return self.patience.after(&pass);
            }
            passes += 1;
        }
    }

    async fn pass(&mut self, order: &Order, orders: &Orders) -> Pass {
        let now = self.surroundings.now();
        let observed = self.observe(order).await;
        let Plan { calls, report, history, probes, checks, recheck_at } =
            plan(order, &observed, &self.history, now);
        self.history = history;
        self.in_sync.retain(|change| self.history.changes_on_their_way().contains(change));
        let dns = aws_of(order).and_then(|aws| aws.dns.as_ref());
        self.prober.want(dns.map(|dns| Targets { addresses: probes, check: dns.health_check.clone() }));
        self.checkers.want(observed.checks.as_deref().unwrap_or_default(), &checks, &observed.probes);
        let is_whole = observe::is_whole(&observed);
        self.surroundings.measure(&report, &observed.probes, is_whole);
        let (drift, undone) = (report.drift.clone(), report.undone);
        self.warn(order, &report.warnings).await;
        self.surroundings.report(report).await;

        let is_settled = calls.is_empty() && recheck_at.is_none();
        let is_held = calls.is_empty() || !may_write(order) || self.is_held(order).await;
        let mut outcomes = if is_held { self.carry_out(order, calls, orders).await } else { Vec::new() };
        let changed = outcomes.iter().any(|outcome| outcome.result.is_ok());
        let mut failed = !is_whole || !is_held || outcomes.iter().any(|outcome| outcome.result.is_err());
        // What the fence kept back was never tried.
        outcomes.retain(|outcome| !is_kept_back(&outcome.result));
        self.history.take(&outcomes, self.surroundings.now());
        self.tell_drift(order, drift, changed, is_settled).await;
        if undone {
            failed |= !self.surroundings.let_go(&order.owner).await;
        }
        Pass { changed, failed, recheck_in: recheck_at.map(|at| until(at, now)) }
    }

    /// Tells what is new of what should be known.
    async fn warn(&mut self, order: &Order, warnings: &[Refusal]) {
        let new = self.warned.news(warnings);
        if !new.is_empty() {
            self.surroundings.warn(&order.owner, &new).await;
        }
    }

    /// Tells of the drift that was found in this pass or an earlier one, as soon as something was changed.
    async fn tell_drift(&mut self, order: &Order, found: Vec<String>, changed: bool, is_settled: bool) {
        let new = found.into_iter().filter(|sentence| !self.untold.contains(sentence)).collect::<Vec<_>>();
        self.untold.extend(new);
        if changed && !self.untold.is_empty() {
            self.surroundings.tell_drift(&order.owner, &self.untold).await;
        }
        if changed || is_settled || !may_write(order) {
            self.untold.clear();
        }
    }

    async fn observe(&self, order: &Order) -> Observed {
        let observed = observe::aws(&self.clients, order).await;
        Observed {
            in_sync: self.in_sync.clone(),
            health: self.checkers.found(),
            probes: self.prober.found(),
            ..observed
        }
    }

    /// Makes the calls in their order, if they may be made. A newer order ends it, because it may not want them any more; what relies on a call that
    /// failed is left out.
    async fn carry_out(&self, order: &Order, calls: Vec<Call>, orders: &Orders) -> Vec<Outcome> {
        let mut outcomes: Vec<Outcome> = Vec::new();
        if !may_write(order) {
            return outcomes;
        }
        for call in calls {
            if is_over(orders) {
                break;
            }
            if outcomes.iter().any(|outcome| is_needed_by(outcome, &call)) {
                continue;
            }
            let result = make(&self.clients, &order.owner, &call).await;
            let is_end = result.as_ref().is_err_and(|failure| ends_pass(failure.fault));
            outcomes.push(Outcome { call, result });
            if is_end {
                break;
            }
        }
        outcomes
    }

    /// Whether the API keeps the Cluster until everything is undone, which it has to before the first write. One that is being deleted
    /// takes no finalizer any more.
    async fn is_held(&self, order: &Order) -> bool {
        order.has_finalizer || order.deleted_at.is_some() || self.surroundings.hold(&order.owner).await
    }
}

fn aws_of(order: &Order) -> Option<&Aws> {
    order.spec.aws.as_ref()
}

fn may_write(order: &Order) -> bool {
    aws_of(order).is_some_and(|aws| aws.mode == AwsMode::Apply)
}

/// Whether this failure leaves something undone that the call relies on.
fn is_needed_by(outcome: &Outcome, call: &Call) -> bool {
    outcome.result.is_err() && call.place().is_some_and(|place| outcome.call.place() == Some(place))
}

/// Whether the calls that follow would fail as well, or are not what is needed any more.
fn ends_pass(fault: Fault) -> bool {
    match fault {
        Fault::Conflict
        | Fault::NotLeader
        | Fault::NoCredentials
        | Fault::CredentialsRefused
        | Fault::SignatureRefused
        | Fault::Unreachable => true,
        Fault::Denied
        | Fault::Throttled
        | Fault::Quota
        | Fault::NotFound
        | Fault::Invalid
        | Fault::Server => false,
    }
}

/// Waits until Route 53 has one of these changes on all its name servers.
async fn arrival(zones: &dyn Zones, pending: BTreeSet<ChangeId>) -> ChangeId {
    if pending.is_empty() {
        std::future::pending::<()>().await;
    }
    let mut wait = FIRST_POLL;
    loop {
        sleep(wait).await;
        wait = (wait * 2).min(SLOWEST_POLL);
        for change in &pending {
            match zones.is_in_sync(change).await {
                Ok(true) => return change.clone(),
                Ok(false) => {}
                // Nobody knows it any more, so it has long arrived.
                Err(failure) if failure.fault == Fault::NotFound => return change.clone(),
                Err(failure) => {
                    tracing::debug!(%failure, "it is not known whether a change has arrived");
                    wait = RESYNC;
                }
            }
        }
    }
}
