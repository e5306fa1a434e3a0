//! Counts of requests for `/metrics`, in the text form of Prometheus. What is counted by is bounded: verbs, kinds and
//! classes of answers.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::{Method, StatusCode};

use crate::request::{Request, Verb};

/// Upper bounds of the buckets of latencies, in seconds.
const BUCKETS: [f64; 7] = [0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10.0];

/// What has been counted.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    requests: Mutex<BTreeMap<Label, Latency>>,
    watchers: Arc<AtomicUsize>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Label {
    verb: &'static str,
    group: String,
    resource: String,
    code: u16,
}

#[derive(Debug, Clone, Default)]
struct Latency {
    buckets: [u64; BUCKETS.len()],
    count: u64,
    seconds: f64,
}

/// Counts a watcher for as long as it lives.
#[derive(Debug)]
pub(crate) struct Watcher(Arc<AtomicUsize>);

impl Metrics {
    /// Counts a request; what is not about objects is one kind.
    pub(crate) fn observe(
        &self,
        request: Option<&Request>,
        method: &Method,
        code: StatusCode,
        took: Duration,
    ) {
        let (group, resource) = request.map_or_else(Default::default, |request| {
            let resource = match request.part.as_str() {
                "" => request.resource.plural.clone(),
                part => format!("{}/{part}", request.resource.plural),
            };
            (request.resource.group.clone(), resource)
        });
        let verb = request
            .map_or(if *method == Method::GET { "get" } else { "other" }, |request| request.verb.as_str());
        let label = Label { verb, group, resource, code: code.as_u16() };
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        let latency = requests.entry(label).or_default();
        latency.count += 1;
        // How long a watch is answered says nothing of the server.
        if request.is_none_or(|request| request.verb != Verb::Watch) {
            latency.seconds += took.as_secs_f64();
            if let Some(bucket) = BUCKETS.iter().position(|bound| took.as_secs_f64() <= *bound) {
                latency.buckets[bucket] += 1;
            }
        }
    }

    /// Counts a watcher until what is returned is dropped.
    pub(crate) fn watcher(&self) -> Watcher {
        self.watchers.fetch_add(1, Ordering::Relaxed);
        Watcher(Arc::clone(&self.watchers))
    }

    /// The text of `/metrics`.
    pub(crate) fn render(&self, revision: u64, unaudited: u64) -> String {
        let mut text = String::new();
        let mut gauge = |name: &str, help: &str, value: u64| {
            let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} gauge\n{name} {value}");
        };
        let watchers = self.watchers.load(Ordering::Relaxed);
        gauge("flynn_api_watchers", "Watches and followed logs that are open.", watchers as u64);
        gauge("flynn_api_store_revision", "The revision of the last write.", revision);
        gauge("flynn_api_audit_dropped", "Requests that the audit log was too slow for.", unaudited);
        let requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let name = "flynn_api_requests_total";
        let _ = writeln!(
            text,
            "# HELP {name} Requests, by what they were about and the code of the answer.\n# TYPE {name} counter"
        );
        for (label, latency) in &requests {
            let _ = writeln!(text, "{name}{{{},code=\"{}\"}} {}", label.kind(), label.code, latency.count);
        }
        let name = "flynn_api_request_duration_seconds";
        let _ = writeln!(
            text,
            "# HELP {name} Times from a request to the head of its answer; without watches.\n# TYPE {name} histogram"
        );
        for (kind, latency) in by_kind(&requests) {
            let mut below = 0;
            for (bound, count) in BUCKETS.iter().zip(latency.buckets) {
                below += count;
                let _ = writeln!(text, "{name}_bucket{{{kind},le=\"{bound}\"}} {below}");
            }
            let _ = writeln!(text, "{name}_bucket{{{kind},le=\"+Inf\"}} {}", latency.count);
            let _ = writeln!(
                text,
                "{name}_sum{{{kind}}} {}\n{name}_count{{{kind}}} {}",
                latency.seconds, latency.count
            );
        }
        text
    }
}

impl Label {
    fn kind(&self) -> String {
        format!("verb=\"{}\",group=\"{}\",resource=\"{}\"", self.verb, self.group, self.resource)
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The latencies of all codes together.
fn by_kind(requests: &BTreeMap<Label, Latency>) -> BTreeMap<String, Latency> {
    let mut kinds = BTreeMap::<String, Latency>::new();
    for (label, latency) in requests.iter().filter(|(label, _)| label.verb != Verb::Watch.as_str()) {
        let sum = kinds.entry(label.kind()).or_default();
        sum.count += latency.count;
        sum.seconds += latency.seconds;
        for (total, count) in sum.buckets.iter_mut().zip(latency.buckets) {
            *total += count;
        }
    }
    kinds
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_counted_and_watchers_come_and_go() {
        let metrics = Metrics::default();
        metrics.observe(None, &Method::GET, StatusCode::OK, Duration::from_millis(2));
        let watcher = metrics.watcher();
        let text = metrics.render(7, 0);
        assert!(text.contains("flynn_api_watchers 1\n"), "{text}");
        assert!(text.contains("flynn_api_store_revision 7\n"), "{text}");
        assert!(
            text.contains("flynn_api_requests_total{verb=\"get\",group=\"\",resource=\"\",code=\"200\"} 1\n"),
            "{text}"
        );
        assert!(text.contains("_bucket{verb=\"get\",group=\"\",resource=\"\",le=\"0.005\"} 1\n"), "{text}");
        drop(watcher);
        assert!(metrics.render(7, 0).contains("flynn_api_watchers 0\n"));
    }
}
