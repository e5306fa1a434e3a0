//! Blobstores of this machine: the orders with `local` come in; folders are served, Secrets written, and what was found goes to the planner.
//!
//! ```text
//! StorageOrders --> keeper.rs --> shelf.rs: the folder of each, and the keys that open it
//!                       |  '----> secret.rs --> effects/credentials.rs
//!                       '--StorageReport--> planner
//! ```
//!
//! The server is the platform's and not the keeper's: it listens from the first Blobstore on, and until the processes of the Apps have ended. The
//! buckets of S3 are `storage.rs`.

mod keeper;
mod secret;
mod shelf;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use blobstore::{Access, Server, StartError};
use plan::ObjectKey;
use tokio::sync::Mutex;

pub(crate) use keeper::{Keeper, run};

/// Where this machine keeps and serves objects.
#[derive(Debug)]
pub(crate) struct LocalStorage {
    folder: PathBuf,
    port: u16,
    /// Nothing as long as there was no Blobstore: a port that somebody else has is then nobody's trouble.
    server: Mutex<Option<Server>>,
}

impl LocalStorage {
    /// Keeps objects in a data folder; 0 is for any free port.
    pub(crate) fn new(data: &Path, port: u16) -> Self {
        Self { folder: data.join("blobstores"), port, server: Mutex::default() }
    }

    /// The folder of a Blobstore. It has its name, so that another one of that name takes up what was retained.
    fn folder(&self, blobstore: &ObjectKey) -> PathBuf {
        self.folder.join(&blobstore.namespace).join(&blobstore.name)
    }

    /// Listens, if it does not yet, and tells where.
    async fn serve(&self) -> Result<(SocketAddr, Arc<Access>), StartError> {
        let mut server = self.server.lock().await;
        let server = match &mut *server {
            Some(server) => server,
            none => none.insert(Server::start(self.port).await?),
        };
        Ok((server.address(), Arc::clone(server.access())))
    }

    /// Answers what was asked, and serves nothing more.
    pub(crate) async fn stop(&self) {
        if let Some(server) = self.server.lock().await.take() {
            server.stop().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn it_listens_at_one_address_from_the_first_time_on_that_somebody_asks() {
        let storage = LocalStorage::new(Path::new("/nonexistent"), 0);
        let (address, _) = storage.serve().await.unwrap();
        assert!(address.ip().is_loopback());
        assert_eq!(storage.serve().await.unwrap().0, address);
        let rival = LocalStorage::new(Path::new("/nonexistent"), address.port());
        let refused = rival.serve().await.unwrap_err().to_string();
        assert!(refused.contains(&address.port().to_string()), "{refused}");
        storage.stop().await;
        assert_eq!(rival.serve().await.unwrap().0, address, "whoever had the port has gone");
    }
}
