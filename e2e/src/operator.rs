//! The operator's own binary as a child process: a role, a kubeconfig and arguments come in,
//! a running `flynn-operator` goes out, which says on standard output where it listens.
//!
//! It does not depend on an async runtime, so one can outlive the test that started it.

use std::ffi::OsString;
use std::fs::read_to_string;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use crate::process::Process;
use crate::{eventually, http, tools, unique};

/// How long the operator may take to say where it listens, to get ready, or to end.
const PATIENCE: Duration = Duration::from_secs(60);

/// How to start the operator.
#[derive(Debug, Clone)]
pub struct Launch {
    role: String,
    kubeconfig: PathBuf,
    args: Vec<OsString>,
    env: Vec<(OsString, OsString)>,
}

impl Launch {
    /// `flynn-operator ROLE`, with the API server and the user of `kubeconfig`.
    pub fn new(role: &str, kubeconfig: impl Into<PathBuf>) -> Self {
        Self { role: role.to_owned(), kubeconfig: kubeconfig.into(), args: Vec::new(), env: Vec::new() }
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<A: Into<OsString>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Adds an environment variable.
    #[must_use]
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.env.push((name.into(), value.into()));
        self
    }

    fn command(&self) -> Result<Command> {
        let mut command = Command::new(tools::operator()?);
        command
            .arg(&self.role)
            .args(&self.args)
            .envs(self.env.iter().map(|(name, value)| (name, value)))
            .env("KUBECONFIG", &self.kubeconfig);
        Ok(command)
    }
}

/// Where a started operator listens, as it says itself.
#[derive(Debug, Clone, Deserialize)]
pub struct Listening {
    /// The router's plain HTTP address; a controller has none.
    pub http: Option<SocketAddr>,
    /// The router's HTTPS address; a controller has none.
    pub https: Option<SocketAddr>,
    /// The address of `/readyz`, `/livez` and `/metrics`.
    pub health: SocketAddr,
}

/// A running operator; it is killed when it is dropped.
#[derive(Debug)]
pub struct Operator {
    process: Process,
    listening: Listening,
}

impl Operator {
    /// Starts the operator with its logs in `logs`, and waits until it listens (not until it is ready).
    ///
    /// # Errors
    /// When it ends instead; the error shows the end of its log.
    pub async fn start(launch: &Launch, logs: &Path) -> Result<Self> {
        let name = unique(&launch.role);
        let stdout = logs.join(format!("{name}.stdout"));
        let mut process = Process::start(&name, launch.command()?, logs, Some(&stdout))?;
        let listening = eventually("the operator says where it listens", PATIENCE, || {
            let found = listening(&stdout);
            let ended = process.check().err();
            async { if let Some(ended) = ended { Ok(Err(ended)) } else { found.map(Ok) } }
        })
        .await??;
        Ok(Self { process, listening })
    }

    /// Runs the operator until it ends by itself, and returns how it ended and what it printed: for a start that fails.
    ///
    /// # Errors
    /// When it runs on.
    pub async fn run_to_end(launch: &Launch, logs: &Path) -> Result<(ExitStatus, String)> {
        let name = unique(&launch.role);
        let mut process = Process::start(&name, launch.command()?, logs, None)?;
        let status = process.ended(PATIENCE).await?;
        Ok((status, read_to_string(process.log())?))
    }

    /// Where it listens.
    #[must_use]
    pub fn listening(&self) -> &Listening {
        &self.listening
    }

    /// The router's plain HTTP address.
    ///
    /// # Errors
    /// When the role has no router.
    pub fn http(&self) -> Result<SocketAddr> {
        self.listening.http.context("this role listens for no HTTP")
    }

    /// The router's HTTPS address.
    ///
    /// # Errors
    /// When the role has no router.
    pub fn https(&self) -> Result<SocketAddr> {
        self.listening.https.context("this role listens for no HTTPS")
    }

    /// The child process: its id, its log, its signals.
    #[must_use]
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// An error that shows the end of the log if the process has ended.
    ///
    /// # Errors
    /// When it has ended.
    pub fn check(&mut self) -> Result<()> {
        self.process.check()
    }

    /// Waits until `/readyz` answers 200.
    ///
    /// # Errors
    /// When it does not, or the operator ends; the error shows the end of its log.
    pub async fn wait_ready(&mut self) -> Result<()> {
        let Self { process, listening } = self;
        let health = listening.health;
        let ready = eventually("the operator is ready", PATIENCE, || {
            let ended = process.check().err();
            async move {
                if let Some(ended) = ended {
                    return Ok(Err(ended));
                }
                let answer = http::get(health, "localhost", "/readyz").await?;
                ensure!(answer.status == 200, "/readyz: {} {}", answer.status, answer.text());
                Ok(Ok(()))
            }
        });
        ready.await.with_context(|| self.process.tail())?
    }

    /// Kills it at once (SIGKILL).
    ///
    /// # Errors
    /// When the system refuses.
    pub fn kill9(mut self) -> Result<()> {
        self.process.kill9()
    }

    /// Asks it to end (SIGTERM) and waits until it has.
    ///
    /// # Errors
    /// When it runs on.
    pub async fn terminate(mut self) -> Result<ExitStatus> {
        self.process.terminate(PATIENCE).await
    }
}

/// The line `{"event":"listening",...}` of the operator's standard output.
fn listening(stdout: &Path) -> Result<Listening> {
    #[derive(Deserialize)]
    struct Line {
        event: String,
        #[serde(flatten)]
        listening: Listening,
    }
    let text = read_to_string(stdout)?;
    let mut lines = text.lines().filter_map(|line| serde_json::from_str::<Line>(line).ok());
    let line = lines.find(|line| line.event == "listening");
    Ok(line.context("it has not said so yet")?.listening)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_listening_line_is_found_among_others() -> Result<()> {
        let file = tempfile::NamedTempFile::new()?;
        assert!(listening(file.path()).is_err());
        std::fs::write(file.path(), "starting\n{\"event\":\"listening\",\"health\":\"127.0.0.1:7\"}\n{}\n")?;
        let found = listening(file.path())?;
        assert_eq!((found.health.port(), found.http), (7, None));
        Ok(())
    }
}
