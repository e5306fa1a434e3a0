//! The platform as a person installs it: a test bed comes in; custom resources, permissions and one Cluster are on it, and
//! two controllers and two router nodes run with the tokens of their own ServiceAccounts.
//!
//! There is one for the whole test process, since a cluster has one. A test that changes it for all runs alone.

use std::net::SocketAddr;
use std::ops::Deref;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};
use kube::Client;
use rustix::process::Signal;
use tokio::sync::OnceCell;

use crate::operator::Launch;
use crate::pki::Authority;
use crate::test_bed::Turn;
use crate::{Operator, Tenant, TestBed, definitions};

pub use crate::definitions::repository;

/// How long anything that is declared may take until it is so. Changes take milliseconds; a busy machine takes longer.
pub const WAIT: Duration = Duration::from_secs(60);

/// The default domain of the Cluster. Its certificate covers it and what is below it, by one label.
pub const DOMAIN: &str = "site.com";

/// The namespace of that certificate.
pub const NAMESPACE: &str = "flynn";

/// The operator's own namespace.
pub const SYSTEM: &str = "flynn-system";

/// The names of the router nodes.
pub const NODES: [&str; 2] = ["node-a", "node-b"];

/// The port that the router nodes listen on beside their default ones, for plain HTTP.
pub const ADDITIONAL_PORT: u16 = 8088;

/// The Cluster, as every test finds it and leaves it behind.
pub const CLUSTER: &str = "
apiVersion: flynn.io/v1alpha1
kind: Cluster
metadata: {name: site}
spec:
  domains:
  - {name: site.com, default: true, certificate: {namespace: flynn, name: wildcard}}
  httpsRedirect: true
  hosts: []
";

static PLATFORM: OnceCell<Result<Platform, String>> = OnceCell::const_new();

/// The running platform.
#[derive(Debug)]
pub struct Platform {
    bed: &'static TestBed,
    authority: Authority,
    nodes: Vec<Operator>,
    controllers: Mutex<Vec<(String, Operator)>>,
}

/// The platform, for as long as a test holds this.
#[derive(Debug)]
pub struct Installed {
    platform: &'static Platform,
    _turn: Turn,
}

impl Deref for Installed {
    type Target = Platform;

    fn deref(&self) -> &Platform {
        self.platform
    }
}

impl Platform {
    /// The platform of this process, together with the other tests that run now.
    ///
    /// # Errors
    /// When it could not be installed; the same for every test.
    pub async fn shared() -> Result<Installed> {
        Self::installed(TestBed::shared().await?).await
    }

    /// The platform of this process, with no other test at the same time.
    ///
    /// # Errors
    /// When it could not be installed; the same for every test.
    pub async fn alone() -> Result<Installed> {
        Self::installed(TestBed::alone().await?).await
    }

    async fn installed(turn: Turn) -> Result<Installed> {
        let bed = turn.bed();
        let install = async || Self::install(bed).await.map_err(|error| format!("{error:#}"));
        let platform = PLATFORM.get_or_init(install).await.as_ref().map_err(|error| anyhow!("{error}"))?;
        Ok(Installed { platform, _turn: turn })
    }

    async fn install(bed: &'static TestBed) -> Result<Self> {
        if !bed.control_plane().is_embedded() {
            apply_installation(bed).await?;
        }
        let kubectl = bed.kubectl("default");
        let authority = Authority::new("people")?;
        kubectl.ok(&["create", "namespace", NAMESPACE]).await?;
        let tenant = Tenant::of(bed, NAMESPACE).await?;
        tenant.secret("wildcard-tls", &authority.sign(&[&format!("*.{DOMAIN}"), DOMAIN])?).await?;
        tenant.certificate("wildcard", "wildcard-tls").await?;
        kubectl.apply(CLUSTER).await?;
        let mut platform = Self { bed, authority, nodes: Vec::new(), controllers: Mutex::default() };
        for name in NODES {
            platform.nodes.push(platform.start_node(name).await?);
        }
        for _ in 0..2 {
            platform.add_controller().await?;
        }
        for node in &mut platform.nodes {
            node.wait_ready().await?;
        }
        tenant.condition("cluster/site", "Ready", "True Ready").await?;
        Ok(platform)
    }

