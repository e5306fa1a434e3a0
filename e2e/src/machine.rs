//! `flynn-operator up` as a person starts it: manifests come in, a running platform goes out, which says what it does on
//! standard output.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::http::{self, Response};
use crate::process::Process;
use crate::{Kubectl, Trust, eventually, tools, unique};

/// How long anything may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running `flynn-operator up`; it is killed when it is dropped.
#[derive(Debug)]
pub struct Machine {
    process: Process,
    events: PathBuf,
    data: PathBuf,
    http: SocketAddr,
    https: SocketAddr,
    /// The administrator's.
    pub kubectl: Kubectl,
}

impl Machine {
    /// Starts it on these manifests, with everything that it keeps in `data`, and waits until it listens.
    ///
    /// # Errors
    /// When it ends instead; the error shows the end of its log.
    pub async fn start(manifests: &Path, data: &Path) -> Result<Self> {
        Self::start_with(manifests, data, &[]).await
    }

    /// The same, with more arguments.
    ///
    /// # Errors
    /// When it does not listen in time.
    pub async fn start_with(manifests: &Path, data: &Path, arguments: &[&str]) -> Result<Self> {
        Self::start_in(BTreeMap::<String, String>::new(), manifests, data, arguments).await
    }

    /// The same, with more variables in its environment.
    ///
    /// # Errors
    /// When it does not listen in time.
    pub async fn start_in<A: AsRef<OsStr>>(
        environment: BTreeMap<impl AsRef<OsStr>, String>,
        manifests: &Path,
        data: &Path,
        arguments: &[A],
    ) -> Result<Self> {
        let events = data.with_extension(format!("{}.json", unique("events")));
        let folder = data.parent().context("the data folder is in another")?;
        let arguments = arguments.iter().map(AsRef::as_ref);
        let mut command = Self::command(arguments.chain([manifests.as_os_str()]), data)?;
        command.envs(environment);
        let mut process = Process::start("up", command, folder, Some(&events))?;
        let listening = eventually("it listens", PATIENCE, || {
            let listening = process.check().and_then(|()| last(&events, "listening"));
            async move { listening }
        });
        let listening = listening.await.with_context(|| process.tail())?;
        let text =
            |name: &str| listening[name].as_str().with_context(|| format!("{listening} has no {name}"));
        let kubectl = Kubectl::new(tools::kubectl().await?, text("kubeconfig")?, "default");
        let (http, https) = (text("http")?.parse()?, text("https")?.parse()?);
        Ok(Self { process, events, data: data.to_owned(), http, https, kubectl })
    }

    /// Runs `up` where it cannot start: its exit code, and what it said on standard error.
    ///
    /// # Errors
    /// When it goes on running.
    pub async fn fails<A: AsRef<OsStr>>(
        args: impl IntoIterator<Item = A>,
        data: &Path,
    ) -> Result<(ExitStatus, String)> {
        let name = unique("up-fails");
        let folder = data.parent().context("the data folder is in another")?;
        let mut process = Process::start(&name, Self::command(args, data)?, folder, None)?;
        let status = process.ended(PATIENCE).await?;
        Ok((status, std::fs::read_to_string(process.log())?))
    }

    fn command<A: AsRef<OsStr>>(args: impl IntoIterator<Item = A>, data: &Path) -> Result<Command> {
        let mut command = Command::new(tools::operator()?);
        command.args(["up", "--output=json", "--data-dir"]).arg(data).args(args);
        let given: Vec<_> = command.get_args().map(OsStr::to_os_string).collect();
        let ports = ["--api-port", "--http-port", "--https-port"];
        let is_given = |port: &str| given.iter().any(|arg| arg.to_string_lossy().starts_with(port));
        let free = ports.into_iter().filter(|port| !is_given(port));
        command.args(free.map(|port| format!("{port}=0")));
        Ok(command)
    }

