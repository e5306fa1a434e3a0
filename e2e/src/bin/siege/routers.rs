//! The routers under siege: real ones, of the same build, with the default number of workers each.
//!
//! All listen on the same ports (`--share-ports`), and the kernel gives each its part of the connections: a process may open only
//! so many files. Each has a configuration with an admin API of its own, by which it is known to be ready.

use std::fs::{self, read_dir, read_to_string};
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use e2e::process::Process;
use e2e::{eventually, http, ports, tools, usage};
use serde_json::json;
use tempfile::TempDir;

use crate::OTHERS;

/// The name that is asked for.
pub(crate) const HOST: &str = "www.siege.test";

/// How long a client may take nothing of its response. All readers have to have come before the first is given up.
const IDLE_SECONDS: u32 = 20;

/// Running routers; they end when this is dropped.
pub(crate) struct Routers {
    pub(crate) http: SocketAddr,
    pub(crate) https: SocketAddr,
    processes: Vec<Process>,
    _dir: TempDir,
}

/// What they have to hold.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load {
    pub(crate) connections: u32,
    pub(crate) readers: u32,
}

impl Load {
    /// How many routers it takes, where each may have so many files: one for an idle connection, and two for a reader. The kernel's
    /// parts are not quite equal, so that a tenth is kept free.
    pub(crate) fn routers(self, files: u32) -> u32 {
        let wanted = u64::from(self.connections) + 2 * u64::from(self.readers);
        let each = u64::from(files.saturating_sub(OTHERS)).max(1);
        u32::try_from((wanted + wanted / 10).div_ceil(each)).unwrap_or(u32::MAX)
    }
}

impl Routers {
    /// Starts so many for the load.
    pub(crate) async fn start(count: u32, endpoint: SocketAddr, load: Load) -> Result<Self> {
        let dir = tempfile::tempdir()?;
        let (http, https) = (ports::free()?, ports::free()?);
        let rcgen::CertifiedKey { cert, signing_key } =
            rcgen::generate_simple_self_signed([HOST.to_owned()])?;
        let forward = json!({ "service": "endpoint", "idleSeconds": IDLE_SECONDS });
        let mut config = json!({
            "listen": { "http": http, "https": https },
            "certificates": { "own": { "chain": cert.pem(), "key": signing_key.serialize_pem() } },
            "services": { "endpoint": { "endpoints": [endpoint] } },
            "hosts": { HOST: { "certificate": "own", "paths": { "/": { "forward": forward } } } },
        });
        // By default half of the open files are kept for connections to endpoints.
        let most = load.connections + load.readers + OTHERS;
        let mut routers = Self { http, https, processes: Vec::new(), _dir: dir };
        for number in 0..count {
            let admin = ports::free()?;
            config["listen"]["admin"] = json!(admin);
            let process = start(number, routers._dir.path(), &config.to_string(), most)?;
            ready(admin).await.with_context(|| process.tail())?;
            routers.processes.push(process);
        }
        Ok(routers)
    }

    /// Their resident memory together, in MiB.
    pub(crate) fn memory(&self) -> Result<f64> {
        let memory = |process: &Process| usage::memory(process.id()).with_context(|| process.tail());
        self.processes.iter().map(memory).sum()
    }

    /// How many files each has open.
    pub(crate) fn files(&self) -> Result<Vec<usize>> {
        let count = |process: &Process| Ok(read_dir(format!("/proc/{}/fd", process.id()))?.count());
        self.processes.iter().map(count).collect()
    }
}

fn start(number: u32, dir: &Path, config: &str, most: u32) -> Result<Process> {
    let name = format!("router-{number}");
    let file = dir.join(format!("{name}.json"));
    fs::write(&file, config)?;
    let mut command = Command::new(tools::router()?);
    command.arg("--share-ports").arg("--config").arg(file).arg("--max-connections").arg(most.to_string());
    Process::start(&name, command, dir, None)
}

/// Waits until the router answers: it listens on all its ports then.
async fn ready(admin: SocketAddr) -> Result<()> {
    eventually("the router is ready", Duration::from_secs(30), || async {
        let answer = http::get(admin, "localhost", "/.well-known/status").await?;
        ensure!(answer.status == 200, "{}", answer.status);
        Ok(())
    })
    .await
}

/// What the buffers of all TCP sockets of this machine take, in MiB.
pub(crate) fn socket_memory() -> Result<f64> {
    let text = read_to_string("/proc/net/sockstat")?;
    let line = text.lines().find(|line| line.starts_with("TCP:")).context("no TCP in sockstat")?;
    let pages: f64 = line.split("mem ").nth(1).context("no mem in sockstat")?.trim().parse()?;
    #[allow(clippy::cast_precision_loss)] // a page is small
    let page = rustix::param::page_size() as f64;
    Ok(pages * page / 1024.0 / 1024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_load_takes_as_many_routers_as_have_the_files_for_it() {
        let load = |connections, readers| Load { connections, readers };
        assert_eq!(load(50_000, 2_000).routers(20_000), 4);
        assert_eq!(load(50_000, 2_000).routers(1 << 20), 1);
        assert_eq!(load(1_000, 100).routers(20_000), 1);
    }
}
