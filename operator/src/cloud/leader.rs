//! What the loop over AWS needs of a process that leads: the clock, the clients, the Kubernetes API, the planner, the metrics.
//!
//! Every write to AWS passes the fence: it is not made where the lead may end before the call does.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use aws::Fence;
use crds::{Cluster, ConditionType, DnsHealthCheck, Reason};
use jiff::Timestamp;
use kube::{Api, Client};
use plan::aws::{Owner, Probe, Report};
use plan::{Refusal, Transition};
use tokio::sync::mpsc;

use super::{Clients, Surroundings, probe};
use crate::effects::event::{Events, Regarding};
use crate::effects::finalizer;
use crate::lease::Tenure;
use crate::metrics::cloud::CloudMetrics;
use crate::reason::root_cause;
use crate::reconcile::Input;

/// How many sentences of drift an event has room for.
const MOST_SENTENCES: usize = 10;

/// The surroundings of a leader's loop.
pub(crate) struct Leader {
    client: Client,
    events: Events,
    inputs: mpsc::Sender<Input>,
    metrics: CloudMetrics,
    tenure: Tenure,
}

impl Leader {
    /// Of this process; `instance` is its name.
    pub(crate) fn new(
        client: Client,
        instance: &str,
        inputs: mpsc::Sender<Input>,
        metrics: CloudMetrics,
        tenure: Tenure,
    ) -> Self {
        let events = Events::new(client.clone(), instance);
        Self { client, events, inputs, metrics, tenure }
    }

    fn clusters(&self) -> Api<Cluster> {
        Api::all(self.client.clone())
    }
}

impl Surroundings for Leader {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    async fn connect(&self, region: &str) -> Clients {
        let tenure = self.tenure.clone();
        let fence = Fence::new(move |longest| tenure.lasts(longest));
        Clients::connect(region, Arc::new(self.metrics.clone()), fence).await
    }

    async fn ask(&self, address: IpAddr, check: &DnsHealthCheck) -> Option<Result<String, String>> {
        probe::ask(address, check).await
    }

    async fn hold(&self, owner: &Owner) -> bool {
        let held = finalizer::hold(&self.clusters(), &owner.name, &owner.uid).await;
        if let Err(error) = &held {
            let cause = root_cause(error);
            tracing::warn!(
                cluster = owner.name,
                cause,
                "the Cluster takes no finalizer, so that nothing is written to AWS"
            );
        }
        held.is_ok()
    }

    async fn let_go(&self, owner: &Owner) -> bool {
        let let_go = finalizer::let_go(&self.clusters(), &owner.name, &owner.uid).await;
        if let Err(error) = &let_go {
            tracing::warn!(
                cluster = owner.name,
                cause = root_cause(error),
                "the finalizer of the Cluster stays"
            );
        }
        let_go.is_ok()
    }

    async fn report(&self, report: Report) {
        // It fails only when the process ends.
        let _ = self.inputs.send(Input::Cloud(Box::new(report))).await;
    }

    async fn tell_drift(&self, owner: &Owner, drift: &[String]) {
        self.metrics.repaired(drift.len());
        for sentence in drift {
            tracing::info!(cluster = owner.name, sentence, "drift in AWS was repaired");
        }
        // One event: several of one reason at the same time are counted together, under the words of the first.
        let mut message = drift[..drift.len().min(MOST_SENTENCES)].join("; ");
        if drift.len() > MOST_SENTENCES {
            message += &format!("; and {} more", drift.len() - MOST_SENTENCES);
        }
        let told = Transition {
            condition: ConditionType::Ready,
            holds: true,
            reason: Reason::DriftRepaired,
            message,
        };
        self.events.publish(&Regarding::cluster(&owner.name, &owner.uid), &[told]).await;
    }

    async fn warn(&self, owner: &Owner, warnings: &[Refusal]) {
        let told = warnings.iter().map(|Refusal { reason, message }| Transition {
            condition: ConditionType::SecurityGroupsReady,
            holds: false,
            reason: *reason,
            message: message.clone(),
        });
        let told: Vec<Transition> = told.collect();
        self.events.publish(&Regarding::cluster(&owner.name, &owner.uid), &told).await;
    }

    fn measure(&self, report: &Report, probes: &BTreeMap<IpAddr, Probe>, is_whole: bool) {
        self.metrics.passed(report, probes, is_whole.then(|| self.now()));
    }
}
