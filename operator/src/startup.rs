//! What has to be there before a role can begin: an API server that answers, our custom resources on it, free ports.
//!
//! In come a kubeconfig and addresses; out go a client and listeners, or one sentence that says what to do. Nothing is
//! written, and nothing is waited for: who starts the process starts it again.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crds::names::GROUP;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use router::Addresses;
use tokio::net::TcpListener;
use tokio::time::timeout;

use crate::health;
use crate::reason::{of_status, root_cause};
use crate::reconcile;
use crate::stdout::print_line;

/// How long the API server may take for the first answer.
const PATIENCE: Duration = Duration::from_secs(15);
const CONNECT: Duration = Duration::from_secs(10);

/// Why a role cannot begin, or go on. Each is one sentence for the person who started it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// No kubeconfig, or a damaged one.
    #[error("there is no usable kubeconfig ({0}): name one with --kubeconfig or in the variable KUBECONFIG")]
    Kubeconfig(String),
    /// Nothing answers there.
    #[error(
        "the Kubernetes API at {server} does not answer ({cause}): check it with `kubectl cluster-info`, or name another \
         kubeconfig with --kubeconfig or in the variable KUBECONFIG"
    )]
    Unreachable {
        /// The URL.
        server: String,
        /// The innermost cause.
        cause: String,
    },
    /// It answers and refuses.
    #[error(
        "the Kubernetes API at {server} refuses the credentials of the kubeconfig ({message}): renew them"
    )]
    Unauthorized {
        /// The URL.
        server: String,
        /// Its words.
        message: String,
    },
    /// Ours are missing.
    #[error(
        "the custom resources of {GROUP} are not installed on {server} (missing: {}): run `kubectl apply -k \
         manifests/install`, or `flynn-operator manifests | kubectl apply -f -`",
        .missing.join(", ")
    )]
    NotInstalled {
        /// The URL.
        server: String,
        /// Their plural names.
        missing: Vec<String>,
    },
    /// The role's permissions are not what it needs.
    #[error(
        "the Kubernetes API does not permit what this role needs ({0}): grant it with `kubectl apply -k \
         manifests/install`"
    )]
    Denied(String),
    /// The port of the probes.
    #[error(
        "{address} cannot be listened on ({cause}): stop what uses it, or choose another with --health-address"
    )]
    Health {
        /// The address.
        address: SocketAddr,
        /// The system's words.
        cause: io::Error,
    },
    /// The ports of the traffic; the router says what to do.
    #[error("the router cannot start")]
    Router(#[from] router::StartError),
    /// The system refused to let us handle signals.
    #[error("signals cannot be handled ({0}): this is a limit of the system that runs the process")]
    Signals(io::Error),
    /// A bug of ours.
    #[error("a part of the process ended unexpectedly: its log says why, and a restart is safe")]
    Ended,
}

impl From<reconcile::Error> for Error {
    fn from(error: reconcile::Error) -> Self {
        match error {
            reconcile::Error::Denied { kind: _, message } => Self::Denied(message),
            reconcile::Error::Ended => Self::Ended,
        }
    }
}

/// A client of the API server that the kubeconfig names, which has answered once and has our custom resources.
pub(crate) async fn connect(kubeconfig: Option<&Path>) -> Result<Client, Error> {
    let mut config = configuration(kubeconfig).await?;
    config.connect_timeout = Some(CONNECT);
    let server = config.cluster_url.to_string();
    let client = Client::try_from(config).map_err(|error| Error::Kubeconfig(root_cause(&error)))?;
    let answer = async {
        client.apiserver_version().await?;
        client.list_api_group_resources(&format!("{GROUP}/v1alpha1")).await
    };
    let served = match timeout(PATIENCE, answer).await {
        Ok(Ok(resources)) => resources.resources.into_iter().map(|resource| resource.name).collect(),
        Ok(Err(kube::Error::Api(status))) if status.code == 404 => Vec::new(),
        Ok(Err(kube::Error::Api(status))) if status.code == 401 || status.is_forbidden() => {
            return Err(Error::Unauthorized { server, message: of_status(&status) });
        }
        Ok(Err(error)) => return Err(Error::Unreachable { server, cause: root_cause(&error) }),
        Err(_) => return Err(Error::Unreachable { server, cause: format!("no answer in {PATIENCE:?}") }),
    };
    match missing(&served) {
        missing if missing.is_empty() => Ok(client),
        missing => Err(Error::NotInstalled { server, missing }),
    }
}

