//! `flynn-operator up` with the quickstart: the first answer, memory, and how long a new Route takes.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use crds::Route;
use e2e::process::Process;
use e2e::{Trust, definitions, http, kubeconfig, tools};
use kube::Api;
use kube::api::{Patch, PatchParams};
use serde::Deserialize;
use serde_json::json;
use tokio::time::sleep;

use crate::server;

const PATIENCE: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(1);

pub(crate) struct Platform {
    /// From the start of the process to the first 200 of an App.
    pub(crate) first: Duration,
    /// The same with everything kept from the first run.
    pub(crate) again: Duration,
    /// Resident memory of all processes of the platform, the Apps' included, and of the platform's own, in MiB.
    pub(crate) memory: [f64; 2],
    /// From the apply of a Route to its first 200.
    pub(crate) applied: Vec<Duration>,
}

#[derive(Deserialize)]
struct Listening {
    kubeconfig: PathBuf,
    https: SocketAddr,
}

pub(crate) async fn measure(samples: usize) -> Result<Platform> {
    let folder = tempfile::tempdir_in(tools::build_folder()?)?;
    let (first, mut process, listening) = start(folder.path()).await?;
    // Until the memory of the start has been given back and every App answers.
    sleep(Duration::from_secs(3)).await;
    let own = server::resident(process.id())?;
    let memory = [server::memory_below(process.id())? + own, own];
    let routes: Api<Route> = Api::namespaced(kubeconfig::client(&listening.kubeconfig).await?, "quickstart");
    let mut applied = Vec::new();
    for number in 0..samples {
        let (name, host) = (format!("sample-{number}"), format!("sample-{number}.test"));
        let route = json!({"apiVersion": "flynn.io/v1alpha1", "kind": "Route", "metadata": {"name": name},
            "spec": {"http": {"host": host}, "app": "www"}});
        let start = Instant::now();
        routes.patch(&name, &PatchParams::apply("bench").force(), &Patch::Apply(&route)).await?;
        until_served(listening.https, &host).await?;
        applied.push(start.elapsed());
    }
    process.terminate(PATIENCE).await?;
    let (again, mut process, _) = start(folder.path()).await?;
    process.terminate(PATIENCE).await?;
    Ok(Platform { first, again, memory, applied })
}

async fn start(folder: &std::path::Path) -> Result<(Duration, Process, Listening)> {
    let mut command = Command::new(tools::operator()?);
    command.arg("up").arg(definitions::repository("manifests/examples/quickstart"));
    command.arg("--data-dir").arg(folder.join("data"));
    command.args(["--api-port=0", "--http-port=0", "--https-port=0", "--output=json"]);
    let events = folder.join("events.json");
    // A line of the run before would name ports that are gone.
    let _ = std::fs::remove_file(&events);
    let start = Instant::now();
    let process = Process::start("up", command, folder, Some(&events))?;
    let listening = loop {
        let printed = std::fs::read_to_string(&events).unwrap_or_default();
        let line = printed.lines().find(|line| line.contains(r#""listening""#));
        if let Some(listening) = line.and_then(|line| serde_json::from_str::<Listening>(line).ok()) {
            break listening;
        }
        anyhow::ensure!(start.elapsed() < PATIENCE, "it does not listen: {}", process.tail());
        sleep(PAUSE).await;
    };
    until_served(listening.https, "www.flynn.localhost").await.with_context(|| process.tail())?;
    Ok((start.elapsed(), process, listening))
}

/// Waits until the App of a host answers over HTTPS, with the default certificate.
async fn until_served(address: SocketAddr, host: &str) -> Result<()> {
    let start = Instant::now();
    loop {
        let status =
            http::get_tls(address, Some(host), Trust::Anything, host, "/").await.map(|answer| answer.status);
        if let Ok(200) = status {
            return Ok(());
        }
        anyhow::ensure!(start.elapsed() < PATIENCE, "{host} is not served: {status:?}");
        sleep(PAUSE).await;
    }
}
