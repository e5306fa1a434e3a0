//! The two servers: nothing comes in, a real control plane and the embedded API go out, both with our kinds and with
//! Pods that are played, and with nobody else who writes.

use std::env;
use std::fs::{create_dir_all, write};
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use e2e::pki::{Authority, Leaf};
use e2e::{ControlPlane, Embedded, Kubectl, Pods, tools};
use serde_json::json;
use tempfile::TempDir;

use crate::server::Server;

pub(crate) struct Servers {
    real: Option<(Server, ControlPlane, Pods)>,
    embedded: Option<(Server, Embedded, Pods)>,
    /// Dropped, and so removed, after those who write in it.
    _folder: TempDir,
}

impl Servers {
    /// Starts both, or the one that `PARITY_SERVERS` names.
    pub(crate) async fn start() -> Result<Self> {
        let builds = tools::build_folder()?.with_file_name("tmp");
        create_dir_all(&builds)?;
        let temporary = tempfile::Builder::new().prefix("parity-").tempdir_in(builds)?;
        let folder = temporary.path();
        let wanted = env::var("PARITY_SERVERS").ok();
        let wanted = |name: &str| wanted.as_ref().is_none_or(|only| only == name);
        let (mut real, mut embedded) = (None, None);
        let pair = Authority::new("site")?.sign(&["www.site.com"])?;
        if wanted("real") {
            real = Some(start_real(new(folder.join("real"), &pair)?).await.context("start the real API")?);
        }
        if wanted("embedded") {
            embedded = Some(
                start_embedded(new(folder.join("embedded"), &pair)?)
                    .await
                    .context("start the embedded API")?,
            );
        }
        ensure!(real.is_some() || embedded.is_some(), "PARITY_SERVERS is real or embedded");
        Ok(Self { real, embedded, _folder: temporary })
    }

    /// The real one first.
    pub(crate) fn under_comparison(&self) -> impl Iterator<Item = &Server> {
        let real = self.real.iter().map(|(server, ..)| server);
        real.chain(self.embedded.iter().map(|(server, ..)| server))
    }
}

async fn start_real(folder: PathBuf) -> Result<(Server, ControlPlane, Pods)> {
    let plane = ControlPlane::start(&folder).await?;
    let kubectl = Kubectl::new(tools::kubectl().await?, plane.kubeconfig(), "default");
    let definitions = folder.join("definitions.json");
    write(&definitions, json!({"apiVersion": "v1", "kind": "List", "items": crds::all()}).to_string())?;
    let definitions = definitions.display().to_string();
    kubectl.ok(&["apply", "--server-side", "-f", &definitions]).await?;
    kubectl.ok(&["wait", "--for=condition=Established", "-f", &definitions, "--timeout=30s"]).await?;
    let pods = Pods::start(&plane.client().await?).await?;
    Ok((Server::new(&plane.kubeconfig(), &folder)?, plane, pods))
}

async fn start_embedded(folder: PathBuf) -> Result<(Server, Embedded, Pods)> {
    let embedded = Embedded::start(&folder).await?;
    let pods = Pods::start(&embedded.client().await?).await?;
    Ok((Server::new(embedded.kubeconfig(), &folder)?, embedded, pods))
}

/// A new folder, empty but for a certificate and its key, `site`.
fn new(folder: PathBuf, pair: &Leaf) -> Result<PathBuf> {
    create_dir_all(&folder)?;
    pair.write(&folder, "site")?;
    Ok(folder)
}
