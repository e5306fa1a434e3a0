//! The one owner of the planner: observations and outcomes come in on a channel, passes of planning go out.
//!
//! Everything that is queued is taken in before a pass is planned, so that a burst costs one pass and a lone edit waits
//! for nothing. Before every kind has been listed once there is no pass, so that the first table is a complete one.
//! Nothing in here does IO: the roles (`node.rs`, `controller.rs`) carry the passes out.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use plan::aws::Report;
use plan::blobstore::StorageReport;
use plan::{Kind, Planner, Step, Unit};
use tokio::sync::{mpsc, watch};

use crate::metrics::PlanMetrics;
use crate::observe::{Demand, Observation, Portion, Versions};

/// How many inputs wait in the channel before the watches have to.
pub(crate) const QUEUE: usize = 8192;

/// No wait for a point in time is longer, because clocks are set and machines sleep.
const LONGEST_WAIT: Duration = Duration::from_secs(600);

/// What the planner is told.
#[derive(Debug)]
pub(crate) enum Input {
    /// A watch said something.
    Observed(Observation),
    /// What the writes for a unit came to; the error is a sentence for the user.
    Outcome(Unit, Result<(), String>),
    /// The time for another attempt at a unit has come.
    Retry(Unit),
    /// What a look at AWS found.
    Cloud(Box<Report>),
    /// What a look at the bucket of a Blobstore found.
    Storage(Box<StorageReport>),
}

/// One pass of planning.
#[derive(Debug)]
pub(crate) struct Pass {
    /// What has to be written.
    pub(crate) step: Step,
    /// What the pass knew of each kind.
    pub(crate) versions: Versions,
    /// Whether a declaration changed since the pass before.
    pub(crate) new_generation: bool,
}

/// Why there is no further pass.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum Error {
    /// The role may not watch what it has to.
    #[error("the API server does not permit to watch {kind} objects: {message}")]
    Denied {
        /// The kind that was asked for.
        kind: Kind,
        /// The API server's words, which name the user, the verb and the resource.
        message: String,
    },
    /// Every sender is gone.
    #[error("the watches ended")]
    Ended,
}

/// The planner with its queue.
pub(crate) struct Reconciler {
    planner: Planner,
    inputs: mpsc::Receiver<Input>,
    batch: Vec<Input>,
    /// What has not been listed yet.
    loading: BTreeSet<Portion>,
    /// Who is told in which namespaces there are leaders.
    leaders: watch::Sender<BTreeSet<String>>,
    /// Whether there was a pass.
    began: bool,
    versions: Versions,
    new_generation: bool,
    /// Whether something was taken in since the last pass.
    pending: bool,
    recheck_at: Option<Timestamp>,
    metrics: PlanMetrics,
}

impl Reconciler {
    /// Begins with an empty planner; passes begin when everything that is demanded has been listed.
    pub(crate) fn new(
        planner: Planner,
        demand: Demand,
        inputs: mpsc::Receiver<Input>,
        metrics: PlanMetrics,
    ) -> Self {
        Self {
            planner,
            inputs,
            batch: Vec::new(),
            loading: demand.portions,
            leaders: demand.leaders,
            began: false,
            versions: Versions::default(),
            new_generation: false,
            pending: true,
            recheck_at: None,
            metrics,
        }
    }

    /// Waits until something happened, and plans. It may be dropped while it waits; nothing is lost.
    pub(crate) async fn next(&mut self) -> Result<Pass, Error> {
        loop {
            self.take_queued()?;
            self.ask_for_leaders();
            if self.pending && self.loading.is_empty() {
                return Ok(self.plan());
            }
            let wait = wait_until(self.recheck_at, Timestamp::now());
            tokio::select! {
                received = self.inputs.recv_many(&mut self.batch, QUEUE) => {
                    if received == 0 {
                        return Err(Error::Ended);
                    }
                }
                () = tokio::time::sleep(wait), if self.recheck_at.is_some() => self.pending = true,
            }
        }
    }

    /// Has everything planned again in the next pass, as a new leader needs it.
    pub(crate) fn touch_all(&mut self) {
        self.planner.touch_all();
        self.pending = true;
    }

    /// How many hosts are served.
    pub(crate) fn hosts(&self) -> usize {
        self.planner.hosts()
    }

    fn take_queued(&mut self) -> Result<(), Error> {
        while let Ok(input) = self.inputs.try_recv() {
            self.batch.push(input);
        }
        for input in std::mem::take(&mut self.batch) {
            self.take(input)?;
        }
        Ok(())
    }

