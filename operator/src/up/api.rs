//! The embedded API of a data folder: opened, served, and written into a kubeconfig.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use kube::Client;
use schema::Catalog;
use serde_json::Value;
use standalone::{
    Identity, IdentityError, Limits, Logs, Options, Server, StartError, Token, Users, UsersError, kubeconfig,
    write_private,
};
use store::{OpenError, Store};

use super::{data_folder, store_folder};
use crate::args::ApiArguments;
use crate::reason::root_cause;

/// The name of the administrator.
const ADMIN: &str = "admin";

/// Why the embedded API does not start.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The data folder.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The keys of the API.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// The users.
    #[error("{}", causes(.0))]
    Users(#[from] UsersError),
    /// A file of the data folder.
    #[error("{} cannot be written ({cause}): mend its permissions, or choose another folder with --data-dir", .path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// The system's words.
        cause: io::Error,
    },
    /// The address.
    #[error("the embedded API does not start: {}", causes(.0))]
    Start(#[from] StartError),
}

/// A running embedded API.
pub(super) struct Embedded {
    server: Server,
    folder: PathBuf,
    kubeconfig: PathBuf,
}

impl Embedded {
    /// Serves what is in the data folder. When this returns, clients can connect.
    pub(super) async fn start(arguments: &ApiArguments, logs: Arc<dyn Logs>) -> Result<Self, super::Error> {
        let folder = data_folder(&arguments.data)?;
        Ok(Self::open(folder, arguments, logs).await?)
    }

    async fn open(folder: PathBuf, arguments: &ApiArguments, logs: Arc<dyn Logs>) -> Result<Self, Error> {
        let catalog = Arc::new(Catalog::new());
        let store = Store::open(&store_folder(&folder))?;
        let token = folder.join("token");
        let token = Token::load_or_create(&token).map_err(|cause| Error::File { path: token, cause })?;
        let names = [arguments.api_address.to_string()];
        let identity = Identity::load_or_create(&folder.join("tls"), &names)?;
        let users = Arc::new(Users::new(Arc::clone(&catalog), &token, arguments.users.clone())?);
        let ca = identity.ca_pem().to_owned();
        let listen = SocketAddr::new(arguments.api_address, arguments.api_port);
        let audit = arguments.audit_log.clone();
        let options = Options { listen, catalog, identity, users, audit, limits: Limits::default() };
        let server = Server::start(options, store, logs).await?;
        let path = super::kubeconfig(&folder);
        let text = kubeconfig(&url(server.address()), &ca, ADMIN, &token);
        if !is_current(&path, &text) {
            write_private(&path, &text).map_err(|cause| Error::File { path: path.clone(), cause })?;
        }
        Ok(Self { server, folder, kubeconfig: path })
    }

    /// A client with the administrator's rights, which does not leave the process.
    pub(super) fn client(&self) -> Client {
        Client::new(self.server.in_process(), "default")
    }

    pub(super) fn url(&self) -> String {
        url(self.server.address())
    }

    /// The administrator's.
    pub(super) fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// The data folder.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(super) async fn stop(self) {
        self.server.stop().await;
    }
}

/// Whether the kubeconfig that is there reaches the API as the new one would. Then it is left as it is, with the namespace that somebody
/// set in it.
fn is_current(path: &Path, new: &str) -> bool {
    let access = |text: &str| {
        let config: Value = serde_saphyr::from_str(text).ok()?;
        Some((config["clusters"].clone(), config["users"].clone()))
    };
    let there = std::fs::read_to_string(path).ok().and_then(|text| access(&text));
    there.is_some() && there == access(new)
}

/// Where clients of this machine find it: what listens on every address is asked on loopback.
fn url(mut address: SocketAddr) -> String {
    if address.ip().is_unspecified() {
        address.set_ip(match address {
            SocketAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
        });
    }
    format!("https://{address}")
}

/// An error that has a cause, with it.
fn causes(error: &(dyn std::error::Error + 'static)) -> String {
    match error.source() {
        Some(_) => format!("{error} ({})", root_cause(error)),
        None => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_api_that_listens_everywhere_is_asked_on_loopback() {
        assert_eq!(url("0.0.0.0:6443".parse().unwrap()), "https://127.0.0.1:6443");
        assert_eq!(url("[::]:6443".parse().unwrap()), "https://[::1]:6443");
        assert_eq!(url("10.0.0.7:1".parse().unwrap()), "https://10.0.0.7:1");
    }
}
