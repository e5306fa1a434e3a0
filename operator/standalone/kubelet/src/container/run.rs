//! One run of a container: its process, its probes, its log and its control groups, from start to end.

use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::Instant;

use super::{Prepared, Readiness, Terminated};
use crate::cgroup::Groups;
use crate::probe::check::Executor;
use crate::probe::{self, Finding, Kind, Probe};
use crate::process::{Exit, Process};

/// What is still in a pipe is read in an instant; this is for the case that the disk does not take it.
const LAST_OUTPUT: Duration = Duration::from_secs(2);

/// A process and what belongs to it. Dropping it kills.
pub(super) struct Run {
    pub(super) number: u32,
    pub(super) id: String,
    pub(super) since: Timestamp,
    pub(super) process: Process,
    pub(super) executor: Executor,
    pub(super) prepared: Prepared,
    pub(super) groups: Groups,
    pub(super) findings: mpsc::UnboundedReceiver<Finding>,
    began: Instant,
    log: JoinHandle<()>,
    finding: mpsc::UnboundedSender<Finding>,
    probes: JoinSet<()>,
}

/// What is there before the run is.
pub(super) struct Surroundings {
    pub(super) executor: Executor,
    pub(super) prepared: Prepared,
    pub(super) groups: Groups,
    pub(super) log: JoinHandle<()>,
}

impl Run {
    pub(super) fn new(number: u32, process: Process, surroundings: Surroundings) -> Self {
        let Surroundings { executor, prepared, groups, log } = surroundings;
        let (finding, findings) = mpsc::unbounded_channel();
        Self {
            number,
            id: format!("process://{}.{}", process.pid, process.started),
            since: Timestamp::now(),
            process,
            executor,
            prepared,
            groups,
            findings,
            began: Instant::now(),
            log,
            finding,
            probes: JoinSet::new(),
        }
    }

    /// Begins to ask this.
    pub(super) fn probe(&mut self, kind: Kind, probe: Probe) {
        self.probes.spawn(probe::attend(kind, probe, self.executor.clone(), self.finding.clone()));
    }

    /// Begins to ask what is asked as long as the container runs.
    pub(super) fn begin_lasting_probes(&mut self) {
        match self.prepared.readiness.clone() {
            Readiness::Running => {}
            Readiness::Listening(probe) => self.probe(Kind::Listening, probe),
            Readiness::Probed(probe) => self.probe(Kind::Readiness, probe),
        }
        if let Some(liveness) = self.prepared.liveness.clone() {
            self.probe(Kind::Liveness, liveness);
        }
    }

    /// The port that the process must accept connections on to be ready, if that is all that is asked of it.
    pub(super) fn expected_port(&self) -> Option<u16> {
        match &self.prepared.readiness {
            Readiness::Listening(Probe { action: probe::Action::Tcp { port, .. }, .. }) => Some(*port),
            _ => None,
        }
    }

    /// Brings the run to its end after the process has come to its own, and says how long it was.
    pub(super) async fn finish(mut self, exit: Exit) -> (Terminated, Duration) {
        let finished_at = Timestamp::now();
        let ran = self.began.elapsed();
        self.probes.shutdown().await;
        if tokio::time::timeout(LAST_OUTPUT, &mut self.log).await.is_err() {
            self.log.abort();
        }
        let killed = exit.signal.is_some() || exit.code == 137;
        let reason = match exit.code {
            0 => "Completed",
            _ if killed && self.groups.ran_out_of_memory() => "OOMKilled",
            _ => "Error",
        };
        let terminated = Terminated {
            id: Some(self.id),
            run: self.number,
            exit_code: exit.code,
            signal: exit.signal,
            reason,
            message: None,
            started_at: self.since,
            finished_at,
        };
        (terminated, ran)
    }
}
