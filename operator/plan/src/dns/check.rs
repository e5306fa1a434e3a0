//! The health checks: one of each address, shared by all domains.
//!
//! | the address                                      | and of ours there is               | then                                     |
//! |--------------------------------------------------|------------------------------------|------------------------------------------|
//! | is published, or may be                          | none of this protocol and interval | `CreateHealthCheck`, with the next number |
//! | is a node's, or is published                     | one                                | it stays; what differs is put right      |
//! | is a node's, or is published                     | several                            | the lowest number stays                  |
//! | anything else, and no set of any zone uses it    | one                                | `DeleteHealthCheck` after a TTL and `PROPAGATION` |
//!
//! A number that Route 53 refuses was a check's that is deleted: the next is taken. Nothing is deleted while a zone cannot be read, nor while the records of
//! the address are [missing](super::recall).

mod history;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use crds::Dns;
use jiff::{SignedDuration, Timestamp};

use super::standing::{Merit, Standings};
use super::survey::Survey;
use super::{DnsInputs, History, PROPAGATION};
use crate::Refusal;
use crate::aws::{Call, Fault, HealthCheck, HealthCheckConfig, HealthCheckId};
pub(super) use history::CheckHistory;

/// The health checks, and what is to be done about them.
#[derive(Default)]
pub(super) struct Checks {
    /// The one of each address that has one.
    of: BTreeMap<IpAddr, HealthCheckId>,
    /// In the place of one that would be created, when no call is made.
    foreseen: BTreeMap<IpAddr, HealthCheckId>,
    /// Before the records change.
    pub(super) before: Vec<Call>,
    /// After they have.
    pub(super) after: Vec<Call>,
    /// What failed, by address.
    pub(super) faults: BTreeMap<IpAddr, Refusal>,
    /// Why none could be read.
    pub(super) unread: Option<Refusal>,
    pub(super) drift: Vec<String>,
    /// Whether any of ours is left.
    pub(super) any_left: bool,
    pub(super) recheck_at: Option<Timestamp>,
}

impl Checks {
    /// Plans the health checks.
    pub(super) fn of(
        inputs: &DnsInputs<'_>,
        declared: &Dns,
        survey: &Survey<'_>,
        standings: &Standings<'_>,
        history: &mut History,
    ) -> Self {
        let listed = match &inputs.observed.checks {
            Ok(listed) => listed,
            Err(failure) => {
                return Self { unread: Some(failure.refusal()), any_left: true, ..Self::default() };
            }
        };
        let known = history.checks.merge(listed, inputs.now);
        let mut checks = Self { any_left: !known.is_empty(), ..Self::default() };
        let mut prefixes = BTreeSet::new();
        if inputs.order.deleted_at.is_none() {
            let usable = survey.sites.iter().any(|site| site.place.is_ok());
            for (address, standing) in standings.iter() {
                let wanted = standing.published || (usable && standing.merit == Merit::Fit);
                let config = config(declared, address);
                prefixes.insert(inputs.order.owner.reference_prefix(&config));
                checks.keep(inputs, &known, &config, wanted, &mut history.checks);
            }
        }
        history.checks.forget_others(&prefixes, &known);
        let busy = !survey.is_whole() || survey.places().any(|place| history.is_under_way(&place.zone));
        let used = survey.used_checks();
        let kept: BTreeSet<&HealthCheckId> = checks.of.values().collect();
        let missing = history.recall.missing();
        let is_missing =
            |check: &HealthCheck| check.config.as_ref().is_some_and(|it| missing.contains(&it.address));
        let free = known.iter().filter(|check| !is_missing(check)).map(|check| &check.id);
        let free = free.filter(|id| !kept.contains(id) && !used.contains(id));
        let free: BTreeSet<HealthCheckId> = free.cloned().collect();
        let wait = SignedDuration::from_secs(declared.ttl_seconds.into()) + PROPAGATION;
        checks.delete(inputs, if busy { BTreeSet::new() } else { free }, wait, &mut history.checks);
        checks
    }

