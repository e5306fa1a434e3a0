//! The life of a container: prepare, start, watch over, and again after a while.
//!
//! It ends when it is told to, or when the container ended and is not to be started again. Its only effects on the world
//! are the process, its log and its control groups; all that happens is told through the state and the notices.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, mpsc, watch};

use super::run::{Run, Surroundings};
use super::{Container, Current, Notice, Prepared, Readiness, Source, State, Stop, Terminated, Unprepared};
use crate::backoff::{Backoff, in_words};
use crate::command;
use crate::logs::{Writer, copy};
use crate::probe::check::Executor;
use crate::probe::{Finding, Kind};
use crate::process::{Exit, Process};
use crate::supervisor::Supervisor;

/// A container that is supervised.
pub(crate) struct Life {
    pub(crate) supervisor: Arc<Supervisor>,
    pub(crate) container: Container,
    pub(crate) source: Arc<dyn Source>,
    pub(crate) orders: watch::Receiver<Option<Stop>>,
    pub(crate) state: watch::Sender<State>,
    pub(crate) changed: Arc<Notify>,
    pub(crate) notices: mpsc::UnboundedSender<Notice>,
}

impl Life {
    /// Lives it.
    pub(crate) async fn live(mut self) {
        let mut backoff = Backoff::after_earlier_ends(self.container.earlier.is_some());
        let mut number = self.container.earlier.as_ref().map_or(0, |(restarts, _)| restarts + 1);
        while let Some(prepared) = self.prepare().await {
            let (ended, ran) = self.run(number, prepared).await;
            number += 1;
            let started = ended.id.is_some();
            let exit_code = ended.exit_code;
            self.update(|state| state.rest(ended));
            if self.is_stopping() || !self.container.restart.applies(exit_code) {
                break;
            }
            // To start again at once what cannot be started would only hide why.
            let wait = if started { backoff.after(ran) } else { backoff.after_failed_start() };
            if !wait.is_zero() && self.wait(wait).await.is_none() {
                break;
            }
        }
        self.update(State::finish);
    }

    /// What a start needs, as soon as it is there; nothing if the container is told to end before.
    async fn prepare(&mut self) -> Option<Prepared> {
        loop {
            let source = Arc::clone(&self.source);
            let Unprepared { reason, message } = tokio::select! {
                biased;
                () = self.told_to_stop() => return None,
                prepared = source.prepare() => match prepared {
                    Ok(prepared) => return Some(prepared),
                    Err(unprepared) => unprepared,
                },
            };
            self.warn("Failed", format!("Error: {message}"));
            self.update(|state| state.current = Current::Waiting { reason, message: Some(message) });
            tokio::select! {
                () = self.told_to_stop() => return None,
                () = source.changed() => {}
            }
        }
    }

    /// One run from start to end, and how long it was.
    async fn run(&mut self, number: u32, prepared: Prepared) -> (Terminated, Duration) {
        let mut run = match self.start(number, prepared).await {
            Ok(run) => run,
            Err(message) => {
                self.warn("Failed", format!("Error: {message}"));
                let first = self.state.borrow().last.is_none();
                if first {
                    let message = Some(message.clone());
                    self.update(|state| {
                        state.current = Current::Waiting { reason: "RunContainerError", message }
                    });
                }
                return (Terminated::not_started(number, message), Duration::ZERO);
            }
        };
        let exit = self.watch_over(&mut run).await;
        run.finish(exit).await
    }

    async fn start(&mut self, number: u32, prepared: Prepared) -> Result<Run, String> {
        self.update(|state| state.begin(number));
        let groups =
            self.supervisor.cgroups.create(&format!("{}-{number}", self.container.unique), prepared.limits);
        let launch =
            command::launch(&prepared.command, prepared.environment.clone(), prepared.folder.clone());
        let mut launch = launch.map_err(|error| error.to_string())?;
        launch.cgroups = groups.folders();
        let supervisor = &self.supervisor;
        let started =
            Process::start(&supervisor.shim, &supervisor.leftovers, &self.container.title, &launch).await;
        let (process, output) = started.map_err(|error| error.to_string())?;
        let log = Writer::create(&supervisor.logs, &self.container.logs, number);
        let log = log.map_err(|error| format!("the log cannot be written: {error}"))?;
        let executor = Executor {
            shim: supervisor.shim.clone(),
            leftovers: supervisor.leftovers.clone(),
            title: self.container.title.clone(),
            container: launch,
        };
        let log = tokio::spawn(copy(output, log));
        let mut run = Run::new(number, process, Surroundings { executor, prepared, groups, log });
        self.tell_of_start(&run);
        self.begin_probes(&mut run);
        Ok(run)
    }

