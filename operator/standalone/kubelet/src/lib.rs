//! A kubelet without containers: an ordinary client of any Kubernetes API that runs Pods as supervised processes of this
//! machine.
//!
//! ```text
//! API --Pods--> pods.rs --> pod.rs, one worker for each --> supervisor.rs, container/: one life for each container
//!  ^                            |                                |          |            |
//!  '------ status, Events ------'                                |      probe/       process.rs --socket--> shim.rs --> the process
//!  '------ Node, bindings: node.rs, bind.rs                      '--> logs/ <----------------- what it prints ---------'
//! ```
//!
//! Below `supervisor.rs` nothing knows what Kubernetes is. A process ends with its kubelet, however that ends: see `shim.rs`.
//! The program that starts a [`Kubelet`] must call [`shim::main`] when it is started as [`Options::shim`] says.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test may panic"))]

mod backoff;
mod bind;
mod cgroup;
mod command;
pub mod container;
mod events;
mod host;
mod leftovers;
pub mod logs;
mod node;
mod pod;
mod pod_logs;
mod pods;
mod port;
pub mod probe;
mod process;
mod procfs;
mod quantity;
pub mod shim;
pub mod supervisor;

use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use kube::{Api, Client};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

pub use cgroup::Limits;
use host::Host;
pub use logs::LogOptions;
pub use pod_logs::{LogError, Logs};
use shim::Shim;
use supervisor::Supervisor;

/// How a kubelet runs.
#[derive(Clone, Debug)]
pub struct Options {
    /// The name of the Node that stands for this machine.
    pub node_name: String,
    /// Where logs and the records of running processes are. Belongs to this kubelet alone.
    pub folder: PathBuf,
    /// The address of every Pod, which its process is reached at.
    pub address: IpAddr,
    /// Where a container without a `workingDir` runs; a relative `workingDir` starts from here.
    pub working_dir: PathBuf,
    /// A folder of programs that are found after those of PATH.
    pub programs: Option<PathBuf>,
    /// How the process between the kubelet and a container is started.
    pub shim: Shim,
    /// Whether Pods without a Node are bound to this one.
    pub schedule: bool,
    /// Only Pods of this namespace; all if none is named.
    pub namespace: Option<String>,
    /// No process gets longer than this to end when the kubelet is stopped.
    pub shutdown_grace: Duration,
}

impl Options {
    /// The usual ones: every Pod of the API runs here, at the loopback address.
    #[must_use]
    pub fn new(node_name: &str, folder: PathBuf, working_dir: PathBuf, shim: Shim) -> Self {
        Self {
            node_name: node_name.to_owned(),
            folder,
            address: Ipv4Addr::LOCALHOST.into(),
            working_dir,
            programs: None,
            shim,
            schedule: true,
            namespace: None,
            shutdown_grace: Duration::from_secs(30),
        }
    }
}

/// A running kubelet. If it is dropped and not stopped, its processes are killed.
#[derive(Debug)]
pub struct Kubelet {
    logs: Logs,
    shutdown: watch::Sender<bool>,
    pods: JoinHandle<()>,
    recorder: JoinHandle<()>,
    others: JoinSet<()>,
}

impl Kubelet {
    /// Kills what an earlier run left, and begins to run Pods. The API need not be there yet.
    pub fn start(client: Client, options: Options) -> io::Result<Self> {
        let supervisor = Arc::new(Supervisor::open(&options.folder, options.shim)?);
        let logs = Logs::new(supervisor.logs().clone());
        let (recorder, record) = events::Recorder::new(client.clone(), options.node_name.clone());
        let host = Arc::new(Host {
            client: client.clone(),
            supervisor,
            logs: logs.clone(),
            recorder,
            ports: port::Ports::of(options.address),
            node_name: options.node_name.clone(),
            address: options.address,
            working_dir: options.working_dir,
            inherited: host::inherited(options.programs.as_deref()),
            shutdown_grace: options.shutdown_grace,
        });
        let pods: Api<Pod> = match &options.namespace {
            Some(namespace) => Api::namespaced(client.clone(), namespace),
            None => Api::all(client.clone()),
        };
        let (shutdown, shut_down) = watch::channel(false);
        let mut others = JoinSet::new();
        others.spawn(node::keep(client, options.node_name, options.address));
        if options.schedule {
            others.spawn(bind::run(Arc::clone(&host), pods.clone()));
        }
        let pods = tokio::spawn(pods::run(host, pods, shut_down));
        Ok(Self { logs, shutdown, pods, recorder: tokio::spawn(record), others })
    }

    /// What the Pods print.
    #[must_use]
    pub fn logs(&self) -> Logs {
        self.logs.clone()
    }

    /// Ends all processes, in order, and returns when none is left. The Pods stay, and run again under the next kubelet.
    pub async fn stop(mut self) {
        self.others.abort_all();
        self.shutdown.send_replace(true);
        if let Err(panic) = (&mut self.pods).await {
            tracing::error!(%panic, "the kubelet ended");
        }
        // The last Events; if the API is slow, it is as well without them.
        let _ = tokio::time::timeout(Duration::from_secs(1), &mut self.recorder).await;
    }
}

impl Drop for Kubelet {
    fn drop(&mut self) {
        self.pods.abort();
        self.recorder.abort();
    }
}
