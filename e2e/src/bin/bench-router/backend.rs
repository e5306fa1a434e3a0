//! What answers behind every proxy: an nginx of its own, on the core of the load.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::Result;
use e2e::process::Process;
use e2e::{eventually, ports, tools};
use tokio::net::TcpStream;

/// The core of the backend and the load; the proxy that is measured has the other one.
pub(crate) const CORE: &str = "1";

pub(crate) struct Backend {
    address: SocketAddr,
    _process: Process,
}

impl Backend {
    pub(crate) async fn start(dir: &Path) -> Result<Self> {
        let address = ports::free()?;
        let root = dir.join("backend");
        fs::create_dir_all(&root)?;
        fs::write(root.join("large"), vec![b'x'; 64 * 1024])?;
        let config = format!(
            "worker_processes 1; daemon off; pid {dir}/backend.pid; error_log stderr warn;\n\
             events {{ worker_connections 65536; }}\n\
             http {{ access_log off; keepalive_requests 1000000000; keepalive_timeout 1h; default_type text/plain;\n\
             {temporary}\n\
             server {{ listen {address}; location = / {{ return 200 ok; }} location = /large {{ root {root}; }} }} }}\n",
            dir = dir.display(),
            root = root.display(),
            temporary = temporary_paths(dir),
        );
        let file = dir.join("backend.conf");
        fs::write(&file, config)?;
        let mut command = Command::new("taskset");
        command.args(["-c", CORE]).arg(tools::program("nginx").await?).arg("-c").arg(file);
        let process = Process::start("backend", command, dir, None)?;
        listening(address).await?;
        Ok(Self { address, _process: process })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

/// nginx makes folders for these at its start, by default where only root may.
pub(crate) fn temporary_paths(dir: &Path) -> String {
    let path = |kind: &str| format!("{kind}_temp_path {}/{kind}; ", dir.display());
    ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(path).concat()
}

/// Waits until somebody listens there.
pub(crate) async fn listening(address: SocketAddr) -> Result<()> {
    eventually(&format!("{address} is listened on"), Duration::from_secs(30), || async {
        TcpStream::connect(address).await.map(drop).map_err(Into::into)
    })
    .await
}
