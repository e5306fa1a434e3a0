//! The records of the domains in Route 53, and their health checks.
//!
//! ```text
//! zone -> survey (what is ours, where) --+--> check --> apex, wildcard, gone --> batch --> calls
//! Member, Probe -> standing (who may) ---'                  floor holds back       '--> report
//! ```
//!
//! Of the addresses of a domain's apex, each type by itself:
//!
//! | the address                                              | is in DNS                  | is not                                |
//! |----------------------------------------------------------|----------------------------|---------------------------------------|
//! | serves, and two probes in a row went well                | stays                      | is added, once its health check is there and it has been fine for long enough ([`damping`]) |
//! | serves, and the probes have not decided                  | stays                      | waits                                 |
//! | does not serve (`Member::serves`), or is dead (`DEAD`)   | leaves, if [`floor`] lets it | stays away                          |
//! | is no node's                                             | leaves, if [`floor`] lets it, one cut in a TTL and `PROPAGATION` | |
//!
//! A set of ours that is otherwise than it should be is put right at once. Sets of others are left alone, and replaced only with `adopt` ([`adoption`]). Nothing
//! that could not be read, or cannot be believed ([`believed`]), is taken for empty, and what a list has lost behind our back is not taken for gone at once
//! ([`recall`]). A deletion is the same path with nothing wanted, and without a floor.

mod adoption;
mod apex;
mod batch;
mod check;
mod damping;
mod floor;
mod gone;
mod group;
mod history;
mod recall;
mod report;
mod standing;
mod survey;
mod wildcard;
mod zone;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::IpAddr;

use crds::{AwsMode, RecordStatus};
use jiff::{SignedDuration, Timestamp};

use crate::Finding;
use crate::address::Member;
use crate::aws::{Attempts, Call, HealthCheckId, Observed, Order};
use batch::Batches;
use check::Checks;
use group::Group;
pub(crate) use history::History;
use standing::Standings;
use survey::Survey;
pub use zone::{believed, former_names, zone_of};

/// How long Route 53 may take until every name server has a change: mostly, it says, within 60 seconds.
const PROPAGATION: SignedDuration = SignedDuration::from_secs(60);

/// What the records are planned from.
pub(crate) struct DnsInputs<'a> {
    pub(crate) order: &'a Order,
    pub(crate) observed: &'a Observed,
    pub(crate) members: &'a [Member],
    /// The addresses that records of ours name; nothing if some zone could not be read.
    pub(crate) published: Option<&'a BTreeSet<IpAddr>>,
    pub(crate) history: &'a History,
    pub(crate) attempts: &'a Attempts,
    pub(crate) now: Timestamp,
}

/// What is to be done about the records.
#[derive(Debug, Default)]
pub(crate) struct DnsPlan {
    pub(crate) calls: Vec<Call>,
    pub(crate) published: Option<Finding>,
    pub(crate) records: Vec<RecordStatus>,
    /// How each address stands in DNS.
    pub(crate) states: BTreeMap<IpAddr, DnsState>,
    pub(crate) drift: Vec<String>,
    pub(crate) undone: bool,
    pub(crate) history: History,
    pub(crate) checks: BTreeSet<HealthCheckId>,
    pub(crate) recheck_at: Option<Timestamp>,
}

/// How an address stands in DNS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DnsState {
    pub(crate) word: DnsWord,
    /// `Healthy`, `Unhealthy` or `Unknown`, as Route 53 sees it.
    pub(crate) health: &'static str,
    pub(crate) message: Option<String>,
}

/// Whether DNS names an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DnsWord {
    /// It does.
    Published,
    /// It will.
    Pending,
    /// It does and should not, but too few would be left.
    Held,
    /// It does not, because the node does not serve.
    Withdrawn,
}

/// What the planning of each record looks at.
struct Scene<'a> {
    inputs: &'a DnsInputs<'a>,
    declared: &'a crds::Dns,
    standings: Standings<'a>,
    checks: Checks,
}

impl DnsInputs<'_> {
    fn foresees(&self) -> bool {
        self.order.spec.aws.as_ref().is_some_and(|aws| aws.mode != AwsMode::Apply)
    }
}

impl fmt::Display for DnsWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// The addresses that records of ours name, in any domain's zone; nothing if a zone could not be read.
pub(crate) fn published(order: &Order, observed: &Observed) -> Option<BTreeSet<IpAddr>> {
    if declared(order).is_none() {
        return Some(BTreeSet::new());
    }
    let survey = Survey::of(order, observed);
    survey.is_whole().then(|| survey.published(&order.owner))
}

/// Plans the records.
pub(crate) fn dns(inputs: &DnsInputs<'_>) -> DnsPlan {
    let Some(declared) = declared(inputs.order) else {
        return DnsPlan { undone: true, ..DnsPlan::default() };
    };
    let survey = Survey::of(inputs.order, inputs.observed);
    let mut history = inputs.history.at(inputs);
    let standings = Standings::of(inputs, &survey, &mut history);
    let checks = Checks::of(inputs, declared, &survey, &standings, &mut history);
    let scene = Scene { inputs, declared, standings, checks };
    let groups = scene.groups(&survey, &mut history);
    let batches = Batches::of(inputs, &groups, &mut history);
    report::plan(&scene, &survey, groups, batches, history)
}

impl Scene<'_> {
    /// Whether what follows from calls is shown before they are made, because they are not going to be.
    fn foresees(&self) -> bool {
        self.inputs.foresees()
    }

    /// The records of every name and type.
    fn groups(&self, survey: &Survey<'_>, history: &mut History) -> Vec<Group> {
        if self.inputs.order.deleted_at.is_some() {
            return gone::all(&self.inputs.order.owner, survey);
        }
        let mut groups = Vec::new();
        for site in &survey.sites {
            match &site.place {
                Ok(place) => {
                    groups.extend(apex::groups(self, place, &site.name, history));
                    groups.extend(wildcard::group(
                        self,
                        place,
                        &site.name,
                        site.domain.wildcard_record,
                        history,
                    ));
                }
                Err(fault) => groups.push(Group::unknown(&site.name, fault.clone())),
            }
        }
        groups.extend(gone::former(self, survey, &groups, history));
        groups
    }
}

fn declared(order: &Order) -> Option<&crds::Dns> {
    order.spec.aws.as_ref()?.dns.as_ref()
}
