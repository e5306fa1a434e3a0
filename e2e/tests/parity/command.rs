//! The real kubectl and helm: words and standard input come in, what they printed goes out.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use e2e::tools;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

/// How long a command may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where the programs are.
#[derive(Debug, Clone)]
pub(crate) struct Programs {
    kubectl: PathBuf,
    helm: PathBuf,
}

/// What a command left.
#[derive(Debug, Default, Clone)]
pub(crate) struct Output {
    /// None: it was ended, since it had printed enough.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// A command that runs on while other steps are taken.
pub(crate) struct Background {
    /// The title of the step that started it.
    pub(crate) title: String,
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    read: Vec<String>,
}

impl Programs {
    pub(crate) async fn find() -> Result<Self> {
        Ok(Self { kubectl: tools::kubectl().await?, helm: tools::helm().await? })
    }

    /// The command that these words mean, in this folder, in which its kubeconfig is. Leading `NAME=value` words are
    /// for its environment.
    pub(crate) fn command(&self, words: &[String], folder: &Path, namespace: &str) -> Result<Command> {
        let is_variable = |word: &&String| {
            word.split_once('=')
                .is_some_and(|(name, _)| name.bytes().all(|b| b.is_ascii_uppercase() || b == b'_'))
        };
        let variables = words.iter().take_while(is_variable).filter_map(|word| word.split_once('='));
        let mut rest = words.iter().skip_while(is_variable);
        let mut command = match rest.next().map(String::as_str) {
            Some("kubectl") => Command::new(&self.kubectl),
            Some("helm") => Command::new(&self.helm),
            other => bail!("{other:?} is neither kubectl nor helm"),
        };
        command
            .env_clear()
            .envs(variables)
            .env("PATH", std::env::var_os("PATH").as_deref().unwrap_or(OsStr::new("")));
        for (name, place) in [("HOME", "home"), ("KUBECACHEDIR", "cache"), ("KUBECONFIG", "kubeconfig")] {
            command.env(name, folder.join(place));
        }
        command.env("HELM_NAMESPACE", namespace).env("TMPDIR", folder).current_dir(folder).args(rest);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        Ok(command)
    }
}

/// Runs it to its end.
pub(crate) async fn run(mut command: Command, stdin: &str) -> Result<Output> {
    let mut child = command.spawn().with_context(|| format!("start {command:?}"))?;
    let mut pipe = child.stdin.take().context("standard input is a pipe")?;
    let both = async {
        tokio::join!(
            async move { pipe.write_all(stdin.as_bytes()).await }, // it may end without reading everything
            child.wait_with_output(),
        )
    };
    let (_, output) = timeout(PATIENCE, both).await.with_context(|| format!("{command:?} does not end"))?;
    let output = output?;
    Ok(Output {
        code: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}

impl Background {
    /// Starts it, and waits until it has printed so many lines.
    pub(crate) async fn start(mut command: Command, title: &str, lines: usize) -> Result<Self> {
        let mut child = command.spawn().with_context(|| format!("start {command:?}"))?;
        let stdout = child.stdout.take().context("standard output is a pipe")?;
        let read = BufReader::new(stdout).lines();
        let mut background = Self { title: title.to_owned(), child, lines: read, read: Vec::new() };
        background.read(lines).await?;
        Ok(background)
    }

    /// Waits until it has printed so many lines in all, and ends it.
    pub(crate) async fn finish(mut self, lines: usize) -> Result<Output> {
        self.read(lines).await?;
        let stdout = self.read.iter().map(|line| format!("{line}\n")).collect();
        self.child.kill().await?;
        let mut stderr = String::new();
        if let Some(mut pipe) = self.child.stderr.take() {
            pipe.read_to_string(&mut stderr).await?;
        }
        Ok(Output { code: None, stdout, stderr })
    }

    async fn read(&mut self, lines: usize) -> Result<()> {
        while self.read.len() < lines {
            let next = timeout(PATIENCE / 2, self.lines.next_line()).await;
            match next {
                Ok(line) => match line? {
                    Some(line) => self.read.push(line),
                    None => return Ok(()),
                },
                Err(_) => {
                    self.read.push("[no more lines came]".to_owned());
                    return Ok(());
                }
            }
        }
        Ok(())
    }
}
