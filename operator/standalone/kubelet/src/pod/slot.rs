//! The containers of a Pod in the order in which they start: each init container when the one before is done, those that go
//! on beside the others when they have started, then all the rest at once.

use std::sync::{Arc, Mutex};

use k8s_openapi::api::core::v1::{Container, ContainerStatus, Pod};
use kube::ResourceExt as _;
use tokio::sync::{Notify, mpsc};

use super::port::PodPorts;
use super::prepare::{Declared, lock};
use super::{earlier, status};
use crate::container::{self, Current, Notice, Restart, State, Stop, Terminated};
use crate::host::Host;
use crate::supervisor::Supervised;

/// When a container runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Before the others, until it is done.
    Init,
    /// From before the others until after them.
    Sidecar,
    /// After the init containers.
    Main,
}

/// A place for a container.
pub(super) struct Slot {
    pub(super) role: Role,
    pub(super) container: Container,
    restart: Restart,
    earlier: Option<(u32, Terminated)>,
    resting: State,
    supervised: Option<Supervised>,
    start: Arc<Start>,
}

/// What every container of the Pod is started with.
struct Start {
    host: Arc<Host>,
    pod: Arc<Mutex<Arc<Pod>>>,
    ports: Arc<Mutex<PodPorts>>,
    changed: Arc<Notify>,
    notices: mpsc::UnboundedSender<Notice>,
}

/// A Pod's places, the init containers first. Nothing is started.
pub(super) fn slots(
    host: &Arc<Host>,
    pod: &Arc<Mutex<Arc<Pod>>>,
    ports: &Arc<Mutex<PodPorts>>,
    changed: &Arc<Notify>,
    notices: &mpsc::UnboundedSender<Notice>,
) -> Vec<Slot> {
    let current = Arc::clone(&lock(pod));
    let start = Arc::new(Start {
        host: Arc::clone(host),
        pod: Arc::clone(pod),
        ports: Arc::clone(ports),
        changed: Arc::clone(changed),
        notices: notices.clone(),
    });
    let spec = current.spec.iter();
    let init = spec.clone().flat_map(|spec| spec.init_containers.iter().flatten()).map(|container| {
        let is_sidecar = container.restart_policy.as_deref() == Some("Always");
        (container, if is_sidecar { Role::Sidecar } else { Role::Init })
    });
    let main = spec.flat_map(|spec| &spec.containers).map(|container| (container, Role::Main));
    init.chain(main)
        .map(|(container, role)| Slot::new(&current, container, role, Arc::clone(&start)))
        .collect()
}

/// Starts what may start.
pub(super) fn start_next(slots: &mut [Slot]) {
    for slot in slots {
        slot.start();
        let state = slot.state();
        let done = state.over && matches!(&state.current, Current::Terminated(ended) if ended.exit_code == 0);
        let goes_on = match slot.role {
            Role::Init => done,
            Role::Sidecar => state.started,
            Role::Main => true,
        };
        if !goes_on {
            return;
        }
    }
}

impl Slot {
    fn new(pod: &Pod, container: &Container, role: Role, start: Arc<Start>) -> Self {
        let restart = match (role, status::restart(pod)) {
            (Role::Sidecar, _) => Restart::Always,
            (Role::Init, Restart::Always) => Restart::OnFailure,
            (_, restart) => restart,
        };
        let earlier = earlier::earlier(status_of(pod, &container.name, role));
        let over = earlier::over(pod, earlier.as_ref(), restart);
        let mut resting = over.unwrap_or_else(|| State::first(earlier.as_ref()));
        let has_init = pod
            .spec
            .as_ref()
            .and_then(|spec| spec.init_containers.as_ref())
            .is_some_and(|init| !init.is_empty());
        if has_init && let Current::Waiting { reason, .. } = &mut resting.current {
            *reason = "PodInitializing";
        }
        Self { role, container: container.clone(), restart, earlier, resting, supervised: None, start }
    }

    pub(super) fn state(&self) -> State {
        match &self.supervised {
            Some(supervised) => supervised.state.borrow().clone(),
            None => self.resting.clone(),
        }
    }

    pub(super) fn is_over(&self) -> bool {
        self.supervised.as_ref().map_or(self.resting.over, Supervised::is_over)
    }

    pub(super) fn has_started(&self) -> bool {
        self.supervised.is_some()
    }

    pub(super) fn stop(&self, stop: Stop) {
        if let Some(supervised) = &self.supervised {
            supervised.stop(stop);
        }
    }

    fn start(&mut self) {
        if self.supervised.is_some() || self.resting.over {
            return;
        }
        let Start { host, pod, ports, changed, notices } = &*self.start;
        let current = Arc::clone(&lock(pod));
        let (namespace, name) = (current.namespace().unwrap_or_default(), current.name_any());
        let uid = current.uid().unwrap_or_default();
        let own = &self.container.name;
        let container = container::Container {
            name: own.clone(),
            title: format!("{namespace}/{name}/{own}"),
            unique: format!("{uid}-{own}"),
            pod: format!("{name}_{namespace}({uid})"),
            logs: host.supervisor.logs().container(&namespace, &name, &uid, own),
            restart: self.restart,
            earlier: self.earlier.clone(),
        };
        let source =
            Declared::new(Arc::clone(host), Arc::clone(pod), self.container.clone(), Arc::clone(ports));
        let supervised =
            host.supervisor.supervise(container, Arc::new(source), Arc::clone(changed), notices.clone());
        self.supervised = Some(supervised);
    }
}

fn status_of<'a>(pod: &'a Pod, name: &str, role: Role) -> Option<&'a ContainerStatus> {
    let status = pod.status.as_ref()?;
    let statuses = match role {
        Role::Main => status.container_statuses.as_ref(),
        Role::Init | Role::Sidecar => status.init_container_statuses.as_ref(),
    };
    statuses?.iter().find(|status| status.name == name)
}