    /// Where plain HTTP is served.
    #[must_use]
    pub fn http(&self) -> SocketAddr {
        self.http
    }

    /// Waits until it has told an event whose JSON has all these words.
    ///
    /// # Errors
    /// When it does not in time.
    pub async fn told(&self, event: &str, words: &[&str]) -> Result<()> {
        eventually(&format!("it tells {event} {words:?}"), PATIENCE, || {
            let printed = std::fs::read_to_string(&self.events).unwrap_or_default();
            let name = format!(r#""event":"{event}""#);
            let found = printed
                .lines()
                .any(|line| line.contains(&name) && words.iter().all(|word| line.contains(word)));
            async move { if found { Ok(()) } else { bail!("it told {printed}") } }
        })
        .await
    }

    /// What a person gets from a host over HTTPS who trusts the authority in `ca.crt`.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn https(&self, host: &str, path: &str) -> Result<Response> {
        let authority = std::fs::read_to_string(self.data.join("ca.crt")).context("read ca.crt")?;
        http::get_tls(self.https, Some(host), Trust::Authority(&authority), host, path).await
    }

    /// Waits until a host answers with 200 and these words.
    ///
    /// # Errors
    /// When it does not in time.
    pub async fn serves(&self, host: &str, words: &str) -> Result<()> {
        eventually(&format!("https://{host} answers {words:?}"), PATIENCE, || async {
            let answer = self.https(host, "/").await?;
            anyhow::ensure!(answer.status == 200 && answer.text().contains(words), "{answer:?}");
            Ok(())
        })
        .await
    }

    /// The ids of the processes of the Apps, and of those between them and the operator.
    ///
    /// # Errors
    /// When the system does not tell.
    pub fn processes(&self) -> Result<Vec<u32>> {
        let mut found = vec![self.process.id()];
        let mut next = 0;
        while let Some(parent) = found.get(next) {
            let children = children(*parent)?;
            found.extend(children);
            next += 1;
        }
        Ok(found.split_off(1))
    }

    /// Asks it to end, as Ctrl-C does, and waits until it has.
    ///
    /// # Errors
    /// When it does not.
    pub async fn stop(mut self) -> Result<ExitStatus> {
        self.process.terminate(PATIENCE).await
    }

    /// Kills it (SIGKILL).
    ///
    /// # Errors
    /// When the system refuses.
    pub fn kill9(mut self) -> Result<()> {
        self.process.kill9()
    }

    /// Its process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.process.id()
    }
}

/// Waits until none of these processes runs any more.
///
/// # Errors
/// When one still does.
pub async fn ended(processes: &[u32]) -> Result<()> {
    eventually("no process is left", PATIENCE, || {
        let left: Vec<_> = processes.iter().filter(|process| runs(**process)).collect();
        let outcome = if left.is_empty() { Ok(()) } else { Err(anyhow::anyhow!("{left:?} are left")) };
        async move { outcome }
    })
    .await
}

/// Whether a process runs; one that has ended and waits for its parent to ask does not.
fn runs(process: u32) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let state = status.lines().find_map(|line| line.strip_prefix("State:"));
    state.is_some_and(|state| !state.trim().starts_with('Z'))
}

fn children(parent: u32) -> Result<Vec<u32>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc")? {
        let Ok(process) = entry?.file_name().to_string_lossy().parse::<u32>() else { continue };
        let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
        let of = stat.rsplit_once(") ").and_then(|(_, fields)| fields.split(' ').nth(1));
        if of == Some(parent.to_string().as_str()) {
            found.push(process);
        }
    }
    Ok(found)
}

fn last(events: &Path, event: &str) -> Result<Value> {
    let printed = std::fs::read_to_string(events)?;
    let name = format!(r#""event":"{event}""#);
    let line = printed
        .lines()
        .rfind(|line| line.contains(&name))
        .with_context(|| format!("it has not told {event}"))?;
    Ok(serde_json::from_str(line)?)
}
