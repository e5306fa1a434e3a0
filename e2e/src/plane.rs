//! The Kubernetes API under test: a real control plane, or with `E2E_API=embedded` the embedded one.
//!
//! Every behaviour of the suite runs on both. What only one of them has, says so: [`Plane::is_embedded`].

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::Result;
use kube::Client;

use crate::{ControlPlane, Embedded};

/// Which API the suite runs on.
const VARIABLE: &str = "E2E_API";

/// A running API; it ends when it is dropped.
#[derive(Debug)]
pub enum Plane {
    /// etcd, kube-apiserver and kube-controller-manager.
    Real(Box<ControlPlane>),
    /// `flynn-operator api`.
    Embedded(Box<Embedded>),
}

impl Plane {
    /// Whether the suite was asked to run on the embedded API.
    #[must_use]
    pub fn embedded_is_asked_for() -> bool {
        std::env::var_os(VARIABLE).is_some_and(|value| value == "embedded")
    }

    /// Starts the one that was asked for, with everything that it writes in `dir`.
    ///
    /// # Errors
    /// When it does not start; the error shows the end of its log.
    pub async fn start(dir: &Path) -> Result<Self> {
        Ok(match Self::embedded_is_asked_for() {
            true => Self::Embedded(Box::new(Embedded::start(dir).await?)),
            false => Self::Real(Box::new(ControlPlane::start(dir).await?)),
        })
    }

    /// Whether it is the embedded one, which has neither ServiceAccounts nor RBAC objects.
    #[must_use]
    pub fn is_embedded(&self) -> bool {
        matches!(self, Self::Embedded(_))
    }

    /// Whether a behaviour cannot be there because this API lacks `what`; says so, so that a skipped test is seen.
    #[must_use]
    pub fn lacks(&self, what: &str) -> bool {
        if self.is_embedded() {
            eprintln!("skipped: the embedded API has no {what}");
        }
        self.is_embedded()
    }

    /// Its address, for a [`Proxy`](crate::Proxy) in front of it.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        match self {
            Self::Real(plane) => plane.addr(),
            Self::Embedded(api) => api.addr(),
        }
    }

    /// The kubeconfig of an administrator.
    #[must_use]
    pub fn kubeconfig(&self) -> PathBuf {
        match self {
            Self::Real(plane) => plane.kubeconfig(),
            Self::Embedded(api) => api.kubeconfig().to_owned(),
        }
    }

    /// An administrator's client. It belongs to the async runtime in which it was made, and ends with it.
    ///
    /// # Errors
    /// When the kubeconfig is damaged.
    pub async fn client(&self) -> Result<Client> {
        crate::kubeconfig::client(&self.kubeconfig()).await
    }

    /// A new kubeconfig of a ServiceAccount, or of whoever stands for it, which goes through `server` if one is given.
    ///
    /// # Errors
    /// When there is no such ServiceAccount.
    pub async fn kubeconfig_for(
        &self,
        namespace: &str,
        account: &str,
        server: Option<&str>,
    ) -> Result<PathBuf> {
        match self {
            Self::Real(plane) => plane.kubeconfig_for(namespace, account, server).await,
            Self::Embedded(api) => api.kubeconfig_for(namespace, account, server).await,
        }
    }

    /// Kills the API server (SIGKILL).
    ///
    /// # Errors
    /// When the system refuses.
    pub fn stop_api_server(&self) -> Result<()> {
        match self {
            Self::Real(plane) => plane.stop_api_server(),
            Self::Embedded(api) => api.kill(),
        }
    }

    /// Starts the API server, on the same port as before, and waits until it is ready. Does nothing if it runs.
    ///
    /// # Errors
    /// When it does not get ready.
    pub async fn start_api_server(&self) -> Result<()> {
        match self {
            Self::Real(plane) => plane.start_api_server().await,
            Self::Embedded(api) => api.start_again().await,
        }
    }

    /// Kills the API server (SIGKILL), starts it again on the same port and waits until it is ready.
    ///
    /// # Errors
    /// When it does not get ready.
    pub async fn restart_api_server(&self) -> Result<()> {
        self.stop_api_server()?;
        self.start_api_server().await
    }

    /// Restarts the API server without any history: a watch that was broken by that, and resumes from a version before
    /// the latest one, is answered `410 Gone`. The embedded API keeps none over a restart.
    ///
    /// # Errors
    /// When it does not get ready.
    pub async fn forget_history(&self) -> Result<()> {
        match self {
            Self::Real(plane) => plane.forget_history().await,
            Self::Embedded(_) => self.restart_api_server().await,
        }
    }
}
