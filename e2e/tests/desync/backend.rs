//! The backends: a kind of server comes in, a running one goes out, and when it has ended, everything that it saw.
//!
//! Each writes a line of JSON for every request, as `e2e/backends/go/main.go` describes it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use e2e::definitions::repository;
use e2e::process::Process;
use e2e::{ports, tools};
use rustix::process::Signal;
use serde::Deserialize;

use crate::router::listens;

const PATIENCE: Duration = Duration::from_secs(30);

/// A server with an HTTP parser of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Nginx,
    Node,
    Python,
    Go,
}

/// A request as a backend saw it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Record {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) host: String,
    /// What the router puts into each request that it forwards.
    pub(crate) marks: String,
    pub(crate) body: String,
    pub(crate) whole: bool,
    /// Why the server refused it; nothing else is known of such a request.
    pub(crate) refused: Option<String>,
}

/// A running server; it is killed when it is dropped.
pub(crate) struct Backend {
    kind: Kind,
    process: Process,
    address: SocketAddr,
    log: PathBuf,
}

impl Kind {
    pub(crate) const ALL: [Self; 4] = [Self::Nginx, Self::Node, Self::Python, Self::Go];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Nginx => "nginx",
            Self::Node => "node",
            Self::Python => "python",
            Self::Go => "go",
        }
    }

    /// The program that the machine lacks.
    pub(crate) fn missing(self) -> Option<&'static str> {
        let program = match self {
            Self::Node => "node",
            Self::Python => "python3",
            Self::Nginx | Self::Go => return None, // the scripts in e2e/tools get them
        };
        let found =
            Command::new(program).arg("--version").output().is_ok_and(|output| output.status.success());
        (!found).then_some(program)
    }

    async fn command(self, address: SocketAddr, folder: &Path, log: &Path) -> Result<Command> {
        let mut command = match self {
            Self::Nginx => {
                let text = std::fs::read_to_string(repository("e2e/backends/nginx.conf"))?
                    .replace("PORT", &address.port().to_string())
                    .replace("LOG", &log.display().to_string())
                    .replace("FOLDER", &folder.display().to_string());
                let config = folder.join("nginx.conf");
                std::fs::write(&config, text)?;
                let mut command = Command::new(tools::nginx().await?);
                command.args(["-e", "stderr", "-p"]).arg(folder).arg("-c").arg(config);
                return Ok(command);
            }
            Self::Node => program("node", "e2e/backends/node.js"),
            Self::Python => program("python3", "e2e/backends/python.py"),
            Self::Go => Command::new(tools::go_backend().await?),
        };
        command.arg(address.port().to_string()).arg(log);
        Ok(command)
    }
}

fn program(interpreter: &str, script: &str) -> Command {
    let mut command = Command::new(interpreter);
    command.arg(repository(script));
    command
}

impl Backend {
    pub(crate) async fn start(kind: Kind, folder: &Path) -> Result<Self> {
        let address = ports::free()?;
        let log = folder.join("requests.json");
        let command = kind.command(address, folder, &log).await?;
        let mut process = Process::start(kind.name(), command, folder, None)?;
        listens(&mut process, address).await.with_context(|| process.tail())?;
        Ok(Self { kind, process, address, log })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Lets it finish what it does, and reads what it saw, in its order.
    pub(crate) async fn stop(mut self) -> Result<Vec<Record>> {
        let signal = if self.kind == Kind::Nginx { Signal::QUIT } else { Signal::TERM };
        self.process.signal(signal)?;
        self.process.ended(PATIENCE).await?;
        let log = std::fs::read(&self.log).context("read what the backend saw")?;
        let parse = |line: &str| serde_json::from_str(line).with_context(|| format!("not a record: {line}"));
        String::from_utf8_lossy(&log).lines().map(parse).collect()
    }
}
