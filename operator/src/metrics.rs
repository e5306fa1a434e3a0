//! The numbers of `/metrics`: what watches, planning, writes and the router count, as Prometheus reads it.
//!
//! Labels are kinds, effects and outcomes and nothing else: the number of series does not grow with what is declared.
//! The router counts for itself; its numbers are read when somebody asks (`metrics/router.rs`), and so is what the machine
//! has left (`metrics/machine.rs`).

pub(crate) mod cloud;
pub(crate) mod machine;
pub(crate) mod router;

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use plan::Kind;
use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

/// A registry with what every role tells.
pub(crate) fn registry() -> Registry {
    let mut registry = Registry::with_prefix("flynn");
    let version = vec![("version", env!("CARGO_PKG_VERSION"))];
    registry.register("build", "The version of this process", Info::new(version));
    registry
}

/// Everything that is registered, in the OpenMetrics text format.
pub(crate) fn encode(registry: &Registry) -> String {
    let mut text = String::new();
    // Writing into a String does not fail.
    let _ = text::encode(&mut text, registry);
    text
}

/// What the watches count.
#[derive(Debug, Clone, Default)]
pub(crate) struct WatchMetrics {
    restarts: Family<KindLabel, Counter>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct KindLabel {
    kind: String,
}

impl WatchMetrics {
    /// Registers them.
    pub(crate) fn register(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        let help = "Watches that broke or expired and were taken up again";
        registry.register("watch_restarts", help, metrics.restarts.clone());
        metrics
    }

    /// The counter of one kind, present from the start.
    pub(crate) fn restarts(&self, kind: Kind) -> Counter {
        self.restarts.get_or_create_owned(&KindLabel { kind: kind.to_string() })
    }
}

/// What planning counts.
#[derive(Debug, Clone)]
pub(crate) struct PlanMetrics {
    seconds: Histogram,
}

impl Default for PlanMetrics {
    // 50 µs to 0.8 s: an edit is at the low end, the first table of a large cluster at the high one.
    fn default() -> Self {
        Self { seconds: Histogram::new(exponential_buckets(0.000_05, 4.0, 8)) }
    }
}

impl PlanMetrics {
    /// Registers them.
    pub(crate) fn register(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        let help = "How long passes of planning took, in seconds";
        registry.register("plan_seconds", help, metrics.seconds.clone());
        metrics
    }

    /// Counts a pass.
    pub(crate) fn passed(&self, took: Duration) {
        self.seconds.observe(took.as_secs_f64());
    }
}

/// What the writes count.
#[derive(Debug, Clone, Default)]
pub(crate) struct EffectMetrics {
    writes: Family<WriteLabels, Counter>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct WriteLabels {
    effect: &'static str,
    outcome: &'static str,
}

impl EffectMetrics {
    /// Registers them.
    pub(crate) fn register(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        let help = "Attempts to write to the API, by what was written and what came of it";
        registry.register("writes", help, metrics.writes.clone());
        metrics
    }

    /// Counts an attempt.
    pub(crate) fn wrote(&self, effect: &'static str, ok: bool) {
        let outcome = if ok { "ok" } else { "failed" };
        self.writes.get_or_create(&WriteLabels { effect, outcome }).inc();
    }
}

/// What a controller tells about itself.
#[derive(Debug, Clone, Default)]
pub(crate) struct LeaderMetrics {
    /// 1 while it holds the Lease.
    pub(crate) leading: Gauge,
}

impl LeaderMetrics {
    /// Registers them.
    pub(crate) fn register(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        registry.register("leading", "1 while this process holds the Lease, else 0", metrics.leading.clone());
        metrics
    }
}

/// What a node tells about its table.
#[derive(Debug, Clone, Default)]
pub(crate) struct TableMetrics {
    /// The number of the table.
    pub(crate) generation: Gauge<u64, AtomicU64>,
    /// The hosts in it.
    pub(crate) hosts: Gauge,
    /// What of it cannot be served.
    pub(crate) faults: Gauge,
}

impl TableMetrics {
    /// Registers them.
    pub(crate) fn register(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        let Self { generation, hosts, faults } = metrics.clone();
        registry.register("table_generation", "The number of the table that is served", generation);
        registry.register("table_hosts", "Hosts in the table", hosts);
        registry.register("table_faults", "Parts of the table that cannot be served as declared", faults);
        metrics
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn series_carry_the_prefix_and_their_labels() {
        let mut registry = registry();
        WatchMetrics::register(&mut registry).restarts(Kind::Route).inc();
        EffectMetrics::register(&mut registry).wrote("status", true);
        PlanMetrics::register(&mut registry).passed(Duration::from_millis(1));
        let text = encode(&registry);
        assert!(text.contains("flynn_watch_restarts_total{kind=\"Route\"} 1"), "{text}");
        assert!(text.contains("flynn_writes_total{effect=\"status\",outcome=\"ok\"} 1"), "{text}");
        assert!(text.contains("flynn_plan_seconds_count 1"), "{text}");
        assert!(text.contains("flynn_build_info{version="), "{text}");
    }

    #[test]
    fn every_series_is_in_the_manual() {
        let manual = include_str!("../../docs/metrics.md");
        let mut registry = registry();
        WatchMetrics::register(&mut registry).restarts(Kind::Route).inc();
        EffectMetrics::register(&mut registry).wrote("status", true);
        let _ = (PlanMetrics::register(&mut registry), LeaderMetrics::register(&mut registry));
        TableMetrics::register(&mut registry);
        cloud::CloudMetrics::register(&mut registry).tell_everything();
        registry.register_collector(Box::new(machine::Left::of_this_machine()));
        let text = encode(&registry);
        let own = text.lines().filter(|line| !line.starts_with('#'));
        let own = own.filter_map(|line| line.split(['{', ' ']).next()).map(|name| {
            let histogram = ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end));
            histogram.unwrap_or(name).to_owned()
        });
        let routers = ::router::Snapshot::default().series().into_iter().map(|series| {
            let total = if matches!(series.values, ::router::Values::Counter(_)) { "_total" } else { "" };
            format!("flynn_{}{total}", series.name)
        });
        for name in own.chain(routers) {
            assert!(manual.contains(&format!("| `{name}` |")), "{name} is not in docs/metrics.md");
        }
    }
}
