//! One Pod, from the moment that it is bound to this Node until it is gone: what the API says of it becomes containers that
//! run, what they do becomes its status.
//!
//! `Worker::run` is level-triggered: whatever happened, it starts what may start, writes the status if it differs, ends
//! what must end, and waits. A Pod that is to be deleted is first written to be not ready, so that nobody is sent to it any
//! more, then its containers are told to end, and when nothing is left of them, the Pod is deleted.

mod conditions;
mod declared;
mod earlier;
pub(crate) mod environment;
mod expand;
mod field;
pub(crate) mod port;
mod prepare;
mod slot;
mod status;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Pod, PodStatus};
use kube::api::{DeleteParams, Patch, PatchParams, Preconditions};
use kube::{Api, ResourceExt as _};
use serde_json::json;
use tokio::sync::{Notify, mpsc, watch};

use crate::container::{Notice, Stop};
use crate::events::{Happening, reference};
use crate::host::Host;
use crate::pod_logs::Entry;
use port::PodPorts;
use prepare::lock;
use slot::{Role, Slot};
use status::View;

/// How long the API may take to answer before it is asked again.
const PATIENCE: Duration = Duration::from_secs(10);
/// How soon it is asked again.
const RETRY: Duration = Duration::from_millis(250);
/// A container always gets this long to end, also if the Pod was deleted by force.
const LEAST_GRACE: Duration = Duration::from_secs(1);

/// What the API says of a Pod.
#[derive(Clone, Debug)]
pub(crate) enum Seen {
    /// It is there, in this state.
    Present(Arc<Pod>),
    /// It is gone; this was its last state.
    Gone(Arc<Pod>),
}

/// Why a Pod is being ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    /// It is to be deleted.
    Deleted,
    /// It is gone already.
    Gone,
    /// The kubelet ends; the Pod stays.
    Shutdown,
}

/// Runs one Pod.
pub(crate) struct Worker {
    host: Arc<Host>,
    seen: watch::Receiver<Seen>,
    shutdown: watch::Receiver<bool>,
    pod: Arc<Mutex<Arc<Pod>>>,
    slots: Vec<Slot>,
    ports: Arc<Mutex<PodPorts>>,
    changed: Arc<Notify>,
    notices: mpsc::UnboundedReceiver<Notice>,
    written: Option<PodStatus>,
    ending: Option<Ending>,
    deleted: bool,
}

impl Worker {
    pub(crate) fn new(host: Arc<Host>, seen: watch::Receiver<Seen>, shutdown: watch::Receiver<bool>) -> Self {
        let (Seen::Present(pod) | Seen::Gone(pod)) = seen.borrow().clone();
        // Those that cannot be had now, a container asks for before it starts.
        let ports = PodPorts::assign(&pod, &host.ports).unwrap_or_default();
        let ports = Arc::new(Mutex::new(ports));
        let changed = Arc::new(Notify::new());
        let (notice, notices) = mpsc::unbounded_channel();
        let shared = Arc::new(Mutex::new(Arc::clone(&pod)));
        let slots = slot::slots(&host, &shared, &ports, &changed, &notice);
        Self {
            host,
            seen,
            shutdown,
            pod: shared,
            slots,
            ports,
            changed,
            notices,
            written: None,
            ending: None,
            deleted: false,
        }
    }

    /// Runs it until it is gone or the kubelet ends, and nothing of it is left.
    pub(crate) async fn run(mut self) {
        self.look();
        loop {
            if self.ending.is_none() {
                slot::start_next(&mut self.slots);
            }
            self.publish();
            let is_told = self.report().await;
            self.stop();
            let is_over = self.is_over();
            match self.ending {
                Some(Ending::Gone | Ending::Shutdown) if is_over => break,
                Some(Ending::Deleted) if is_over && !self.deleted => self.deleted = self.delete().await,
                _ => {}
            }
            let is_settled = is_told && (!is_over || self.deleted || self.ending.is_none());
            self.wait(if is_settled { None } else { Some(RETRY) }).await;
        }
        self.tell_notices();
        let pod = self.pod();
        if self.ending == Some(Ending::Gone) {
            let uid = pod.uid().unwrap_or_default();
            self.host.logs.remove(&pod.namespace().unwrap_or_default(), &pod.name_any(), &uid);
        }
        lock(&self.ports).release(&self.host.ports);
    }

    fn pod(&self) -> Arc<Pod> {
        Arc::clone(&lock(&self.pod))
    }

    /// Takes what the API says, and whether the kubelet ends.
    fn look(&mut self) {
        let (pod, ending) = match &*self.seen.borrow_and_update() {
            Seen::Gone(pod) => (Arc::clone(pod), Some(Ending::Gone)),
            Seen::Present(pod) if pod.metadata.deletion_timestamp.is_some() => {
                (Arc::clone(pod), Some(Ending::Deleted))
            }
            Seen::Present(pod) => (Arc::clone(pod), None),
        };
        *lock(&self.pod) = pod;
        self.ending = ending;
        if *self.shutdown.borrow_and_update() && ending != Some(Ending::Gone) {
            self.ending = Some(Ending::Shutdown);
        }
    }