    fn take(&mut self, input: Input) -> Result<(), Error> {
        self.pending = true;
        match input {
            Input::Observed(Observation::Put { object, version, new_generation }) => {
                self.versions.advance(object.kind(), version);
                self.new_generation |= new_generation;
                self.planner.put(object);
            }
            Input::Observed(Observation::Delete { kind, key, version }) => {
                self.versions.advance(kind, version);
                self.planner.delete(kind, &key);
            }
            Input::Observed(Observation::Listed(portion)) => {
                self.loading.remove(&portion);
            }
            Input::Observed(Observation::Denied(kind, message)) => {
                return Err(Error::Denied { kind, message });
            }
            Input::Outcome(unit, outcome) => self.planner.report(&unit, outcome),
            Input::Retry(unit) => self.planner.touch(&unit),
            Input::Cloud(report) => self.planner.report_cloud(*report),
            Input::Storage(report) => self.planner.report_storage(*report),
        }
        Ok(())
    }

    /// Has the Leases and Pods watched that decide on leaders. The first pass waits for them; a later one does not, and a Route
    /// that begins to lead to a leader answers 503 until it is known.
    fn ask_for_leaders(&mut self) {
        let wanted: BTreeSet<String> = self.planner.leader_namespaces().map(str::to_owned).collect();
        let before = self.leaders.borrow().clone();
        if wanted == before {
            return;
        }
        let portions =
            |namespace: &String| [Kind::Lease, Kind::Pod].map(|kind| Portion::part(kind, namespace));
        for portion in before.difference(&wanted).flat_map(portions) {
            self.loading.remove(&portion);
        }
        if !self.began {
            self.loading.extend(wanted.difference(&before).flat_map(portions));
        }
        self.leaders.send_replace(wanted);
    }

    fn plan(&mut self) -> Pass {
        self.began = true;
        let begin = Instant::now();
        let step = self.planner.step(Timestamp::now());
        self.metrics.passed(begin.elapsed());
        self.pending = false;
        self.recheck_at = step.recheck_at;
        let new_generation = std::mem::take(&mut self.new_generation);
        Pass { step, versions: self.versions.clone(), new_generation }
    }
}

/// How long to wait until `at`: no less than nothing, no more than [`LONGEST_WAIT`].
fn wait_until(at: Option<Timestamp>, now: Timestamp) -> Duration {
    let wait = at.map(|at| at.duration_since(now));
    wait.and_then(|wait| Duration::try_from(wait).ok()).unwrap_or_default().min(LONGEST_WAIT)
}

#[cfg(test)]
mod tests {
    use crds::{Blobstore, BlobstoreSpec, HttpRoute, LocalBlobstore, Route, RouteSpec};
    use k8s_openapi::api::core::v1::Namespace;
    use plan::aws::storage::StorageObserved;
    use plan::blobstore::{self, StorageHistory};
    use plan::{ObjectKey, Platform, Role};

    use super::*;

    fn reconciler() -> (mpsc::Sender<Input>, Reconciler) {
        let (sender, inputs) = mpsc::channel(QUEUE);
        let planner = Planner::new(Role::Node);
        let portions = [Kind::Route, Kind::Cluster].map(Portion::whole).into();
        let demand = Demand { portions, leaders: watch::Sender::new(BTreeSet::new()) };
        (sender, Reconciler::new(planner, demand, inputs, PlanMetrics::default()))
    }

    fn put(name: &str, version: u64) -> Input {
        let http = HttpRoute { host: format!("{name}.site.com"), ..HttpRoute::default() };
        route(name, http, version)
    }

    fn route(name: &str, http: HttpRoute, version: u64) -> Input {
        let spec = RouteSpec { http: Some(http), ..RouteSpec::default() };
        let mut route = Route::new(name, spec);
        route.metadata.namespace = Some("a".into());
        let object = route.into();
        Input::Observed(Observation::Put { object, version: Some(version), new_generation: true })
    }

    fn listed(kind: Kind) -> Input {
        Input::Observed(Observation::Listed(Portion::whole(kind)))
    }

    fn poll_once(reconciler: &mut Reconciler) -> Option<Result<Pass, Error>> {
        use futures::FutureExt;
        reconciler.next().now_or_never()
    }

    #[tokio::test]
    async fn the_first_pass_waits_until_every_kind_is_listed() {
        let (sender, mut reconciler) = reconciler();
        sender.send(put("x", 1)).await.unwrap();
        sender.send(listed(Kind::Route)).await.unwrap();
        assert!(poll_once(&mut reconciler).is_none());
        sender.send(listed(Kind::Cluster)).await.unwrap();
        let pass = reconciler.next().await.unwrap();
        assert!(pass.step.table.hosts.contains_key("x.site.com"));
    }

