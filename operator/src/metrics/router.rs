//! The router's own counters, read when somebody asks for `/metrics`. Their names and sentences are the router's.

use std::collections::HashMap;
use std::fmt::Error;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use router::{Sample, Series, Values};

use crate::effects::route::Serving;

/// Tells what a router has counted.
#[derive(Debug)]
pub(crate) struct RouterCounters(pub(crate) Serving);

impl Collector for RouterCounters {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), Error> {
        let snapshot = self.0.counted();
        let series = snapshot.iter().flat_map(router::Snapshot::series);
        series.into_iter().try_for_each(|series| encode(&mut encoder, &series))
    }
}

fn encode(encoder: &mut DescriptorEncoder<'_>, Series { name, help, values }: &Series) -> Result<(), Error> {
    match values {
        Values::Counter(samples) => {
            let family = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
            encode_all(family, samples, ConstCounter::new)
        }
        Values::Gauge(samples) => {
            let family = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
            encode_all(family, samples, ConstGauge::new)
        }
        Values::Histogram { buckets, sum } => {
            let mut encoder = encoder.encode_descriptor(name, help, None, MetricType::Histogram)?;
            let count = buckets.iter().map(|(_, count)| count).sum();
            encoder.encode_histogram::<NoLabelSet>(*sum, count, buckets, None::<&HashMap<_, _>>)
        }
    }
}

fn encode_all<M: EncodeMetric>(
    mut family: MetricEncoder<'_>,
    samples: &[Sample],
    metric: impl Fn(u64) -> M,
) -> Result<(), Error> {
    for Sample { labels, value } in samples {
        let metric = metric(*value);
        match &labels[..] {
            [] => metric.encode(family.encode_family(&NO_LABELS)?)?,
            labels => metric.encode(family.encode_family(&labels)?)?,
        }
    }
    Ok(())
}

const NO_LABELS: [(&str, &str); 0] = [];
