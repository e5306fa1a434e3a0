//! Kubeconfig files: a server and a token come in, a file that only its owner may read goes out.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::{Context, Result};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use serde_json::json;

/// The name in the API server's certificate that every kubeconfig asks for, whatever the address is.
pub const SERVER_NAME: &str = "kubernetes.default.svc";

/// What a kubeconfig says.
#[derive(Debug, Clone, Copy)]
pub struct Access<'a> {
    /// The URL of the API server, or of a proxy in front of it.
    pub server: &'a str,
    /// The authority that signed the API server's certificate, as PEM.
    pub authority: &'a str,
    /// The bearer token.
    pub token: &'a str,
    /// The namespace of a request that names none.
    pub namespace: &'a str,
}

impl Access<'_> {
    /// Writes the file, with mode 0600.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, path: &Path) -> Result<()> {
        let config = json!({
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "e2e", "cluster": {
                "server": self.server,
                "certificate-authority-data": BASE64_STANDARD.encode(self.authority),
                "tls-server-name": SERVER_NAME,
            }}],
            "users": [{"name": "e2e", "user": {"token": self.token}}],
            "contexts": [{"name": "e2e", "context": {"cluster": "e2e", "user": "e2e", "namespace": self.namespace}}],
            "current-context": "e2e",
        });
        write_private(path, &format!("{config:#}\n"))
    }
}

/// Writes a file with mode 0600.
///
/// # Errors
/// When it cannot be written.
pub fn write_private(path: &Path, text: &str) -> Result<()> {
    let file = OpenOptions::new().create(true).write(true).truncate(true).mode(0o600).open(path);
    let mut file = file.with_context(|| format!("write {}", path.display()))?;
    Ok(file.write_all(text.as_bytes())?)
}

/// A client as that kubeconfig says. It belongs to the async runtime in which it was made, and ends with it.
///
/// # Errors
/// When the file is not a kubeconfig.
pub async fn client(kubeconfig: &Path) -> Result<Client> {
    let config = Kubeconfig::read_from(kubeconfig)?;
    let config = Config::from_custom_kubeconfig(config, &KubeConfigOptions::default()).await?;
    Ok(Client::try_from(config)?)
}
