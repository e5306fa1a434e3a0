//! What the loop over AWS counts and measures: each attempt of a call, each address, each repair.
//!
//! The labels are AWS's own names of what we call, and the nodes with their addresses, of which a Cluster has at most a few hundred.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws::{Attempt, CallObserver};
use crds::NodeAddressStatus;
use jiff::Timestamp;
use plan::aws::{Probe, Report};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

/// What is told of AWS.
#[derive(Debug, Clone)]
pub(crate) struct CloudMetrics {
    calls: Family<CallLabels, Counter>,
    seconds: Family<ServiceLabel, Histogram, fn() -> Histogram>,
    waited: Family<ServiceLabel, Counter<f64, AtomicU64>>,
    healthy: Family<AddressLabels, Gauge>,
    /// Which addresses `healthy` has.
    known: Arc<Mutex<BTreeSet<AddressLabels>>>,
    repaired: Counter,
    last_pass: Gauge,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CallLabels {
    service: &'static str,
    action: &'static str,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ServiceLabel {
    service: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, EncodeLabelSet)]
struct AddressLabels {
    node: String,
    address: String,
    source: &'static str,
}

impl Default for CloudMetrics {
    fn default() -> Self {
        // 10 ms to 20 s: an attempt takes 10 s at most.
        let seconds = || Histogram::new(exponential_buckets(0.01, 3.0, 8));
        Self {
            calls: Family::default(),
            seconds: Family::new_with_constructor(seconds),
            waited: Family::default(),
            healthy: Family::default(),
            known: Arc::default(),
            repaired: Counter::default(),
            last_pass: Gauge::default(),
        }
    }
}

impl CloudMetrics {
    /// Registers them.
    pub(crate) fn register(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        let Self { calls, seconds, waited, healthy, known: _, repaired, last_pass } = metrics.clone();
        registry.register("aws_calls", "Attempts of calls to AWS, by what came of them", calls);
        registry.register("aws_call_seconds", "How long attempts of calls to AWS took, in seconds", seconds);
        let help = "Seconds that calls to AWS waited, to stay below what AWS grants";
        registry.register("aws_waited_seconds", help, waited);
        let help = "1 if a node's public address is well, else 0";
        registry.register("aws_address_healthy", help, healthy);
        registry.register("aws_drift_repaired", "Changes by others in AWS that were put right", repaired);
        let help = "When AWS was last compared with what is declared, with everything read";
        registry.register("aws_last_pass_timestamp_seconds", help, last_pass);
        metrics
    }

    /// Counts repairs.
    pub(crate) fn repaired(&self, count: usize) {
        self.repaired.inc_by(u64::try_from(count).unwrap_or(u64::MAX));
    }

    /// Takes the measures of a pass; `whole_at` is its time if everything could be read.
    pub(crate) fn passed(
        &self,
        report: &Report,
        probes: &BTreeMap<IpAddr, Probe>,
        whole_at: Option<Timestamp>,
    ) {
        if let Some(now) = whole_at {
            self.last_pass.set(now.as_second());
        }
        let measured: BTreeMap<AddressLabels, bool> =
            report.addresses.iter().flat_map(|node| measures(node, probes)).collect();
        for (labels, is_well) in &measured {
            self.healthy.get_or_create(labels).set((*is_well).into());
        }
        let now = measured.into_keys().collect();
        let before = std::mem::replace(&mut *self.known.lock().unwrap_or_else(PoisonError::into_inner), now);
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        for gone in before.difference(&known) {
            self.healthy.remove(gone);
        }
    }
}

/// What Route 53 and we ourselves find of a node's addresses, as far as it is known.
fn measures(node: &NodeAddressStatus, probes: &BTreeMap<IpAddr, Probe>) -> Vec<(AddressLabels, bool)> {
    let mut found = Vec::new();
    for address in [&node.address, &node.ipv6].into_iter().flatten() {
        let labels = |source| AddressLabels { node: node.node.clone(), address: address.clone(), source };
        let probe = address.parse().ok().and_then(|address| probes.get(&address));
        found.extend(probe.map(|probe| (labels("probe"), probe.ok)));
        let is_first = node.address.as_ref().or(node.ipv6.as_ref()) == Some(address);
        let health = node.health.as_deref().filter(|health| is_first && *health != "Unknown");
        found.extend(health.map(|health| (labels("route53"), health == "Healthy")));
    }
    found
}

impl CallObserver for CloudMetrics {
    fn attempted(&self, attempt: Attempt) {
        let Attempt { service, action, outcome, took } = attempt;
        self.calls.get_or_create(&CallLabels { service, action, outcome }).inc();
        self.seconds.get_or_create(&ServiceLabel { service }).observe(took.as_secs_f64());
    }

    fn waited(&self, service: &'static str, _: &'static str, waited: Duration) {
        self.waited.get_or_create(&ServiceLabel { service }).inc_by(waited.as_secs_f64());
    }
}

#[cfg(test)]
impl CloudMetrics {
    /// Has every series appear.
    pub(crate) fn tell_everything(&self) {
        let (service, action, outcome, took) = ("ec2", "AllocateAddress", "Ok", Duration::ZERO);
        self.attempted(Attempt { service, action, outcome, took });
        self.waited(service, action, took);
        let labels = AddressLabels { node: "n1".into(), address: "203.0.113.7".into(), source: "probe" };
        self.healthy.get_or_create(&labels).set(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::{encode, registry};

    fn report(nodes: &[(&str, &str)]) -> Report {
        let node = |(node, address): &(&str, &str)| NodeAddressStatus {
            node: (*node).to_owned(),
            address: Some((*address).to_owned()),
            health: Some("Unhealthy".into()),
            ..NodeAddressStatus::default()
        };
        Report { addresses: nodes.iter().map(node).collect(), ..Report::default() }
    }

    #[test]
    fn an_address_is_told_as_both_see_it_and_forgotten_when_it_is_nobodys() {
        let mut registry = registry();
        let metrics = CloudMetrics::register(&mut registry);
        let address: IpAddr = [203, 0, 113, 7].into();
        let probe = Probe { ok: true, since: Timestamp::UNIX_EPOCH, in_row: 3, said: "200".into() };
        metrics.passed(&report(&[("n1", "203.0.113.7")]), &[(address, probe)].into(), None);
        let text = encode(&registry);
        for (source, value) in [("probe", 1), ("route53", 0)] {
            let labels = format!(r#"node="n1",address="203.0.113.7",source="{source}""#);
            let line = format!("flynn_aws_address_healthy{{{labels}}} {value}");
            assert!(text.contains(&line), "{line} is not in {text}");
        }
        metrics.passed(&report(&[]), &BTreeMap::new(), None);
        assert!(!encode(&registry).contains("203.0.113.7"));
    }

    #[test]
    fn the_time_of_the_last_pass_is_of_one_that_read_everything() {
        let mut registry = registry();
        let metrics = CloudMetrics::register(&mut registry);
        metrics.passed(&report(&[]), &BTreeMap::new(), Timestamp::from_second(1000).ok());
        metrics.passed(&report(&[]), &BTreeMap::new(), None);
        assert!(encode(&registry).contains("flynn_aws_last_pass_timestamp_seconds 1000"));
    }
}
