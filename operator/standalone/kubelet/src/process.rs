//! One running process with its shim: started, signalled, awaited.
//!
//! Dropping it kills: the socket to the shim ends, and the shim then kills everything below it. Nothing in here knows
//! what a Pod is.

use std::io;
use std::os::unix::net::UnixStream as StdUnixStream;
use std::process::Stdio;

use rustix::io::Errno;
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::process::{Child, ChildStderr, ChildStdout, Command};

use crate::leftovers::{Leftovers, Record};
use crate::procfs;
use crate::shim::protocol::{Launch, Order, Report};
use crate::shim::{self, Shim};

/// Why a process did not start.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    /// The file to execute names an interpreter that is not there.
    #[error("{file}: the interpreter that the file names is not there")]
    NoInterpreter {
        /// The file.
        file: String,
    },
    /// The file is neither a program of this machine nor a script.
    #[error(
        "{file}: not a program of this machine, and no script that names its interpreter in a first line `#!`"
    )]
    NotAProgram {
        /// The file.
        file: String,
    },
    /// The system refused.
    #[error("{file}: {message}")]
    Refused {
        /// The file.
        file: String,
        /// The system's words.
        message: String,
    },
    /// The process between the kubelet and the container could not be started.
    #[error("the process that supervises the container cannot be started")]
    Shim(#[source] io::Error),
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Exit {
    /// Its exit code, or 128 and the signal.
    pub(crate) code: i32,
    /// The signal that ended it.
    pub(crate) signal: Option<i32>,
}

/// A process that runs.
#[derive(Debug)]
pub(crate) struct Process {
    /// Its id, which is also the id of its process group.
    pub(crate) pid: i32,
    /// When it started, in the kernel's own count: with the id, it is this process and no other.
    pub(crate) started: u64,
    /// Whether it is in all of its control groups.
    pub(crate) limited: bool,
    exit: Option<Exit>,
    shim: Child,
    orders: OwnedWriteHalf,
    reports: Lines<BufReader<OwnedReadHalf>>,
    /// Forgets the process when this is dropped.
    _record: Record,
}

/// What a process prints.
#[derive(Debug)]
pub(crate) struct Output {
    /// Its standard output.
    pub(crate) stdout: ChildStdout,
    /// Its standard error.
    pub(crate) stderr: ChildStderr,
}

impl Process {
    /// Starts a process. `title` is for those who read `ps`.
    pub(crate) async fn start(
        shim: &Shim,
        leftovers: &Leftovers,
        title: &str,
        launch: &Launch,
    ) -> Result<(Self, Output), StartError> {
        let (mut child, control) = spawn_shim(shim, title).map_err(StartError::Shim)?;
        let output = Output {
            stdout: child.stdout.take().expect("standard output is piped"),
            stderr: child.stderr.take().expect("standard error is piped"),
        };
        let (reports, mut orders) = control.into_split();
        let mut line = serde_json::to_vec(launch).map_err(|error| StartError::Shim(error.into()))?;
        line.push(b'\n');
        orders.write_all(&line).await.map_err(StartError::Shim)?;
        let mut reports = BufReader::new(reports).lines();
        let (pid, limited) = match next_report(&mut reports).await {
            Some(Report::Started { pid, limited }) => (pid, limited),
            Some(Report::Refused { errno, message }) => return Err(refusal(launch, errno, message)),
            Some(Report::Ended { .. }) | None => return Err(StartError::Shim(died(&mut child).await)),
        };
        let started = procfs::stat(pid).map_or(0, |stat| stat.started);
        let record = leftovers.record(child.id(), pid, started);
        Ok((
            Self { pid, started, limited, exit: None, shim: child, orders, reports, _record: record },
            output,
        ))
    }

    /// Asks the process and its group to end.
    pub(crate) fn terminate(&self) {
        self.order(Order::Terminate);
    }

    /// Ends the process, its group and everything that came of them.
    pub(crate) fn kill(&self) {
        self.order(Order::Kill);
    }

    // An order is a few bytes, and the shim reads them at once: they always fit the socket.
    fn order(&self, order: Order) {
        let line = match order {
            Order::Terminate => "\"Terminate\"\n",
            Order::Kill => "\"Kill\"\n",
        };
        if let Err(error) = self.orders.try_write(line.as_bytes()) {
            tracing::debug!(%error, pid = self.pid, "the process has ended already");
        }
    }

    /// Waits until the process has ended and nothing that it started is left. Nothing is lost if the future is dropped
    /// before.
    pub(crate) async fn wait(&mut self) -> Exit {
        let exit = match self.exit {
            Some(exit) => exit,
            None => self.ended().await,
        };
        self.exit = Some(exit);
        if let Err(error) = self.shim.wait().await {
            tracing::warn!(%error, pid = self.pid, "cannot wait for the process that supervised a container");
        }
        exit
    }

    async fn ended(&mut self) -> Exit {
        if let Some(Report::Ended { code, signal }) = next_report(&mut self.reports).await {
            return Exit { code: code.unwrap_or_else(|| 128 + signal.unwrap_or_default()), signal };
        }
        // Somebody killed the shim: the process must not be left to itself.
        if let Some(group) = Pid::from_raw(self.pid).filter(|_| self.is_the_same()) {
            let _ = kill_process_group(group, Signal::KILL);
        }
        let kill = Signal::KILL.as_raw();
        Exit { code: 128 + kill, signal: Some(kill) }
    }

    fn is_the_same(&self) -> bool {
        procfs::stat(self.pid).is_some_and(|stat| stat.started == self.started)
    }
}

fn spawn_shim(shim: &Shim, title: &str) -> io::Result<(Child, UnixStream)> {
    let (ours, theirs) = StdUnixStream::pair()?;
    ours.set_nonblocking(true)?;
    let child = Command::new(&shim.program)
        .arg0(shim::NAME)
        .args(&shim.arguments)
        .arg(title)
        .stdin(Stdio::from(std::os::fd::OwnedFd::from(theirs)))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    Ok((child, UnixStream::from_std(ours)?))
}

async fn next_report(reports: &mut Lines<BufReader<OwnedReadHalf>>) -> Option<Report> {
    let line = reports.next_line().await.ok()??;
    serde_json::from_str(&line).ok()
}

async fn died(shim: &mut Child) -> io::Error {
    match shim.wait().await {
        Ok(status) => io::Error::other(format!("it ended with {status} before it reported")),
        Err(error) => error,
    }
}

/// The file was looked at before, so that what is missing now is what the file itself asks for.
fn refusal(launch: &Launch, errno: Option<i32>, message: String) -> StartError {
    let file = launch.program.display().to_string();
    match errno.map(Errno::from_raw_os_error) {
        Some(Errno::NOENT) => StartError::NoInterpreter { file },
        Some(Errno::NOEXEC) => StartError::NotAProgram { file },
        _ => StartError::Refused { file, message },
    }
}
