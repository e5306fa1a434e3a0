//! The router under siege: a real one, of the same build, with the default number of workers.

use std::fs::{self, read_to_string};
use std::net::SocketAddr;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use e2e::process::Process;
use e2e::{eventually, ports, tools, usage};
use serde_json::json;
use tempfile::TempDir;
use tokio::net::TcpStream;

/// The name that is asked for.
pub(crate) const HOST: &str = "www.siege.test";

/// How long a client may take nothing of its response. All readers have to have come before the first is given up.
const IDLE_SECONDS: u32 = 20;

/// A running router; it ends when this is dropped.
pub(crate) struct Router {
    pub(crate) http: SocketAddr,
    pub(crate) https: SocketAddr,
    process: Process,
    _dir: TempDir,
}

impl Router {
    /// `connections` is how many there may be. By default half of the open files are kept for connections to endpoints.
    pub(crate) async fn start(endpoint: SocketAddr, connections: u32) -> Result<Self> {
        let dir = tempfile::tempdir()?;
        let (http, https) = (ports::free()?, ports::free()?);
        let rcgen::CertifiedKey { cert, signing_key } =
            rcgen::generate_simple_self_signed([HOST.to_owned()])?;
        let forward = json!({ "service": "endpoint", "idleSeconds": IDLE_SECONDS });
        let config = json!({
            "listen": { "http": http, "https": https },
            "certificates": { "own": { "chain": cert.pem(), "key": signing_key.serialize_pem() } },
            "services": { "endpoint": { "endpoints": [endpoint] } },
            "hosts": { HOST: { "certificate": "own", "paths": { "/": { "forward": forward } } } },
        });
        let file = dir.path().join("router.json");
        fs::write(&file, config.to_string())?;
        let mut command = Command::new(tools::router()?);
        command.arg("--config").arg(file).arg("--max-connections").arg(connections.to_string());
        let process = Process::start("router", command, dir.path(), None)?;
        eventually("the router listens", Duration::from_secs(30), || async {
            TcpStream::connect(https).await.map(drop).map_err(Into::into)
        })
        .await
        .with_context(|| process.tail())?;
        Ok(Self { http, https, process, _dir: dir })
    }

    /// Its resident memory, in MiB.
    pub(crate) fn memory(&self) -> Result<f64> {
        usage::memory(self.process.id())
    }
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