    /// The health check of an address.
    pub(super) fn of_address(&self, address: IpAddr) -> Option<&HealthCheckId> {
        self.of.get(&address).or_else(|| self.foreseen.get(&address))
    }

    /// Those that are in use.
    pub(super) fn ids(&self) -> BTreeSet<HealthCheckId> {
        self.of.values().cloned().collect()
    }

    fn keep(
        &mut self,
        inputs: &DnsInputs<'_>,
        known: &[HealthCheck],
        config: &HealthCheckConfig,
        wanted: bool,
        history: &mut CheckHistory,
    ) {
        let prefix = inputs.order.owner.reference_prefix(config);
        let number = |check: &HealthCheck| check.reference.strip_prefix(&prefix)?.parse::<u32>().ok();
        let same = known.iter().filter_map(|check| Some((number(check)?, check)));
        let usable = same.clone().filter(|(_, check)| can_become(check, config)).min_by_key(|(n, _)| *n);
        match usable {
            Some((_, check)) => {
                self.of.insert(config.address, check.id.clone());
                if check.config.as_ref() == Some(config) {
                    history.saw_right(&prefix, config);
                    return;
                }
                let drifted = history.was_right(&prefix, config);
                let call = Call::UpdateHealthCheck {
                    id: check.id.clone(),
                    version: check.version,
                    config: config.clone(),
                };
                self.repair(inputs, config, call, drifted.then_some("had been changed"));
            }
            None if wanted => {
                let drifted = history.was_right(&prefix, config);
                let highest = same.map(|(n, _)| n).chain(history.highest_spent(&prefix)).max();
                let n = highest.map_or(0, |n| n.saturating_add(1));
                let reference = inputs.order.owner.reference(config, n);
                let call = Call::CreateHealthCheck { reference, config: config.clone() };
                if inputs.foresees() {
                    self.foreseen.insert(config.address, HealthCheckId::new("(new)"));
                }
                self.repair(inputs, config, call, drifted.then_some("had been deleted"));
            }
            None => {}
        }
    }

    fn repair(
        &mut self,
        inputs: &DnsInputs<'_>,
        config: &HealthCheckConfig,
        call: Call,
        drift: Option<&str>,
    ) {
        self.drift.extend(drift.map(|what| format!("the health check of {} {what}", config.address)));
        // Another number is another call.
        let failure = inputs.attempts.failure(&call).filter(|failure| failure.fault != Fault::Conflict);
        let Some(failure) = failure else {
            self.before.push(call);
            return;
        };
        self.faults.insert(config.address, failure.refusal());
        match inputs.attempts.waits_until(&call, inputs.now) {
            Some(until) => self.recheck(until),
            None => self.before.push(call),
        }
    }

    fn delete(
        &mut self,
        inputs: &DnsInputs<'_>,
        free: BTreeSet<HealthCheckId>,
        wait: SignedDuration,
        history: &mut CheckHistory,
    ) {
        for (id, since) in history.free(free, inputs.now) {
            let call = Call::DeleteHealthCheck { id };
            let until = inputs.attempts.waits_until(&call, inputs.now).unwrap_or(since + wait);
            if until > inputs.now {
                self.recheck(until);
            } else {
                self.after.push(call);
            }
        }
    }

    fn recheck(&mut self, at: Timestamp) {
        self.recheck_at = self.recheck_at.into_iter().chain([at]).min();
    }
}

/// What the health check of an address asks.
fn config(declared: &Dns, address: IpAddr) -> HealthCheckConfig {
    let check = &declared.health_check;
    HealthCheckConfig {
        address,
        protocol: check.protocol,
        port: check.port(),
        path: check.path().map(|path| if path.is_empty() { "/" } else { path }.to_owned()),
        interval_seconds: check.interval_seconds,
        failure_threshold: check.failure_threshold,
    }
}

/// Whether a check can be changed to ask this: protocol and interval stay as they were created.
fn can_become(check: &HealthCheck, wanted: &HealthCheckConfig) -> bool {
    let fixed = |config: &HealthCheckConfig| (config.protocol, config.interval_seconds);
    check.config.as_ref().is_none_or(|config| fixed(config) == fixed(wanted))
}
