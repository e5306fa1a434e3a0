//! moto as a child process: nothing comes in, an address of 127.0.0.1 goes out where EC2, S3, IAM and STS are played.
//!
//! Each has a process of its own, so that IAM can be enforced for one test and not for another. It holds no images: with
//! those that moto brings, each start would take a second longer. It is killed when it is dropped.

use std::fs::read_to_string;
use std::net::SocketAddr;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

use crate::process::Process;
use crate::{Clock, eventually, http, tools};

/// How long it may take to start on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running moto.
#[derive(Debug)]
pub struct Moto {
    address: SocketAddr,
    _process: Process,
    _logs: TempDir,
}

impl Moto {
    /// Starts it on a free port, with a clock of its own if one is given, and waits until it answers.
    ///
    /// # Errors
    /// When it cannot be installed or does not start.
    pub async fn start(clock: Option<&Clock>) -> Result<Self> {
        let logs = tempfile::tempdir()?;
        let mut command = Command::new(tools::moto().await?);
        command.args(["-H", "127.0.0.1", "-p", "0"]).env("MOTO_EC2_LOAD_DEFAULT_AMIS", "false");
        command.envs(clock.into_iter().flat_map(Clock::environment));
        let mut process = Process::start("moto", command, logs.path(), None)?;
        let address = eventually("moto answers", PATIENCE, || {
            let started = process.check().and_then(|()| address(&process));
            async move {
                let address = started?;
                let state = http::get(address, "moto", "/moto-api/data.json").await?;
                ensure!(state.status == 200, "it answers {}", state.status);
                Ok(address)
            }
        })
        .await?;
        Ok(Self { address, _process: process, _logs: logs })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Refuses everything from now on that is not rightly signed by a user whose policies allow it.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn enforce_iam(&self) -> Result<()> {
        let calls_without = "0";
        let answer = http::post(self.address, "moto", "/moto-api/reset-auth", calls_without).await?;
        ensure!(answer.status == 200, "moto answers {}: {}", answer.status, answer.text());
        Ok(())
    }
}

/// Where it says that it listens.
fn address(process: &Process) -> Result<SocketAddr> {
    let log = read_to_string(process.log())?;
    let line = log.lines().find_map(|line| line.split_once("Running on http://"));
    let (_, address) = line.context("it does not listen yet")?;
    Ok(address.trim().parse()?)
}
