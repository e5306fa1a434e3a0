//! Idle connections: each has had one answer, and waits for nothing.
//!
//! They are held by processes of their own (`crowd/part.rs`), as many as have the files for them; one line each way asks a part
//! whether its connections are still there.

pub(crate) mod part;

use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use clap::ValueEnum;
use futures::future::try_join_all;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use crate::OTHERS;
use crate::routers::Routers;

/// The program that is running, also when a newer build is where it was.
const SELF: &str = "/proc/self/exe";

/// How the connections speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    Plain,
    Tls,
}

impl Kind {
    /// As it is called in the report.
    pub(crate) fn idle(self) -> &'static str {
        match self {
            Self::Plain => "idle, without TLS",
            Self::Tls => "idle, with TLS",
        }
    }
}

/// All idle connections; they end when this is dropped.
pub(crate) struct Crowd(Vec<Part>);

/// Some of them.
struct Part {
    questions: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
    _process: Child,
}

impl Crowd {
    /// Opens `count` connections, from processes that may open so many files, and asks once on each.
    pub(crate) async fn gather(kind: Kind, routers: &Routers, count: u32, files: u32) -> Result<Self> {
        let to = if kind == Kind::Tls { routers.https } else { routers.http };
        let parts = count.div_ceil(files.saturating_sub(OTHERS).max(1));
        let first = |part: u32| u32::try_from(u64::from(count) * u64::from(part) / u64::from(parts));
        let mut crowd = Vec::new();
        for part in 0..parts {
            let numbers = first(part)?..first(part + 1)?;
            crowd.push(Part::start(part::Part { kind, to, first: numbers.start, end: numbers.end })?);
        }
        let mut crowd = Self(crowd);
        let gathered: u32 = try_join_all(crowd.0.iter_mut().map(Part::answer)).await?.iter().sum();
        ensure!(gathered == count, "{gathered} of {count} connections were opened");
        Ok(crowd)
    }

    /// Fails if a router has closed one of them.
    pub(crate) async fn is_whole(&mut self) -> Result<()> {
        let closed: u32 = try_join_all(self.0.iter_mut().map(Part::closed)).await?.iter().sum();
        ensure!(closed == 0, "{closed} idle connections were closed");
        Ok(())
    }
}

impl Part {
    fn start(part: part::Part) -> Result<Self> {
        let mut process = Command::new(SELF)
            .arg("part")
            .args(part.arguments())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let questions = process.stdin.take().context("a pipe was asked for")?;
        let answers = process.stdout.take().context("a pipe was asked for")?;
        Ok(Self { questions, answers: BufReader::new(answers).lines(), _process: process })
    }

    async fn answer(&mut self) -> Result<u32> {
        let line = self.answers.next_line().await?.context("a part of the crowd has ended")?;
        Ok(line.parse()?)
    }

    async fn closed(&mut self) -> Result<u32> {
        self.questions.write_all(b"\n").await?;
        self.answer().await
    }
}
