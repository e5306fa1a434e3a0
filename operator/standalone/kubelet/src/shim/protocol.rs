//! What the kubelet and the process between it and a container say to each other: JSON, one value a line.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// The first line: what to run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Launch {
    /// The file to execute.
    pub(crate) program: PathBuf,
    /// What the program is told that it is called.
    pub(crate) name: String,
    /// What follows on the command line.
    pub(crate) arguments: Vec<String>,
    /// The whole environment.
    pub(crate) environment: Vec<(String, String)>,
    /// Where it runs.
    pub(crate) folder: PathBuf,
    /// The control groups that it joins first.
    pub(crate) cgroups: Vec<PathBuf>,
}

/// The lines after it. That there is none any more means: kill.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Order {
    /// SIGTERM to the process group.
    Terminate,
    /// SIGKILL to the process group.
    Kill,
}

/// The answers: either `Refused`, or `Started` and then `Ended`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Report {
    /// The process runs; its id is the id of its group.
    Started {
        /// The process id.
        pid: i32,
        /// Whether it is in all of its control groups.
        limited: bool,
    },
    /// The process could not be started.
    Refused {
        /// The system's error, if it was one.
        errno: Option<i32>,
        /// The error in words.
        message: String,
    },
    /// The process ended, and everything that it had started is gone.
    Ended {
        /// With this exit code,
        code: Option<i32>,
        /// or by this signal.
        signal: Option<i32>,
    },
}