    /// Waits until something has happened, or for this long.
    async fn wait(&mut self, timeout: Option<Duration>) {
        let timeout = async {
            match timeout {
                Some(timeout) => tokio::time::sleep(timeout).await,
                None => std::future::pending().await,
            }
        };
        tokio::pin!(timeout);
        loop {
            tokio::select! {
                Some(notice) = self.notices.recv() => self.tell(notice),
                () = self.changed.notified() => return,
                Ok(()) = self.seen.changed() => return self.look(),
                Ok(()) = self.shutdown.changed() => return self.look(),
                () = &mut timeout => return,
            }
        }
    }

    fn publish(&self) {
        let pod = self.pod();
        let containers = self.slots.iter().map(|slot| (slot.container.name.clone(), slot.state())).collect();
        let init = self.slots.iter().filter(|slot| slot.role != Role::Main).count();
        let entry = Entry { uid: pod.uid().unwrap_or_default(), containers, init };
        self.host.logs.put(&pod.namespace().unwrap_or_default(), &pod.name_any(), entry);
    }

    /// Writes the status if it is another one than before. False if that must be tried again.
    async fn report(&mut self) -> bool {
        if self.ending == Some(Ending::Gone) {
            return true;
        }
        let pod = self.pod();
        let states: Vec<_> = self.slots.iter().map(Slot::state).collect();
        let init = self.slots.iter().filter(|slot| slot.role != Role::Main).count();
        let (init, main) = states.split_at(init);
        let ending = self.ending.is_some();
        let view = View { pod: &pod, init, main, ending, address: self.host.address, now: Timestamp::now() };
        let before = self.written.clone().or_else(|| pod.status.clone()).unwrap_or_default();
        let status = status::status(&view, &before);
        if self.written.as_ref() == Some(&status) {
            return true;
        }
        let patch = json!({"metadata": {"uid": pod.uid()}, "status": status});
        let (pods, name): (Api<Pod>, _) = (self.host.api(&pod), pod.name_any());
        let params = PatchParams::default();
        let patch = Patch::Merge(&patch);
        let written = tokio::time::timeout(PATIENCE, pods.patch_status(&name, &params, &patch));
        match written.await {
            Ok(Ok(_)) => self.written = Some(status),
            // It is gone, and the watch is about to say so.
            Ok(Err(kube::Error::Api(answer))) if answer.code == 404 || answer.code == 409 => {
                self.written = Some(status);
            }
            Ok(Err(error)) => {
                tracing::warn!(%error, pod = name, "the status of a Pod cannot be written");
                return false;
            }
            Err(_) => return false,
        }
        true
    }

    /// Tells the containers to end, if the Pod is to; those that serve the others last.
    fn stop(&mut self) {
        let main_is_over = self.slots.iter().filter(|slot| slot.role == Role::Main).all(Slot::is_over);
        if self.ending.is_none() && !main_is_over {
            return;
        }
        let stop = self.order();
        for slot in &mut self.slots {
            let now = match slot.role {
                Role::Main | Role::Init => self.ending.is_some(),
                Role::Sidecar => main_is_over,
            };
            if now {
                slot.stop(stop);
            }
        }
    }

    fn order(&self) -> Stop {
        let pod = self.pod();
        let own = pod.spec.as_ref().and_then(|spec| spec.termination_grace_period_seconds).unwrap_or(30);
        let seconds = pod.metadata.deletion_grace_period_seconds.unwrap_or(own);
        let grace = Duration::from_secs(seconds.try_into().unwrap_or_default()).max(LEAST_GRACE);
        match self.ending {
            Some(Ending::Shutdown) => Stop { grace: grace.min(self.host.shutdown_grace), drain: false },
            // It was deleted by force: otherwise it would wait for its processes.
            Some(Ending::Gone) => Stop { grace: LEAST_GRACE, drain: true },
            Some(Ending::Deleted) | None => Stop { grace, drain: true },
        }
    }

    fn is_over(&self) -> bool {
        self.slots.iter().all(|slot| slot.is_over() || !slot.has_started())
    }

    /// Deletes the Pod for good. False if that must be tried again.
    async fn delete(&self) -> bool {
        let pod = self.pod();
        let preconditions = Preconditions { uid: pod.uid(), resource_version: None };
        let params = DeleteParams {
            grace_period_seconds: Some(0),
            preconditions: Some(preconditions),
            ..DeleteParams::default()
        };
        let (pods, name): (Api<Pod>, _) = (self.host.api(&pod), pod.name_any());
        match tokio::time::timeout(PATIENCE, pods.delete(&name, &params)).await {
            Ok(Ok(_)) => true,
            Ok(Err(kube::Error::Api(answer))) if answer.code == 404 || answer.code == 409 => true,
            Ok(Err(error)) => {
                tracing::warn!(%error, pod = name, "a Pod that has ended cannot be deleted");
                false
            }
            Err(_) => false,
        }
    }

    fn tell_notices(&mut self) {
        while let Ok(notice) = self.notices.try_recv() {
            self.tell(notice);
        }
    }

    fn tell(&self, notice: Notice) {
        let Notice { container, warning, reason, message } = notice;
        let is_main = |slot: &Slot| slot.role == Role::Main;
        let list = match self.slots.iter().find(|slot| slot.container.name == container) {
            Some(slot) if !is_main(slot) => "initContainers",
            _ => "containers",
        };
        let object = reference(&self.pod(), Some(format!("spec.{list}{{{container}}}")));
        let component = "kubelet".to_owned();
        self.host.recorder.tell(Happening { object, component, warning, reason, message });
    }
}
