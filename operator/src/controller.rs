//! The role `controller`: watches, plans, and writes objects, statuses and events while it holds the Lease.
//!
//! ```text
//! watches --> reconciler --Pass--> effects.rs, if this process leads --> the API
//!                  ^-------------- outcomes, retries ----'
//! ```
//!
//! Every replica watches and plans, so that a takeover costs no time; what a replica without the Lease plans is dropped. A
//! new leader plans everything anew, because it cannot know what the one before had not written yet.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use kube::Client;
use plan::{Planner, Platform, Role};
use prometheus_client::registry::Registry;
use router::Addresses;
use tokio::sync::{mpsc, watch};

use crate::args::ControllerArguments;
use crate::effects::{Effects, Tools};
use crate::health::Health;
use crate::lease::{Candidate, Election, Tenure};
use crate::local_storage::LocalStorage;
use crate::metrics::cloud::CloudMetrics;
use crate::metrics::{EffectMetrics, LeaderMetrics, PlanMetrics, WatchMetrics};
use crate::observe::Watches;
use crate::reconcile::{Input, Pass, QUEUE, Reconciler};
use crate::shutdown::Shutdown;
use crate::startup::{Error, announce, listen_for_probes};

/// Works until the process is asked to end.
pub(crate) async fn run(
    client: Client,
    arguments: ControllerArguments,
    mut registry: Registry,
) -> Result<(), Error> {
    let mut shutdown = Shutdown::listen().map_err(Error::Signals)?;
    let (listener, health_address) = listen_for_probes(arguments.health_address, false)?;
    let identity = arguments.identity.unwrap_or_else(own_identity);
    let controller = Controller::start(client, &identity, Platform::Kubernetes, &mut registry);
    let (ready, is_ready) = watch::channel(false);
    let probes = tokio::spawn(Health::new(is_ready, registry).serve(listener));
    announce(&Addresses::default(), health_address);
    let duration = Duration::from_secs(arguments.lease_duration_seconds);
    let election = Election { namespace: arguments.namespace, identity, duration };
    let outcome = controller.work(Some(election), &ready, &mut shutdown).await;
    probes.abort();
    outcome
}

/// A running controller.
pub(crate) struct Controller {
    client: Client,
    identity: String,
    watches: Watches,
    reconciler: Reconciler,
    inputs: mpsc::Sender<Input>,
    /// The writers, while this process leads.
    effects: Option<Effects>,
    tenure: Tenure,
    local: Option<Arc<LocalStorage>>,
    effect_metrics: EffectMetrics,
    cloud_metrics: CloudMetrics,
    leader_metrics: LeaderMetrics,
}

impl Controller {
    /// Begins to watch.
    pub(crate) fn start(client: Client, identity: &str, platform: Platform, registry: &mut Registry) -> Self {
        let (inputs, received) = mpsc::channel(QUEUE);
        let watches = Watches::of_a_controller(&client, &inputs, &WatchMetrics::register(registry));
        let planner = Planner::new(Role::Leader).on(platform);
        let reconciler =
            Reconciler::new(planner, watches.demand(), received, PlanMetrics::register(registry));
        Self {
            client,
            identity: identity.to_owned(),
            watches,
            reconciler,
            inputs,
            effects: None,
            tenure: Tenure::endless(),
            local: None,
            effect_metrics: EffectMetrics::register(registry),
            cloud_metrics: CloudMetrics::register(registry),
            leader_metrics: LeaderMetrics::register(registry),
        }
    }

    /// With folders for the objects of Blobstores, which is for one machine.
    pub(crate) fn with_local_storage(self, local: Arc<LocalStorage>) -> Self {
        Self { local: Some(local), ..self }
    }

    /// Works until it is asked to end. Without an election it leads from the start, because no other can be there.
    pub(crate) async fn work(
        mut self,
        election: Option<Election>,
        ready: &watch::Sender<bool>,
        shutdown: &mut Shutdown,
    ) -> Result<(), Error> {
        // What is planned before this process leads, is planned again when it does.
        tokio::select! {
            first = self.reconciler.next() => drop(first?),
            () = self.watches.ended() => return Err(Error::Ended),
            () = shutdown.asked() => return Ok(()),
        }
        ready.send_replace(true);
        let mut candidate = election.map(|election| Candidate::start(self.client.clone(), election));
        match &candidate {
            Some(candidate) => self.tenure = candidate.tenure(),
            None => self.lead(true),
        }
        let outcome = self.follow(&mut candidate, shutdown).await;
        ready.send_replace(false);
        self.lead(false);
        if let Some(candidate) = candidate {
            candidate.release().await;
        }
        outcome
    }

    /// Has passes carried out while this process leads, until it is asked to end.
    async fn follow(
        &mut self,
        candidate: &mut Option<Candidate>,
        shutdown: &mut Shutdown,
    ) -> Result<(), Error> {
        loop {
            tokio::select! {
                // The lead first: nothing is written once it is known to be lost.
                biased;
                () = shutdown.asked() => return Ok(()),
                leading = changed(candidate) => self.lead(leading.ok_or(Error::Ended)?),
                () = self.watches.ended() => return Err(Error::Ended),
                () = ended(&mut self.effects) => return Err(Error::Ended),
                pass = self.reconciler.next() => self.carry_out(pass?),
            }
        }
    }

    fn lead(&mut self, leading: bool) {
        self.leader_metrics.leading.set(leading.into());
        if leading == self.effects.is_some() {
            return;
        }
        // Dropping the writers ends them, whatever they are doing.
        self.effects = leading.then(|| {
            Effects::start(Tools {
                client: self.client.clone(),
                identity: self.identity.clone(),
                inputs: self.inputs.clone(),
                metrics: self.effect_metrics.clone(),
                cloud_metrics: self.cloud_metrics.clone(),
                tenure: self.tenure.clone(),
                local: self.local.clone(),
            })
        });
        if leading {
            self.reconciler.touch_all();
        }
        tracing::info!(leading, identity = self.identity, "the lead changed hands");
    }

    fn carry_out(&self, pass: Pass) {
        if let Some(effects) = &self.effects {
            effects.execute(pass.step);
        }
    }
}

async fn changed(candidate: &mut Option<Candidate>) -> Option<bool> {
    match candidate {
        Some(candidate) => candidate.changed().await,
        None => std::future::pending().await,
    }
}

async fn ended(effects: &mut Option<Effects>) {
    match effects {
        Some(effects) => effects.ended().await,
        None => std::future::pending().await,
    }
}

/// The name of the host, which in a Pod is the Pod's, and a random part.
fn own_identity() -> String {
    let host = std::fs::read_to_string(Path::new("/proc/sys/kernel/hostname")).unwrap_or_default();
    let host = if host.trim().is_empty() { "controller" } else { host.trim() };
    format!("{host}-{:08x}", fastrand::u32(..))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_processes_on_one_host_have_two_identities() {
        assert_ne!(own_identity(), own_identity());
    }
}
