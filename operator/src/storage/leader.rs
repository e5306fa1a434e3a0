//! What the loop over Blobstores needs of a process that leads: the clock, the clients, the Kubernetes API, the planner, the metrics.
//!
//! Every write passes the fence, to AWS and to the Secret: it is not made where the lead may end before the call does.

use std::sync::Arc;

use aws::{Account, Fence, Settings};
use crds::{Blobstore, ConditionType, Reason};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use kube::{Api, Client};
use plan::aws::storage::StorageOrder;
use plan::aws::{Failure, Fault};
use plan::blobstore::StorageReport;
use plan::{ObjectKey, Refusal, Transition};
use tokio::sync::mpsc;

use super::secret::{Stored, Written};
use super::{Clients, Reads, Surroundings};
use crate::effects::event::{Events, Regarding};
use crate::effects::{credentials, finalizer};
use crate::lease::Tenure;
use crate::metrics::cloud::CloudMetrics;
use crate::reason::root_cause;
use crate::reconcile::Input;

/// The surroundings of a leader's loop.
pub(crate) struct Leader {
    /// Of the API server.
    pub(crate) client: Client,
    /// In the name of this process.
    pub(crate) events: Events,
    /// Where reports go.
    pub(crate) inputs: mpsc::Sender<Input>,
    /// What calls to AWS count.
    pub(crate) metrics: CloudMetrics,
    /// For how long this process leads.
    pub(crate) tenure: Tenure,
}

impl Reads for Leader {
    async fn read_secret(&self, secret: &ObjectKey) -> Result<Option<Stored>, Failure> {
        credentials::read(&self.client, secret).await
    }

    async fn pods(&self, namespace: &str) -> Result<Vec<Pod>, Failure> {
        credentials::pods(&self.client, namespace).await
    }
}

impl Surroundings for Leader {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    async fn connect(&self, region: &str) -> Clients {
        let settings = Settings { region: region.to_owned() };
        let tenure = self.tenure.clone();
        let fence = Fence::new(move |longest| tenure.lasts(longest));
        let account = Account::connect(&settings, Arc::new(self.metrics.clone()), fence).await;
        Clients { buckets: account.buckets, principals: account.principals }
    }

    async fn write_secret(&self, secret: &ObjectKey, written: Written) -> Result<String, Failure> {
        self.leads("secrets:patch")?;
        credentials::write(&self.client, secret, written).await
    }

    async fn delete_secret(&self, secret: &ObjectKey, version: &str) -> Result<(), Failure> {
        self.leads("secrets:delete")?;
        credentials::delete(&self.client, secret, version).await
    }

    async fn hold(&self, order: &StorageOrder) -> bool {
        let held = finalizer::hold(&self.blobstores(order), &order.owner.name, &order.uid).await;
        if let Err(error) = &held {
            let (blobstore, cause) = (order.key(), root_cause(error));
            tracing::warn!(%blobstore, cause, "the Blobstore takes no finalizer, so that nothing is written to AWS");
        }
        held.is_ok()
    }

    async fn let_go(&self, order: &StorageOrder) -> bool {
        let let_go = finalizer::let_go(&self.blobstores(order), &order.owner.name, &order.uid).await;
        if let Err(error) = &let_go {
            let (blobstore, cause) = (order.key(), root_cause(error));
            tracing::warn!(%blobstore, cause, "the finalizer of the Blobstore stays");
        }
        let_go.is_ok()
    }

    async fn report(&self, report: StorageReport) {
        // It fails only when the process ends.
        let _ = self.inputs.send(Input::Storage(Box::new(report))).await;
    }

    async fn tell_drift(&self, order: &StorageOrder, drift: &[String]) {
        self.metrics.repaired(drift.len());
        let blobstore = order.key();
        drift.iter().for_each(|sentence| tracing::info!(%blobstore, sentence, "drift in AWS was repaired"));
        // One event: several of one reason at the same time are counted together, under the words of the first.
        self.publish(order, &[transition(Reason::DriftRepaired, drift.join("; "))]).await;
    }

    async fn warn(&self, order: &StorageOrder, warnings: &[Refusal]) {
        let told = warnings.iter().map(|warning| transition(warning.reason, warning.message.clone()));
        self.publish(order, &told.collect::<Vec<_>>()).await;
    }
}

impl Leader {
    fn blobstores(&self, order: &StorageOrder) -> Api<Blobstore> {
        Api::namespaced(self.client.clone(), &order.owner.namespace)
    }

    async fn publish(&self, order: &StorageOrder, told: &[Transition]) {
        self.events.publish(&Regarding::object::<Blobstore>(&order.key(), &order.uid), told).await;
    }

    fn leads(&self, call: &'static str) -> Result<(), Failure> {
        match self.tenure.lasts(credentials::PATIENCE) {
            true => Ok(()),
            false => {
                let message = "the lead may end before the call does".to_owned();
                Err(Failure { call, fault: Fault::NotLeader, code: None, message })
            }
        }
    }
}

/// What is told at once and in no condition: that all stays, or was put right, is no warning.
fn transition(reason: Reason, message: String) -> Transition {
    let holds = matches!(reason, Reason::DriftRepaired | Reason::Retained);
    Transition { condition: ConditionType::Ready, holds, reason, message }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use plan::aws::storage::SecretMarks;
    use prometheus_client::registry::Registry;

    use super::*;

    /// Of a process that does not lead, beside an API where nobody listens.
    fn onlooker() -> Leader {
        let client = Client::try_from(kube::Config::new("http://127.0.0.1:1".parse().unwrap())).unwrap();
        Leader {
            events: Events::new(client.clone(), "test"),
            client,
            inputs: mpsc::channel(1).0,
            metrics: CloudMetrics::register(&mut Registry::default()),
            tenure: Tenure::none_yet(Duration::from_secs(15)),
        }
    }

    #[tokio::test]
    async fn who_may_not_lead_for_as_long_as_a_call_takes_writes_no_secret() {
        let (leader, secret) = (onlooker(), ObjectKey::new("shop", "blobs"));
        let marks = SecretMarks::default();
        let written = Written { blobstore: "blobs".into(), marks, entries: None, version: None };
        let written = leader.write_secret(&secret, written).await.map(drop);
        let deleted = leader.delete_secret(&secret, "1").await;
        for result in [written, deleted] {
            assert_eq!(result.unwrap_err().fault, Fault::NotLeader);
        }
        assert_eq!(leader.read_secret(&secret).await.map(drop).unwrap_err().fault, Fault::Server);
    }
}
