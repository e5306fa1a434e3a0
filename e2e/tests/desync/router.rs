//! The router on its own: `flynn-router` before one backend, which serves every host of `*.test`.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use e2e::process::Process;
use e2e::{eventually, http, ports, tools};
use serde_json::json;
use tokio::net::TcpStream;

const PATIENCE: Duration = Duration::from_secs(30);

/// A running `flynn-router`; it is killed when it is dropped.
pub(crate) struct Router {
    process: Process,
    address: SocketAddr,
    admin: SocketAddr,
}

impl Router {
    /// Starts it with one worker, so that the requests of all probes share its connections to the backend.
    pub(crate) async fn start(backend: SocketAddr, folder: &Path) -> Result<Self> {
        let (address, admin) = (ports::free()?, ports::free()?);
        let config = json!({
            "listen": {"http": address, "admin": admin},
            "services": {"backend": {"endpoints": [backend]}},
            "hosts": {"*.test": {"paths": {"/": {"forward": {"service": "backend"}}}}},
        });
        let file = folder.join("router.json");
        std::fs::write(&file, config.to_string())?;
        let mut command = Command::new(tools::router()?);
        command.args(["--workers", "1", "--config"]).arg(file);
        let mut process = Process::start("router", command, folder, None)?;
        listens(&mut process, address).await?;
        Ok(Self { process, address, admin })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits until it has counted so many responses of the backend.
    pub(crate) async fn counts(&self, responses: usize) -> Result<()> {
        eventually(&format!("{responses} responses are counted"), PATIENCE, || async {
            let metrics = http::get(self.admin, "localhost", "/metrics").await?;
            ensure!(metrics.status == 200, "{metrics:?}");
            let metrics = metrics.text();
            let of_backend = metrics.lines().filter(|line| {
                line.starts_with("flynn_router_responses_total{") && line.contains(r#"by="endpoint""#)
            });
            let number = |line: &str| Ok(line.rsplit_once(' ').context("no number")?.1.parse::<usize>()?);
            let counted: usize = of_backend.map(number).sum::<Result<_>>()?;
            ensure!(counted == responses, "it counts {counted}");
            Ok(())
        })
        .await
    }

    /// Lets it finish what it does.
    pub(crate) async fn stop(mut self) -> Result<()> {
        self.process.terminate(PATIENCE).await?;
        Ok(())
    }
}

/// Waits until a process accepts connections.
pub(crate) async fn listens(process: &mut Process, address: SocketAddr) -> Result<()> {
    eventually(&format!("somebody listens on {address}"), PATIENCE, || {
        let running = process.check();
        async move {
            running?;
            TcpStream::connect(address).await?;
            Ok(())
        }
    })
    .await
}