    fn tell_of_start(&mut self, run: &Run) {
        self.note("Created", "Container created".to_owned());
        self.note("Started", "Container started".to_owned());
        let limits = run.prepared.limits;
        let unlimited = |is_limited: bool| !(is_limited && run.process.limited);
        if run.number == 0 && limits.memory.is_some() && unlimited(run.groups.limits_memory()) {
            self.warn("MemoryLimitNotEnforced", not_enforced("memory", &self.container.name));
        }
        if run.number == 0 && limits.cpu.is_some() && unlimited(run.groups.limits_cpu()) {
            self.warn("CPULimitNotEnforced", not_enforced("CPU", &self.container.name));
        }
    }

    fn begin_probes(&mut self, run: &mut Run) {
        let startup = run.prepared.startup.clone();
        let started = startup.is_none();
        let ready = started && run.prepared.readiness == Readiness::Running;
        let current = Current::Running { id: run.id.clone(), run: run.number, since: run.since };
        self.update(|state| {
            *state = State { current, started, ready, remark: None, ..state.clone() };
        });
        match startup {
            Some(startup) => run.probe(Kind::Startup, startup),
            None => run.begin_lasting_probes(),
        }
    }

    /// Waits for the end of a run, or brings it about.
    async fn watch_over(&mut self, run: &mut Run) -> Exit {
        loop {
            let finding = tokio::select! {
                exit = run.process.wait() => return exit,
                () = self.told_to_stop() => return self.end(run, None).await,
                Some(finding) = run.findings.recv() => finding,
            };
            match finding {
                Finding::Bad(kind, why) => self.tell_of_bad_answer(run, kind, why),
                Finding::Success(Kind::Startup) => {
                    let ready = run.prepared.readiness == Readiness::Running;
                    self.update(|state| (state.started, state.ready) = (true, ready));
                    run.begin_lasting_probes();
                }
                Finding::Success(Kind::Readiness | Kind::Listening) => {
                    self.update(|state| (state.ready, state.remark) = (true, None));
                }
                Finding::Failure(Kind::Readiness) => self.update(|state| state.ready = false),
                Finding::Failure(kind @ (Kind::Startup | Kind::Liveness)) => {
                    return self.end(run, Some(kind)).await;
                }
                Finding::Success(Kind::Liveness) | Finding::Failure(Kind::Listening) => {}
            }
        }
    }

    fn tell_of_bad_answer(&mut self, run: &Run, kind: Kind, why: String) {
        let title = kind.title();
        let Some(port) = run.expected_port().filter(|_| kind == Kind::Listening) else {
            return self.warn("Unhealthy", format!("{title} probe failed: {why}"));
        };
        let name = &self.container.name;
        let remark = format!("{name} does not listen on port {port}, which the variable PORT tells it to");
        self.warn("Unhealthy", format!("{title} probe failed: {remark}: {why}"));
        self.update(|state| state.remark = Some(remark));
    }

    /// Waits before the next start; nothing if the container is told to end meanwhile.
    async fn wait(&mut self, wait: Duration) -> Option<()> {
        let Container { name, pod, .. } = &self.container;
        let message = format!("back-off {} restarting failed container={name} pod={pod}", in_words(wait));
        let event = format!("Back-off restarting failed container {name} in pod {pod}");
        self.warn("BackOff", event);
        self.update(|state| state.back_off(message));
        tokio::select! {
            () = self.told_to_stop() => None,
            () = tokio::time::sleep(wait) => Some(()),
        }
    }

    pub(super) fn update(&self, change: impl FnOnce(&mut State)) {
        self.state.send_modify(change);
        self.changed.notify_one();
    }

    pub(super) fn note(&self, reason: &'static str, message: String) {
        self.tell(false, reason, message);
    }

    pub(super) fn warn(&self, reason: &'static str, message: String) {
        self.tell(true, reason, message);
    }

    fn tell(&self, warning: bool, reason: &'static str, message: String) {
        // Nobody listens any more when the kubelet itself ends.
        let _ =
            self.notices.send(Notice { container: self.container.name.clone(), warning, reason, message });
    }

    fn is_stopping(&self) -> bool {
        self.orders.borrow().is_some()
    }

    async fn told_to_stop(&mut self) {
        if self.orders.wait_for(Option::is_some).await.is_err() {
            // Whoever could have told it is gone; the process is killed when this future is dropped.
            std::future::pending::<()>().await;
        }
    }
}

fn not_enforced(what: &str, container: &str) -> String {
    format!(
        "The {what} limit of container {container} is not enforced: no control group can be made for it here"
    )
}