async fn configuration(kubeconfig: Option<&Path>) -> Result<Config, Error> {
    let Some(path) = kubeconfig.map(PathBuf::from) else {
        return Config::infer().await.map_err(|error| Error::Kubeconfig(error.to_string()));
    };
    let unusable = |error: kube::config::KubeconfigError| Error::Kubeconfig(error.to_string());
    let file = Kubeconfig::read_from(path).map_err(unusable)?;
    Config::from_custom_kubeconfig(file, &KubeConfigOptions::default()).await.map_err(unusable)
}

/// Our custom resources that are not among those `served`.
fn missing(served: &[String]) -> Vec<String> {
    let ours = crds::all().into_iter().map(|crd| crd.spec.names.plural);
    ours.filter(|plural| !served.contains(plural)).collect()
}

/// Opens the listener of the probes, and tells where it is.
pub(crate) fn listen_for_probes(
    address: SocketAddr,
    shared: bool,
) -> Result<(TcpListener, SocketAddr), Error> {
    let listener = health::listen(address, shared);
    let bound = listener.and_then(|listener| Ok((listener.local_addr()?, listener)));
    match bound {
        Ok((address, listener)) => Ok((listener, address)),
        Err(cause) => Err(Error::Health { address, cause }),
    }
}

/// Where a process listens, as one line on standard output for whoever started it with port 0.
pub(crate) fn announce(Addresses { http, https, admin, .. }: &Addresses, health: SocketAddr) {
    let mut line = serde_json::json!({ "event": "listening", "health": health });
    if let Some(fields) = line.as_object_mut() {
        for (name, address) in [("http", http), ("https", https), ("admin", admin)] {
            fields.extend(address.map(|address| (name.to_owned(), address.to_string().into())));
        }
    }
    print_line(&line.to_string());
}

/// Lets the process open as many files and sockets as the system allows it: the router needs two for each request.
pub(crate) fn raise_open_files() {
    if let Err(error) = router::raise_open_files() {
        tracing::warn!(%error, "the number of open files cannot be raised");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_custom_resource_that_is_not_served_is_named() {
        let served =
            ["apps", "routes", "clusters", "blobstores", "routernodes", "routes/status"].map(String::from);
        assert_eq!(missing(&served), ["certificates"]);
    }

    #[tokio::test]
    async fn an_api_server_that_does_not_answer_is_named_with_the_next_step() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kubeconfig");
        let text = r#"{"apiVersion": "v1", "kind": "Config", "current-context": "a",
            "clusters": [{"name": "a", "cluster": {"server": "http://127.0.0.1:1"}}],
            "users": [{"name": "a", "user": {}}],
            "contexts": [{"name": "a", "context": {"cluster": "a", "user": "a"}}]}"#;
        std::fs::write(&path, text).unwrap();
        let Err(error) = connect(Some(&path)).await else { panic!("nothing listens on port 1") };
        let sentence = error.to_string();
        assert!(sentence.contains("http://127.0.0.1:1") && sentence.contains("refused"), "{sentence}");
        assert!(sentence.contains("kubectl cluster-info"), "{sentence}");
    }

    #[tokio::test]
    async fn a_kubeconfig_that_is_not_there_is_told() {
        let Err(error) = connect(Some(Path::new("/nonexistent/kubeconfig"))).await else {
            panic!("it is not there")
        };
        assert!(error.to_string().contains("/nonexistent/kubeconfig"), "{error}");
    }
}
