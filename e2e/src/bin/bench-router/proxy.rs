//! A proxy under test: its kind and the number of hosts come in; a running process with one worker, on a core of its own, goes out.

mod haproxy;
mod nginx;
mod ours;

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use e2e::process::Process;
use e2e::{ports, usage};

use crate::backend::listening;

/// The core of the proxies, of which one at a time has something to do.
const CORE: &str = "0";

/// Which proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Ours,
    Nginx,
    Haproxy,
}

impl Kind {
    pub(crate) const ALL: [Self; 3] = [Self::Ours, Self::Nginx, Self::Haproxy];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ours => "flynn-router",
            Self::Nginx => "nginx",
            Self::Haproxy => "HAProxy",
        }
    }
}

/// A running proxy.
pub(crate) struct Proxy {
    pub(crate) kind: Kind,
    pub(crate) http: SocketAddr,
    pub(crate) https: SocketAddr,
    process: Process,
}

/// What a proxy is to serve.
struct Site<'a> {
    dir: &'a Path,
    http: SocketAddr,
    https: SocketAddr,
    backend: SocketAddr,
    hosts: u32,
    /// A certificate chain and its key, as PEM.
    pair: (String, String),
}

impl Proxy {
    pub(crate) async fn start(kind: Kind, dir: &Path, backend: SocketAddr, hosts: u32) -> Result<Self> {
        let dir = &dir.join(kind.name());
        fs::create_dir_all(dir)?;
        let (http, https) = (ports::free()?, ports::free()?);
        let site = Site { dir, http, https, backend, hosts, pair: pair()? };
        let program = match kind {
            Kind::Ours => ours::command(&site)?,
            Kind::Nginx => nginx::command(&site).await?,
            Kind::Haproxy => haproxy::command(&site).await?,
        };
        let mut command = Command::new("taskset");
        command.args(["-c", CORE]).arg(program.get_program()).args(program.get_args());
        let process = Process::start(kind.name(), command, dir, None)?;
        listening(http).await.with_context(|| process.tail())?;
        listening(https).await?;
        Ok(Self { kind, http, https, process })
    }

    /// The CPU time that it has used so far.
    pub(crate) fn cpu(&self) -> Result<Duration> {
        self.processes().into_iter().map(usage::cpu).sum()
    }

    /// Its resident memory, in MiB.
    pub(crate) fn memory(&self) -> Result<f64> {
        self.processes().into_iter().map(usage::memory).sum()
    }

    /// Itself, and its worker if that is another process.
    fn processes(&self) -> Vec<u32> {
        let own = self.process.id();
        let children = fs::read_to_string(format!("/proc/{own}/task/{own}/children")).unwrap_or_default();
        std::iter::once(own).chain(children.split_whitespace().filter_map(|id| id.parse().ok())).collect()
    }
}

/// The name of a host.
pub(crate) fn host(number: u32) -> String {
    format!("host-{number}.bench.test")
}

fn pair() -> Result<(String, String)> {
    let names = ["*.bench.test".to_owned(), "127.0.0.1".to_owned()];
    let rcgen::CertifiedKey { cert, signing_key } = rcgen::generate_simple_self_signed(names)?;
    Ok((cert.pem(), signing_key.serialize_pem()))
}
