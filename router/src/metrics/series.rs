//! The names of what is counted, as Prometheus reads them.
//!
//! In comes a [`Snapshot`]; out go its series, which an embedding process may register, or their text. The number of
//! series is the same whatever is served. Units are in the names: `_seconds`, `_bytes`, `_total` for what only grows.

use std::fmt::Write;

use super::{BOUNDS, Snapshot};

/// One metric with its samples.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// Without a prefix, and without the `_total` of a counter.
    pub name: &'static str,
    /// One sentence, without a full stop.
    pub help: &'static str,
    /// What was counted.
    pub values: Values,
}

/// What kind of metric it is, and its samples.
#[derive(Debug, Clone, PartialEq)]
pub enum Values {
    /// They only grow.
    Counter(Vec<Sample>),
    /// They come and go.
    Gauge(Vec<Sample>),
    /// How many were no greater than what.
    Histogram {
        /// The upper end of each bucket, and how many are in it and in no smaller one. The last one's is infinite.
        buckets: Vec<(f64, u64)>,
        /// All values together.
        sum: f64,
    },
}

/// One number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// What tells it from the others of its metric, if there are any: a name and a value.
    pub labels: Vec<(&'static str, &'static str)>,
    /// The number.
    pub value: u64,
}

/// In the order of `Handshake`.
const OUTCOMES: [&str; 6] = ["ok", "unknown_name", "incompatible", "not_tls", "late", "broken"];

/// In the order of `Spoken`.
const PROTOCOLS: [&str; 4] = ["http1", "http2", "upgrade", "tcp"];

/// In the order of `By`.
const ANSWERERS: [&str; 2] = ["endpoint", "router"];

/// In the order of `Late`.
const LATE: [&str; 5] = ["head", "body", "body_rate", "reader", "endpoint"];

const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

impl Snapshot {
    /// All of it, by name.
    #[must_use]
    pub fn series(&self) -> Vec<Series> {
        let mut all = self.connections();
        all.extend(self.requests());
        all.extend(self.endpoints());
        all
    }

    fn connections(&self) -> Vec<Series> {
        vec![
            counter("router_connections", "Client connections accepted", self.connections),
            gauge("router_connections_open", "Client connections that are open", self.connections_open),
            counter(
                "router_connections_shed",
                "Client connections closed because there were too many",
                self.connections_shed,
            ),
            counter(
                "router_connections_evicted",
                "Waiting client connections closed to make room",
                self.connections_evicted,
            ),
            counter(
                "router_refused_proxy_headers",
                "Connections whose PROXY protocol header was broken or late",
                self.refused_proxy_headers,
            ),
            counters(
                "router_handshakes",
                "TLS handshakes by what came of them",
                "outcome",
                &OUTCOMES,
                &self.by_outcome,
            ),
            counters(
                "router_http2_resets",
                "HTTP/2 streams reset as malformed, and connections ended for a flood",
                "reason",
                &["malformed", "flood"],
                &self.http2_resets,
            ),
        ]
    }

    fn requests(&self) -> Vec<Series> {
        let responses = ANSWERERS.iter().zip(&self.responses_by).flat_map(|(by, counted)| {
            CLASSES
                .iter()
                .zip(counted)
                .map(|(class, value)| Sample { labels: vec![("class", *class), ("by", *by)], value: *value })
        });
        let bounds = BOUNDS.iter().map(std::time::Duration::as_secs_f64).chain([f64::INFINITY]);
        vec![
            counters(
                "router_requests",
                "Finished requests by protocol, and connections to ports of TCP routes",
                "protocol",
                &PROTOCOLS,
                &self.requests,
            ),
            Series {
                name: "router_responses",
                help: "Final responses by the class of their status and by who answered",
                values: Values::Counter(responses.collect()),
            },
            Series {
                name: "router_request_duration_seconds",
                help: "From the request's head to the end of the response, without upgrades",
                values: Values::Histogram {
                    buckets: bounds.zip(self.durations).collect(),
                    sum: self.microseconds as f64 / 1e6,
                },
            },
            counters(
                "router_timeouts",
                "Requests that were ended because somebody took too long",
                "kind",
                &LATE,
                &self.timeouts,
            ),
            counter("router_received_bytes", "Bytes of bodies and tunnels from clients", self.received),
            counter("router_sent_bytes", "Bytes of bodies and tunnels to clients", self.sent),
            counter(
                "router_access_log_dropped",
                "Finished requests that are not in the access log, because its writer was too slow",
                self.log_dropped,
            ),
        ]
    }

