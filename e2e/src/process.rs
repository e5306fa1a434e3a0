//! A child process with a log: a command line comes in, a running process goes out, which is killed when it is dropped.
//! It does not depend on an async runtime, so one can outlive the test that started it.

use std::fs::{File, OpenOptions, read_to_string};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};

use crate::wait::eventually;

/// How many lines of a log an error shows.
const TAIL: usize = 20;

/// A running child process.
#[derive(Debug)]
pub struct Process {
    name: String,
    log: PathBuf,
    child: Child,
}

impl Process {
    /// Starts `command` with standard error appended to `<logs>/<name>.log`; standard output goes there too,
    /// unless `stdout` names another file.
    ///
    /// # Errors
    /// When the log cannot be written or the program cannot be started.
    pub fn start(name: &str, mut command: Command, logs: &Path, stdout: Option<&Path>) -> Result<Self> {
        let log = logs.join(format!("{name}.log"));
        let stderr = append(&log)?;
        let stdout = match stdout {
            Some(path) => append(path)?,
            None => stderr.try_clone()?,
        };
        let child = command
            .stdin(Stdio::null())
            .stdout(stdout)
            .stderr(stderr)
            .process_group(0) // Ctrl-C is for us: we end the children in order
            .spawn()
            .with_context(|| format!("start {}", command.get_program().display()))?;
        Ok(Self { name: name.to_owned(), log, child })
    }

    /// An error that shows the end of the log if the process has ended.
    ///
    /// # Errors
    /// When it has ended.
    pub fn check(&mut self) -> Result<()> {
        match self.child.try_wait()? {
            None => Ok(()),
            Some(status) => bail!("{} ended with {status}; {}", self.name, self.tail()),
        }
    }

    /// The end of the log, for an error message.
    #[must_use]
    pub fn tail(&self) -> String {
        let text = read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        let tail = lines[lines.len().saturating_sub(TAIL)..].join("\n");
        format!("the end of {}:\n{tail}", self.log.display())
    }

    /// The file with what the process printed.
    #[must_use]
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// The process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Kills the process at once (SIGKILL) and reaps it.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn kill9(&mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Asks the process to end (SIGTERM) and waits until it has.
    ///
    /// # Errors
    /// When it has not ended within `limit`.
    pub async fn terminate(&mut self, limit: Duration) -> Result<ExitStatus> {
        self.signal(Signal::TERM)?;
        self.ended(limit).await
    }

    /// Waits until the process ends by itself.
    ///
    /// # Errors
    /// When it has not ended within `limit`.
    pub async fn ended(&mut self, limit: Duration) -> Result<ExitStatus> {
        let Self { name, child, .. } = self;
        let what = format!("{name} has ended");
        eventually(&what, limit, || {
            let status = child.try_wait().map_err(Into::into);
            async move { status.and_then(|status| status.context("it is still running")) }
        })
        .await
    }

    /// Sends a signal.
    ///
    /// # Errors
    /// When the process is gone.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        let id = i32::try_from(self.child.id())?;
        let id = Pid::from_raw(id).context("a process id is never 0")?;
        kill_process(id, signal).with_context(|| format!("send {signal:?} to {}", self.name))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.kill9();
    }
}

fn append(path: &Path) -> Result<File> {
    let file = OpenOptions::new().create(true).append(true).open(path);
    file.with_context(|| format!("write {}", path.display()))
}
