//! A real Kubernetes control plane: a folder comes in; etcd, kube-apiserver and kube-controller-manager run on loopback.
//!
//! It is as strict as a production one in what the suite proves: RBAC decides, ServiceAccount tokens are real, and
//! OwnerReferencesPermissionEnforcement is on. There is no scheduler and no kubelet: [`Pods`](crate::Pods) plays them.
//! Nodes do not expire, since nobody sends their heartbeats.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Error, Result, ensure};
use k8s_openapi::api::authentication::v1::{TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::ServiceAccount;
use kube::Client;
use kube::api::{Api, PostParams};
use kube::client::Body;

use crate::components::Components;
use crate::etcd::{self, Etcd};
use crate::kubeconfig::{self, Access, SERVER_NAME};
use crate::pki::{Authority, write_signing_key};
use crate::process::Process;
use crate::{eventually, ports, tools, unique};

/// How long the control plane may take to get ready.
const PATIENCE: Duration = Duration::from_secs(120);

const ADMIN_TOKEN: &str = "e2e-admin";

/// A running control plane; it ends when it is dropped.
#[derive(Debug)]
pub struct ControlPlane {
    dir: PathBuf,
    binary: PathBuf,
    address: SocketAddr,
    authority: Authority,
    processes: Mutex<Processes>,
}

/// Dropped in the order in which they end.
#[derive(Debug)]
struct Processes {
    controller_manager: Option<Process>,
    api_server: Option<Process>,
    etcd: Etcd,
}

impl ControlPlane {
    /// Starts all three components, with everything that they write in `dir`, and waits until they are ready.
    ///
    /// # Errors
    /// When one of them does not start; the error shows the end of its log.
    pub async fn start(dir: &Path) -> Result<Self> {
        let binary = tools::control_plane().await?;
        let authority = Authority::new("e2e")?;
        authority.sign(&["127.0.0.1", "localhost", SERVER_NAME])?.write(dir, "api-server")?;
        write_signing_key(dir, "service-accounts")?;
        std::fs::write(dir.join("authority.crt"), authority.pem())?;
        std::fs::write(dir.join("tokens.csv"), format!("{ADMIN_TOKEN},admin,admin,system:masters\n"))?;
        let etcd = Etcd::start(Components { binary: &binary, dir })?;
        let processes = Processes { controller_manager: None, api_server: None, etcd };
        let plane = Self {
            dir: dir.to_owned(),
            binary,
            address: ports::free()?,
            authority,
            processes: Mutex::new(processes),
        };
        plane.access(&plane.url(), ADMIN_TOKEN, "default").write(&plane.kubeconfig())?;
        plane.start_api_server().await?;
        plane.start_controller_manager().await?;
        Ok(plane)
    }

    /// The URL of the API server.
    #[must_use]
    pub fn url(&self) -> String {
        format!("https://{}", self.address)
    }

    /// The address of the API server, for a [`Proxy`](crate::Proxy) in front of it.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.address
    }

    /// The kubeconfig of an administrator.
    #[must_use]
    pub fn kubeconfig(&self) -> PathBuf {
        self.dir.join("admin.kubeconfig")
    }

    /// An administrator's client. It belongs to the async runtime in which it was made, and ends with it.
    ///
    /// # Errors
    /// When the kubeconfig is damaged.
    pub async fn client(&self) -> Result<Client> {
        kubeconfig::client(&self.kubeconfig()).await
    }

    /// A token of a ServiceAccount, valid for a week.
    ///
    /// # Errors
    /// When there is no such ServiceAccount.
    pub async fn token(&self, namespace: &str, service_account: &str) -> Result<String> {
        let accounts: Api<ServiceAccount> = Api::namespaced(self.client().await?, namespace);
        let spec = TokenRequestSpec { expiration_seconds: Some(7 * 24 * 3600), ..Default::default() };
        let request = TokenRequest { spec: Some(spec), ..Default::default() };
        let answer = accounts.create_token_request(service_account, &PostParams::default(), &request).await;
        let answer = answer.with_context(|| format!("a token of {namespace}/{service_account}"))?;
        answer.status.and_then(|status| status.token).context("a TokenRequest without a token")
    }

    /// A new kubeconfig of a ServiceAccount, which goes through `server` if one is given, such as a proxy's URL.
    ///
    /// # Errors
    /// When there is no such ServiceAccount.
    pub async fn kubeconfig_for(
        &self,
        namespace: &str,
        service_account: &str,
        server: Option<&str>,
    ) -> Result<PathBuf> {
        let token = self.token(namespace, service_account).await?;
        let path = self.dir.join(format!("{}.kubeconfig", unique(service_account)));
        self.access(server.unwrap_or(&self.url()), &token, namespace).write(&path)?;
        Ok(path)
    }

    /// Starts the API server, on the same port as before, and waits until it is ready. Does nothing if it runs.
    ///
    /// # Errors
    /// When it does not get ready; the error shows the end of its log.
    pub async fn start_api_server(&self) -> Result<()> {
        {
            let mut processes = self.processes();
            if processes.api_server.is_none() {
                let command = self.components().api_server(self.address.port(), processes.etcd.addr());
                processes.api_server = Some(Process::start("kube-apiserver", command, &self.dir, None)?);
            }
        }
        let client = self.client().await?;
        self.ready("the API server is ready", || async {
            let request = http::Request::get("/readyz").body(Body::empty())?;
            let answer = client.send(request).await?;
            ensure!(answer.status() == http::StatusCode::OK, "/readyz: {}", answer.status());
            Ok(())
        })
        .await
    }

    /// Kills the API server (SIGKILL).
    ///
    /// # Errors
    /// When the system refuses.
    pub fn stop_api_server(&self) -> Result<()> {
        let process = self.processes().api_server.take();
        process.map_or(Ok(()), |mut process| process.kill9())
    }

    /// Kills the API server (SIGKILL), starts it again on the same port and waits until it is ready.
    ///
    /// # Errors
    /// When it does not get ready; the error shows the end of its log.
    pub async fn restart_api_server(&self) -> Result<()> {
        self.stop_api_server()?;
        self.start_api_server().await
    }

    /// Restarts the API server without any history: a watch that was broken by that, and resumes from a version before
    /// the latest one, is answered `410 Gone`. Make a change first, so that the watches' version is not the latest.
    ///
    /// # Errors
    /// When etcd refuses or the API server does not get ready.
    pub async fn forget_history(&self) -> Result<()> {
        self.stop_api_server()?;
        let etcd = self.processes().etcd.addr();
        etcd::compact(etcd).await?;
        self.start_api_server().await
    }

    async fn start_controller_manager(&self) -> Result<()> {
        let process = Process::start(
            "kube-controller-manager",
            self.components().controller_manager(),
            &self.dir,
            None,
        )?;
        self.processes().controller_manager = Some(process);
        let accounts: Api<ServiceAccount> = Api::default_namespaced(self.client().await?);
        self.ready("the controllers work", || async {
            accounts.get("default").await.map(drop).map_err(Into::into)
        })
        .await
    }

    /// Waits for `check`, but gives up as soon as one of the processes ends.
    async fn ready<F>(&self, what: &str, check: impl Fn() -> F) -> Result<()>
    where
        F: Future<Output = Result<()>>,
    {
        let ended = eventually(what, PATIENCE, || async {
            match self.ended() {
                Some(ended) => Ok(Some(ended)),
                None => check().await.map(|()| None),
            }
        });
        match ended.await.with_context(|| self.processes().tails())? {
            Some(ended) => Err(ended),
            None => Ok(()),
        }
    }

    fn ended(&self) -> Option<Error> {
        self.processes().check().err()
    }

    fn components(&self) -> Components<'_> {
        Components { binary: &self.binary, dir: &self.dir }
    }

    fn access<'a>(&'a self, server: &'a str, token: &'a str, namespace: &'a str) -> Access<'a> {
        Access { server, authority: self.authority.pem(), token, namespace }
    }

    fn processes(&self) -> MutexGuard<'_, Processes> {
        self.processes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Processes {
    fn check(&mut self) -> Result<()> {
        self.etcd.check()?;
        let mut others = self.api_server.iter_mut().chain(&mut self.controller_manager);
        others.try_for_each(Process::check)
    }

    fn tails(&self) -> String {
        let tails: Vec<_> =
            self.api_server.iter().chain(&self.controller_manager).map(Process::tail).collect();
        tails.join("\n")
    }
}