    fn endpoints(&self) -> Vec<Series> {
        vec![
            gauge("router_endpoints", "Endpoints in the table", self.endpoints),
            gauge(
                "router_endpoints_unhealthy",
                "Endpoints in the table that get no requests as long as others are well",
                self.endpoints_unhealthy,
            ),
            counter(
                "router_dial_failures",
                "Connections to endpoints that could not be made",
                self.dial_failures,
            ),
            counter(
                "router_retries",
                "Requests sent once more because a kept connection had gone",
                self.retries,
            ),
            counter(
                "router_ejections",
                "Endpoints set aside for a time because requests to them failed",
                self.ejections,
            ),
            counters(
                "router_health_checks",
                "Health checks by what came of them",
                "outcome",
                &["ok", "failed"],
                &self.checks,
            ),
            gauge(
                "router_backends_draining",
                "Endpoints that left and still serve requests, of services that tell",
                self.draining,
            ),
            counter(
                "router_backends_drained",
                "Endpoints that left and have served their last request, of services that tell",
                self.drained,
            ),
        ]
    }
}

fn counter(name: &'static str, help: &'static str, value: u64) -> Series {
    Series { name, help, values: Values::Counter(vec![Sample { labels: Vec::new(), value }]) }
}

fn gauge(name: &'static str, help: &'static str, value: u64) -> Series {
    Series { name, help, values: Values::Gauge(vec![Sample { labels: Vec::new(), value }]) }
}

fn counters(
    name: &'static str,
    help: &'static str,
    label: &'static str,
    labels: &[&'static str],
    values: &[u64],
) -> Series {
    let samples =
        labels.iter().zip(values).map(|(text, value)| Sample { labels: vec![(label, *text)], value: *value });
    Series { name, help, values: Values::Counter(samples.collect()) }
}

/// All series in the text format of Prometheus, with `flynn_` before their names.
pub(crate) fn text(series: &[Series]) -> String {
    let mut out = String::new();
    for series in series {
        // Writing into a String does not fail.
        let _ = push(&mut out, series);
    }
    out
}

fn push(out: &mut String, Series { name, help, values }: &Series) -> std::fmt::Result {
    let (kind, suffix) = match values {
        Values::Counter(_) => ("counter", "_total"),
        Values::Gauge(_) => ("gauge", ""),
        Values::Histogram { .. } => ("histogram", ""),
    };
    writeln!(out, "# HELP flynn_{name}{suffix} {help}.\n# TYPE flynn_{name}{suffix} {kind}")?;
    match values {
        Values::Counter(samples) | Values::Gauge(samples) => {
            for Sample { labels, value } in samples {
                let labels: Vec<_> =
                    labels.iter().map(|(name, value)| format!("{name}=\"{value}\"")).collect();
                let labels =
                    if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
                writeln!(out, "flynn_{name}{suffix}{labels} {value}")?;
            }
        }
        Values::Histogram { buckets, sum } => {
            let mut count = 0;
            for (end, more) in buckets {
                count += more;
                let end = if end.is_infinite() { "+Inf".to_owned() } else { end.to_string() };
                writeln!(out, "flynn_{name}_bucket{{le=\"{end}\"}} {count}")?;
            }
            writeln!(out, "flynn_{name}_sum {sum}\nflynn_{name}_count {count}")?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::{By, Counters, Spoken};
    use super::*;
    use std::time::Duration;

    #[test]
    fn the_text_is_what_prometheus_reads() {
        let counters = Counters::default();
        counters.response(404, By::Router);
        counters.request(Spoken::Http1, Duration::from_millis(3), 0, 0);
        let mut snapshot = Snapshot::default();
        snapshot.add(&counters);
        let text = text(&snapshot.series());
        for line in [
            "# TYPE flynn_router_responses_total counter",
            "flynn_router_responses_total{class=\"4xx\",by=\"router\"} 1",
            "flynn_router_request_duration_seconds_bucket{le=\"0.001\"} 0",
            "flynn_router_request_duration_seconds_bucket{le=\"0.005\"} 1",
            "flynn_router_request_duration_seconds_bucket{le=\"+Inf\"} 1",
            "flynn_router_request_duration_seconds_sum 0.003",
            "flynn_router_connections_open 0",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
        }
    }

    #[test]
    fn every_series_has_a_name_of_its_own_and_a_sentence_without_its_end() {
        let series = Snapshot::default().series();
        let names: std::collections::BTreeSet<_> = series.iter().map(|series| series.name).collect();
        assert_eq!(names.len(), series.len());
        for series in series {
            assert!(series.name.starts_with("router_") && !series.name.ends_with("_total"), "{series:?}");
            assert!(!series.help.is_empty() && !series.help.ends_with('.'), "{series:?}");
        }
    }
}
