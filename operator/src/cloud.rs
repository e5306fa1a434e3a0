//! The leader's loop over AWS: the order of the active Cluster comes in, calls go out until AWS is as ordered, and what was found goes to the
//! planner for the Cluster's status.
//!
//! ```text
//! Order --> keeper.rs: observe.rs (reads) --> plan::aws::plan --> effects/cloud.rs (writes) --> and again, until no call is left
//!                          ^-- probe.rs (our own probes), checkers.rs (what Route 53's checkers find)    '--Report--> planner
//! ```
//!
//! It runs while this process leads and not a moment longer: it is dropped with the lead. Each pass observes everything anew, so that it may be
//! dropped anywhere. Without an order for AWS nobody is called, and no client is made.

mod checkers;
pub(crate) mod foresight;
mod keeper;
mod leader;
mod observe;
mod probe;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use aws::{Account, CallObserver, Cloud, Fence, Groups, Settings};
use crds::{AwsMode, DnsHealthCheck};
use jiff::Timestamp;
use plan::Refusal;
use plan::aws::{Order, Owner, Probe, Report};
use tokio::sync::watch;
use tokio::time::sleep;

use crate::backoff::delay;
use keeper::Keeper;
pub(crate) use leader::Leader;

/// What the order is now; nothing if nobody asks for AWS.
pub(crate) type Orders = watch::Receiver<Option<Arc<Order>>>;

/// What of AWS the loop needs, each part replaceable by a fake.
#[derive(Clone)]
pub(crate) struct Clients {
    /// The nodes' addresses and names.
    pub(crate) cloud: Cloud,
    /// The nodes' firewall.
    pub(crate) groups: Arc<dyn Groups>,
}

impl Clients {
    /// Those of a region. It calls nobody.
    pub(crate) async fn connect(region: &str, calls: Arc<dyn CallObserver>, fence: Fence) -> Self {
        let settings = Settings { region: region.to_owned() };
        let Account { cloud, groups, .. } = Account::connect(&settings, calls, fence).await;
        Self { cloud, groups }
    }
}

/// What the loop needs beside AWS itself, replaceable in a test.
pub(crate) trait Surroundings: Send + Sync + 'static {
    /// The present time.
    fn now(&self) -> Timestamp;

    /// The clients of a region. It calls nobody.
    fn connect(&self, region: &str) -> impl Future<Output = Clients> + Send;

    /// Asks an address as Route 53's checkers do, and tells in a few words how that went; nothing if it is this machine that could not ask.
    fn ask(
        &self,
        address: IpAddr,
        check: &DnsHealthCheck,
    ) -> impl Future<Output = Option<Result<String, String>>> + Send;

    /// Has the API keep the Cluster until everything is undone, and says whether it does.
    fn hold(&self, owner: &Owner) -> impl Future<Output = bool> + Send;

    /// Lets the API delete the Cluster, and says whether it may now.
    fn let_go(&self, owner: &Owner) -> impl Future<Output = bool> + Send;

    /// Takes what a pass found.
    fn report(&self, report: Report) -> impl Future<Output = ()> + Send;

    /// Tells what somebody else had changed, and was put right.
    fn tell_drift(&self, owner: &Owner, drift: &[String]) -> impl Future<Output = ()> + Send;

    /// Tells what is no fault and should be known all the same.
    fn warn(&self, owner: &Owner, warnings: &[Refusal]) -> impl Future<Output = ()> + Send;

    /// Takes the measures of a pass. `is_whole` says whether everything could be read.
    fn measure(&self, report: &Report, probes: &BTreeMap<IpAddr, Probe>, is_whole: bool);
}

/// Follows the orders until nobody can give one any more.
pub(crate) async fn run<S: Surroundings>(surroundings: S, mut orders: Orders) {
    let surroundings = Arc::new(surroundings);
    loop {
        let order = orders.borrow_and_update().clone();
        match order {
            Some(order) if is_given_up(&order) => tokio::select! {
                () = give_up(&*surroundings, &order.owner) => {}
                _ = orders.changed() => orders.mark_changed(),
            },
            Some(order) => Keeper::begin(Arc::clone(&surroundings), &order).await.keep(&mut orders).await,
            None => {}
        }
        if orders.changed().await.is_err() {
            return;
        }
    }
}

/// Whether a Cluster goes without anything being undone: that needs `spec.aws` in `mode: Apply`.
pub(crate) fn is_given_up(order: &Order) -> bool {
    let mode = order.spec.aws.as_ref().map(|aws| aws.mode);
    mode.is_none() || order.deleted_at.is_some() && mode != Some(AwsMode::Apply)
}

async fn give_up<S: Surroundings>(surroundings: &S, owner: &Owner) {
    let mut failures = 0;
    while !surroundings.let_go(owner).await {
        failures += 1;
        sleep(delay(failures, fastrand::f64())).await;
    }
    tracing::info!(cluster = owner.name, "what was made in AWS stays as it is");
}
