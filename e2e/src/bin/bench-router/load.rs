//! The load: a case comes in, wrk or h2load runs on the core of the backend, and what it counted goes out.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use e2e::tools;
use tokio::process::Command;

use crate::backend::CORE;
use crate::case::Case;
use crate::proxy::{Proxy, host};

/// Connections at a time.
const CONNECTIONS: usize = 32;

/// What a load counted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Counted {
    pub(crate) requests: f64,
    pub(crate) per_second: f64,
    pub(crate) p99: Duration,
}

/// Loads a proxy for some time.
pub(crate) async fn run(proxy: &Proxy, case: Case, time: Duration, hosts: u32) -> Result<Counted> {
    match case {
        Case::Http2 => h2load(proxy, case, time).await,
        _ => wrk(proxy, case, time, hosts).await,
    }
}

async fn wrk(proxy: &Proxy, case: Case, time: Duration, hosts: u32) -> Result<Counted> {
    let dir = tempfile::tempdir()?;
    let mut command = Command::new("taskset");
    command.args(["-c", CORE]).arg(tools::program("wrk").await?);
    command.args(["--threads=1", "--latency"]);
    command.arg(format!("--connections={CONNECTIONS}")).arg(format!("--duration={}s", time.as_secs()));
    match case {
        Case::Handshakes => drop(command.args(["--header", "Connection: close"])),
        Case::Hosts => drop(command.arg("--script").arg(every_host(dir.path(), hosts)?)),
        _ => {}
    }
    let output = run_to_end(command.arg(url(proxy, case))).await?;
    ensure!(!output.contains("Non-2xx"), "{} gave wrong answers:\n{output}", proxy.kind.name());
    ensure!(!output.contains("Socket errors"), "{} broke connections:\n{output}", proxy.kind.name());
    let counted = || {
        let requests =
            output.lines().find_map(|line| line.trim().split_once(" requests in "))?.0.parse().ok()?;
        let per_second =
            output.lines().find_map(|line| line.strip_prefix("Requests/sec:"))?.trim().parse().ok()?;
        let p99 = output.lines().find_map(|line| line.trim().strip_prefix("99%"))?.trim();
        Some(Counted { requests, per_second, p99: duration(p99)? })
    };
    counted().with_context(|| format!("wrk printed something else:\n{output}"))
}

async fn h2load(proxy: &Proxy, case: Case, time: Duration) -> Result<Counted> {
    let dir = tempfile::tempdir()?;
    let log = dir.path().join("log");
    let mut command = Command::new("taskset");
    command.args(["-c", CORE]).arg(tools::program("h2load").await?);
    command.args(["--threads=1", "--clients=8", "--max-concurrent-streams=8"]);
    command.arg(format!("--duration={}", time.as_secs())).arg("--log-file").arg(&log);
    let output = run_to_end(command.arg(url(proxy, case))).await?;
    let mut times = Vec::new();
    for line in fs::read_to_string(&log)?.lines() {
        let mut fields = line.split('\t').skip(1);
        ensure!(fields.next() == Some("200"), "{} gave a wrong answer: {line}", proxy.kind.name());
        times.extend(fields.next().and_then(|time| time.parse().ok()).map(Duration::from_micros));
    }
    ensure!(!times.is_empty(), "h2load got no answer:\n{output}");
    times.sort_unstable();
    #[allow(clippy::cast_precision_loss)] // a count of requests
    let requests = times.len() as f64;
    let p99 = times[(times.len() * 99).div_ceil(100) - 1];
    Ok(Counted { requests, per_second: requests / time.as_secs_f64(), p99 })
}

fn url(proxy: &Proxy, case: Case) -> String {
    let (scheme, address) = if case.is_tls() { ("https", proxy.https) } else { ("http", proxy.http) };
    format!("{scheme}://{address}{}", case.path())
}

/// A script for wrk that asks one host after the other.
fn every_host(dir: &Path, hosts: u32) -> Result<std::path::PathBuf> {
    let file = dir.join("hosts.lua");
    let last = host(hosts.saturating_sub(1));
    let (start, end) = last.split_once(&(hosts - 1).to_string()).context("a host's name has its number")?;
    let script = format!(
        "local made = {{}}\nlocal turn = 0\n\
         function init()\n for number = 0, {hosts} - 1 do\n  \
         made[number] = wrk.format('GET', '/', {{ Host = '{start}' .. number .. '{end}' }})\n end\nend\n\
         function request()\n turn = (turn + 1) % {hosts}\n return made[turn]\nend\n"
    );
    fs::write(&file, script)?;
    Ok(file)
}

async fn run_to_end(command: &mut Command) -> Result<String> {
    let output = command.output().await?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    if !output.status.success() {
        bail!("the load failed: {text}{}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(text)
}

/// Reads `1.23ms`, as wrk prints it.
fn duration(text: &str) -> Option<Duration> {
    let unit = text.find(|c: char| c.is_ascii_alphabetic())?;
    let seconds = match &text[unit..] {
        "us" => 1e-6,
        "ms" => 1e-3,
        "s" => 1.0,
        _ => return None,
    };
    Some(Duration::from_secs_f64(text[..unit].parse::<f64>().ok()? * seconds))
}
