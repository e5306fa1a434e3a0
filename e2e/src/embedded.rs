//! The embedded API as a process of its own: a folder comes in, a kubeconfig of its administrator goes out.
//!
//! It has the controllers of Deployments, ReplicaSets, EndpointSlices and owner references, and no kubelet: the suite plays
//! the Pods, as it does on a real control plane. It has no ServiceAccounts: who would be one is a user of its users file.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use http_body_util::BodyExt;
use kube::Client;
use kube::client::Body;
use kube::config::Kubeconfig;
use serde::Deserialize;
use serde_json::json;

use crate::process::Process;
use crate::{eventually, kubeconfig, ports, tools, unique};

/// How long it may take until it listens.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running embedded API; it ends when it is dropped.
#[derive(Debug)]
pub struct Embedded {
    dir: PathBuf,
    address: SocketAddr,
    kubeconfig: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    process: Option<Process>,
    users: Vec<serde_json::Value>,
}

/// The line that it prints when it listens.
#[derive(Deserialize)]
struct Listening {
    kubeconfig: PathBuf,
}

impl Embedded {
    /// Starts it, with its data and its log in `dir`, and waits until it listens.
    ///
    /// # Errors
    /// When it does not; the error shows the end of its log.
    pub async fn start(dir: &Path) -> Result<Self> {
        let mut embedded = Self {
            dir: dir.to_owned(),
            address: ports::free()?,
            kubeconfig: PathBuf::new(),
            state: Mutex::new(State { process: None, users: Vec::new() }),
        };
        embedded.write_users()?;
        embedded.kubeconfig = embedded.launch().await?;
        Ok(embedded)
    }

    /// The kubeconfig of an administrator.
    #[must_use]
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// The address that it listens on.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.address
    }

    /// An administrator's client. It belongs to the async runtime in which it was made, and ends with it.
    ///
    /// # Errors
    /// When the kubeconfig is damaged.
    pub async fn client(&self) -> Result<Client> {
        kubeconfig::client(&self.kubeconfig).await
    }

    /// A new kubeconfig of somebody who may do everything in a namespace, or everywhere if it is the operator's own, and
    /// who goes through `server` if one is given, such as a proxy's URL.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn kubeconfig_for(&self, namespace: &str, name: &str, server: Option<&str>) -> Result<PathBuf> {
        let token = unique("token-of-an-account");
        let role = match namespace {
            crate::platform::SYSTEM => json!({"role": "all"}),
            namespace => json!({"role": "namespace", "namespaces": [namespace]}),
        };
        let mut user = json!({"name": unique(name), "token": token});
        if let (Some(user), Some(role)) = (user.as_object_mut(), role.as_object()) {
            user.extend(role.clone());
        }
        self.state().users.push(user);
        self.write_users()?;
        let mut config = Kubeconfig::read_from(&self.kubeconfig)?;
        for cluster in config.clusters.iter_mut().filter_map(|named| named.cluster.as_mut()) {
            cluster.server = server.map_or_else(|| cluster.server.clone(), |server| Some(server.to_owned()));
        }
        for auth in config.auth_infos.iter_mut().filter_map(|named| named.auth_info.as_mut()) {
            auth.token = Some(token.clone().into());
        }
        let path = self.dir.join(format!("{}.kubeconfig", unique(name)));
        std::fs::write(&path, serde_json::to_string(&config)?)?;
        eventually("the new user is known", PATIENCE, || self.knows(&token)).await?;
        Ok(path)
    }

    /// Kills it (SIGKILL).
    ///
    /// # Errors
    /// When the system refuses.
    pub fn kill(&self) -> Result<()> {
        let process = self.state().process.take();
        process.map_or(Ok(()), |mut process| process.kill9())
    }

    /// Starts it again on the same port, with the same data, and waits until it listens. Does nothing if it runs.
    ///
    /// # Errors
    /// When it does not listen.
    pub async fn start_again(&self) -> Result<()> {
        if self.state().process.is_some() { Ok(()) } else { self.launch().await.map(drop) }
    }

    async fn launch(&self) -> Result<PathBuf> {
        let mut command = Command::new(tools::operator()?);
        command.arg("api").arg("--data-dir").arg(self.dir.join("data"));
        command.arg(format!("--api-port={}", self.address.port()));
        command.arg("--users").arg(self.users()).arg("--output=json");
        let events = self.dir.join(format!("{}.json", unique("events")));
        let process = Process::start("embedded", command, &self.dir, Some(&events))?;
        self.state().process = Some(process);
        let listening = eventually("the embedded API listens", PATIENCE, || {
            let line = match &mut self.state().process {
                Some(process) => process.check().and_then(|()| listening(&events)),
                None => Err(anyhow::anyhow!("it was killed")),
            };
            async move { line }
        });
        let tail = || self.state().process.as_ref().map(Process::tail).unwrap_or_default();
        Ok(listening.await.with_context(tail)?.kubeconfig)
    }

    fn users(&self) -> PathBuf {
        self.dir.join("users.yaml")
    }

    fn write_users(&self) -> Result<()> {
        let text = json!({"users": self.state().users}).to_string();
        let next = self.dir.join(unique("users"));
        kubeconfig::write_private(&next, &text)?;
        Ok(std::fs::rename(next, self.users())?)
    }

    async fn knows(&self, token: &str) -> Result<()> {
        let mut config = Kubeconfig::read_from(&self.kubeconfig)?;
        for auth in config.auth_infos.iter_mut().filter_map(|named| named.auth_info.as_mut()) {
            auth.token = Some(token.to_owned().into());
        }
        let options = kube::config::KubeConfigOptions::default();
        let config = kube::Config::from_custom_kubeconfig(config, &options).await?;
        let request = http::Request::get("/version").body(Body::empty())?;
        let answer = Client::try_from(config)?.send(request).await?;
        let status = answer.status();
        answer.into_body().collect().await?;
        ensure!(status == http::StatusCode::OK, "{status}");
        Ok(())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn listening(events: &Path) -> Result<Listening> {
    let printed = std::fs::read_to_string(events)?;
    let line = printed.lines().find(|line| line.contains(r#""listening""#));
    Ok(serde_json::from_str(line.context("it has not said that it listens")?)?)
}
