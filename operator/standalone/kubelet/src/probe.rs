//! Whether a container has started, is ready, is alive: plain data, as a Pod declares it with all defaults and ports put in.
//!
//! `probe/check.rs` asks once, `probe/tally.rs` decides what the answers mean and when to ask again, and `attend` does
//! both for as long as the container runs. A process of this machine is up in milliseconds, so until the first success it is
//! asked far more often than its period says; what fails meanwhile counts no more often than the period says.

pub(crate) mod check;
mod tally;

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;

use check::Executor;
use tally::{Tally, pause};

/// A question that is asked again and again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probe {
    /// The question.
    pub action: Action,
    /// How long after the start it is asked first.
    pub initial_delay: Duration,
    /// How often it is asked.
    pub period: Duration,
    /// How long an answer may take.
    pub timeout: Duration,
    /// As many good answers in a row are a success.
    pub success_threshold: u32,
    /// As many bad answers in a row are a failure.
    pub failure_threshold: u32,
    /// How long the container may take to end after a failure, if that is not the Pod's grace period.
    pub grace: Option<Duration>,
}

/// How a container is asked, or told, something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// An HTTP request whose answer has a status from 200 to 399.
    HttpGet {
        /// The name or address to connect to.
        host: String,
        /// The port to connect to.
        port: u16,
        /// The path, with a slash first.
        path: String,
        /// Headers beside those that every request has.
        headers: Vec<(String, String)>,
    },
    /// A TCP connection that is accepted.
    Tcp {
        /// The name or address to connect to.
        host: String,
        /// The port to connect to.
        port: u16,
    },
    /// A command with the container's environment that ends with exit code 0.
    Exec(Vec<String>),
}

/// What a probe is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The other probes wait for it; a container that fails it is ended.
    Startup,
    /// Decides whether requests are sent to the container.
    Readiness,
    /// A container that fails it is ended.
    Liveness,
    /// Asked of a container that declares a port and no readiness: its port must accept once.
    Listening,
}

impl Kind {
    fn ends_with_success(self) -> bool {
        matches!(self, Self::Startup | Self::Listening)
    }

    /// As Events begin.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Startup => "Startup",
            Self::Readiness | Self::Listening => "Readiness",
            Self::Liveness => "Liveness",
        }
    }
}

/// What a probe found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Finding {
    /// An answer was bad, and why. It counts.
    Bad(Kind, String),
    /// Enough good answers: it is as the probe wants it.
    Success(Kind),
    /// Enough bad answers: it is not.
    Failure(Kind),
}

/// Asks until it is dropped, or until the first success of a probe that is for that.
pub(crate) async fn attend(
    kind: Kind,
    probe: Probe,
    executor: Executor,
    findings: mpsc::UnboundedSender<Finding>,
) {
    tokio::time::sleep(probe.initial_delay).await;
    let begun = Instant::now();
    let mut tally = Tally::new(kind, &probe);
    loop {
        let answer = check::ask(&probe.action, probe.timeout, &executor).await;
        let found = tally.take(begun.elapsed(), answer.is_ok());
        // Nobody listens any more only if the container has ended, and then this is dropped.
        if let (Err(why), true) = (answer, found.counts) {
            let _ = findings.send(Finding::Bad(kind, why));
        }
        match found.verdict {
            Some(true) => {
                let _ = findings.send(Finding::Success(kind));
                if kind.ends_with_success() {
                    return;
                }
            }
            Some(false) => {
                let _ = findings.send(Finding::Failure(kind));
            }
            None => {}
        }
        tokio::time::sleep(pause(kind, probe.period, begun.elapsed(), tally.has_succeeded())).await;
    }
}