    #[tokio::test]
    async fn the_first_pass_waits_until_it_is_known_who_leads_and_a_later_one_does_not() {
        let (sender, mut reconciler) = reconciler();
        let leading = |name: &str| {
            let host = format!("{name}.site.com");
            route(name, HttpRoute { host, leader: true, ..HttpRoute::default() }, 1)
        };
        for input in [leading("x"), listed(Kind::Route), listed(Kind::Cluster)] {
            sender.send(input).await.unwrap();
        }
        assert!(poll_once(&mut reconciler).is_none());
        assert_eq!(*reconciler.leaders.borrow(), BTreeSet::from(["a".to_owned()]));
        for kind in [Kind::Lease, Kind::Pod] {
            sender.send(Input::Observed(Observation::Listed(Portion::part(kind, "a")))).await.unwrap();
        }
        reconciler.next().await.unwrap();
        let delete = Observation::Delete { kind: Kind::Route, key: ObjectKey::new("a", "x"), version: None };
        sender.send(Input::Observed(delete)).await.unwrap();
        reconciler.next().await.unwrap();
        assert!(reconciler.leaders.borrow().is_empty());
        sender.send(leading("y")).await.unwrap();
        reconciler.next().await.unwrap();
        assert_eq!(reconciler.leaders.borrow().len(), 1);
    }

    #[tokio::test]
    async fn everything_that_is_queued_is_one_pass() {
        let (sender, mut reconciler) = reconciler();
        for input in [listed(Kind::Route), listed(Kind::Cluster), put("x", 4), put("y", 7), put("z", 5)] {
            sender.send(input).await.unwrap();
        }
        let pass = reconciler.next().await.unwrap();
        assert_eq!(pass.step.table.hosts.len(), 3);
        assert_eq!(pass.versions.to_status().get("Route").map(String::as_str), Some("7"));
        assert!(pass.new_generation);
        assert!(poll_once(&mut reconciler).is_none());
    }

    #[tokio::test]
    async fn a_deletion_is_a_pass_of_its_own() {
        let (sender, mut reconciler) = reconciler();
        for input in [listed(Kind::Route), listed(Kind::Cluster), put("x", 4)] {
            sender.send(input).await.unwrap();
        }
        reconciler.next().await.unwrap();
        let key = ObjectKey::new("a", "x");
        let delete = Observation::Delete { kind: Kind::Route, key, version: Some(9) };
        sender.send(Input::Observed(delete)).await.unwrap();
        let pass = reconciler.next().await.unwrap();
        assert_eq!(pass.step.table.hosts.get("x.site.com"), Some(&None));
        assert!(!pass.new_generation);
    }

    #[tokio::test]
    async fn what_a_look_at_a_bucket_found_is_in_the_status_of_the_next_pass() {
        let (sender, inputs) = mpsc::channel(QUEUE);
        let demand = Demand { portions: BTreeSet::new(), leaders: watch::Sender::new(BTreeSet::new()) };
        let planner = Planner::new(Role::Leader).on(Platform::Standalone);
        let mut reconciler = Reconciler::new(planner, demand, inputs, PlanMetrics::default());
        let mut system = Namespace::default();
        (system.metadata.name, system.metadata.uid) = (Some("kube-system".into()), Some("u".into()));
        let spec = BlobstoreSpec { local: Some(LocalBlobstore::default()), ..BlobstoreSpec::default() };
        let mut blobs = Blobstore::new("blobs", spec);
        blobs.metadata.namespace = Some("shop".into());
        for object in [system.into(), blobs.into()] {
            let put = Observation::Put { object, version: None, new_generation: true };
            sender.send(Input::Observed(put)).await.unwrap();
        }
        let step = reconciler.next().await.unwrap().step;
        let order = step.storage.into_values().next().flatten().unwrap();
        let now = Timestamp::UNIX_EPOCH;
        let looked = blobstore::plan(&order, &StorageObserved::default(), &StorageHistory::default(), now);
        sender.send(Input::Storage(Box::new(looked.report))).await.unwrap();
        let [told] = <[_; 1]>::try_from(reconciler.next().await.unwrap().step.statuses).unwrap();
        assert_eq!((told.kind, told.key), (Kind::Blobstore, ObjectKey::new("shop", "blobs")));
    }

    #[tokio::test]
    async fn a_refused_watch_ends_it_with_the_refusal() {
        let (sender, mut reconciler) = reconciler();
        let denied = Observation::Denied(Kind::Route, "cannot list".into());
        sender.send(Input::Observed(denied)).await.unwrap();
        let error = reconciler.next().await.unwrap_err();
        assert_eq!(error, Error::Denied { kind: Kind::Route, message: "cannot list".into() });
    }

    #[test]
    fn a_wait_is_bounded_in_both_directions() {
        let now = Timestamp::from_second(1000).unwrap();
        let at = |second| Some(Timestamp::from_second(second).unwrap());
        assert_eq!(wait_until(at(990), now), Duration::ZERO);
        assert_eq!(wait_until(at(1010), now), Duration::from_secs(10));
        assert_eq!(wait_until(at(1_000_000), now), LONGEST_WAIT);
    }
}
