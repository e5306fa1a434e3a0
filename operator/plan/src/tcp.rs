//! A TCP port: whose it is, and what its connections are sent to.
//!
//! | of the Routes for a port                                   | comes to                                       |
//! |------------------------------------------------------------|------------------------------------------------|
//! | the one that has it already (`status.tcp.port`)            | the port is its own                            |
//! | if none has it, the oldest                                 | the port is its own                            |
//! | any other                                                  | `PortClaimed`; without a port of its own       |
//! |                                                            | choosing, it gets another                      |

use std::collections::BTreeMap;

use crds::{Reason, Route};
use router_config::TcpRoute;
use serde::Serialize;

use crate::backend::{Targets, networks};
use crate::{ObjectKey, Refusal, RouteVerdict};

/// What a port's plan is made from.
#[derive(Debug)]
pub struct TcpInputs<'a> {
    /// The port.
    pub port: u16,
    /// Every Route that wants it.
    pub routes: BTreeMap<ObjectKey, &'a Route>,
    /// What they can lead to.
    pub targets: Targets<'a>,
}

/// What is served on a port, and what each Route for it came to.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct TcpPlan {
    /// The table's entry; none if what should answer cannot be found, so that clients are refused at once.
    pub entry: Option<TcpRoute>,
    /// What each Route came to.
    pub routes: BTreeMap<ObjectKey, RouteVerdict>,
}

/// Plans a port.
#[must_use]
pub fn tcp(inputs: &TcpInputs<'_>) -> TcpPlan {
    let mut plan = TcpPlan::default();
    let Some(winner) = inputs.routes.iter().min_by_key(|(key, route)| claim(inputs.port, key, route)) else {
        return plan;
    };
    for (key, route) in &inputs.routes {
        let backend = inputs.targets.backend(key, route);
        let declared = route.spec.tcp.clone().unwrap_or_default();
        let entry = backend.service.and_then(|service| {
            Ok(TcpRoute { service, leader: declared.leader, clients: networks(&declared.clients)? })
        });
        let resolved = entry.as_ref().map(|_| ()).map_err(Clone::clone).and(backend.resolved);
        let accepted = if key == winner.0 {
            plan.entry = entry.ok();
            Ok(())
        } else {
            Err(port_claimed(inputs.port, winner.0))
        };
        plan.routes.insert(key.clone(), RouteVerdict { accepted, resolved, target: backend.words });
    }
    plan
}

/// The least wins.
fn claim<'a>(port: u16, key: &'a ObjectKey, route: &Route) -> impl Ord + use<'a> {
    let has_it = route.status.as_ref().and_then(|status| status.tcp).is_some_and(|tcp| tcp.port == port);
    (!has_it, route.metadata.creation_timestamp.clone(), key)
}

fn port_claimed(port: u16, winner: &ObjectKey) -> Refusal {
    let message = format!(
        "the TCP port {port} belongs to the Route {winner}, which had it first: choose another, or leave tcp.port out to get a free one"
    );
    Refusal::new(Reason::PortClaimed, message)
}
