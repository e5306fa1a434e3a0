//! The router's own counters, read when somebody asks for `/metrics`.

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use router::Snapshot;

use crate::effects::route::Serving;

/// The classes of statuses, in the router's order.
const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

/// Tells what a router has counted.
#[derive(Debug)]
pub(crate) struct RouterCounters(pub(crate) Serving);

impl Collector for RouterCounters {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let Some(snapshot) = self.0.counted() else { return Ok(()) };
        let Snapshot { connections, refused_handshakes, dial_failures, retries, responses } = snapshot;
        let counters = [
            ("router_connections", "Client connections accepted", connections),
            ("router_refused_handshakes", "TLS handshakes that did not succeed", refused_handshakes),
            ("router_dial_failures", "Connections to endpoints that could not be made", dial_failures),
            ("router_retries", "Requests sent once more because a kept connection had gone", retries),
        ];
        for (name, help, value) in counters {
            let counter = ConstCounter::new(value);
            counter.encode(encoder.encode_descriptor(name, help, None, counter.metric_type())?)?;
        }
        let help = "Responses by the class of their status";
        let counter = ConstCounter::new(0_u64);
        let mut family = encoder.encode_descriptor("router_responses", help, None, counter.metric_type())?;
        for (class, value) in CLASSES.iter().zip(responses) {
            let counter = ConstCounter::new(value);
            counter.encode(family.encode_family(&[("class", *class)])?)?;
        }
        Ok(())
    }
}