    /// The test bed below it.
    #[must_use]
    pub fn bed(&self) -> &'static TestBed {
        self.bed
    }

    /// The authority that people on the platform trust.
    #[must_use]
    pub fn authority(&self) -> &Authority {
        &self.authority
    }

    /// The router nodes.
    #[must_use]
    pub fn nodes(&self) -> &[Operator] {
        &self.nodes
    }

    /// An administrator's client, for the calling test.
    ///
    /// # Errors
    /// When the kubeconfig is damaged.
    pub async fn client(&self) -> Result<Client> {
        self.bed.client().await
    }

    /// A new namespace on the platform, with a name that begins with `prefix`.
    ///
    /// # Errors
    /// When the API refuses.
    pub async fn tenant(&self, prefix: &str) -> Result<Tenant> {
        Tenant::of(self.bed, &self.bed.namespace(prefix).await?.name).await
    }

    /// One more router node. It is ready when it listens.
    ///
    /// # Errors
    /// When it ends instead.
    pub async fn start_node(&self, name: &str) -> Result<Operator> {
        let kubeconfig = self.kubeconfig("flynn-operator-node").await?;
        Operator::start(&Self::node(name, kubeconfig, "127.0.0.1:0"), self.bed.folder()).await
    }

    /// How a router node is started, with its probes at `health`. Each has a loopback address of its own, because a TCP Route has
    /// the same port on every node.
    #[must_use]
    pub fn node(name: &str, kubeconfig: impl Into<PathBuf>, health: &str) -> Launch {
        static STARTED: AtomicU8 = AtomicU8::new(1);
        let address = format!("127.0.1.{}:0", STARTED.fetch_add(1, Ordering::Relaxed));
        let launch = Launch::new("node", kubeconfig).args(["--node-name", name, "--workers=1"]);
        let launch = launch.args(["--http", &address, "--https", &address, "--health-address", health]);
        launch.args(["--additional-http-ports", &ADDITIONAL_PORT.to_string()])
    }

    /// Starts one more controller, and waits until it is ready to lead.
    ///
    /// # Errors
    /// When it ends instead.
    pub async fn add_controller(&self) -> Result<()> {
        let kubeconfig = self.kubeconfig("flynn-operator-controller").await?;
        let identity = crate::unique("controller");
        let launch = Launch::new("controller", kubeconfig).args([
            "--identity",
            &identity,
            "--health-address=127.0.0.1:0",
            "--lease-duration-seconds=5",
        ]);
        let mut controller = Operator::start(&launch, self.bed.folder()).await?;
        controller.wait_ready().await?;
        self.controllers().push((identity, controller));
        Ok(())
    }

    /// Kills the controller that leads (SIGKILL), and starts another one, which is not the leader at first.
    ///
    /// # Errors
    /// When none leads.
    pub async fn kill_leader(&self) -> Result<()> {
        let leader = self.leader().await?;
        let controller = {
            let mut controllers = self.controllers();
            let position = controllers.iter().position(|(identity, _)| *identity == leader);
            controllers.remove(position.with_context(|| format!("{leader} does not run"))?).1
        };
        controller.kill9()?;
        self.add_controller().await
    }

    /// The identity of the controller that leads.
    ///
    /// # Errors
    /// When there is no Lease.
    pub async fn leader(&self) -> Result<String> {
        self.bed.kubectl(SYSTEM).field("lease/flynn-operator", ".spec.holderIdentity").await
    }

    /// Sends a signal to a controller, and returns the address of its probes.
    ///
    /// # Errors
    /// When it does not run.
    pub fn signal(&self, controller: &str, signal: Signal) -> Result<SocketAddr> {
        let controllers = self.controllers();
        let found = controllers.iter().find(|(identity, _)| identity == controller);
        let (_, operator) = found.with_context(|| format!("{controller} does not run"))?;
        operator.process().signal(signal)?;
        Ok(operator.listening().health)
    }

    /// The logs and outputs of the operator's processes.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn written(&self) -> Result<Vec<PathBuf>> {
        let entries = std::fs::read_dir(self.bed.folder())?;
        let paths = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
        let ours = |path: &PathBuf| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.starts_with("controller-") || name.starts_with("node-") || name.starts_with("plan-")
        };
        Ok(paths
            .into_iter()
            .filter(ours)
            .filter(|path| path.extension().is_some_and(|end| end != "kubeconfig"))
            .collect())
    }

    /// A kubeconfig of one of the operator's own ServiceAccounts.
    ///
    /// # Errors
    /// When there is no such ServiceAccount.
    pub async fn kubeconfig(&self, account: &str) -> Result<PathBuf> {
        self.bed.control_plane().kubeconfig_for(SYSTEM, account, None).await
    }

    fn controllers(&self) -> MutexGuard<'_, Vec<(String, Operator)>> {
        self.controllers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Applies what `flynn-operator manifests` writes, as a person does. The embedded API has what of it is needed there.
pub(crate) async fn apply_installation(bed: &TestBed) -> Result<()> {
    definitions::apply(bed).await?;
    let folder = bed.folder().join("install");
    let launch = Launch::new("manifests", bed.control_plane().kubeconfig())
        .args(["--output".as_ref(), folder.as_os_str()]);
    let (status, said) = Operator::run_to_end(&launch, bed.folder()).await?;
    ensure!(status.success(), "flynn-operator manifests: {status}: {said}");
    bed.kubectl(SYSTEM).ok(&["apply", "-k", &folder.display().to_string()]).await.map(drop)
}
