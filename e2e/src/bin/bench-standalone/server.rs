//! The two APIs: a kind comes in, a running one with a client goes out.

use std::fs::{read_dir, read_to_string};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use e2e::{ControlPlane, Embedded, Kubectl, Plane, definitions, kubeconfig, tools};
use kube::Client;
use tempfile::TempDir;

/// Which API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `flynn-operator api`.
    Embedded,
    /// etcd, kube-apiserver and kube-controller-manager.
    Real,
}

impl Kind {
    pub(crate) const ALL: [Self; 2] = [Self::Embedded, Self::Real];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Embedded => "flynn-operator api",
            Self::Real => "etcd, kube-apiserver, kube-controller-manager",
        }
    }
}

/// A running API; it ends when it is dropped.
pub(crate) struct Server {
    pub(crate) kind: Kind,
    pub(crate) client: Client,
    pub(crate) kubectl: Kubectl,
    /// From its start until it was ready.
    pub(crate) ready: Duration,
    _plane: Plane,
    _folder: TempDir,
}

impl Server {
    pub(crate) async fn start(kind: Kind) -> Result<Self> {
        let folder = tempfile::tempdir_in(tools::build_folder()?)?;
        let start = Instant::now();
        let plane = match kind {
            Kind::Embedded => Plane::Embedded(Box::new(Embedded::start(folder.path()).await?)),
            Kind::Real => Plane::Real(Box::new(ControlPlane::start(folder.path()).await?)),
        };
        let path = plane.kubeconfig();
        let ready = start.elapsed();
        let client = kubeconfig::client(&path).await?;
        let kubectl = Kubectl::new(tools::kubectl().await?, path, "default");
        if kind == Kind::Real {
            let yaml = definitions::repository("crds/yaml");
            kubectl.ok(&["apply", "--server-side", "-f", &yaml]).await?;
            kubectl.ok(&["wait", "--for=condition=Established", "-f", &yaml, "--timeout=60s"]).await?;
        }
        Ok(Self { kind, client, kubectl, ready, _plane: plane, _folder: folder })
    }
}

/// The resident memory of every process below this one, in MiB.
pub(crate) fn memory_below(process: u32) -> Result<f64> {
    let mut sum = 0.0;
    for child in children(process)? {
        sum += resident(child)? + memory_below(child)?;
    }
    Ok(sum)
}

fn children(parent: u32) -> Result<Vec<u32>> {
    let mut found = Vec::new();
    for entry in read_dir("/proc")? {
        let Ok(process) = entry?.file_name().to_string_lossy().parse::<u32>() else { continue };
        // One that has ended since has no memory.
        let Ok(stat) = read_to_string(format!("/proc/{process}/stat")) else { continue };
        let (_, fields) = stat.rsplit_once(") ").context("a stat without a name")?;
        if fields.split(' ').nth(1) == Some(&parent.to_string()) {
            found.push(process);
        }
    }
    Ok(found)
}

/// The resident memory of a process, in MiB.
pub(crate) fn resident(process: u32) -> Result<f64> {
    let status = read_to_string(format!("/proc/{process}/status"))?;
    let Some(line) = status.lines().find_map(|line| line.strip_prefix("VmRSS:")) else { return Ok(0.0) };
    Ok(line.trim().trim_end_matches(" kB").parse::<f64>()? / 1024.0)
}
