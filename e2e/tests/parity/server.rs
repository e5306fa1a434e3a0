//! A server under comparison, whichever it is: a kubeconfig comes in, and what is needed to ask it goes out.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use kube::config::Kubeconfig;
use serde_json::Value;

/// Where a server is, and its administrator.
#[derive(Debug, Clone)]
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) url: String,
    /// The name that its certificate is checked for; none: its address.
    pub(crate) tls_name: Option<String>,
    pub(crate) authority: String,
    pub(crate) token: String,
    /// Where each topic has a folder for its files.
    pub(crate) folder: PathBuf,
    kubeconfig: Value,
}

impl Server {
    pub(crate) fn new(kubeconfig: &Path, folder: &Path) -> Result<Self> {
        let config = serde_json::to_value(Kubeconfig::read_from(kubeconfig)?)?;
        let text = |pointer: &str| {
            let value = config.pointer(pointer).and_then(Value::as_str);
            value.map(str::to_owned).with_context(|| format!("{}: no {pointer}", kubeconfig.display()))
        };
        let url = text("/clusters/0/cluster/server")?;
        let address = url.trim_start_matches("https://").parse().with_context(|| url.clone())?;
        let authority = BASE64_STANDARD.decode(text("/clusters/0/cluster/certificate-authority-data")?)?;
        Ok(Self {
            address,
            tls_name: text("/clusters/0/cluster/tls-server-name").ok(),
            authority: String::from_utf8(authority)?,
            token: text("/users/0/user/token")?,
            folder: folder.to_owned(),
            url,
            kubeconfig: config,
        })
    }

    /// Writes a kubeconfig whose namespace this is.
    pub(crate) fn write_kubeconfig(&self, path: &Path, namespace: &str) -> Result<()> {
        let mut config = self.kubeconfig.clone();
        config["contexts"][0]["context"]["namespace"] = namespace.into();
        std::fs::write(path, config.to_string())?;
        Ok(())
    }
}
