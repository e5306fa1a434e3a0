//! A container without Kubernetes: what it is made of, the states it goes through, how it is told to end.
//!
//! `container/life.rs` is the life of one, from the first start to the last end, `container/run.rs` is one run of it,
//! `container/ending.rs` how a run is ended and `container/state.rs` how states follow each other. What it needs to start comes from a [`Source`], asked again before each start; what becomes of it goes out as
//! [`State`]s and [`Notice`]s.

mod ending;
mod life;
mod run;
mod state;

use std::path::PathBuf;
use std::time::Duration;

use futures::future::BoxFuture;
use jiff::Timestamp;

use crate::cgroup::Limits;
use crate::probe::{Action, Probe};

pub(crate) use life::Life;

/// What does not change from start to start.
#[derive(Clone, Debug)]
pub struct Container {
    /// Its name in the Pod.
    pub name: String,
    /// What `ps` shows.
    pub title: String,
    /// Its name among all containers of the machine, for its control groups.
    pub unique: String,
    /// Which Pod it is in, for a message: `name_namespace(uid)`.
    pub pod: String,
    /// Where its logs are.
    pub logs: PathBuf,
    /// Whether it is started again after an end.
    pub restart: Restart,
    /// How often it was restarted by an earlier run of the kubelet, and how that ended.
    pub earlier: Option<(u32, Terminated)>,
}

/// Whether a container is started again after it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Restart {
    /// Whatever the exit code.
    Always,
    /// Unless the exit code is 0.
    OnFailure,
    /// Not.
    Never,
}

impl Restart {
    pub(crate) fn applies(self, exit_code: i32) -> bool {
        match self {
            Self::Always => true,
            Self::OnFailure => exit_code != 0,
            Self::Never => false,
        }
    }
}

/// What a start needs.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// The program and its arguments; not empty.
    pub command: Vec<String>,
    /// The whole environment.
    pub environment: Vec<(String, String)>,
    /// Where it runs.
    pub folder: PathBuf,
    /// What it may use.
    pub limits: Limits,
    /// The other probes wait for this one.
    pub startup: Option<Probe>,
    /// When it is ready.
    pub readiness: Readiness,
    /// When it must be ended and started again.
    pub liveness: Option<Probe>,
    /// What happens before it is told to end.
    pub pre_stop: Option<Hook>,
    /// How long it may take to end.
    pub grace: Duration,
}

/// When a container that runs is ready.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// At once.
    Running,
    /// From the moment on that it accepts a connection on this port.
    Listening(Probe),
    /// As long as this probe says so.
    Probed(Probe),
}

/// What happens before a container is told to end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hook {
    /// Nothing, for this long.
    Sleep(Duration),
    /// It is told something.
    Tell(Action),
}

/// Why there is nothing to start yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unprepared {
    /// One word, as it is shown for the state.
    pub reason: &'static str,
    /// A sentence.
    pub message: String,
}

/// Where a container gets what it needs to start.
pub trait Source: Send + Sync {
    /// Brings everything together.
    fn prepare(&self) -> BoxFuture<'_, Result<Prepared, Unprepared>>;

    /// Ends when it may be worth it to ask again. Only called after `prepare` has failed.
    fn changed(&self) -> BoxFuture<'_, ()>;
}

/// Tells a container to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stop {
    /// After this it is killed. It can be shortened by another order.
    pub grace: Duration,
    /// Whether time is given to those who still send requests: not if everything ends.
    pub drain: bool,
}

/// What a container is doing, and what it has done.
#[derive(Clone, Debug, PartialEq)]
pub struct State {
    /// What it is doing.
    pub current: Current,
    /// How the run before ended.
    pub last: Option<Terminated>,
    /// How often it was started again.
    pub restarts: u32,
    /// Whether it runs and has passed its startup probe.
    pub started: bool,
    /// Whether requests may be sent to it.
    pub ready: bool,
    /// Why it is not ready, if that needs to be said.
    pub remark: Option<String>,
    /// Whether nothing more will happen.
    pub over: bool,
}

/// What a container is doing.
#[derive(Clone, Debug, PartialEq)]
pub enum Current {
    /// It is about to start.
    Waiting {
        /// Why it has not, in one word.
        reason: &'static str,
        /// And in a sentence.
        message: Option<String>,
    },
    /// It runs.
    Running {
        /// Its id, the process's id in it.
        id: String,
        /// The number of the run, counted from 0.
        run: u32,
        /// Since when.
        since: Timestamp,
    },
    /// It has ended.
    Terminated(Terminated),
}

/// How a run of a container ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Terminated {
    /// Its id; none if it did not start.
    pub id: Option<String>,
    /// The number of the run, counted from 0.
    pub run: u32,
    /// The exit code, or 128 and the signal.
    pub exit_code: i32,
    /// The signal.
    pub signal: Option<i32>,
    /// One word.
    pub reason: &'static str,
    /// A sentence, if there is more to say.
    pub message: Option<String>,
    /// When it started.
    pub started_at: Timestamp,
    /// When it ended.
    pub finished_at: Timestamp,
}

/// Something that happened, to be told as an Event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Which container.
    pub container: String,
    /// Whether somebody should look after it.
    pub warning: bool,
    /// One word.
    pub reason: &'static str,
    /// A sentence.
    pub message: String,
}
