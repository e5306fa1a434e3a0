//! Everything that runs: the API, the controllers of workloads, the processes, the controller, the router.
//!
//! In come the arguments; out go addresses and a client. What starts last ends first: the router drains while the processes
//! still answer, and the API is there until nobody writes to it any more.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use kube::Client;
use kubelet::Kubelet;
use plan::Platform;
use prometheus_client::registry::Registry;
use router::{Addresses, Options};
use router_config::Listen;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;

use super::api::Embedded;
use super::say::Event;
use super::{Error, processes};
use crate::args::UpArguments;
use crate::controller::Controller;
use crate::inspect;
use crate::local_storage::LocalStorage;
use crate::node::{self, Node};
use crate::shutdown::Shutdown;
use crate::startup;

/// The name of this machine's Node and RouterNode.
const NODE: &str = "localhost";

/// The controllers of workloads.
pub(super) struct Workloads(JoinHandle<Infallible>);

impl Workloads {
    pub(super) fn start(client: Client) -> Self {
        Self(tokio::spawn(workloads::run(client, workloads::Options::default())))
    }

    pub(super) async fn stop(self) {
        self.0.abort();
        // It was told to end, and leaves nothing behind.
        let _ = self.0.await;
    }
}

/// A role of the operator.
struct Role {
    stop: watch::Sender<bool>,
    task: JoinHandle<Result<(), startup::Error>>,
}

impl Role {
    async fn stop(self) -> Result<(), Error> {
        self.stop.send_replace(true);
        match self.task.await {
            Ok(outcome) => Ok(outcome?),
            Err(_) => Err(startup::Error::Ended.into()),
        }
    }
}

/// The running platform of this machine.
pub(super) struct Machine {
    api: Embedded,
    addresses: Addresses,
    workloads: Workloads,
    kubelet: Kubelet,
    storage: Arc<LocalStorage>,
    controller: Role,
    node: Role,
    failures: watch::Receiver<bool>,
}

impl Machine {
    /// Starts everything, and returns once the router listens.
    pub(super) async fn start(arguments: &UpArguments, listen: Listen) -> Result<Self, Error> {
        let logs = processes::logs();
        let api = Embedded::start(&arguments.api, logs.clone()).await?;
        let client = api.client();
        let workloads = Workloads::start(client.clone());
        let kubelet = processes::start(client.clone(), NODE, api.folder(), arguments.manifests.as_deref())?;
        logs.provide(kubelet.logs());
        let (failed, failures) = watch::channel(false);
        let storage = Arc::new(LocalStorage::new(api.folder(), arguments.blobstore_port));
        let controller = controller(client.clone(), Arc::clone(&storage), failed.clone());
        let (node, listening) = router(client, arguments, listen, api.folder(), failed);
        let api_folder = api.folder().to_owned();
        let machine =
            |addresses| Self { api, addresses, workloads, kubelet, storage, controller, node, failures };
        match listening.await {
            Ok(addresses) => {
                keep_address(api_folder.as_path(), &addresses);
                Ok(machine(addresses))
            }
            // It ended before it listened, and says why at its end.
            Err(_) => machine(Addresses::default()).stop().await.and(Err(startup::Error::Ended.into())),
        }
    }

    pub(super) fn client(&self) -> Client {
        self.api.client()
    }

    pub(super) fn folder(&self) -> &Path {
        self.api.folder()
    }

    pub(super) fn listening(&self) -> Event {
        let text = |address: Option<SocketAddr>| address.map(|address| address.to_string());
        Event::Listening {
            kubeconfig: self.api.kubeconfig().to_owned(),
            server: self.api.url(),
            http: text(self.addresses.http),
            https: text(self.addresses.https),
            admin: text(self.addresses.admin),
        }
    }

    /// A URL of the platform, with the port of this machine where it is not the scheme's own.
    pub(super) fn with_port(&self, url: &str) -> String {
        let (address, usual) =
            if url.starts_with("https:") { (self.addresses.https, 443) } else { (self.addresses.http, 80) };
        match address.map(|address| address.port()).filter(|port| *port != usual) {
            Some(port) => format!("{url}:{port}"),
            None => url.to_owned(),
        }
    }

    /// Waits until a role has ended that nobody asked to; `stop` tells why.
    pub(super) async fn failed(&self) {
        if self.failures.clone().wait_for(|failed| *failed).await.is_err() {
            // Both have ended as they were asked to.
            std::future::pending::<()>().await;
        }
    }

    /// Ends everything, in order.
    pub(super) async fn stop(self) -> Result<(), Error> {
        let Self { api, addresses: _, workloads, kubelet, storage, controller, node, failures: _ } = self;
        let node = node.stop().await;
        let controller = controller.stop().await;
        kubelet.stop().await;
        // What an App has to store when it is asked to end, it stores.
        storage.stop().await;
        workloads.stop().await;
        api.stop().await;
        node.and(controller)
    }
}

/// Writes where the admin API is, for `routes` and `trace`. Without it they have to be told.
fn keep_address(data: &Path, addresses: &Addresses) {
    let Some(admin) = addresses.admin else { return };
    if let Err(error) = std::fs::write(inspect::address_file(data), format!("{admin}\n")) {
        tracing::warn!(%error, "the address of the admin API is not kept");
    }
}

fn controller(client: Client, storage: Arc<LocalStorage>, failed: watch::Sender<bool>) -> Role {
    let (stop, mut shutdown) = Shutdown::told();
    let task = tokio::spawn(async move {
        let mut registry = Registry::default();
        let controller = Controller::start(client, NODE, Platform::Standalone, &mut registry);
        let controller = controller.with_local_storage(storage);
        let outcome = controller.work(None, &watch::Sender::new(false), &mut shutdown).await;
        failed.send_replace(outcome.is_err());
        outcome
    });
    Role { stop, task }
}

fn router(
    client: Client,
    arguments: &UpArguments,
    listen: Listen,
    data: &Path,
    failed: watch::Sender<bool>,
) -> (Role, oneshot::Receiver<Addresses>) {
    let (stop, mut shutdown) = Shutdown::told();
    let (listening, addresses) = oneshot::channel();
    let settings = node::Settings {
        options: Options {
            access_log: arguments.logging.access_log(Some(data.join("access.log"))),
            ..node::router_options(arguments.workers, false, arguments.listening.max_connections)
        },
        listen,
        name: NODE.to_owned(),
        addresses: Vec::new(),
        drain: Duration::from_secs(arguments.drain_seconds),
    };
    let task = tokio::spawn(async move {
        let mut registry = Registry::default();
        let node = Node::start(client, &mut registry);
        let told = |addresses| {
            // Nobody waits for it any more if the start was given up.
            let _ = listening.send(addresses);
        };
        let outcome = node.serve(settings, told, &watch::Sender::new(false), &mut shutdown).await;
        failed.send_replace(outcome.is_err());
        outcome
    });
    (Role { stop, task }, addresses)
}
