//! What the leader would do in AWS, as somebody sees it who only looks: `flynn-operator plan --aws`.
//!
//! In come clients that cannot write and an order; out go the calls that the leader would make, or the reads that failed. It reads as the leader does
//! (`observe.rs`) and plans as the leader does (`plan::aws`). What only a leader knows is taken so:
//!
//! | only a leader knows                           | taken so                                                                          |
//! |-----------------------------------------------|-----------------------------------------------------------------------------------|
//! | whether an address answers the probes         | it does, unless the Cluster's status says that DNS does or should do without it   |
//! | for how long things have been as they are     | for longer than any wait of a plan, so that every call is shown that only waits   |
//! | which calls failed, and what is not listed yet | none did, and nothing                                                            |
//! | what Route 53's checkers find                 | it is not asked for: no call depends on it                                        |

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

use aws::Fence;
use crds::{AwsMode, Cluster};
use jiff::{SignedDuration, Timestamp};
use plan::aws::{Call, Failure, History, Observed, Order, Plan, Probe, Report, plan};

use super::{Clients, observe};

/// For how long everything is taken to have been as it is: a TTL has a day at most, and no wait is longer than one and a few minutes.
const LONG: SignedDuration = SignedDuration::from_hours(48);

/// More equal answers than any plan asks for.
const MANY: u32 = 1000;

/// What the leader would do.
pub(crate) struct Foresight {
    /// The calls, as `status.plannedCalls` has them in `mode: Plan`.
    pub(crate) calls: Vec<Call>,
    /// How the nodes and records stand, as far as calls do not change it.
    pub(crate) report: Report,
    /// The same in `mode: Apply`, where the conditions tell faults also beside calls.
    pub(crate) applied: Report,
}

/// Clients of a region that can only read.
pub(crate) async fn onlooker(region: &str) -> Clients {
    Clients::connect(region, Arc::new(()), Fence::closed()).await
}

/// Reads AWS and plans. `silent` are the addresses that do not answer the leader's probes.
///
/// # Errors
/// With every read that failed: of what is not known nothing can be told.
pub(crate) async fn foresee(
    clients: &Clients,
    order: &Order,
    silent: &BTreeSet<IpAddr>,
    now: Timestamp,
) -> Result<Foresight, Vec<Failure>> {
    let mut observed = observe::aws(clients, order).await;
    let failures: Vec<Failure> = observe::failures(&observed).cloned().collect();
    if !failures.is_empty() {
        return Err(failures);
    }
    let begin = now - LONG;
    let asked = plan(order, &observed, &History::default(), begin).probes;
    let answer = |address| (address, probe(!silent.contains(&address), begin));
    observed.probes = asked.into_iter().map(answer).collect();
    let Plan { calls, report, .. } = settled(&in_mode(AwsMode::Plan, order), &observed, now);
    let applied = settled(&in_mode(AwsMode::Apply, order), &observed, now).report;
    Ok(Foresight { calls, report, applied })
}

/// The addresses of a Cluster's nodes that DNS does without, or should: what its leader last found.
pub(crate) fn silent(cluster: &Cluster) -> BTreeSet<IpAddr> {
    let addresses = cluster.status.iter().flat_map(|status| &status.addresses);
    let away = addresses.filter(|node| matches!(node.dns.as_deref(), Some("Withdrawn" | "Held")));
    let both = away.flat_map(|node| node.address.iter().chain(&node.ipv6));
    both.filter_map(|address| address.parse().ok()).collect()
}

/// The plan of one who has looked on for a while in which nothing changed.
fn settled(order: &Order, observed: &Observed, now: Timestamp) -> Plan {
    let history = plan(order, observed, &History::default(), now - LONG).history;
    plan(order, observed, &history, now)
}

fn probe(ok: bool, begin: Timestamp) -> Probe {
    let said = if ok { "taken as passed" } else { "so the status of the Cluster says" };
    Probe { ok, since: begin - LONG, in_row: MANY, said: said.to_owned() }
}

fn in_mode(mode: AwsMode, order: &Order) -> Order {
    let mut order = order.clone();
    if let Some(aws) = &mut order.spec.aws {
        aws.mode = mode;
    }
    order
}
